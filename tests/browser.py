"""A window of Chromium, by WebDriver (https://www.w3.org/TR/webdriver2/), for tests of pages."""

import base64
import json
import os
import pathlib
import time
import urllib.error
import urllib.request

ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
TAB, ENTER = "\ue004", "\ue007"
PATIENCE = 60


def call(url, body=None, method=None, headers=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"content-type": "application/json", **(headers or {})}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=150) as answer:
            return json.loads(answer.read() or "null")
    except urllib.error.HTTPError as error:
        raise AssertionError(f"{url}: {error.code} {error.read().decode()[:600]}") from None


class Browser:
    """One window. `site` is the address that paths begin at, `driver` that of chromedriver."""

    def __init__(self, driver, site):
        self.site = site
        options = ["--headless=new", "--disable-gpu", "--disable-dev-shm-usage", "--window-size=1280,900"]
        if os.getuid() == 0:
            options.append("--no-sandbox")
        wanted = {
            "goog:chromeOptions": {"args": options},
            "goog:loggingPrefs": {"browser": "ALL"},
            # axe looks at every element, beside all tests on two processors.
            "timeouts": {"script": 120_000},
        }
        made = call(f"{driver}/session", {"capabilities": {"alwaysMatch": wanted}})
        self.url = f"{driver}/session/{made['value']['sessionId']}"

    def do(self, path, body=None, method=None):
        return call(self.url + path, body, method)["value"]

    def close(self):
        self.do("", method="DELETE")

    def go(self, path):
        self.do("/url", {"url": self.site + path})

    def path(self):
        return self.do("/url").removeprefix(self.site)

    def run(self, script, *arguments):
        return self.do("/execute/sync", {"script": script, "args": list(arguments)})

    def until(self, what, script, *arguments):
        """Waits for a script to find something; that is what it answers."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            try:
                if found := self.run(script, *arguments):
                    return found
            except AssertionError as error:
                # The page went away beneath the script.
                if "stale element" not in str(error) and "aborted by navigation" not in str(error):
                    raise
            time.sleep(0.15)
        self.picture("not-seen")
        raise AssertionError(f"not seen within {PATIENCE} s: {what}, at {self.path()}: {self.text()[:1500]}")

    def sees(self, text):
        self.until(text, "return document.body.innerText.includes(arguments[0])", text)

    def text(self):
        return self.run("return document.body.innerText")

    def click(self, text):
        found = "return [...document.querySelectorAll('main a, main button')].find(e => e.textContent.trim() === arguments[0])"
        element = self.until(f"something to press that says {text!r}", found, text)
        self.do(f"/element/{element[ELEMENT]}/click", {})

    def press(self, keys):
        actions = [step for key in keys for step in ({"type": "keyDown", "value": key}, {"type": "keyUp", "value": key})]
        self.do("/actions", {"actions": [{"type": "key", "id": "keyboard", "actions": actions}]})

    def tab_to(self, text):
        """Goes there with the tab key alone, and sees where it is."""
        for _ in range(60):
            self.press(TAB)
            at = self.run("""const e = document.activeElement, style = getComputedStyle(e);
                return [e.textContent.trim(), style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2]""")
            if at[0] == text:
                assert at[1], f"no focus is to be seen on {text!r}"
                return
        raise AssertionError(f"the tab key does not lead to {text!r} at {self.path()}")

    def screen(self, width, height, dark=False):
        self.chrome("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        self.chrome("Emulation.setScrollbarsHidden", hidden=True)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.chrome("Emulation.setEmulatedMedia", features=[scheme])

    def chrome(self, command, **parameters):
        return self.do("/goog/cdp/execute", {"cmd": command, "params": parameters})

    def complaints(self):
        log = self.do("/se/log", {"type": "browser"})
        return [line["message"] for line in log if line["level"] in ("SEVERE", "WARNING")]

    def picture(self, name):
        """Keeps a screenshot in the folder KLARNA_WORKER_PICTURES, if there is one."""
        if folder := os.environ.get("KLARNA_WORKER_PICTURES"):
            whole = self.run("return [document.documentElement.scrollWidth, document.documentElement.scrollHeight]")
            clip = {"x": 0, "y": 0, "width": whole[0], "height": whole[1], "scale": 1}
            shot = self.chrome("Page.captureScreenshot", captureBeyondViewport=True, clip=clip)
            path = pathlib.Path(folder) / f"{name}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(base64.b64decode(shot["data"]))
