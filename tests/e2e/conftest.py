"""A real display with a window manager, and a hand on its mouse and keyboard.

A window test finds a control by its object name, accessible name or text (read through `window_probe.py`), then works
it with xdotool, as a user does. What a test sees when it fails is kept as a screenshot beside its temporary folder.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "build"))

from bundle.screen import virtual_display

PROGRAMS = ("Xvfb", "openbox", "xdotool")
Widget = dict[str, Any]


# -------------------------------------------------------------------------------------------------- command line


@pytest.fixture
def graft(repository: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Returns a function that runs one command as a user would, in a process of its own."""

    def run(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, str(repository / "main.py"), *map(str, arguments)]
        env = {**os.environ, **environment}
        return subprocess.run(command, capture_output=True, text=True, env=env, check=False, timeout=170)

    return run


# ------------------------------------------------------------------------------------------------------- display


@pytest.fixture(scope="session")
def display(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A fresh X display with a window manager, for example ":7"."""
    missing = [program for program in PROGRAMS if shutil.which(program) is None]
    if missing:
        pytest.skip(f"a window test needs {', '.join(missing)} (build/test.py installs them where it may)")
    with virtual_display(tmp_path_factory.mktemp("display")) as name:
        yield name


class Window:
    """The running program, seen through its probe and worked through the X server."""

    def __init__(self, display: str, repository: Path, folder: Path, environment: dict[str, str]) -> None:
        self._environment = {**os.environ, **environment, "DISPLAY": display, "QT_QPA_PLATFORM": "xcb"}
        self._repository = repository
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self._socket = folder / "probe"
        self.log = folder / "program.log"

    # ------------------------------------------------------------------------------------------- start and end

    def start(self, *arguments: object) -> None:
        """Starts the program and waits until its window is there and has the keyboard."""
        self._socket.unlink(missing_ok=True)
        probe = self._repository / "tests" / "e2e" / "window_probe.py"
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, str(probe), str(self._socket), *map(str, arguments)],
                env=self._environment, stdout=log, stderr=log, cwd=self._folder,
            )  # fmt: skip
        self.wait_for(lambda: self.windows(), "the window", timeout_s=60)
        self.activate()

    def quit(self) -> int:
        """Closes the window with Ctrl+Q, as a user does, and returns the program's exit status."""
        assert self._process is not None
        self.key("ctrl+q")
        return self._process.wait(timeout=20)

    def kill(self) -> None:
        """Ends the program at once, as a crash or a power cut does."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait(timeout=10)

    # ------------------------------------------------------------------------------------------------- looking

    def widgets(self) -> list[Widget]:
        """Returns all visible widgets, as `window_probe.look` describes them."""
        if self._process is not None and self._process.poll() is not None:
            raise AssertionError(f"the program has ended:\n{self.log.read_text()[-3000:]}")
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
                connection.settimeout(10)
                connection.connect(str(self._socket))
                parts = []
                while part := connection.recv(1 << 16):
                    parts.append(part)
        except OSError:  # not listening yet
            return []
        found: list[Widget] = json.loads(b"".join(parts))["widgets"] if parts else []
        return found

    def windows(self) -> list[Widget]:
        return [widget for widget in self.widgets() if widget["is_window"]]

    def find_all(self, wanted: str, kind: str = "") -> list[Widget]:
        """Returns visible widgets with this object name, accessible name, text or title; `kind` is a class or base."""
        keys = ("name", "accessible_name", "text", "title")
        return [
            widget
            for widget in self.widgets()
            if (not kind or kind in widget["bases"]) and (not wanted or any(widget[key] == wanted for key in keys))
        ]

    def find(self, wanted: str, kind: str = "", timeout_s: float = 15) -> Widget:
        """Waits until such a widget is to be seen, and returns it."""
        return self.wait_for(lambda: next(iter(self.find_all(wanted, kind)), None), f"{kind} {wanted!r}", timeout_s)

    def texts(self) -> list[str]:
        """Returns every text that is to be seen."""
        return [widget["text"] for widget in self.widgets() if widget["text"]]

    def wait_for_text(self, part: str, timeout_s: float = 30) -> str:
        """Waits until a text with this part is to be seen, and returns the whole text."""
        return self.wait_for(
            lambda: next((text for text in self.texts() if part in text), None), f"the text {part!r}", timeout_s
        )

    def wait_for(self, question: Callable[[], Any], what: str, timeout_s: float = 15) -> Any:
        """Asks until the answer is true, and returns it; fails with a picture of the screen otherwise."""
        deadline = time.monotonic() + timeout_s
        while not (answer := question()):
            if time.monotonic() > deadline:
                picture = self.screenshot("timeout.png")
                raise AssertionError(f"{what} did not come within {timeout_s:.0f} s; see {picture} and {self.log}")
            time.sleep(0.1)
        return answer

    def screenshot(self, name: str) -> Path | None:
        path = self._folder / name
        done = subprocess.run(["import", "-window", "root", str(path)], env=self._environment, check=False)
        return path if done.returncode == 0 else None

    # ------------------------------------------------------------------------------------------------- working

    def activate(self) -> None:
        """Gives the newest visible window of the program the keyboard."""
        assert self._process is not None
        found = self.wait_for(
            lambda: self._xdotool("search", "--onlyvisible", "--pid", str(self._process.pid)).split(),  # type: ignore[union-attr]
            "a window of the program",
        )
        self._xdotool("windowactivate", "--sync", found[-1])

    def key(self, *keys: str) -> None:
        """Presses keys one after another, for example "1", "ctrl+z", "space"."""
        self._xdotool("key", "--clearmodifiers", "--delay", "40", *keys)

    def type(self, text: str) -> None:
        self._xdotool("type", "--clearmodifiers", "--delay", "12", text)

    def click(self, target: Widget | str, button: int = 1) -> None:
        """Presses a mouse button in the middle of a widget or an item (or of the widget of that name)."""
        widget = self.find(target) if isinstance(target, str) else target
        x, y, width, height = widget["rect"]
        self._xdotool("mousemove", "--sync", str(x + width // 2), str(y + height // 2), "click", str(button))

    def choose(self, menu: str, entry: str) -> None:
        """Opens a menu of the menu bar with the keyboard and clicks one of its entries."""
        self.key(f"alt+{menu[0].lower()}")

        def find_entry() -> Widget | None:
            actions = [action for widget in self.widgets() for action in widget.get("actions", [])]
            return next((action for action in actions if action["text"].startswith(entry)), None)

        self.click(self.wait_for(find_entry, f"the menu entry {menu} > {entry}"))

    def _xdotool(self, *arguments: str) -> str:
        done = subprocess.run(
            ["xdotool", *arguments], env=self._environment, capture_output=True, text=True, check=False, timeout=20
        )
        return done.stdout


@pytest.fixture
def window(display: str, repository: Path, tmp_path: Path, shared_weights: Path) -> Iterator[Window]:
    """The program, not started yet, with user folders of its own and the real weights."""
    folder = tmp_path / "window"
    folder.mkdir()
    # Someone who has seen the first-run layer: it would take the first click.
    (tmp_path / "user").mkdir()
    (tmp_path / "user" / "window.ini").write_text("[hints]\nfirst_keys_seen=true\n")
    # It trains when it is told to: a second after each label all figures would be others.
    (tmp_path / "user" / "settings.json").write_text(json.dumps({"has_auto_retrain": False}))
    # A path to a Unix socket must be short; pytest's folders can be long.
    # The language is what the settings say, else the system's.
    system = {"GRAFT_DATA": str(tmp_path / "user"), "LANG": "C.UTF-8", "GRAFT_LANGUAGE": ""}
    driver = Window(display, repository, folder, system)
    yield driver
    driver.kill()
