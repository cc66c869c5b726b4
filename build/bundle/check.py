"""Lets the packed program do its whole job where there is no Python: by keys and mouse in a window, then by command.

Linux with Xvfb, openbox and xdotool, for the window; the command line is tried everywhere. The environment is empty but
for a home of its own, so nothing from this machine's Python can help.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from environment import ROOT, SetupError

from bundle.screen import first_paint_ms, virtual_display
from bundle.toolbox import size_of

SAMPLE = ROOT / "resources" / "sample"
NUM_LABELLED = 36
LEAST_ACCURACY = 0.9
FORMATS = ("onnx", "web", "safetensors", "pt2", "onnx-fp16", "onnx-int8")
SETTLE_S = 8.0
"""How long the window may take to show a folder of 120 pictures, on a slow machine."""
GOAL_SIZE_MB, GOAL_FIRST_WINDOW_MS = 800, 500
PROGRAMS = ("Xvfb", "openbox", "xdotool", "import")


def check_folder(folder: Path) -> None:
    """Prints what was found, as a table against FIGURES.

    Raises:
        SetupError: the packed program did not do its job; the sentence says which part.
    """
    program = folder / ("graft.exe" if os.name == "nt" else "graft")
    with tempfile.TemporaryDirectory(prefix="graft-check-") as work:
        place = Path(work) / "graft"  # a folder that the program was not made in
        shutil.copytree(folder, place, symlinks=True)
        rows = _check_command_line(place / program.name, Path(work))
        if all(shutil.which(name) for name in PROGRAMS):
            rows += _check_window(place / program.name, Path(work))
        else:
            print(f"the window was not tried: that needs {', '.join(PROGRAMS)}", file=sys.stderr)
    print("| what | packed program | goal |\n|---|---|---|")
    print(f"| size | {size_of(folder) / 1e6:.0f} MB | <= {GOAL_SIZE_MB} MB |")
    for row in rows:
        print(f"| {' | '.join(row)} |")


def _share_right(predictions: list[dict[str, Any]]) -> float:
    """Returns how many pictures of the sample got the class that their folder is named after."""
    right = [entry["class"].replace(" ", "_") == Path(entry["image"]).parent.name for entry in predictions]
    return float(sum(right) / len(right))


def _environment(work: Path, **more: str) -> dict[str, str]:
    home = work / "home"
    home.mkdir(exist_ok=True)
    kept = {name: os.environ[name] for name in ("SYSTEMROOT", "TEMP", "TMP") if name in os.environ}
    return {**kept, "HOME": str(home), "PATH": "/nonexistent", "LANG": "C.UTF-8", **more}


# ------------------------------------------------------------------------------------------------------ command line


def _answer(program: Path, environment: dict[str, str], *arguments: object) -> dict[str, Any]:
    """Runs a command of the packed program and returns its JSON document."""
    command = [str(program), *map(str, arguments), "--json"]
    done = subprocess.run(
        command, env=environment, cwd=environment["HOME"], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise SetupError(f"The packed `graft {arguments[0]}` failed: {done.stderr.strip()[-2000:]}")
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def _check_command_line(program: Path, work: Path) -> list[tuple[str, str, str]]:
    environment = _environment(work)

    def graft(*arguments: object) -> dict[str, Any]:
        return _answer(program, environment, *arguments)

    started = time.perf_counter()
    demo = graft("demo", "--out", work / "demo")
    seconds = time.perf_counter() - started
    accuracy = demo["evaluate"]["accuracy"]
    export = demo["export"]
    if accuracy < LEAST_ACCURACY or export["parity"]["top1_agreement"] != 1.0:
        raise SetupError(f"The packed demo is wrong: accuracy {accuracy}, export {export['parity']}")
    share = _share_right(graft("predict", export["folder"], SAMPLE)["predictions"])
    if share < LEAST_ACCURACY:
        raise SetupError(f"The packed program's export is right on {share:.3f} of the sample only.")
    several = graft("export", demo["project"], "--format", ",".join(FORMATS), "--to", work / "exports")
    if len(several["exports"]) != len(FORMATS):
        raise SetupError(f"The packed program could not export in every format: {several['failed']}")
    return [
        ("exports that need nothing more", f"{len(FORMATS)} formats, each loaded again", str(len(FORMATS))),
        ("demo on the command line", f"{accuracy:.3f} on held-out pictures, {seconds:.0f} s", f">= {LEAST_ACCURACY}"),
        ("export loaded again", f"{share:.3f} on the whole sample", f">= {LEAST_ACCURACY}"),
    ]


# ------------------------------------------------------------------------------------------------------------ window


def _check_window(program: Path, work: Path) -> list[tuple[str, str, str]]:
    pictures = ROOT / ".work" / "package" / "check"
    pictures.mkdir(parents=True, exist_ok=True)
    data = work / "home" / "data"
    project = data / "sample-project"
    with virtual_display(work) as display:
        hand = _Hand(display, pictures)
        environment = _environment(work, DISPLAY=display, GRAFT_DATA=str(data))
        first_paint_ms([str(program)], environment, work)  # warms the disk
        paints = [first_paint_ms([str(program)], environment, work) for _ in range(3)]
        process = subprocess.Popen([str(program)], env=environment, cwd=work, stdout=subprocess.DEVNULL)
        try:
            hand.wait_for_window()
            started = time.perf_counter()
            time.sleep(SETTLE_S / 2)
            hand.key("alt+f")
            time.sleep(1)
            hand.key("Down", "Down", "Return")  # File > Try the sample
            _wait(lambda: (project / "project.db").is_file(), "the sample project", hand)
            time.sleep(SETTLE_S)
            hand.key("Escape")  # the first-run layer
            hand.click_image()
            hand.key("Home")
            hand.key(*_sample_keys(data / "sample" / "pictures")[:NUM_LABELLED])
            hand.picture("labelled")
            hand.key("ctrl+r")
            _wait(lambda: any((project / "models").glob("*/run.json")), "a trained model", hand, 120)
            trained_s = time.perf_counter() - started
            time.sleep(3)
            hand.picture("trained")
            memory_mb = _memory_mb(process.pid)
            hand.key("ctrl+e")
            time.sleep(2)
            hand.picture("export dialog")
            hand.key("Return")
            _wait(lambda: any(work.rglob("home/**/parity.json")), "a checked export", hand, 120)
            time.sleep(1)
            hand.picture("exported")
            hand.key("Escape", "ctrl+q")
            if process.wait(timeout=30) != 0:
                raise SetupError(f"The packed window ended with {process.returncode}.")
        finally:
            process.kill()
            process.wait()
    accuracy = _share_right(_answer(program, environment, "predict", project, SAMPLE)["predictions"])
    if accuracy < LEAST_ACCURACY:
        raise SetupError(f"What the window trained is right on {accuracy:.3f} of the sample only.")
    paint = sorted(paints)[len(paints) // 2]
    return [
        ("first window, warm", f"{paint:.0f} ms", f"<= {GOAL_FIRST_WINDOW_MS} ms"),
        ("sample, labels by keys, Retrain, in the window", f"{trained_s:.0f} s", "< 180 s"),
        ("model from the window", f"{accuracy:.3f} on the whole sample", f">= {LEAST_ACCURACY}"),
        ("resident memory of the window after training", f"{memory_mb:.0f} MB", "-"),
    ]


def _sample_keys(pictures: Path) -> list[str]:
    """Returns the key of the class of each picture, in the order in which the window shows them."""
    names = sorted(folder.name for folder in SAMPLE.iterdir() if folder.is_dir())
    class_of = {file.read_bytes(): file.parent.name for file in SAMPLE.rglob("*.jpg")}
    return [str(names.index(class_of[file.read_bytes()]) + 1) for file in sorted(pictures.iterdir())]


class _Hand:
    """Keys and mouse on a display, and a camera."""

    def __init__(self, display: str, pictures: Path) -> None:
        self._environment = {**os.environ, "DISPLAY": display}
        self._pictures = pictures

    def wait_for_window(self) -> None:
        """Waits until the window is there, and gives it the keyboard."""
        _wait(self._windows, "a window", self)
        self._xdotool("windowactivate", "--sync", self._windows()[-1])

    def _windows(self) -> list[str]:
        return self._xdotool("search", "--onlyvisible", "--name", "^Graft$").split()

    def key(self, *keys: str) -> None:
        self._xdotool("key", "--clearmodifiers", "--delay", "60", *keys)

    def click_image(self) -> None:
        """Clicks where the grid has its first picture."""
        self._xdotool("mousemove", "--sync", "420", "260", "click", "1")

    def picture(self, name: str) -> None:
        subprocess.run(
            ["import", "-window", "root", str(self._pictures / f"{name}.png")], env=self._environment, check=False
        )

    def _xdotool(self, *arguments: str) -> str:
        return subprocess.run(
            ["xdotool", *arguments], env=self._environment, capture_output=True, text=True, check=False
        ).stdout


def _memory_mb(pid: int) -> float:
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) / 1000 if found else float("nan")


def _wait(question: Callable[[], object], what: str, hand: _Hand, timeout_s: float = 60) -> None:
    deadline = time.monotonic() + timeout_s
    while not question():
        if time.monotonic() > deadline:
            hand.picture("timeout")
            raise SetupError(
                f"The packed window did not come to {what} within {timeout_s:.0f} s; "
                "see .work/package/check/timeout.png."
            )
        time.sleep(0.3)
