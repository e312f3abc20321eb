"""A shop's side of klarna-order-worker in Python 3.9 or newer, without packages: python3 shop.py
Copy `worker`, `signed_in` and `checkout` into your shop. The rest is a small server to try them with."""
import hmac, http.server, json, os, sys, urllib.error, urllib.parse, urllib.request, uuid

URL = os.environ.get("KLARNA_WORKER_URL", "http://127.0.0.1:8080")
KEY = os.environ.get("KLARNA_WORKER_KEY", "")
MERCHANT = "shop"  # the merchant's section in the worker's settings

def worker(method, path, body=None, **headers):
    headers |= {"authorization": f"Bearer {KEY}", "content-type": "application/json"}
    request = urllib.request.Request(URL + path, body and json.dumps(body).encode(), headers, method=method)
    with urllib.request.urlopen(request, timeout=40) as answer:  # must be longer than the wait below
        return json.loads(answer.read() or "null")

def signed_in(user, refresh_token):
    """Call this after each sign-in. From now on the worker keeps the refresh token. Do not store it or use it yourself."""
    path = f"/v1/merchants/{MERCHANT}/users/{urllib.parse.quote(user, safe='')}/token"
    worker("PUT", path, {"refresh_token": refresh_token})

def checkout(user, cart):
    """Call this on the checkout page. The cart's id is the idempotency key, so reloading the page does not order twice."""
    body = {"merchant": MERCHANT, "user": user, "order": cart["order"]}
    order = worker("POST", "/v1/orders", body, **{"idempotency-key": cart["id"]})
    settled = order["status"] in ("submitted", "failed", "cancelled")
    return order if settled else worker("GET", f"/v1/orders/{order['id']}?wait=25s")

# Replace this with your shop's session, cart and anti-forgery token.
LINE = dict(name="T-shirt", quantity=5, unit_price=10000, tax_rate=2500, total_amount=50000, total_tax_amount=10000)
ORDER = dict(purchase_country="SE", purchase_currency="SEK", locale="sv-SE", order_amount=50000, order_tax_amount=10000, order_lines=[LINE])
SESSION = dict(user=os.environ.get("SHOP_USER", "alma"), state=str(uuid.uuid4()), cart=dict(id=str(uuid.uuid4()), order=ORDER))

class Shop(http.server.BaseHTTPRequestHandler):
    def answer(self):
        if (self.command, self.path) == ("GET", "/"):
            return 200, f'<div id="klarna-sign-in" data-state="{SESSION["state"]}"></div>'
        if (self.command, self.path) == ("POST", "/klarna/signed-in"):  # what the page posts from Klarna's `signin` event
            sent = json.loads(self.rfile.read(int(self.headers["content-length"])))
            if not hmac.compare_digest(str(sent["state"]), SESSION["state"]):
                return 403, "This sign-in was not started here."
            return 204, signed_in(SESSION["user"], sent["refresh_token"]) or ""
        if self.path != "/checkout":
            return 404, "Not found."
        order = checkout(SESSION["user"], SESSION["cart"])
        if order.get("session", {}).get("phase") == "completed":
            return 200, "Thank you. Your order is paid."
        if order["status"] == "submitted":
            return 200, order["html_snippet"]
        if order["status"] in ("queued", "running"):
            return 202, "Your order is not ready yet. <a href>Try again</a>, or pay another way."
        SESSION["cart"]["id"] = str(uuid.uuid4())  # The order failed or was cancelled: the next visit makes a new one.
        return 502, "Klarna does not take this order. Please pay another way."

    def do_GET(self):
        try:
            status, text = self.answer()
        except (OSError, ValueError, KeyError) as error:  # the body of the worker's answer says what is wrong
            print(error, error.read() if isinstance(error, urllib.error.HTTPError) else "", file=sys.stderr)
            status, text = 502, "Klarna is not available at the moment. Please pay another way."
        self.send_response(status)
        self.send_header("content-type", "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write(text.encode())
    do_POST = do_GET

http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("PORT", 3000))), Shop).serve_forever()
