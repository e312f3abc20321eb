"""A shop's webhook endpoint that answers what a file says.

    receiver.py PORT FILE    FILE holds a status
"""

import pathlib
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Endpoint(BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(int(pathlib.Path(sys.argv[2]).read_text()))
        self.end_headers()

    def log_message(self, *_):
        pass


ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Endpoint).serve_forever()
