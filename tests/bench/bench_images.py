"""Speed of decoding, thumbnails and scanning, against FIGURES.md. Run: python tests/bench/bench_images.py

Uses the photographs in ../shared/data (or GRAFT_SHARED); prints the median of rounds with two threads, Pillow's figure
for the same work (for thumbnails with its own scaled decode, `draft`) in turns with ours, and what the processor time
used would allow on two idle cores: a busy machine spoils the first two columns only.
"""

from __future__ import annotations

import io
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median

import numpy as np
import simplejpeg
from PIL import Image, ImageOps

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from engine.images.decode import decode_rgb  # noqa: E402
from engine.images.thumbnails import ThumbnailCache, make_thumbnail  # noqa: E402
from engine.jobs import run_in_foreground  # noqa: E402
from engine.project import Project  # noqa: E402
from engine.tasks.scan import Rescan, ScanFolder  # noqa: E402

NUM_THREADS, NUM_ROUNDS = 2, 5


def rates(works: Sequence[Callable[[Path], object]], files: Sequence[Path]) -> list[tuple[float, float]]:
    """Returns files per second with two threads, and the same from processor time, for each work: the medians of
    rounds in which the works take turns."""
    found: list[list[tuple[float, float]]] = [[] for _ in works]
    with ThreadPoolExecutor(NUM_THREADS) as pool:
        for _ in range(NUM_ROUNDS):
            for at, work in enumerate(works):
                started, started_cpu = time.perf_counter(), time.process_time()
                list(pool.map(work, files))
                wall_s, cpu_s = time.perf_counter() - started, time.process_time() - started_cpu
                found[at].append((len(files) / wall_s, NUM_THREADS * len(files) / cpu_s))
    return [(median(now for now, _ in each), median(idle for _, idle in each)) for each in found]


def pillow_full(file: Path) -> object:
    with Image.open(file) as image:
        return np.asarray(ImageOps.exif_transpose(image).convert("RGB"))


def pillow_thumbnail(file: Path) -> object:
    """The same work with Pillow alone, at its fastest: scaled decode (draft), turned, and written as JPEG."""
    with Image.open(file) as image:
        image.draft("RGB", (256, 256))
        small = ImageOps.exif_transpose(image).convert("RGB")
        small.thumbnail((256, 256), Image.Resampling.BILINEAR)
        target = io.BytesIO()
        small.save(target, "JPEG", quality=80)
        return target.getvalue()


def copies(folder: Path, megapixels: float, count: int, source: Path) -> list[Path]:
    """Writes a photograph in another size, several times over (different bytes each time)."""
    pixels = decode_rgb(source)
    scale = (megapixels * 1e6 / (pixels.shape[0] * pixels.shape[1])) ** 0.5
    size = (round(pixels.shape[1] * scale), round(pixels.shape[0] * scale))
    image = np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC))
    files = []
    for number in range(count):
        file = folder / f"{megapixels}_{number}.jpg"
        file.write_bytes(simplejpeg.encode_jpeg(image, quality=85 + number % 5, colorsubsampling="420"))
        files.append(file)
    return files


def main() -> None:
    shared = Path(os.environ.get("GRAFT_SHARED") or ROOT.parent / "shared") / "data"
    source = next((shared / "highres_exif").rglob("ORIG12MP_*"))
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    print(f"{'':44}{'ours':>10}{'Pillow':>10}{'ours, idle':>12}{'Pillow, idle':>13}{'ratio':>7}     goal")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        large, small = copies(folder, 12.0, 24, source), copies(folder, 0.5, 200, source)
        for title, files, goal in (("12 MP", large, ">= 60"), ("0.5 MP", small, ">= 700")):
            _compare(f"thumbnails, {title} JPEG, per second", make_thumbnail, pillow_thumbnail, files, goal)
        for title, files in (("12 MP", large), ("0.5 MP", small)):
            _compare(f"full decodes, {title} JPEG, per second", decode_rgb, pillow_full, files, "same pixels")
        _bench_cache(folder)
        _bench_scan(folder, shared / "caltech59")


def _compare(
    title: str,
    ours: Callable[[Path], object],
    theirs: Callable[[Path], object],
    files: Sequence[Path],
    goal: str,
) -> None:
    (now, idle), (pillow, pillow_idle) = rates((ours, theirs), files)
    ratio = idle / pillow_idle
    print(f"{title:44}{now:10.0f}{pillow:10.0f}{idle:12.0f}{pillow_idle:12.0f}{ratio:8.2f} x   {goal}")


def _bench_cache(folder: Path) -> None:
    cache = ThumbnailCache(folder / "thumbnails.db")
    jpeg, names = os.urandom(9000), [f"{number:032x}" for number in range(3000)]
    started = time.perf_counter()
    for name in names:
        cache.put(name, jpeg)
    written = time.perf_counter()
    for name in names:
        cache.get(name)
    read = time.perf_counter()
    cache.close()
    print("thumbnail cache, microseconds a write".ljust(44) + f"{(written - started) / len(names) * 1e6:10.0f}")
    print(
        "thumbnail cache, microseconds a read".ljust(44)
        + f"{(read - written) / len(names) * 1e6:10.0f}{'':>22}   about 8"
    )


def _bench_scan(folder: Path, images: Path) -> None:
    with Project.create(folder / "project") as project:
        started = time.perf_counter()
        report = run_in_foreground(ScanFolder(project, images, True))
        added = time.perf_counter()
        run_in_foreground(Rescan(project))
        again = time.perf_counter()
    print("scan with hashes, images per second".ljust(44) + f"{report.num_added / (added - started):10.0f}")
    print("rescan without changes, images per second".ljust(44) + f"{report.num_added / (again - added):10.0f}")


if __name__ == "__main__":
    main()
