"""Crops of the pool with what the teachers say about exactly these crops, computed once and kept on disk.

A *view* is one random crop of every picture. The student sees it at 128 px, the teachers see the same crop at 224 px.
With the views at hand a training step costs nothing but the student; a few views per picture are enough, because the
training shifts, mirrors, recolours and mixes them.
"""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pool import Pool
from teachers import EMBEDDING_SIZES, INPUT_PX, MAP_SIDE, NUM_CLASSES, Teach

VIEW_PX = 128
MAP_CHANNELS = 128
WHOLE_PICTURE_SHARE = 0.15
SMALLEST_CROP = 0.25
SEED = 7
MEAN = np.array([0.485, 0.456, 0.406], np.float32) * 255
STD = np.array([0.229, 0.224, 0.225], np.float32) * 255
_BATCH = 32
_SAMPLE_VIEW = 999


def make_views(pool: Pool, teach: Teach, work: Path, num_views: int) -> None:
    """Writes the views that are missing in `work`, each about 1 GB. May be interrupted between views."""
    missing = [view for view in range(num_views) if not (work / f"v{view}_done").is_file()]
    if missing:
        mean, directions, _ = map_projection(pool, teach, work)
        for view in missing:
            _make_view(pool, teach, work, view, mean, directions)
            print(f"view {view} done", flush=True)


def map_projection(pool: Pool, teach: Teach, work: Path) -> tuple[NDArray[np.float32], ...]:
    """Returns mean (C,), principal directions (C, 128) and variances (128,) of the cells of the teacher's last map."""
    file = work / "pca.npz"
    if not file.is_file():
        generator = np.random.default_rng(0)
        cells = []
        for _ in range(48):
            crops = [_crops(pool, int(index), _SAMPLE_VIEW)[1] for index in generator.integers(0, len(pool), _BATCH)]
            feature_map = teach(_normalised(crops))["map"]
            cells.append(feature_map.transpose(0, 2, 3, 1).reshape(-1, feature_map.shape[1])[::3])
        stacked = np.concatenate(cells)
        mean = stacked.mean(0)
        variances, directions = np.linalg.eigh(np.cov((stacked - mean).T))
        order = np.argsort(variances)[::-1][:MAP_CHANNELS]
        np.savez(
            file, mu=mean, V=directions[:, order].astype(np.float32), w=np.sort(variances)[::-1].astype(np.float32)
        )
    stored = np.load(file)
    return stored["mu"], stored["V"], stored["w"][:MAP_CHANNELS]


def _make_view(
    pool: Pool, teach: Teach, work: Path, view: int, mean: NDArray[np.float32], directions: NDArray[np.float32]
) -> None:
    num = len(pool)
    shapes = {
        "e": (EMBEDDING_SIZES[0],),
        "f": (EMBEDDING_SIZES[1],),
        "l": (NUM_CLASSES,),
        "m": (MAP_SIDE**2, MAP_CHANNELS),
    }
    files = {
        name: np.lib.format.open_memmap(work / f"v{view}_{name}.npy", "w+", np.float16, (num, *shape))
        for name, shape in shapes.items()
    }
    pixels = np.lib.format.open_memmap(work / f"v{view}_x.npy", "w+", np.uint8, (num, VIEW_PX, VIEW_PX, 3))
    with ThreadPoolExecutor(2) as threads:
        for start in range(0, num, _BATCH):
            rows = range(start, min(start + _BATCH, num))
            crops = list(threads.map(lambda index: _crops(pool, index, view), rows))
            said = teach(_normalised([large for _, large in crops]))
            here = slice(rows.start, rows.stop)
            pixels[here] = np.stack([small for small, _ in crops])
            cells = said["map"].reshape(len(rows), -1, MAP_SIDE**2).transpose(0, 2, 1)
            files["e"][here], files["f"][here], files["l"][here] = said["large"], said["small"], said["logits"]
            files["m"][here] = (cells - mean) @ directions
    for array in (pixels, *files.values()):
        array.flush()
    (work / f"v{view}_done").touch()


def _crops(pool: Pool, index: int, view: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Returns the same crop for the student and for the teachers."""
    generator = np.random.default_rng((SEED, view, index))
    picture = pool.picture(index)
    box = _random_box(generator, picture.width, picture.height)
    is_mirrored = generator.random() < 0.5
    # The teachers must not see the trace of one resampling filter.
    enlarging = Image.Resampling.BILINEAR if generator.random() < 0.5 else Image.Resampling.BICUBIC
    small = np.asarray(picture.resize((VIEW_PX, VIEW_PX), Image.Resampling.BILINEAR, box=box))
    large = np.asarray(picture.resize((INPUT_PX, INPUT_PX), enlarging, box=box))
    return (small[:, ::-1], large[:, ::-1]) if is_mirrored else (small, large)


def _random_box(generator: np.random.Generator, width: int, height: int) -> tuple[float, float, float, float]:
    """Returns a crop as left, top, right, bottom; now and then the whole picture, squeezed as the program does."""
    if generator.random() >= WHOLE_PICTURE_SHARE:
        for _ in range(10):
            area = width * height * generator.uniform(SMALLEST_CROP, 1.0)
            ratio = math.exp(generator.uniform(math.log(2 / 3), math.log(3 / 2)))
            crop_width, crop_height = math.sqrt(area * ratio), math.sqrt(area / ratio)
            if crop_width <= width and crop_height <= height:
                left, top = generator.uniform(0, width - crop_width), generator.uniform(0, height - crop_height)
                return left, top, left + crop_width, top + crop_height
    return 0, 0, width, height


def _normalised(crops: list[NDArray[np.uint8]]) -> NDArray[np.float32]:
    batch = (np.stack(crops).astype(np.float32) - MEAN) / STD
    return np.ascontiguousarray(batch.transpose(0, 3, 1, 2))
