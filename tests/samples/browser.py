"""A page in a real headless Chromium, driven over a pipe: what it complained of, what it asked the network for."""

import base64
import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

PROGRAM = "chromium"
FLAGS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run")
QUIET = ("--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-extensions")
PATIENCE = 60.0  # seconds for one answer
SETTLED = 0.5  # seconds without an event


class Browser:
    """One tab; `events` holds all that it has told."""

    def __init__(self, process: subprocess.Popen[bytes], into: int, out: int) -> None:
        self.process, self.into, self.out = process, into, out
        self.events: list[dict[str, Any]] = []
        self.count, self.buffer, self.session = 0, b"", ""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send a command of the DevTools protocol and wait for its answer."""
        self.count += 1
        session = {"sessionId": self.session} if self.session else {}
        message = {"id": self.count, "method": method, "params": parameters, **session}
        os.write(self.into, json.dumps(message).encode() + b"\0")
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            for told in self._read():
                if told.get("id") == self.count:
                    assert "error" not in told, told
                    return dict(told["result"])
        raise AssertionError(f"the browser did not answer {method}")

    def open(self, page: Path, dark: bool = False, width: int = 1280, height: int = 1600) -> None:
        """Show a file, and wait until it has settled."""
        scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self.call("Emulation.setEmulatedMedia", features=scheme)
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        before = len(self.events)
        self.call("Page.navigate", url=page.resolve().as_uri())
        deadline = time.monotonic() + PATIENCE
        while not any(event["method"] == "Page.loadEventFired" for event in self.events[before:]):
            assert time.monotonic() < deadline, "the page was not loaded in time"
            self._read()
        while self._read(SETTLED):
            pass

    def value(self, expression: str) -> Any:
        """Value of a JavaScript expression in the page."""
        return self.call("Runtime.evaluate", expression=expression, returnByValue=True)["result"].get("value")

    def screenshot(self, path: Path) -> None:
        """PNG of the whole page."""
        shot = self.call("Page.captureScreenshot", captureBeyondViewport=True, format="png")
        path.write_bytes(base64.b64decode(shot["data"]))

    @property
    def complaints(self) -> list[str]:
        """Messages of the console, uncaught errors and violations of the content security policy."""
        kinds = ("Log.entryAdded", "Runtime.consoleAPICalled", "Runtime.exceptionThrown")
        return [json.dumps(event["params"]) for event in self.events if event["method"] in kinds]

    @property
    def requests(self) -> list[str]:
        """Addresses asked for, but for pictures that lie in the page."""
        sent = [event["params"]["request"]["url"] for event in self.events if event["method"].endswith("BeSent")]
        return [url for url in sent if not url.startswith("data:")]

    def _read(self, patience: float = 1.0) -> list[dict[str, Any]]:
        import select

        if not select.select([self.out], [], [], patience)[0]:
            return []
        self.buffer += os.read(self.out, 1 << 20)
        *whole, self.buffer = self.buffer.split(b"\0")
        told = [json.loads(message) for message in whole]
        self.events += [message for message in told if "method" in message]
        return told


@contextmanager
def browser(folder: Path) -> Iterator[Browser]:
    """Start Chromium with its profile in `folder`; skip where it is absent."""
    program = shutil.which(PROGRAM)
    if program is None:
        pytest.skip(f"no {PROGRAM} on this machine")
    commands, into = os.pipe()
    out, answers = os.pipe()
    start = ["bash", "-c", f'exec "$@" 3<&{commands} 4>&{answers}', "bash", program, *FLAGS, *QUIET]
    process = subprocess.Popen(
        [*start, "--remote-debugging-pipe", f"--user-data-dir={folder / 'profile'}", "about:blank"],
        pass_fds=(commands, answers),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=os.environ | {"HOME": str(folder)},
    )
    os.close(commands)
    os.close(answers)
    try:
        yield Browser(process, into, out)
    finally:
        with suppress(OSError, AssertionError):
            os.write(into, json.dumps({"id": 0, "method": "Browser.close"}).encode() + b"\0")
        with suppress(subprocess.TimeoutExpired):
            process.wait(10)
        process.kill()
        process.wait()
        os.close(into)
        os.close(out)
