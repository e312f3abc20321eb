"""A small shop with klarna-order-worker in Python 3.9 or newer, without packages: python3 shop.py
Copy `worker`, `signed_in` and `checkout` into your shop, and what you need of the sign-in. The rest is pages to try them."""
import base64, errno, hashlib, hmac, html, http.cookies, http.server, json, os, pathlib, secrets, signal, socket, sys, time, urllib.error, urllib.parse, urllib.request

URL = os.environ.get("KLARNA_WORKER_URL", "http://127.0.0.1:8080")
KEY = os.environ.get("KLARNA_WORKER_API_KEY", "")
MERCHANT = os.environ.get("KLARNA_WORKER_MERCHANT", "shop")  # the merchant's section in the worker's settings
PORT = int(os.environ.get("PORT", 3000))
SHOP = os.environ.get("SHOP_URL", f"http://127.0.0.1:{PORT}")  # as browsers and Klarna reach this shop
# Klarna's pushes go to the worker, at its address in the internet, with the merchant's push_secret.
PUSH = os.environ.get("PUSH_URL", f"{URL}/v1/push/{MERCHANT}/sandbox-push-secret-of-this-machine")
LOGIN = os.environ.get("KLARNA_LOGIN_URL", "http://127.0.0.1:8090/eu/lp/idp")  # the sandbox
CLIENT_ID = os.environ.get("KLARNA_CLIENT_ID", "sandbox-client")
CLIENT_SECRET = os.environ.get("KLARNA_CLIENT_SECRET")  # of a confidential client
SCOPE = os.environ.get("KLARNA_SCOPE", "openid offline_access payment:request:create profile:name profile:email profile:billing_address")
SESSIONS = {}
# SHOP_USER makes every visitor this customer: for tests of a sign-in that your shop has itself.


def worker(method, path, body=None, **headers):
    headers |= {"content-type": "application/json", **({"authorization": f"Bearer {KEY}"} if KEY else {})}
    request = urllib.request.Request(URL + path, body and json.dumps(body).encode(), headers, method=method)
    for tries in (2, 1, 0):
        try:
            with urllib.request.urlopen(request, timeout=40) as answer:  # must be longer than the wait below
                return json.loads(answer.read() or "null")
        except OSError as error:  # refused with a status, or not reached
            status, after = getattr(error, "code", None), getattr(error, "headers", {}).get("retry-after")
            error.text = f"{method} {URL}{path}: {error} {error.read().decode() if status else ''}"  # It says what is wrong.
            if status not in (503, None) or isinstance(error, (TimeoutError, socket.timeout)) or not tries:
                raise
            time.sleep(min(int(after or 1), 2))  # Not now, or not reached: the same request can be sent again.


# Call this after each sign-in. From now on the worker keeps the refresh token. Do not store it or use it yourself.
def signed_in(user, refresh_token):
    worker("PUT", f"/v1/merchants/{MERCHANT}/users/{urllib.parse.quote(user, safe='')}/token", {"refresh_token": refresh_token})


def checkout(user, cart, body):
    """Call this for the checkout page. It submits the cart's order, and changes the order after the cart was changed.
    The cart's id is the idempotency key, so loading the page twice does not order twice."""
    if (state := read_all(cart["earlier"])[0]) in ("paid", "unknown"):
        return {"state": state}
    try:
        return present(user, cart, body)
    except urllib.error.HTTPError as error:
        if error.code not in (422, 503):
            raise
        print(error.text, file=sys.stderr)
        if error.code == 422 and not cart["order"]:
            renew(cart)  # The same idempotency key with another order would be refused.
        return {"state": "wait" if error.code == 503 else "failed"}


def read_all(ids):
    """Reads orders of one cart at Klarna. Another window may still show one from before a sign-in, and take its payment."""
    states, paid = set(), []
    for order_id in filter(None, ids):
        try:
            order = worker("GET", f"/v1/orders/{order_id}?refresh=true")
            phase = order.get("session", {}).get("phase", "open")
            states.add("unknown" if phase == "open" and order.get("refresh_error") else phase)
            paid += [order] if phase == "completed" else []
        except OSError as error:
            print(error.text, file=sys.stderr)
            states.add("open" if getattr(error, "code", None) == 404 else "unknown")  # 404: It was deleted.
    return "paid" if paid else next((state for state in ("unknown", "open") if state in states), "ended"), paid


def present(user, cart, body):
    order = None
    try:
        # A changed cart is sent below. An unchanged one is read at Klarna: its order may have ended there.
        order = cart["order"] and worker("GET", f"/v1/orders/{cart['order']}{'?refresh=true' if cart['sent'] == body else ''}")
    except urllib.error.HTTPError as error:
        if error.code != 404:
            raise
        renew(cart)  # The order was deleted.
    if not (is_known := order is not None):
        order = worker("POST", "/v1/orders", {"merchant": MERCHANT, "user": user, "order": body}, **{"idempotency-key": cart["id"]})
        cart.update(order=order["id"], sent=body)
    if order["status"] in ("queued", "running"):
        order = worker("GET", f"/v1/orders/{order['id']}?wait=25s")
    if order["status"] == "submitted" and cart["sent"] != body:
        try:
            order = worker("PUT", f"/v1/orders/{order['id']}", {"order": body}, **{"if-match": f'"{order["version"]}"'})
            cart["sent"] = body
        except urllib.error.HTTPError as error:
            if error.code not in (409, 412):  # It is paid, has ended, or was changed in another window.
                raise
            order = worker("GET", f"/v1/orders/{order['id']}?refresh=true")
            is_paid = order.get("refresh_error") or order.get("session", {}).get("phase") == "completed"  # or perhaps
            if "urn:klarna-order-worker:problem:body-gone" in error.text and not is_paid:
                return present(user, renew(cart, keep=True), body)  # The order is too old to be changed.
    if order["status"] == "submitted" and not order.get("html_snippet"):
        order = worker("GET", f"/v1/orders/{order['id']}?refresh=true")
    phase = order.get("session", {}).get("phase")
    if phase == "completed":
        return {"state": "paid"}
    is_open = order.get("html_snippet") and phase != "ended"
    sign_in = order.get("token") in ("not_registered", "reauth_required")  # a sign-in would help
    if is_open and cart["sent"] == body:
        return {"state": "open", "html": order["html_snippet"], "signIn": sign_in}
    if is_open or order["status"] in ("queued", "running"):
        return {"state": "wait"}
    if is_known and order["status"] == "submitted" and order.get("refresh_error") and phase != "ended":
        return {"state": "unknown"}  # It is perhaps paid.
    renew(cart)  # It can no longer be paid, and a new order follows; or it failed or was cancelled: the next visit makes a new one.
    return present(user, cart, body) if is_known and order["status"] == "submitted" else {"state": "failed"}


def sign_in_address(session, next_page):
    """The sign-in by OpenID Connect: first to Klarna's page, and back to /callback with a code."""
    session["next"] = next_page if next_page in ("/checkout", "/app") else "/"  # where the shopper goes on
    started = session["sign_in"] = {name: secrets.token_urlsafe(48) for name in ("state", "nonce", "verifier")}
    challenge = base64.urlsafe_b64encode(hashlib.sha256(started["verifier"].encode()).digest()).rstrip(b"=").decode()
    return f"{LOGIN}/oauth2/auth?" + urllib.parse.urlencode({
        "response_type": "code", "client_id": CLIENT_ID, "redirect_uri": f"{SHOP}/callback", "scope": SCOPE,
        "state": started["state"], "nonce": started["nonce"], "code_challenge": challenge, "code_challenge_method": "S256"})


def finish_sign_in(session, query):
    started = session.pop("sign_in", None)  # Each is accepted once.
    if not started or not hmac.compare_digest(query.get("state", "").encode(), started["state"].encode()):
        return "This sign-in was not started here."
    if not query.get("code"):
        return "You are not signed in."  # The shopper declined.
    form = {"grant_type": "authorization_code", "code": query["code"], "redirect_uri": f"{SHOP}/callback",
            "client_id": CLIENT_ID, "code_verifier": started["verifier"], **({"client_secret": CLIENT_SECRET} if CLIENT_SECRET else {})}
    with urllib.request.urlopen(f"{LOGIN}/oauth2/token", urllib.parse.urlencode(form).encode(), timeout=20) as answer:
        tokens = json.load(answer)
    # The id_token comes from Klarna directly, so its signature need not be checked (OpenID Connect Core 3.1.3.7).
    claims = json.loads(base64.urlsafe_b64decode(tokens["id_token"].split(".")[1] + "=="))
    issuers = (LOGIN, "{0.scheme}://{0.netloc}".format(urllib.parse.urlsplit(LOGIN)))
    audience = claims["aud"] if isinstance(claims["aud"], list) else [claims["aud"]]
    genuine = claims["iss"] in issuers and CLIENT_ID in audience and claims.get("nonce") == started["nonce"]
    if not genuine or claims["exp"] < time.time():
        raise ValueError("not an id_token for this shop")
    user = claims["sub"]  # Your shop: the id of the customer who has this `sub`, or of a new one.
    signed_in(user, tokens["refresh_token"])
    name = " ".join(filter(None, map(claims.get, ("given_name", "family_name")))) or user
    session.update(user=user, name=name)  # Not before the token is stored: if it is lost, the sign-in must be repeated.
    begin_anew(session)

# Replace this with your shop's sessions and carts.
def renew(cart, keep=False):
    earlier = [cart["order"]] if keep and cart["order"] else []  # Another window may still show it.
    cart.update(id=secrets.token_urlsafe(), order=None, sent=None, earlier=earlier + cart["earlier"])
    return cart

def new_cart(): return renew({"quantity": 5, "earlier": []})
def perhaps_paid(session): return session["cart"]["order"] and session["cart"]["order"] == session.get("returned")  # Klarna sent the shopper to /thanks.
def begin_anew(session): return perhaps_paid(session) or renew(session["cart"], keep=True)  # after a sign-in: a guest's order has no access token

def order_of(cart):
    total, tax = cart["quantity"] * 10_000, cart["quantity"] * 2_000  # 100 SEK each, 25 % of it tax on 80 SEK
    line = {"name": "T-shirt", "quantity": cart["quantity"], "unit_price": 10_000, "tax_rate": 2500, "total_amount": total, "total_tax_amount": tax}
    return {
        "purchase_country": "SE", "purchase_currency": "SEK", "locale": "sv-SE", "order_amount": total, "order_tax_amount": tax, "order_lines": [line],
        "merchant_urls": {"terms": f"{SHOP}/terms", "checkout": f"{SHOP}/checkout", "confirmation": f"{SHOP}/thanks", "push": PUSH + "?klarna_order_id={checkout.order.id}"}}

def set_quantity(cart, quantity):
    cart["quantity"] = quantity if isinstance(quantity, int) and 1 <= quantity <= 99 else cart["quantity"]
    if not cart["order"]:
        renew(cart)  # The same idempotency key with another order would be refused.

def page(title, body):
    return f"""<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title><link rel="icon" href="data:,">
<nav><a href="/">Shop</a> <a href="/cart">Cart</a></nav><h1>{title}</h1>{body}</html>"""

def sign_in_link(next_page="/", text="Sign in with Klarna"): return f'<a href="/sign-in?next={next_page}">{text}</a>'
def unsigned(text): return page("Sign-in", f'<p>{text} {sign_in_link()}, or go on without: <a href="/cart">to the cart</a></p>')
def again(text, session):
    return UNCONFIRMED if perhaps_paid(session) else page("Checkout", f'<p>{text} <a href="/checkout">Try again</a>, or pay another way.</p>')

# Klarna sent the shopper to /thanks, who has perhaps paid: never offer another payment then, on no page.
UNCONFIRMED = page("Payment", '<p>Klarna has your order, and it is being confirmed. Please do not pay again. <a href="/thanks">Look again</a></p>')
UNPAID = page("Payment", '<p>This order was not paid, and can no longer be paid. <a href="/cart">To the cart</a></p>')
FAILURES = {"/callback": unsigned("The sign-in failed."), "/thanks": UNCONFIRMED}  # if somebody does not answer

def answer_to(request, session, query, text):
    """A status and a page, an address to go to, or JSON."""
    cart = session["cart"]
    if request == "GET /":
        name, user = map(html.escape, (session.get("name", ""), session["user"]))
        signed = f'You are signed in as {name}. The service calls you <code>{user}</code>.</p><p>{sign_in_link(text="Sign in again")}'
        return 200, page("T-shirts", f"""<p>{signed if name else sign_in_link()}</p><p>A T-shirt costs 100 SEK. <a href="/cart">To the cart</a></p>
<div id="klarna-sign-in" data-state="{session['state']}"></div>""")  # where Klarna's Web SDK puts its button, if you use it
    if request == "GET /sign-in":
        return 303, sign_in_address(session, query.get("next"))
    if request == "GET /callback":
        refused = finish_sign_in(session, query)
        return (403, unsigned(refused)) if refused else (303, session["next"])
    # From the Web SDK's `signin` event, for a customer whom your shop knows. For others, verify the `id_token`, and use its `sub`.
    if request == "POST /klarna/signed-in":
        sent = json.loads(text)
        if not hmac.compare_digest(str(sent["state"]).encode(), session["state"].encode()):
            return 403, "This sign-in was not started here."
        signed_in(session["user"], sent["refresh_token"])
        begin_anew(session)
        return 204, ""
    if request == "GET /cart":
        return 200, page("Cart", f"""<form method="post"><label>T-shirts
<input name="quantity" type="number" min="1" max="99" value="{cart['quantity']}"></label> <button>Change</button>
<p>{cart['quantity'] * 100}.00 SEK. <button name="next" value="/checkout">To the checkout</button></p></form>""")
    if request == "POST /cart":
        form = dict(urllib.parse.parse_qsl(text))
        set_quantity(cart, int(form["quantity"]) if form.get("quantity", "").isdecimal() else None)
        return 303, "/checkout" if form.get("next") == "/checkout" else "/cart"
    if request == "GET /checkout":
        found = checkout(session["user"], cart, order_of(cart))
        if found["state"] == "open":  # The snippet as a whole: it has a script.
            return 200, page("Checkout", f"<p>{sign_in_link('/checkout')}</p>" * found["signIn"] + found["html"] + '<p>The same in a <a href="/app">single-page app</a></p>')
        return {"paid": (303, "/thanks"), "unknown": (303, "/thanks"), "wait": (202, again("Your order is not ready yet.", session)),
                "failed": (502, again("Klarna does not take this order.", session))}[found["state"]]
    if request == "GET /thanks":
        cart = cart if cart["order"] or cart["earlier"] else session.get("paid")
        if not cart:
            return 404, page("Thank you", "<p>There is no order yet.</p>")
        session["returned"] = cart["order"]
        state, paid = read_all([cart["order"], *cart["earlier"]])
        if state != "paid":
            return 200, UNPAID if state == "ended" else UNCONFIRMED
        if cart is session["cart"]:
            session.update(paid=cart, cart=new_cart())
        texts = [f"Paid: {order['session']['order_amount'] / 100:.2f} {order['session']['purchase_currency']}, "
                 f"Klarna's order {order['klarna_order_id']}." for order in paid]
        if len(paid) > 1:  # Your shop refunds one.
            texts.append("This cart was paid twice: one of these payments is to be refunded.")
            print(*texts, file=sys.stderr)
        return 200, page("Thank you", f'<p id="paid">{" ".join(texts)}</p>' + paid[0].get("html_snippet", ""))
    if request == "GET /terms":
        return 200, page("Terms", "<p>This shop sells nothing.</p>")
    if request == "GET /app":
        return 200, pathlib.Path(__file__).with_name("app.html").read_text(encoding="utf-8")
    if request in ("GET /api/checkout", "POST /api/cart"):  # of the single-page app
        if text:
            set_quantity(cart, json.loads(text)["quantity"])
        found = checkout(session["user"], cart, order_of(cart))
        return 200, {"quantity": cart["quantity"], **found, **({"state": "unknown"} if found["state"] == "failed" and perhaps_paid(session) else {})}
    return 404, page("Not found", "<p>There is no such page.</p>")

class Shop(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        cookie = http.cookies.SimpleCookie(self.headers["cookie"]).get("sid")
        sid = cookie.value if cookie and cookie.value in SESSIONS else secrets.token_urlsafe()
        session = SESSIONS.setdefault(sid, {"user": os.environ.get("SHOP_USER", f"guest-{secrets.token_urlsafe()}"), "state": secrets.token_urlsafe(), "cart": new_cart()})
        path, _, query = self.path.partition("?")
        text = self.rfile.read(int(self.headers["content-length"] or 0)).decode()
        # Cookies belong to one name: somebody who came to localhost goes on at 127.0.0.1, where Klarna leads back to.
        elsewhere = "SHOP_URL" not in os.environ and self.headers["host"] != urllib.parse.urlsplit(SHOP).netloc
        request, values = f"{self.command} {path}", dict(urllib.parse.parse_qsl(query))
        try:
            status, content = (303, SHOP + self.path) if elsewhere else answer_to(request, session, values, text)
        except (OSError, ValueError, KeyError, TypeError, AttributeError, http.client.HTTPException) as error:
            print(getattr(error, "text", f"{request}: {error!r} {getattr(error, 'read', str)()}"), file=sys.stderr)
            status, content = 502, FAILURES.get(path) or again("Klarna is not available at the moment.", session)
        self.send_response(status)
        self.send_header("set-cookie", f"sid={sid}; {'Secure; ' if SHOP.startswith('https:') else ''}HttpOnly; SameSite=Lax; Path=/")
        self.send_header("cache-control", "no-store")  # "Back" must not show a frame of an earlier order.
        is_json = isinstance(content, dict)
        self.send_header(*(("location", content) if status == 303 else ("content-type", "application/json" if is_json else "text/html; charset=utf-8")))
        self.end_headers()
        self.wfile.write((json.dumps(content) if is_json else content if status not in (204, 303) else "").encode())
    do_POST = do_GET


try:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", PORT), Shop)
except OSError as error:
    sys.exit(f"Port {PORT} is taken, perhaps by another shop. End that, or set PORT to another one." if error.errno == errno.EADDRINUSE else error)
print(f"The shop is at {SHOP}/", flush=True)
try:  # Say at the start what would go wrong with the first shopper.
    worker("GET", "/v1/orders?limit=1")
except OSError as error:
    print("The service refuses this API key: set KLARNA_WORKER_API_KEY." * (getattr(error, "code", None) in (401, 403)), error.text, file=sys.stderr)
signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C ends it without a traceback.
server.serve_forever()
