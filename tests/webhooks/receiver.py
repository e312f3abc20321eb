"""A shop's endpoint in another language: fails every other request or so, and verifies each with the reference library.

    receiver.py SECRET SEED    prints its URL, then a line of JSON for each request
"""

import json
import random
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer

from standardwebhooks import Webhook

verifier, chance = Webhook(sys.argv[1]), random.Random(int(sys.argv[2]))


class Endpoint(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        # Raises where signature or time are wrong.
        event = verifier.verify(body, {name.lower(): value for name, value in self.headers.items()})
        takes = chance.random() < 0.5
        self.send_response(204 if takes else 500)
        self.end_headers()
        print(json.dumps({"id": self.headers["webhook-id"], "type": event["type"], "taken": takes}), flush=True)

    def log_message(self, *_):
        pass


server = HTTPServer(("127.0.0.1", 0), Endpoint)
print(f"http://127.0.0.1:{server.server_port}/", flush=True)
server.serve_forever()
