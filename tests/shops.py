"""What tests/shops.sh does in the browser: a shopper signs in, changes the cart, pays, and sees that it is paid. The service
or the sandbox may be away meanwhile."""

import base64
import os
import pathlib
import re
import signal
import subprocess
import sys
import time
import urllib.request

from browser import ELEMENT, PATIENCE, Browser, call

DRIVER, SANDBOX, API, NAME, SHOP = sys.argv[1:]
BASIC = {"authorization": "Basic " + base64.b64encode(b"sandbox:sandbox").decode()}
SHOPPER = f"{NAME} & Test"  # the name at Klarna
COMMANDS = {"serve": ["serve"], "sandbox": ["sandbox", "--bind", SANDBOX.removeprefix("http://")]}
PROBES = {"serve": f"{API}/readyz", "sandbox": f"{SANDBOX}/stats"}


def answers(url):
    try:
        return urllib.request.urlopen(url, timeout=5).status == 200
    except OSError:
        return False


def wait_until(what, is_true, patience=60):
    deadline = time.monotonic() + patience
    while not is_true():
        assert time.monotonic() < deadline, f"not within {patience} s: {what}"
        time.sleep(0.1)


def stop(name):
    """Stops the service or the sandbox, in the folder of tests/shops.sh."""
    pid = int(pathlib.Path(f"{name}.pid").read_text())
    os.kill(pid, signal.SIGTERM)

    def is_gone():
        try:
            os.waitpid(pid, os.WNOHANG)  # one that was started here
        except ChildProcessError:
            pass
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        # The shell has not taken note of its end yet.
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"

    wait_until(f"{name} has ended", is_gone)


def start(name):
    with open(f"{name}.log", "ab") as log:
        process = subprocess.Popen([os.environ["PROGRAM"], *COMMANDS[name]], stdout=log, stderr=log)
    pathlib.Path(f"{name}.pid").write_text(f"{process.pid}\n")
    wait_until(f"{name} answers", lambda: answers(PROBES[name]))


def press(browser, text):
    found = "return [...document.querySelectorAll('a, button')].find(e => e.textContent.trim() === arguments[0])"
    element = browser.until(f"something to press that says {text!r}", found, text)
    browser.do(f"/element/{element[ELEMENT]}/click", {})


def in_frame(browser, text):
    """Waits until the checkout's frame shows the text, and stays in the frame."""
    deadline = time.monotonic() + PATIENCE
    while True:
        browser.do("/frame", {"id": None})
        frame = browser.until("the checkout's frame", "return document.querySelector('iframe')")
        browser.do("/frame", {"id": frame})
        if text in browser.text():
            return
        assert time.monotonic() < deadline, f"not seen in the frame: {text}, but {browser.text()}"
        time.sleep(0.05)


def out(browser):
    browser.do("/frame", {"id": None})


def quantity(browser, number, button="To the checkout"):
    browser.go("/cart")
    browser.run(f"document.querySelector('[name=quantity]').value = {number}")
    press(browser, button)


def sign_in(browser, account, decision):
    browser.go("/")
    sign_in_here(browser, account, decision)


def sign_in_here(browser, account, decision="Sign in"):
    press(browser, "Sign in with Klarna")
    browser.sees("offline_access")
    browser.run("document.querySelector('[name=account]').value = arguments[0]", account)
    press(browser, decision)


def at(browser, path):
    browser.until(f"the address {path}", "return location.pathname === arguments[0] && document.readyState === 'complete'", path)


def abort(browser):
    """Ends the order at Klarna. Says which one it was."""
    ended = browser.run("return document.querySelector('#klarna-checkout-container').dataset.orderId")
    call(f"{SANDBOX}/checkout/v3/orders/{ended}/abort", {}, headers=BASIC)
    return ended


def web_sdk(browser):
    """Signs in with the block of docs/shops.md for Klarna's Web SDK, and a stand-in for the SDK."""
    page = (pathlib.Path(__file__).parent.parent / "docs/shops.md").read_text()
    script = re.search(r"<script>(.*?KlarnaSDKCallback.*?)</script>", page, re.DOTALL)[1]
    token = call(f"{SANDBOX}/sandbox/users", {"user": f"{NAME}-sdk"})["refresh_token"]
    browser.do("/cookie", method="DELETE")
    browser.go("/")
    scope = browser.run(script + """
        const on = {};
        const button = (asked) => ({mount: (at) => { window.asked = document.querySelector(at) && asked.scope; }});
        window.KlarnaSDKCallback({Identity: {on: (event, handler) => { on[event] = handler; }, button}});
        on.signin({user_account_linking: {user_account_linking_refresh_token: arguments[0]}});
        return window.asked;""", token)
    assert "offline_access" in scope, scope
    browser.until("the page loaded again", "return window.asked === undefined && document.readyState === 'complete'")
    browser.go("/checkout")
    in_frame(browser, "500.00 SEK")
    out(browser)
    events = [event["event"] for event in call(f"{SANDBOX}/sandbox/record") if event["user"] == f"{NAME}-sdk"]
    assert events == ["signed_in", "presented", "order"], events


def play(browser):
    # It is reached by another name, too.
    browser.do("/url", {"url": SHOP.replace("127.0.0.1", "localhost") + "/"})
    press(browser, "Sign in with Klarna")
    browser.sees("offline_access")
    press(browser, "Sign in")
    browser.sees("You are signed in as Alma Test.")
    browser.do("/cookie", method="DELETE")

    # Each address has a page, and a sign-in that was declined or begun elsewhere is none.
    browser.go("/nothing")
    browser.sees("There is no such page.")
    browser.go("/thanks")
    browser.sees("There is no order yet.")
    sign_in(browser, SHOPPER, "Decline")
    browser.sees("You are not signed in.")
    press(browser, "Sign in with Klarna")
    browser.sees("offline_access")
    browser.go("/callback?code=stolen&state=guessed")
    browser.sees("This sign-in was not started here.")
    browser.complaints()  # of the statuses of these pages
    quantity(browser, 1)
    in_frame(browser, "Klarna does not know this shopper")
    out(browser)
    # A guest who signs in from the checkout comes back there, and is recognised in the same cart.
    sign_in_here(browser, f"{SHOPPER} early")
    at(browser, "/checkout")
    in_frame(browser, f"Recognised as {SHOPPER} early.")
    in_frame(browser, "100.00 SEK")
    out(browser)
    assert "Sign in" not in browser.text(), browser.text()

    browser.do("/cookie", method="DELETE")
    sign_in(browser, SHOPPER, "Sign in")
    browser.sees(f"You are signed in as {SHOPPER}.")
    user = browser.run("return document.querySelector('code').textContent")
    press(browser, "To the cart")
    quantity(browser, 2)
    in_frame(browser, "200.00 SEK")
    # It has the address, and not the phone number, for which the shop did not ask.
    in_frame(browser, f"Recognised as {SHOPPER}.")
    shown = browser.text()
    assert "Karlaplan" in shown and "@sandbox.example" in shown and "+4670" not in shown, shown
    out(browser)
    browser.picture(f"shop-{NAME}-checkout")

    # The cart changes: first with pages of the server, then in the single-page app.
    quantity(browser, 3, "Change")
    browser.sees("300.00 SEK")
    press(browser, "To the checkout")
    in_frame(browser, "300.00 SEK")
    out(browser)
    browser.go("/app")
    in_frame(browser, "300.00 SEK")
    out(browser)
    # The shop cannot be reached: the shopper is told, and can still pay.
    change = "const q = document.querySelector('#quantity'); q.value = 4; q.dispatchEvent(new Event('change'));"
    browser.run("window.there = window.fetch; window.fetch = async () => { throw new TypeError('gone'); };" + change)
    browser.sees("The shop cannot be reached.")
    assert browser.run("const f = document.querySelector('iframe'); return [f.inert, f.style.opacity]") == [False, "1"]
    browser.run("window.fetch = window.there;" + change)
    in_frame(browser, "400.00 SEK")
    press(browser, "Pay")
    out(browser)
    browser.sees("Paid: 400.00 SEK")
    assert browser.path() == "/thanks", browser.path()
    klarna_id = browser.run("return document.querySelector('#paid').textContent.match(/order ([-0-9a-f]+)/)[1]")
    in_frame(browser, "Thank you")
    out(browser)
    browser.picture(f"shop-{NAME}-paid")
    browser.go("/thanks")
    browser.sees("Paid: 400.00 SEK")

    # The next cart is a new order.
    browser.go("/checkout")
    in_frame(browser, "500.00 SEK")
    out(browser)
    complaints = [complaint for complaint in browser.complaints() if "gone" not in complaint]
    assert not complaints, complaints

    # An order that can no longer be paid gives way to a new one: when the cart changes, and when the page is loaded again.
    abort(browser)
    quantity(browser, 6)
    in_frame(browser, "600.00 SEK")
    out(browser)
    ended = abort(browser)
    browser.go("/checkout")
    in_frame(browser, "600.00 SEK")
    out(browser)
    assert abort(browser) != ended
    web_sdk(browser)

    # The push has come to the service, which has acknowledged the order.
    deadline = time.monotonic() + PATIENCE
    seen = []
    while "acknowledged" not in seen:
        assert time.monotonic() < deadline, f"not acknowledged within {PATIENCE} s: {seen}"
        time.sleep(0.2)
        record = call(f"{SANDBOX}/sandbox/record")
        seen = [event["event"] for event in record if klarna_id in (event.get("klarna_id"), event.get("order_id"))]
    assert seen[:3] == ["order", "updated", "updated"] and set(seen[3:]) == {"pushed", "acknowledged"}, seen
    presented = [event["event"] for event in record if event["user"] == SHOPPER]
    assert presented[:3] == ["signed_in", "presented", "order"], presented
    found = call(f"{API}/v1/orders?q={klarna_id}")["orders"]
    assert [(order["status"], order["token"], order["session"]["phase"]) for order in found] == [("submitted", "fresh", "completed")], found
    assert found[0]["user"] == user, found
    # The operators see it, too.
    browser.do("/url", {"url": f"{API}/orders?user={user}"})
    browser.until("the state at Klarna", "return [...document.querySelectorAll('td .badge')].some(e => e.textContent === 'completed')")
    browser.do("/url", {"url": f"{API}/orders/{found[0]['id']}"})
    browser.sees("Its payment was read at Klarna")
    browser.sees("Acknowledged at Klarna")


def pays_while_the_service_is_away(browser):
    """The shopper comes back from Klarna, and the shop cannot ask the service: nobody may ask for another payment."""
    browser.do("/cookie", method="DELETE")
    quantity(browser, 7)
    in_frame(browser, "700.00 SEK")
    stop("serve")
    press(browser, "Pay")
    out(browser)
    browser.sees("Please do not pay again.")
    assert browser.path() == "/thanks", browser.path()
    links = browser.run("return [...document.querySelectorAll('a')].map(e => e.getAttribute('href'))")
    assert "another" not in browser.text() and sorted(links) == ["/", "/cart", "/thanks"], (browser.text(), links)
    browser.go("/checkout")
    browser.sees("Please do not pay again.")
    assert "another" not in browser.text(), browser.text()
    browser.go("/app")
    browser.sees("Please do not pay again.")
    assert "another" not in browser.text(), browser.text()
    press(browser, "Look again")
    browser.sees("Please do not pay again.")
    start("serve")
    # A sign-in does not make the shop forget the order.
    sign_in(browser, f"{SHOPPER} late", "Sign in")
    browser.sees(f"You are signed in as {SHOPPER} late.")
    browser.go("/checkout")
    browser.sees("Paid: 700.00 SEK")


def pays_and_does_not_return(browser):
    """A guest pays, and Klarna's way back to the shop is lost. A sign-in does not make the shop forget the order."""
    browser.do("/cookie", method="DELETE")
    quantity(browser, 8)
    in_frame(browser, "800.00 SEK")
    assert browser.run("return fetch(location.href, {method: 'POST', redirect: 'manual'}).then(a => a.type)") == "opaqueredirect"
    out(browser)
    klarna_id = browser.run("return document.querySelector('#klarna-checkout-container').dataset.orderId")
    orders = call(f"{SANDBOX}/stats")["orders"]["total"]
    account = f"{SHOPPER} lost"
    sign_in(browser, account, "Sign in")
    browser.sees(f"You are signed in as {account}.")
    browser.go("/checkout")
    browser.sees("Paid: 800.00 SEK")
    assert browser.path() == "/thanks" and klarna_id in browser.text(), browser.text()
    assert call(f"{SANDBOX}/stats")["orders"]["total"] == orders
    # The next cart is the shopper's, who signed in.
    browser.go("/checkout")
    in_frame(browser, f"Recognised as {account}.")
    in_frame(browser, "500.00 SEK")
    out(browser)


def two_windows(browser, number):
    """A guest's window at the checkout, and another one in which the shopper signs in and goes on. Returns both."""
    browser.do("/cookie", method="DELETE")
    quantity(browser, number)
    in_frame(browser, "Klarna does not know this shopper")
    out(browser)
    guest = browser.do("/window")
    other = browser.do("/window/new", {"type": "tab"})["handle"]
    to_window(browser, other)
    browser.go("/checkout")
    sign_in_here(browser, f"{SHOPPER} two")
    at(browser, "/checkout")
    in_frame(browser, f"Recognised as {SHOPPER} two.")
    in_frame(browser, f"{number}00.00 SEK")
    out(browser)
    return guest, other


def to_window(browser, handle):
    browser.do("/window", {"handle": handle})


def pays_in_the_window_of_before(browser):
    """A guest's frame is still open after the sign-in in another window: what is paid there is the cart's payment."""
    guest, other = two_windows(browser, 9)
    stop("serve")
    to_window(browser, guest)
    in_frame(browser, "900.00 SEK")
    press(browser, "Pay")
    out(browser)
    browser.sees("Please do not pay again.")
    for path in ("/checkout", "/app"):
        to_window(browser, other)
        browser.go(path)
        browser.sees("Please do not pay again.")
        assert "another" not in browser.text(), browser.text()
    start("serve")
    browser.go("/checkout")
    browser.sees("Paid: 900.00 SEK")
    assert browser.path() == "/thanks" and "twice" not in browser.text(), browser.text()
    to_window(browser, guest)
    browser.go("/thanks")
    browser.sees("Paid: 900.00 SEK")
    browser.go("/checkout")
    in_frame(browser, "500.00 SEK")
    out(browser)
    close_window(browser, other, guest)

    # Both are paid: the shop says so.
    guest, other = two_windows(browser, 3)
    for window in (guest, other):
        to_window(browser, window)
        in_frame(browser, "300.00 SEK")
        press(browser, "Pay")
        out(browser)
        browser.sees("Paid: 300.00 SEK")
        assert ("This cart was paid twice" in browser.text()) == (window == other), browser.text()
    close_window(browser, other, guest)


def close_window(browser, handle, to):
    to_window(browser, handle)
    browser.do("/window", method="DELETE")
    to_window(browser, to)


def is_not_paid_in_the_window_of_before(browser):
    """Klarna Payments: the shop places no order for the guest's session after the sign-in in another window."""
    guest, other = two_windows(browser, 4)
    to_window(browser, guest)
    press(browser, "Pay")
    browser.sees("This cart was paid or changed already")
    to_window(browser, other)
    press(browser, "Pay")
    browser.sees("Paid: Klarna's order ")
    close_window(browser, other, guest)


def signs_in_again(browser):
    """The sandbox forgets its users when it ends, as Klarna does when a user withdraws consent."""
    account = f"{SHOPPER} again"
    browser.do("/cookie", method="DELETE")
    sign_in(browser, account, "Sign in")
    browser.sees(f"You are signed in as {account}.")
    browser.go("/checkout")
    in_frame(browser, f"Recognised as {account}.")
    out(browser)
    stop("sandbox")
    start("sandbox")
    if NAME != "payments":
        browser.go("/thanks")
        browser.sees("This order was not paid, and can no longer be paid.")
    browser.go("/checkout")
    in_frame(browser, "Klarna does not know this shopper")
    out(browser)
    if NAME != "payments":
        browser.go("/app")
        in_frame(browser, "Klarna does not know this shopper")
        out(browser)
    sign_in_here(browser, account)
    at(browser, "/checkout" if NAME == "payments" else "/app")
    in_frame(browser, f"Recognised as {account}.")
    # The service has the signing keys of the sandbox of before, and fetches the new ones at once.
    assert NAME == "payments" or "Karlaplan" in browser.text(), browser.text()
    out(browser)


def is_told_that_klarna_refuses(browser):
    """The session on the page is not known any more: the shopper is told, and stays on the page."""
    browser.go("/checkout")
    in_frame(browser, "500.00 SEK")
    out(browser)
    stop("sandbox")
    start("sandbox")
    press(browser, "Pay")
    browser.sees("Klarna did not approve the payment.")


def pay_by_payments(browser):
    sign_in(browser, SHOPPER, "Sign in")
    browser.sees(f"You are signed in as {SHOPPER}.")
    quantity(browser, 3)
    in_frame(browser, f"Recognised as {SHOPPER}.")
    quantity(browser, 5)
    in_frame(browser, "500.00 SEK")
    out(browser)
    session = call(f"{API}/v1/orders?merchant=shop")["orders"][0]
    press(browser, "Pay")
    browser.sees("Paid: Klarna's order ")
    assert browser.path() == "/thanks", browser.path()
    klarna_id = browser.text().split()[-1].rstrip(".")
    paid = call(f"{SANDBOX}/ordermanagement/v1/orders/{klarna_id}", headers=BASIC)
    assert (paid["status"], paid["order_amount"]) == ("AUTHORIZED", 50000), paid
    read = call(f"{API}/v1/orders/{session['id']}?refresh=true")
    assert (read["target"], read["session"]["phase"]) == ("payments", "completed"), read
    complaints = browser.complaints()
    assert not complaints, complaints


window = Browser(DRIVER, SHOP)
try:
    if NAME == "payments":
        pay_by_payments(window)
        is_not_paid_in_the_window_of_before(window)
        is_told_that_klarna_refuses(window)
    else:
        play(window)
        pays_while_the_service_is_away(window)
        pays_and_does_not_return(window)
        pays_in_the_window_of_before(window)
    signs_in_again(window)
finally:
    window.close()
