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

from engine.domain import LabelMode, NewImage
from engine.project import Project

NUM_LABELS = 400
PAUSE_S = 0.03
"""Between two keys; faster than anyone types. Without it a key would wait for the journal of the one before."""
BLOCK = 1000


def main(num_images: int) -> None:
    """Prints the figures for a project of that many images, made in the folder for temporary files."""
    with tempfile.TemporaryDirectory() as folder:
        project = Project.create(Path(folder, "project"))
        _report(f"file {num_images:,} images", _seconds(lambda: _fill(project, num_images)), "s")
        ids = [int(image_id) for image_id in project.columns().image_ids]
        one, two = (project.add_class(name).result().id for name in ("ok", "rust"))
        for what, pause_s in (("key to class durable", PAUSE_S), ("the same without a pause", 0.0)):
            latencies_ms = _label_one_by_one(project, ids[:NUM_LABELS], one, pause_s)
            for percent in (50, 99):
                _report(f"{what}, p{percent}", float(np.percentile(latencies_ms, percent)), "ms")
            ids = ids[NUM_LABELS:]
        _report("label 10,000 images", _seconds(lambda: project.label(ids[:10_000], two).result()) * 1000, "ms")
        _report("undo that", _seconds(lambda: project.undo().result()) * 1000, "ms")
        _report("label every image", _seconds(lambda: project.label(ids, two).result()) * 1000, "ms")
        _report("columns()", min(_seconds(project.columns) for _ in range(3)) * 1000, "ms")
        _report("snapshot()", min(_seconds(project.snapshot) for _ in range(3)) * 1000, "ms")
        _report("num_labels_since(0)", _seconds(lambda: project.num_labels_since(0)) * 1000, "ms")
        project.set_label_mode(LabelMode.SEVERAL).result()
        _report(
            "several: add to 10,000 images", _seconds(lambda: project.label(ids[:10_000], one).result()) * 1000, "ms"
        )
        _report("several: columns()", min(_seconds(project.columns) for _ in range(3)) * 1000, "ms")
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


def _label_one_by_one(project: Project, ids: list[int], class_id: int, pause_s: float) -> list[float]:
    latencies_ms = []
    for image_id in ids:
        time.sleep(pause_s)
        started = time.perf_counter()
        project.label([image_id], class_id).result()
        latencies_ms.append((time.perf_counter() - started) * 1000)
    return latencies_ms


def _seconds(action: Callable[[], object]) -> float:
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def _report(what: str, value: float, unit: str) -> None:
    print(f"{what:32s} {value:10.2f} {unit}", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
