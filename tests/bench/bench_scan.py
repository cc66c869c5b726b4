"""How long it takes until a large folder shows: first rows, all rows, and what is in the files.

Run it: `python tests/bench/bench_scan.py [NUM_IMAGES]`. It makes a folder of small JPEGs among the temporary files (in
100 sub-folders; one picture in a hundred is another one, the rest are hard links to it) and prints one line per figure.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import simplejpeg

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from engine.events import Event, ImagesAdded
from engine.jobs import QuietContext, run_in_foreground
from engine.project import Project
from engine.tasks.read_files import read_now
from engine.tasks.scan import Rescan, ScanFolder

FILES_PER_FOLDER = 1000
LINKS_PER_FILE = 100


class FirstRows(QuietContext):
    """Notes when the first images were filed."""

    def __init__(self) -> None:
        self.started = time.perf_counter()
        self.first_s = 0.0

    def emit(self, event: Event) -> None:
        if isinstance(event, ImagesAdded) and not self.first_s:
            self.first_s = time.perf_counter() - self.started


def main(num_images: int) -> None:
    """Prints the figures for a folder of that many images."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary, "pictures")
        _report("(make the folder)", _seconds(lambda: _fill(folder, num_images)), "s")
        _report("walk and stat alone", _seconds(lambda: _walk(folder)), "s")
        project = Project.create(Path(temporary, "project"))
        listener = FirstRows()
        scan_s = _seconds(lambda: run_in_foreground(ScanFolder(project, folder, False), listener))
        _report("first rows", listener.first_s, "s")
        _report(f"all {num_images:,} rows", scan_s, "s")
        _report("rows a second", num_images / scan_s, "/s")
        _report("columns()", _seconds(project.columns), "s")
        read_s = _seconds(lambda: read_now(project, QuietContext()))
        _report("facts of all files", read_s, "s")
        _report("files a second", num_images / read_s, "/s")
        _report("rescan, nothing new", _seconds(lambda: run_in_foreground(Rescan(project))), "s")
        _report("journal", (project.folder / "labels.jsonl").stat().st_size / 2**20, "MB")
        _report("close", _seconds(project.close), "s")


def _fill(folder: Path, num_images: int) -> None:
    random = np.random.default_rng(0)
    for number in range(num_images):
        inside = folder / f"{number // FILES_PER_FOLDER:04d}"
        inside.mkdir(parents=True, exist_ok=True)
        file = inside / f"IMG_{number:06d}.jpg"
        if number % LINKS_PER_FILE == 0:
            pixels = random.integers(0, 255, (12, 16, 3), np.uint8)
            file.write_bytes(simplejpeg.encode_jpeg(pixels, quality=90))
            original = file
        else:
            os.link(original, file)


def _walk(folder: Path) -> None:
    for inside in os.scandir(folder):
        for entry in os.scandir(inside.path):
            entry.stat()


def _seconds(action: Callable[[], object]) -> float:
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def _report(what: str, value: float, unit: str) -> None:
    print(f"{what:24s} {value:10.2f} {unit}", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
