"""Every format of every network: is it the same model? `python tests/bench/bench_exports.py [NETWORK ...]`.

Trains on real images (steel_neu, 30 of each class labelled of 60) with each network, and once with part of the network
trained too; then exports each version in every format and prints

- parity on 200 of the images from their files: share with the same class, largest difference of a probability,
- size of the folder, seconds of the export (its check included), and
- pictures per second of predict.py's `predict` (one picture at a time, decoded before; median of three rounds), also as
  a ratio to the ONNX export of the same version.

Needs the shared image sets and weights (GRAFT_SHARED, GRAFT_WEIGHTS). Formats whose libraries are not installed are
left out, with a line that says so (`graft export --list`; GRAFT_EXTRAS names where they lie).
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from engine.domain import ImageStatus  # noqa: E402
from engine.errors import AppError, ExportError, ExtraError  # noqa: E402
from engine.exporters.predict_script import load_predict_script  # noqa: E402
from engine.exporters.registry import FORMATS  # noqa: E402
from engine.extras import activate, extra, is_installed  # noqa: E402
from engine.images.decode import decode_rgb  # noqa: E402
from engine.job import run_in_foreground  # noqa: E402
from engine.project import Project  # noqa: E402
from engine.settings import limit_threads, num_threads  # noqa: E402
from engine.tasks.export import ExportModel  # noqa: E402

SHARED = Path(os.environ.get("GRAFT_SHARED", ROOT.parent / "shared"))
NETWORKS = {
    "mobilenet_v2": (),
    "mobilenet_v3_small": (),
    "squeezenet1_1": (),
    "starter": (),
    "starter, fine-tuned": ("--depth", "partial"),
}
"""What is trained, with the further arguments of `graft train`."""
PER_CLASS, LABELLED = 60, 30
NUM_TIMED, NUM_ROUNDS = 24, 3


def main() -> int:
    """Returns how many exports are not what they should be."""
    parser = argparse.ArgumentParser(description="Parity, size, time and speed of every export format.")
    parser.add_argument("networks", nargs="*", default=list(NETWORKS), help=", ".join(NETWORKS))
    parser.add_argument("--formats", default=",".join(FORMATS))
    options = parser.parse_args()
    os.environ.setdefault("GRAFT_WEIGHTS", str(SHARED / "weights"))
    limit_threads(num_threads(has_window=False))
    num_bad = 0
    print(
        f"{'network':26s}{'format':13s}{'same class':>11s}{'largest':>10s}{'MB':>7s}{'export':>9s}"
        f"{'per s':>8s}{'ratio':>7s}",
        flush=True,
    )
    with tempfile.TemporaryDirectory(prefix="graft-bench-exports-") as folder:
        for network in options.networks:
            with trained(Path(folder), network) as project:
                num_bad += _rows(project, network, options.formats.split(","), Path(folder) / "out")
    print(f"\nload at the end {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "")
    return num_bad


def _rows(project: Project, network: str, formats: list[str], out: Path) -> int:
    pixels = _some_pixels(project)
    of_onnx, num_bad = float("nan"), 0
    for name in formats:
        needed = FORMATS[name].extra
        if needed and not is_installed(extra(needed)):
            print(f"{network:26s}{name:13s}  left out: {extra(needed).title} is not installed")
            continue
        began = time.perf_counter()
        try:
            report = run_in_foreground(ExportModel(project, name, out / network / name))
        except (ExportError, ExtraError) as err:
            print(f"{network:26s}{name:13s}  REFUSED: {err.message}", flush=True)
            num_bad += name != "onnx-int8"
            continue
        seconds = time.perf_counter() - began
        parity = report.parity
        agreement = "unchecked" if parity.top1_agreement is None else f"{parity.top1_agreement:.1%}"
        difference = "" if parity.max_abs_diff is None else f"{parity.max_abs_diff:.1e}"
        speed = float("nan")
        if parity.top1_agreement is not None:
            if needed:
                activate(extra(needed))
            speed = _speed(load_predict_script(report.folder).predict, pixels)
            of_onnx = speed if name == "onnx" else of_onnx
        rate = "" if np.isnan(speed) else f"{speed:8.1f}{speed / of_onnx:7.2f}"
        size = f"{report.size_bytes / 1e6:.1f}"
        print(f"{network:26s}{name:13s}{agreement:>11s}{difference:>10s}{size:>7s}{seconds:>7.1f} s{rate}", flush=True)
        shutil.rmtree(report.folder)
    return num_bad


def _some_pixels(project: Project) -> list[NDArray[np.uint8]]:
    images = [image for image in project.images() if image.status == ImageStatus.READABLE]
    return [decode_rgb(image.path) for image in images[:: max(1, len(images) // NUM_TIMED)]][:NUM_TIMED]


def _speed(
    predict: Callable[[NDArray[np.uint8]], tuple[NDArray[np.float32], float]], pictures: list[NDArray[np.uint8]]
) -> float:
    """Returns pictures per second, the median of some rounds after one that does not count."""
    rounds = []
    for _ in range(NUM_ROUNDS + 1):
        began = time.perf_counter()
        for pixels in pictures:
            predict(pixels)
        rounds.append(len(pictures) / (time.perf_counter() - began))
    return statistics.median(rounds[1:])


@contextmanager
def trained(folder: Path, network: str) -> Iterator[Project]:
    """Yields a project with a version trained on half of its images."""
    images = folder / "images"
    if not images.exists():
        _copy_images(images)
    place = folder / network
    key = network.split(",")[0]
    _graft("new", place, "--images", images, "--labels", "none")
    table = folder / "labels.csv"
    rows = [f"{path.relative_to(images)},{path.parent.name}" for path in sorted(images.rglob("*.*"))]
    kept = [row for index, row in enumerate(rows) if index % PER_CLASS < LABELLED]
    table.write_text("\n".join(["image,class", *kept]), encoding="utf-8")
    _graft("label", place, "--csv", table)
    _graft("train", place, "--backbone", key, *NETWORKS[network])
    with Project.open(place) as project:
        yield project


def _copy_images(target: Path) -> None:
    for source in sorted((SHARED / "data" / "steel_neu").iterdir()):
        if source.is_dir():
            (target / source.name).mkdir(parents=True)
            for file in sorted(source.iterdir())[:PER_CLASS]:
                shutil.copy(file, target / source.name)


def _graft(*arguments: object) -> None:
    command = [sys.executable, str(ROOT / "main.py"), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise AppError(done.stderr.strip())


if __name__ == "__main__":
    sys.exit(main())
