"""What tests/pages.sh does in the browser, by WebDriver (https://www.w3.org/TR/webdriver2/)."""

import json
import pathlib
import sys
import urllib.request

from browser import ENTER, TAB, Browser, call

DRIVER, API, SANDBOX = sys.argv[1:4]
KEY, AXE = (pathlib.Path(path).read_text() for path in sys.argv[4:6])


def submit(user, **more):
    """Hands an order in, and returns its id. `more` are members of the request."""
    line = (pathlib.Path(__file__).parent.parent / "examples/orders.jsonl").read_text().splitlines()[0]
    envelope = {"merchant": "shop", "user": user, "order": json.loads(line)["order"], **more}
    return call(f"{API}/v1/orders", envelope, headers={"authorization": f"Bearer {KEY}"})["id"]


def order(user, **more):
    """Hands an order in and waits for its end."""
    return call(f"{API}/v1/orders/{submit(user, **more)}?wait=20s", headers={"authorization": f"Bearer {KEY}"})


def registered(user):
    line = call(f"{SANDBOX}/sandbox/users", {"user": user})
    token = {"refresh_token": line["refresh_token"], "issued_at": line["issued_at"]}
    request = urllib.request.Request(
        f"{API}/v1/merchants/shop/users/{user}/token",
        json.dumps(token).encode(),
        {"content-type": "application/json", "authorization": f"Bearer {KEY}"},
        method="PUT",
    )
    urllib.request.urlopen(request, timeout=60).close()


# What axe-core finds wrong with a page: names, roles, contrast, sizes of targets, and the rest of WCAG 2.2 that a program can
# check.
FINDINGS = """
return axe.run(document, {rules: {'target-size': {enabled: true}}, resultTypes: ['violations']}).then(found =>
    found.violations.map(rule => `${rule.id}: ${rule.help}: ${rule.nodes.map(node => node.target.join(' ')).slice(0, 4).join(', ')}`));
"""


def play(browser):
    figures = "return document.querySelector('#figures dd').textContent"

    # Signing in, by keyboard: first with a wrong key.
    browser.go("/orders?status=failed")
    assert browser.path().startswith("/sign-in?next="), browser.path()
    browser.press("wrong" + ENTER)
    browser.sees("This is not an API key with the scope ops or ops:read")
    refused = browser.complaints()
    assert all("403" in line for line in refused), refused
    browser.press(KEY + ENTER)
    browser.until("the page that was asked for", "return location.pathname + location.search === '/orders?status=failed'")
    cookies = browser.do("/cookie")
    assert [(c["httpOnly"], c["sameSite"]) for c in cookies] == [(True, "Strict")], cookies

    # Lists without entries say what to do, with a command to copy.
    browser.go("/orders")
    browser.sees("klarna-order-worker enqueue orders.jsonl")
    browser.until("a button that copies", "return document.querySelector('[data-copy]:not([hidden])') !== null")
    browser.picture("orders-empty")

    # The overview keeps up with what happens, without loading again, and keeps the focus.
    registered("alma")
    registered("bo")
    browser.go("/")
    browser.sees("Live")
    assert browser.run(figures) == "0"
    browser.run("window.same = true; document.querySelector('#figures a[href*=queued]').focus()")
    browser.run("document.querySelector('#outcomes-table').open = true")
    assert order("alma")["status"] == "submitted"
    browser.until("the order on the overview", figures + " === '1'")
    kept = browser.run("return [window.same, document.activeElement.getAttribute('href'), document.querySelector('#outcomes-table').open]")
    assert kept == [True, "/orders?status=queued", True], kept

    # An order that fails, found by a filter, and tried again.
    call(f"{SANDBOX}/sandbox/fail", {"endpoint": "checkout", "failure": "400"})
    # Without prefill, or it would be sent once more without it.
    failed = order("bo", prefill=False)
    assert failed["status"] == "failed", failed
    for user in ("alma", "bo"):
        call(f"{SANDBOX}/sandbox/fail", {"endpoint": "checkout", "failure": "502"})
        order(user)
    browser.go("/orders")
    browser.run("document.querySelector('.tabs a[href*=\"status=failed\"]').click()")
    browser.until("one failed order", "return location.search.includes('status=failed') && document.querySelectorAll('#list tbody tr').length === 1")
    browser.run("document.querySelector('#list tbody a').click()")
    browser.sees("klarna_refused_order")
    browser.picture("order-failed")
    browser.click("Retry…")
    browser.sees("Retry this order?")
    browser.picture("confirm")
    browser.click("Go back")
    browser.sees("Why it failed")
    browser.click("Retry…")
    browser.click("Retry the order")
    browser.sees("The order is queued again.")
    browser.until("the order submitted after all", "return document.querySelector('#order .badge')?.textContent === 'submitted'")
    browser.picture("order")

    # A selection stays while the page updates itself, and is counted.
    browser.go("/orders")
    rows = "return document.querySelectorAll('#list tbody tr').length"
    before = browser.run(rows)
    assert browser.run("return document.querySelector('#bulk button').disabled")
    browser.run("document.querySelector('[data-all]').click()")
    browser.sees(f"Selected orders: {before}")
    browser.run("document.querySelector('[data-all]').click(); document.querySelector('#list tbody input').click()")
    browser.sees("Selected orders: 1")
    order("alma")
    browser.until("the new total", f"return document.querySelector('.tabs b').textContent === '{before + 1}'")
    assert browser.run(rows) == before and browser.run("return document.querySelector('#list tbody input').checked")
    browser.picture("orders-selected")
    browser.run("document.querySelector('#list tbody input').click()")
    browser.until("the new order", rows + f" === {before + 1}")

    # The bars of the chart lead to their orders.
    browser.go("/?range=1h")
    browser.picture("overview-1h")
    browser.run("document.querySelector('.plot a[href*=\"status=submitted\"] rect').parentNode.dispatchEvent(new MouseEvent('click', {bubbles: true}))")
    browser.until("the orders of a bar", "return location.pathname === '/orders' && location.search.includes('status=submitted') && document.querySelectorAll('#list tbody tr').length > 0")

    # A webhook endpoint is tested; the answer appears.
    browser.go("/webhooks")
    browser.click("Answers and test")
    browser.click("Send a test event")
    browser.until("the answer", "return [...document.querySelectorAll('#answers tr')].some(row => row.textContent.includes('webhook.test') && row.textContent.includes('404'))")

    # A user found and forgotten, by keyboard alone.
    browser.go("/users")
    browser.press("/")
    browser.until("the search has the focus", "return document.activeElement.name === 'q'")
    browser.press("bo" + ENTER)
    browser.until("the orders of the user", "return location.pathname === '/orders' && location.search === '?q=bo' && document.querySelectorAll('#list tbody tr').length === 2")
    browser.go("/users")
    browser.run("document.querySelector('main input[name=user]').focus()")
    browser.press("bo" + ENTER)
    browser.until("the user alone", "return location.search.includes('user=bo') && document.querySelectorAll('#list tbody tr').length === 1")
    browser.tab_to("bo")
    browser.press(ENTER)
    browser.sees("Exchanges of the token")
    browser.picture("user")
    browser.tab_to("Forget…")
    browser.press(ENTER)
    browser.sees("Forget this token?")
    browser.tab_to("Forget the token")
    browser.press(ENTER)
    browser.sees("The token was forgotten.")
    assert browser.run("return document.querySelector('#token .badge').textContent") == "forgotten"
    browser.go("/")
    browser.press(TAB)
    assert browser.run("return document.activeElement.className") == "skip"
    browser.press(ENTER)
    assert browser.run("return document.activeElement.id") == "main"

    # What questions are about further below: an uncertain token, and an event that was not delivered.
    registered("cleo")
    call(f"{SANDBOX}/sandbox/fail", {"endpoint": "token", "failure": "lost", "user": "cleo"})
    submit("cleo")
    browser.go("/user?merchant=shop&user=cleo")
    browser.until("an uncertain token", "return document.querySelector('#token .badge')?.textContent === 'uncertain'")
    browser.go("/webhooks")
    resend = browser.run("return document.querySelector('td.act a').getAttribute('href')")

    # A circuit breaker opens. The process that runs orders tells the database, and the pages show it.
    browser.go("/")
    browser.sees("All circuit breakers are closed")
    call(f"{SANDBOX}/sandbox/options", {"checkout": {"failure_rate": 1, "failures": ["503"]}})
    for number in range(8):
        waiting = submit(f"late-{number}")
    browser.sees("No calls to checkout for shop")
    browser.sees("HTTP 503")

    # A button copies the whole of an id whose end alone is shown.
    browser.go("/audit")
    browser.run("navigator.clipboard.writeText = async text => { window.copied = text }")
    browser.run("document.querySelector('#list [data-label=Request] [data-copy]').click()")
    browser.until("a whole id", "return window.copied?.length === 36")

    # Work is paused, so that there is a pause to end.
    browser.go("/pauses/new")
    browser.run("document.querySelector('[name=kind][value=keeper]').click(); document.querySelector('[name=merchant]').value = 'shop'")
    browser.run("document.querySelector('[name=reason]').value = 'a test of the pages'")
    browser.click("Pause")
    browser.sees("a test of the pages")

    # Narrow and wide, light and dark: nothing sticks out, and everybody can use it.
    pages = ["/", "/orders", "/orders?target=checkout&user=bo&from=2h", f"/orders/{failed['id']}", "/users", "/user?merchant=shop&user=alma", "/webhooks", "/webhooks/endpoint?merchant=shop", "/webhooks?user=nobody", "/audit", "/audit?rows=all", "/audit?outcome=rejected", "/merchants", "/pauses", "/pauses/new", "/breakers/probe?merchant=shop&endpoint=checkout",
             f"/orders/{failed['id']}/retry", "/user/forget?merchant=shop&user=alma", "/user/sign-out?merchant=shop&user=alma",
             "/orders/bulk?action=retry&status=submitted", "/orders/bulk?action=cancel&status=queued", "/webhooks/resend?status=pending", "/pauses/resume?merchant=shop&kind=keeper",
             "/orders/none", "/nowhere", "/docs/"]
    pages += ["/outages", "/users/resolve?state=uncertain", "/user/resolve?merchant=shop&user=cleo", f"/orders/{waiting}/cancel", resend]
    grounds, findings = set(), []
    axe = browser.chrome("Page.addScriptToEvaluateOnNewDocument", source=AXE)["identifier"]
    for width in (360, 390, 768, 1400, 2560):
        for dark in (False, True):
            browser.screen(width, 900, dark)
            for number, page in enumerate(pages):
                browser.go(page)
                wide = browser.run("return document.documentElement.scrollWidth")
                assert wide <= width, f"{page} is {wide} wide on a screen of {width}"
                if width in (390, 1400):
                    findings += [f"{page}, {width}, {'dark' if dark else 'light'}: {found}" for found in browser.run(FINDINGS)]
                    browser.picture(f"{width}-{'dark' if dark else 'light'}-{number}")
            grounds.add(browser.run("return getComputedStyle(document.body).backgroundColor"))
    assert len(grounds) == 2, grounds
    # The page to sign in at, which asks for no session.
    session = browser.do("/cookie")
    browser.do("/cookie", method="DELETE")
    for width in (390, 1400):
        for dark in (False, True):
            browser.screen(width, 900, dark)
            browser.go("/sign-in")
            findings += [f"/sign-in, {width}, {'dark' if dark else 'light'}: {found}" for found in browser.run(FINDINGS)]
    for cookie in session:
        browser.do("/cookie", {"cookie": cookie})
    browser.chrome("Page.removeScriptToEvaluateOnNewDocument", identifier=axe)
    assert not findings, "\n".join(findings)

    complaints = [line for line in browser.complaints() if "404" not in line]
    assert not complaints, complaints

    # Out again; the page says so by itself where the session is over.
    browser.screen(1280, 900)
    browser.go("/orders")
    browser.run("document.querySelector('.who button').click()")
    browser.until("the sign-in", "return location.pathname === '/sign-in'")
    browser.go("/")
    assert browser.path().startswith("/sign-in"), browser.path()
    browser.picture("sign-in")


window = Browser(DRIVER, API)
try:
    play(window)
finally:
    window.close()
