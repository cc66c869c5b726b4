"""A headless Chromium, driven through its DevTools protocol over a pipe: no port is opened and no driver is needed."""

from __future__ import annotations

import base64
import json
import os
import select
import shutil
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "chrome")
_TIMEOUT_S = 60.0


def find_chromium() -> str | None:
    """Returns the program, or None where there is none."""
    return next((found for name in PROGRAMS if (found := shutil.which(name))), None)


class Chromium:
    """One page in one browser. Everything that the page logs is in `log`, every address that it asks for in `asked`."""

    def __init__(self, *flags: str) -> None:
        program = find_chromium()
        assert program is not None
        self.log: list[str] = []
        self.asked: list[str] = []
        self._folder = tempfile.mkdtemp(prefix="graft-chromium-")
        self._last_id, self._rest = 0, b""
        to_browser, self._write = os.pipe()
        self._read, from_browser = os.pipe()

        def place_pipes() -> None:
            # The protocol is spoken on descriptors 3 and 4. Out of the way first: either may be one of these.
            incoming, outgoing = os.dup2(to_browser, 100), os.dup2(from_browser, 101)
            os.dup2(incoming, 3, inheritable=True)
            os.dup2(outgoing, 4, inheritable=True)

        self._process = subprocess.Popen(
            [
                program, "--headless=new", "--remote-debugging-pipe", f"--user-data-dir={self._folder}",
                "--no-first-run", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-sync",
                "--disable-background-networking", "--disable-component-update", "--disable-default-apps",
                *flags, "about:blank",
            ],
            close_fds=False, preexec_fn=place_pipes, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        os.close(to_browser)
        os.close(from_browser)
        targets = self.send("Target.getTargets", session=None)["targetInfos"]
        page = next(target for target in targets if target["type"] == "page")
        self._session: str | None = None
        attached = self.send("Target.attachToTarget", session=None, targetId=page["targetId"], flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log", "DOM"):
            self.send(f"{domain}.enable")

    def send(self, method: str, session: str | None = "page", **parameters: Any) -> dict[str, Any]:
        """Asks the browser and returns its answer. Raises RuntimeError with its words when it refuses."""
        self._last_id += 1
        message: dict[str, Any] = {"id": self._last_id, "method": method, "params": parameters}
        if session is not None:
            message["sessionId"] = self._session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self._write, data) :]
        until = time.monotonic() + _TIMEOUT_S
        while True:
            answer = self._next(until)
            if answer is not None and answer.get("id") == self._last_id:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']['message']}")
                result: dict[str, Any] = answer["result"]
                return result

    def open(self, address: str) -> None:
        """Goes to a page and returns once it has loaded."""
        self.send("Page.navigate", url=address)
        self.wait_for("document.readyState === 'complete'")

    def run(self, script: str) -> Any:
        """Returns the value of a script; promises are waited for. Raises RuntimeError for what it throws."""
        answer = self.send("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(str(answer["exceptionDetails"].get("exception", answer["exceptionDetails"])))
        return answer["result"].get("value")

    def wait_for(self, script: str, timeout_s: float = _TIMEOUT_S) -> None:
        """Returns once a script says true."""
        until = time.monotonic() + timeout_s
        while not self.run(f"Boolean({script})"):
            if time.monotonic() > until:
                raise TimeoutError(f"{script} stayed false; the page logged {self.log[-5:]}")
            time.sleep(0.05)

    def choose_files(self, selector: str, files: Sequence[Path]) -> None:
        """Gives files to a file input, as the user's choice."""
        root = self.send("DOM.getDocument")["root"]["nodeId"]
        node = self.send("DOM.querySelector", nodeId=root, selector=selector)["nodeId"]
        self.send("DOM.setFileInputFiles", nodeId=node, files=[str(file) for file in files])

    def screenshot(self, file: Path, width: int, height: int, scale: float = 1, is_dark: bool = False) -> None:
        """Writes a picture of the page at a size, in a scheme."""
        scheme = [{"name": "prefers-color-scheme", "value": "dark" if is_dark else "light"}]
        self.send("Emulation.setEmulatedMedia", features=scheme)
        self.send(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=scale,
            mobile=width < 600,
        )
        time.sleep(0.3)
        file.write_bytes(base64.b64decode(self.send("Page.captureScreenshot", format="png")["data"]))

    def close(self) -> None:
        """Ends the browser."""
        self._process.terminate()
        self._process.wait(20)
        os.close(self._write)
        os.close(self._read)
        shutil.rmtree(self._folder, ignore_errors=True)

    def __enter__(self) -> Chromium:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _next(self, until: float) -> dict[str, Any] | None:
        """Returns the next message; notes are kept in `log` and `asked` on the way."""
        while b"\0" not in self._rest:
            if not select.select([self._read], [], [], max(0, until - time.monotonic()))[0]:
                raise TimeoutError("The browser does not answer.")
            data = os.read(self._read, 1 << 20)
            if not data:
                raise RuntimeError("The browser has ended.")
            self._rest += data
        text, self._rest = self._rest.split(b"\0", 1)
        message: dict[str, Any] = json.loads(text)
        details = message.get("params", {})
        match message.get("method"):
            case "Runtime.consoleAPICalled":
                self.log.append(" ".join(str(each.get("value", each.get("description"))) for each in details["args"]))
            case "Runtime.exceptionThrown":
                self.log.append(str(details["exceptionDetails"]))
            case "Log.entryAdded":
                self.log.append(details["entry"]["text"])
            case "Network.requestWillBeSent":
                self.asked.append(details["request"]["url"])
        return message
