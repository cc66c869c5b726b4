"""How long it takes until a key press is durable, and until the columns of a large project are there.

Run it: `python tests/bench/bench_store.py [NUM_IMAGES]`. It prints one line per figure and changes nothing.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from engine.domain import NewImage
from engine.project import Project

NUM_LABELS = 2000
BLOCK = 1000


def main(num_images: int) -> None:
    """Prints the figures for a project of that many images, made in the folder for temporary files."""
    with tempfile.TemporaryDirectory() as folder:
        project = Project.create(Path(folder, "project"))
        _report(f"file {num_images:,} images", _seconds(lambda: _fill(project, num_images)), "s")
        ids = [int(image_id) for image_id in project.columns().image_ids]
        one, two = (project.add_class(name).result().id for name in ("ok", "rust"))
        latencies_ms = []
        for image_id in ids[:NUM_LABELS]:
            latencies_ms.append(_seconds(lambda image_id=image_id: project.label([image_id], one).result()) * 1000)
        for percent in (50, 95, 99, 100):
            _report(f"key to class durable, p{percent}", float(np.percentile(latencies_ms, percent)), "ms")
        _report("label 10,000 images", _seconds(lambda: project.label(ids[:10_000], two).result()) * 1000, "ms")
        _report("undo that", _seconds(lambda: project.undo().result()) * 1000, "ms")
        _report("label every image", _seconds(lambda: project.label(ids, two).result()) * 1000, "ms")
        _report("columns()", min(_seconds(project.columns) for _ in range(3)) * 1000, "ms")
        _report("snapshot()", min(_seconds(project.snapshot) for _ in range(3)) * 1000, "ms")
        _report("num_labels_since(0)", _seconds(lambda: project.num_labels_since(0)) * 1000, "ms")
        _report("backup", _seconds(lambda: project.store.back_up().result()) * 1000, "ms")
        _report("close", _seconds(project.close) * 1000, "ms")
        _report("open", _seconds(lambda: Project.open(project.folder).close()) * 1000, "ms")
        (project.folder / "project.db").unlink()
        _report("restore, database deleted", _seconds(lambda: Project.restore(project.folder).close()) * 1000, "ms")


def _fill(project: Project, num_images: int) -> None:
    root_id = project.add_root(Path("/images"))
    for start in range(0, num_images, BLOCK):
        project.add_images(
            root_id,
            [
                NewImage(f"folder/{i:07d}.jpg".encode(), f"{i:032x}", 100_000 + i, i, 1600, 1200)
                for i in range(start, min(start + BLOCK, num_images))
            ],
        )


def _seconds(action: Callable[[], object]) -> float:
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def _report(what: str, value: float, unit: str) -> None:
    print(f"{what:32s} {value:10.2f} {unit}", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
