"""A display of its own for the program, and when it has painted its first window there. Linux; tests use it too."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from environment import SetupError

SIZE = "1600x1000x24"


@contextmanager
def virtual_display(folder: Path) -> Iterator[str]:
    """A fresh X display with a window manager, for example ":7"; what they say goes into log.txt in `folder`.

    Raises:
        SetupError: Xvfb did not start.
    """
    with (folder / "log.txt").open("w") as log:
        reading, writing = os.pipe()
        server = subprocess.Popen(
            ["Xvfb", "-displayfd", str(writing), "-screen", "0", SIZE, "-nolisten", "tcp", "-noreset"],
            pass_fds=(writing,), stdout=log, stderr=log,
        )  # fmt: skip
        os.close(writing)
        with os.fdopen(reading) as pipe:
            name = f":{pipe.readline().strip()}"
        if name == ":":
            raise SetupError("Xvfb did not start.")
        manager = subprocess.Popen(["openbox"], env={**os.environ, "DISPLAY": name}, stdout=log, stderr=log)
        try:
            yield name
        finally:
            for process in (manager, server):
                process.terminate()
                process.wait(timeout=10)


def first_paint_ms(command: list[str], environment: dict[str, str], folder: Path) -> float:
    """Starts a program in a folder, waits for its line about the first paint, and ends it.

    Raises:
        SetupError: it ended before it painted.
    """
    process = subprocess.Popen(
        command,
        cwd=folder,
        env={**environment, "GRAFT_PRINT_FIRST_PAINT": "1"},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        for line in process.stdout:
            found = re.search(r"first paint (\d+) ms", line)
            if found:
                return float(found[1])
        raise SetupError("The program ended before its window was painted.")
    finally:
        process.kill()
        process.wait()
