"""A headless Chromium that a test can talk to, over the DevTools protocol; loopback only."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Any

import httpx
from websockets.sync.client import connect

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--disable-dev-shm-usage", "--hide-scrollbars", "--log-level=3"),
)
PATIENCE_S = 30.0


def chromium() -> str | None:
    """The first browser of the family that is installed."""
    return next((found for name in NAMES if (found := shutil.which(name))), None)


class Browser:
    """One page in a browser of its own. It keeps what the page asked for and complained of."""

    def __init__(self, size: tuple[int, int] = (1280, 900)) -> None:
        self._folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        self.downloads = Path(self._folder.name) / "downloads"
        self.downloads.mkdir()
        browser = chromium()
        assert browser, "ask chromium() before"
        argv = [browser, *FLAGS, f"--user-data-dir={self._folder.name}/profile"]
        argv += ["--remote-debugging-port=0", f"--window-size={size[0]},{size[1]}", "about:blank"]
        self._process = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.requests: list[str] = []
        self.complaints: list[str] = []
        self._n = 0
        port = self._port()
        pages = httpx.get(f"http://127.0.0.1:{port}/json/list", timeout=PATIENCE_S).json()
        page = next(found for found in pages if found["type"] == "page")
        self._socket = connect(page["webSocketDebuggerUrl"], max_size=None, proxy=None)
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.send(f"{domain}.enable")
        self.send("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(self.downloads))

    def _port(self) -> int:
        told = Path(self._folder.name) / "profile" / "DevToolsActivePort"
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            if told.exists() and (lines := told.read_text().splitlines()):
                return int(lines[0])
            time.sleep(0.02)
        raise RuntimeError("the browser did not open its port")

    def send(self, method: str, **params: Any) -> dict[str, Any]:
        """One command and its answer; events that come before it are kept."""
        self._n += 1
        self._socket.send(json.dumps({"id": self._n, "method": method, "params": params}))
        while True:
            told = json.loads(self._socket.recv(timeout=PATIENCE_S))
            if told.get("id") == self._n:
                assert "error" not in told, told
                return dict(told.get("result", {}))
            self._keep(told)

    def _keep(self, event: dict[str, Any]) -> None:
        method, params = event.get("method", ""), event.get("params", {})
        if method == "Network.requestWillBeSent":
            self.requests.append(params["request"]["url"])
        elif method == "Runtime.exceptionThrown":
            details = params["exceptionDetails"]
            self.complaints.append(
                str(details.get("exception", details).get("description", details))
            )
        elif method == "Runtime.consoleAPICalled" and params["type"] in (
            "error",
            "warning",
            "assert",
        ):
            self.complaints.append(str([a.get("value", a) for a in params["args"]]))
        elif method == "Log.entryAdded" and params["entry"]["level"] in ("error", "warning"):
            self.complaints.append(params["entry"]["text"])

    def open(self, url: str, ready: str = "document.readyState === 'complete'") -> Browser:
        """Load a page and wait until the expression is true in it."""
        self.send("Page.navigate", url=url)
        self.wait(ready)
        return self

    def run(self, expression: str) -> Any:
        """The value of an expression in the page; a promise is awaited."""
        told = self.send(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in told, told["exceptionDetails"]
        return told["result"].get("value")

    def wait(self, expression: str) -> None:
        """Until the expression is true in the page."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            # Between two documents there is a moment without either.
            if self.run(f"document.documentElement !== null && Boolean({expression})"):
                return
            time.sleep(0.02)
        raise AssertionError(f"never true: {expression}; {self.complaints}")

    def press(self, key: str, shift: bool = False) -> None:
        """One key, as a keyboard sends it."""
        text = {"text": key} if len(key) == 1 else {}
        for kind in ("keyDown", "keyUp"):
            more = text if kind == "keyDown" else {}
            self.send(
                "Input.dispatchKeyEvent", type=kind, key=key, modifiers=8 if shift else 0, **more
            )

    def drag(self, begin: tuple[float, float], end: tuple[float, float]) -> None:
        """The left button from here to there, in three moves."""
        self._mouse("mousePressed", begin)
        for part in (0.3, 0.6, 1.0):
            self._mouse(
                "mouseMoved",
                (begin[0] + (end[0] - begin[0]) * part, begin[1] + (end[1] - begin[1]) * part),
            )
        self._mouse("mouseReleased", end)

    def click(self, selector: str) -> None:
        """The left button in the middle of an element, brought into sight."""
        x, y = self.middle(selector)
        self.drag((x, y), (x, y))

    def move(self, at: tuple[float, float]) -> None:
        """The pointer, no button."""
        self.send("Input.dispatchMouseEvent", type="mouseMoved", x=at[0], y=at[1])

    def middle(self, selector: str) -> tuple[float, float]:
        """Where an element is, in CSS pixels of the window, brought into sight."""
        x, y = self.run(
            f"(() => {{ const e = document.querySelector({selector!r}); e.scrollIntoView({{block: 'center'}});"
            "const b = e.getBoundingClientRect(); return [b.x + b.width / 2, b.y + b.height / 2]; })()"
        )
        return float(x), float(y)

    def _mouse(self, kind: str, at: tuple[float, float]) -> None:
        self.send(
            "Input.dispatchMouseEvent",
            type=kind,
            x=at[0],
            y=at[1],
            button="left",
            buttons=0 if kind == "mouseReleased" else 1,
            clickCount=1,
        )

    def downloaded(self, name: str) -> Path:
        """The file of that name, when it is whole."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            if (self.downloads / name).exists():
                return self.downloads / name
            time.sleep(0.02)
        raise AssertionError(f"no {name} came: {sorted(self.downloads.iterdir())}")

    def picture(
        self,
        path: Path,
        *,
        dark: bool = False,
        size: tuple[int, int] | None = None,
        mobile: bool = False,
    ) -> Path:
        """A PNG of the window, light or dark, in another size if told."""
        self.look(dark=dark, size=size, mobile=mobile)
        time.sleep(0.4)
        path.write_bytes(
            base64.b64decode(self.send("Page.captureScreenshot", format="png")["data"])
        )
        return path

    def look(
        self, *, dark: bool, size: tuple[int, int] | None = None, mobile: bool = False
    ) -> None:
        """Light or dark, and how large the window is."""
        scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self.send("Emulation.setEmulatedMedia", features=scheme)
        if size:
            self.send(
                "Emulation.setDeviceMetricsOverride",
                width=size[0],
                height=size[1],
                deviceScaleFactor=1,
                mobile=mobile,
            )

    def __enter__(self) -> Browser:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._socket.close()
        self._process.terminate()
        self._process.wait(20)
        self._folder.cleanup()
