"""Headless Chromium, driven over a pipe by the Chrome DevTools Protocol: no driver, no port.

https://chromedevtools.github.io/devtools-protocol/
"""

from __future__ import annotations

import base64
import contextlib
import fcntl
import json
import os
import select
import shutil
import signal
import time
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PATIENCE = 60.0
FLAGS = (
    *("--headless=new", "--remote-debugging-pipe", "--no-sandbox", "--disable-gpu"),
    *("--disable-dev-shm-usage", "--no-first-run", "--disable-extensions"),
    *("--disable-background-networking", "--disable-component-update", "--no-proxy-server"),
    *("--force-color-profile=srgb", "--hide-scrollbars", "--disable-search-engine-choice-screen"),
)
KEYS = {"Tab": 9, "Enter": 13, "Escape": 27, "Space": 32}


def chromium_path() -> str | None:
    """Where a Chromium is: LANDRUN_CHROMIUM, or the first on the path."""
    named = [os.environ.get("LANDRUN_CHROMIUM", "")]
    return next(filter(None, (shutil.which(name) for name in [*named, *NAMES] if name)), None)


class Chromium:
    """One browser; ``page()`` opens a tab."""

    def __init__(self, path: str, profile: Path) -> None:
        read_commands, self._commands = _high_pipe()
        self._answers, write_answers = _high_pipe()
        null = os.open(os.devnull, os.O_RDWR)
        self.pid = os.posix_spawn(
            path,
            [path, *FLAGS, f"--user-data-dir={profile}", "about:blank"],
            {**os.environ, "HOME": str(profile)},
            file_actions=[
                (os.POSIX_SPAWN_DUP2, null, 1),
                (os.POSIX_SPAWN_DUP2, null, 2),
                (os.POSIX_SPAWN_DUP2, read_commands, 3),
                (os.POSIX_SPAWN_DUP2, write_answers, 4),
            ],
            setpgroup=0,
        )
        for one in (read_commands, write_answers, null):
            os.close(one)
        self._buffer = b""
        self._last = 0
        self._pages: dict[str, Page] = {}

    def page(self, width: int = 1280, height: int = 900, *, dark: bool = False) -> Page:
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        page = Page(self, target, session)
        self._pages[session] = page
        page.resize(width, height)
        page.shade(dark=dark)
        return page

    def call(self, method: str, session: str | None = None, **params: Any) -> Any:
        self._last += 1
        number = self._last
        message = {"id": number, "method": method, "params": params}
        if session:
            message["sessionId"] = session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self._commands, data) :]
        deadline = time.monotonic() + PATIENCE
        while True:
            answer = self._receive(deadline, method)
            if answer.get("id") == number:
                assert "error" not in answer, f"{method}: {answer['error']}"
                return answer["result"]

    def _receive(self, deadline: float, what: str) -> Any:
        while b"\0" not in self._buffer:
            ready, _, _ = select.select(
                [self._answers], [], [], max(0, deadline - time.monotonic())
            )
            assert ready, f"Chromium does not answer {what}"
            data = os.read(self._answers, 1 << 20)
            assert data, f"Chromium ended during {what}"
            self._buffer += data
        one, _, self._buffer = self._buffer.partition(b"\0")
        message = json.loads(one)
        if "method" in message and message.get("sessionId") in self._pages:
            self._pages[message["sessionId"]].heard(message["method"], message["params"])
        return message

    def close(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self._commands)
        os.close(self._answers)


class Page:
    """One tab: what it asked of the network, and what it complained of, is kept."""

    def __init__(self, browser: Chromium, target: str, session: str) -> None:
        self._browser, self._target, self._session = browser, target, session
        self.requests: list[str] = []
        self.complaints: list[str] = []
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def close(self) -> None:
        self._browser.call("Target.closeTarget", targetId=self._target)

    def call(self, method: str, **params: Any) -> Any:
        return self._browser.call(method, self._session, **params)

    def heard(self, method: str, params: Any) -> None:
        if method == "Network.requestWillBeSent":
            self.requests.append(params["request"]["url"])
        elif method == "Runtime.exceptionThrown":
            thrown = params["exceptionDetails"]
            said = thrown.get("exception", {}).get("description", thrown["text"])
            self.complaints.append(f"{said} at {thrown['lineNumber']}:{thrown['columnNumber']}")
        elif method == "Runtime.consoleAPICalled" and params["type"] in ("error", "warning"):
            self.complaints.append(json.dumps(params["args"])[:2000])
        elif method == "Log.entryAdded" and params["entry"]["level"] in ("error", "warning"):
            self.complaints.append(params["entry"]["text"])

    def resize(self, width: int, height: int, *, phone: bool = False) -> None:
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=2 if phone else 1,
            mobile=phone,
        )
        self.call("Emulation.setTouchEmulationEnabled", enabled=phone)

    def shade(self, *, dark: bool) -> None:
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        still = {"name": "prefers-reduced-motion", "value": "reduce"}
        self.call("Emulation.setEmulatedMedia", features=[scheme, still])

    def open(self, address: str) -> None:
        """Go there, and wait until the page's script says that all is drawn."""
        self.call("Page.navigate", url=address)
        self.wait("document.readyState === 'complete' && document.body.dataset.ready === 'yes'")

    def look(self, script: str) -> Any:
        """The value of an expression, awaited."""
        answer = self.call(
            "Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True
        )
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def wait(self, script: str, seconds: float = 30) -> None:
        deadline = time.monotonic() + seconds
        while not self.look(script):
            assert time.monotonic() < deadline, f"not within {seconds} s: {script}"
            time.sleep(0.03)

    def click(self, selector: str) -> None:
        """Press the middle of an element with the mouse, wherever it is scrolled to."""
        x, y = self.look(
            f"(() => {{ const it = document.querySelector({json.dumps(selector)});"
            " it.scrollIntoView({block: 'center', behavior: 'instant'});"
            " const {x, y, width, height} = it.getBoundingClientRect();"
            " return [x + width / 2, y + height / 2]; })()"
        )
        self.drag(x, y, x, y)

    def drag(self, x: float, y: float, to_x: float, to_y: float) -> None:
        """Press, move and let go; at the same place it is a click."""
        steps = [("mouseMoved", x, y), ("mousePressed", x, y)]
        steps += [("mouseMoved", to_x, to_y)] * ((x, y) != (to_x, to_y))
        for kind, at_x, at_y in [*steps, ("mouseReleased", to_x, to_y)]:
            self.call(
                "Input.dispatchMouseEvent",
                type=kind,
                x=at_x,
                y=at_y,
                button="left" if kind != "mouseMoved" else "none",
                buttons=1 if kind != "mouseReleased" else 0,
                clickCount=1,
            )

    def press(self, key: str) -> None:
        for kind in ("keyDown", "keyUp"):
            self.call(
                "Input.dispatchKeyEvent",
                type=kind,
                key=key,
                code=key,
                windowsVirtualKeyCode=KEYS[key],
                **({"text": "\r"} if key == "Enter" and kind == "keyDown" else {}),
            )

    def write(self, text: str) -> None:
        self.call("Input.insertText", text=text)

    def picture(self, path: Path, *, whole: bool = True) -> None:
        """Save what is seen as PNG; the whole page, or the window's part of it."""
        shot = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole,
                         **({"clip": self._whole()} if whole else {}))  # fmt: skip
        path.write_bytes(base64.b64decode(shot["data"]))

    def _whole(self) -> dict[str, float]:
        size = self.call("Page.getLayoutMetrics")["cssContentSize"]
        return {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}


def _high_pipe() -> tuple[int, int]:
    """A pipe whose ends are not 3 or 4: there the child has them."""
    ends = os.pipe()
    high = tuple(fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in ends)
    for end in ends:
        os.close(end)
    return high[0], high[1]
