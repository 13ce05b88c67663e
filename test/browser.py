"""A headless Chromium that opens one page and tells what happened, spoken to over a pipe (DevTools protocol)."""

from __future__ import annotations

import base64
import json
import os
import select
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
_DEADLINE_S = 60.0
_LOOK = """({
  text: document.body.innerText,
  images: document.images.length,
  broken: Array.from(document.images).filter(i => !(i.complete && i.naturalWidth > 0)).length,
  charts: Array.from(document.querySelectorAll('svg')).filter(s => s.getBoundingClientRect().height > 20).length,
  overflow_px: document.documentElement.scrollWidth - document.documentElement.clientWidth,
  height_px: document.documentElement.scrollHeight,
})"""


def find_chromium() -> str | None:
    """Where the browser is; None if this machine has none."""
    return next((found for found in map(shutil.which, NAMES) if found), None)


@dataclass
class Opened:
    """What came of opening a page.

    Attributes:
        text: what a reader sees.
        images, broken: pictures on the page, and those of them that cannot be shown.
        charts: SVG drawings that take up room.
        overflow_px: by how much the page is wider than the window.
        requests: every address asked for, ``data:`` ones left out; the page itself is the first.
        complaints: console errors and warnings, exceptions, failed loads.
    """

    text: str
    images: int
    broken: int
    charts: int
    overflow_px: int
    requests: list[str]
    complaints: list[str]


@dataclass
class Browser:
    """One Chromium process; a context manager."""

    executable: str
    _events: list[dict[str, Any]] = field(default_factory=list)
    _buffer: bytes = b""
    _next_id: int = 0

    def __enter__(self) -> Browser:
        self._profile = tempfile.TemporaryDirectory(prefix="chromium-")
        to_read, self._to = os.pipe()
        self._from, to_write = os.pipe()
        flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--remote-debugging-pipe"]
        flags += ["--no-first-run", "--disable-extensions", "--disable-background-networking", "--mute-audio"]
        command = [self.executable, *flags, f"--user-data-dir={self._profile.name}", "about:blank"]
        # Chromium reads descriptor 3 and writes 4; the shell puts ours there, whatever their numbers are.
        shell = f'exec 3<&{to_read} 4>&{to_write}; exec "$@"'
        self._process = subprocess.Popen(
            ["bash", "-c", shell, "chromium", *command],
            pass_fds=(to_read, to_write),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        os.close(to_read)
        os.close(to_write)
        target = self._call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self._call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Network", "Runtime", "Log"):
            self._ask(f"{domain}.enable")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        os.close(self._to)  # end of its input is Chromium's sign to leave
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        os.close(self._from)
        self._profile.cleanup()

    def open(self, path: Path, width_px: int, dark: bool = False, screenshot: Path | None = None) -> Opened:
        """Load a file in a window of that width (below 600: a phone) and look at it once all is drawn."""
        phone = width_px < 600
        self._ask("Emulation.setDeviceMetricsOverride", width=width_px, height=900, deviceScaleFactor=1, mobile=phone)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self._ask("Emulation.setEmulatedMedia", features=[scheme])
        self._events.clear()
        self._ask("Page.navigate", url=path.resolve().as_uri())
        self._wait_for("Page.loadEventFired")
        seen = self._ask("Runtime.evaluate", expression=_LOOK, returnByValue=True)["result"]["value"]
        height = min(seen.pop("height_px"), 12_000)
        if screenshot is not None:
            clip = {"x": 0, "y": 0, "width": width_px, "height": height, "scale": 1}
            shot = self._ask("Page.captureScreenshot", format="png", captureBeyondViewport=True, clip=clip)
            screenshot.write_bytes(base64.b64decode(shot["data"]))
        return Opened(**seen, requests=self._requests(), complaints=self._complaints())

    def _requests(self) -> list[str]:
        sent = [e["params"]["request"]["url"] for e in self._events if e["method"] == "Network.requestWillBeSent"]
        return [url for url in sent if not url.startswith("data:")]

    def _complaints(self) -> list[str]:
        found = []
        for event in self._events:
            params = event["params"]
            if event["method"] == "Network.loadingFailed":
                found.append(f"failed to load: {params['errorText']}")
            elif event["method"] == "Runtime.exceptionThrown":
                found.append(f"exception: {params['exceptionDetails']['text']}")
            elif event["method"] == "Log.entryAdded" and params["entry"]["level"] in ("error", "warning"):
                found.append(params["entry"]["text"])
            elif event["method"] == "Runtime.consoleAPICalled" and params["type"] in ("error", "warning", "assert"):
                found.append(" ".join(str(a.get("value", a.get("description"))) for a in params["args"]))
        return found

    def _ask(self, method: str, **params: Any) -> dict[str, Any]:
        return self._call(method, self._session, **params)

    def _call(self, method: str, session: str | None = None, **params: Any) -> dict[str, Any]:
        self._next_id += 1
        message = {"id": self._next_id, "method": method, "params": params}
        if session is not None:
            message["sessionId"] = session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        until = time.monotonic() + _DEADLINE_S
        while True:
            answer = self._receive(until)
            if answer.get("id") == self._next_id:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']['message']}")
                return answer["result"]
            self._events.append(answer)

    def _wait_for(self, method: str) -> None:
        until = time.monotonic() + _DEADLINE_S
        while not any(event.get("method") == method for event in self._events):
            self._events.append(self._receive(until))

    def _receive(self, until: float) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._from], [], [], max(until - time.monotonic(), 0))
            if not ready:
                raise TimeoutError(f"Chromium: expected an answer within {_DEADLINE_S:.0f} s, found none")
            data = os.read(self._from, 1 << 20)
            if not data:
                raise RuntimeError(f"Chromium ended with status {self._process.wait(5)}")
            self._buffer += data
        message, _, self._buffer = self._buffer.partition(b"\0")
        return json.loads(message)
