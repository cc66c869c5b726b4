"""Crops of the pool with what the teachers say about exactly these crops, computed once and kept on disk.

A *view* is one random crop of every picture. The student sees it at 128 px, the teachers see the same crop at 224 px.
With the views at hand a training step costs nothing but the student. The first views are plain crops. The later ones
are strange: recoloured, turned, faded into another picture or with a piece of it pasted in. The teachers see them so,
hence the student does not learn to overlook colour or position but what the teachers say far from the pool's pictures.
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
NUM_PLAIN_VIEWS = 4
# Of the strange views.
STRANGE_WHOLE_SHARE, STRANGE_SMALLEST_CROP, STRANGE_RATIO = 0.2, 0.08, 2.0
RECOLOURED_SHARE, GREY_SHARE, ANY_HUE_SHARE = 0.7, 0.08, 0.15
TURNED_SHARE, FADED_SHARE, PASTED_SHARE = 0.2, 0.2, 0.2
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
            feature_map = teach(normalised(crops))["map"]
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
            said = teach(normalised([large for _, large in crops]))
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
    if NUM_PLAIN_VIEWS <= view < _SAMPLE_VIEW:
        return _strange_crops(pool, index, generator)
    picture = pool.picture(index)
    box = _random_box(generator, picture.width, picture.height, WHOLE_PICTURE_SHARE, SMALLEST_CROP, 1.5)
    small, large = _resized(generator, picture, box)
    return small, large


def _strange_crops(
    pool: Pool, index: int, generator: np.random.Generator
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    pair = _recoloured_crops(pool, index, generator)
    kind, share = generator.random(), generator.uniform(0.15, 0.85)
    if kind < FADED_SHARE + PASTED_SHARE:
        others = _recoloured_crops(pool, int(generator.integers(len(pool))), generator)
        height, width = np.sqrt(1 - share) * np.exp(generator.uniform(-0.3, 0.3) * np.array([1, -1]))
        top, left = generator.random(2)
        for picture, other in zip(pair, others, strict=True):
            if kind < FADED_SHARE:
                picture += (1 - share) * (other - picture)
            else:
                side = len(picture)
                rows, columns = (min(side, round(float(part) * side)) for part in (height, width))
                y, x = round(top * (side - rows)), round(left * (side - columns))
                picture[y : y + rows, x : x + columns] = other[y : y + rows, x : x + columns]
    small, large = (np.clip(picture + 0.5, 0, 255).astype(np.uint8) for picture in pair)
    return small, large


def _recoloured_crops(pool: Pool, index: int, generator: np.random.Generator) -> list[NDArray[np.float32]]:
    picture = pool.picture(index)
    share, smallest, ratio = STRANGE_WHOLE_SHARE, STRANGE_SMALLEST_CROP, STRANGE_RATIO
    box = _random_box(generator, picture.width, picture.height, share, smallest, ratio)
    pair = [side.astype(np.float32) for side in _resized(generator, picture, box)]
    if generator.random() < RECOLOURED_SHARE:
        matrix, shift = _random_colours(generator)
        pair = [side @ matrix + shift for side in pair]
    if generator.random() < TURNED_SHARE:
        quarters = int(generator.integers(1, 4))
        pair = [np.rot90(side, quarters) for side in pair]
    return [np.clip(side, 0, 255) for side in pair]


def _random_colours(generator: np.random.Generator) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Returns matrix (3, 3) and shift (3,) of a random change of hue, saturation, contrast and lightness."""
    to_yiq = np.array([[0.299, 0.596, 0.211], [0.587, -0.274, -0.523], [0.114, -0.322, 0.312]])
    angle = generator.uniform(-math.pi, math.pi) if generator.random() < ANY_HUE_SHARE else generator.normal(0, 0.2)
    saturation = 0.0 if generator.random() < GREY_SHARE else generator.uniform(0.3, 1.7)
    c, s = saturation * math.cos(angle), saturation * math.sin(angle)
    contrast = math.exp(generator.uniform(-0.5, 0.5))
    gains = contrast * np.exp(generator.normal(0, 0.1, 3))
    matrix = to_yiq @ np.array([[1, 0, 0], [0, c, s], [0, -s, c]]) @ np.linalg.inv(to_yiq) * gains
    shift = 128 * (1 - contrast) + generator.normal(0, 20)
    return matrix.astype(np.float32), np.full(3, shift, np.float32)


def _resized(
    generator: np.random.Generator, picture: Image.Image, box: tuple[float, float, float, float]
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    is_mirrored = generator.random() < 0.5
    # The teachers must not see the trace of one resampling filter.
    enlarging = Image.Resampling.BILINEAR if generator.random() < 0.5 else Image.Resampling.BICUBIC
    small = np.asarray(picture.resize((VIEW_PX, VIEW_PX), Image.Resampling.BILINEAR, box=box))
    large = np.asarray(picture.resize((INPUT_PX, INPUT_PX), enlarging, box=box))
    return (small[:, ::-1], large[:, ::-1]) if is_mirrored else (small, large)


def _random_box(
    generator: np.random.Generator, width: int, height: int, whole_share: float, smallest: float, ratio: float
) -> tuple[float, float, float, float]:
    """Returns a crop as left, top, right, bottom; now and then the whole picture, squeezed as the program does."""
    if generator.random() >= whole_share:
        for _ in range(10):
            area = width * height * generator.uniform(smallest, 1.0)
            proportion = math.exp(generator.uniform(-math.log(ratio), math.log(ratio)))
            crop_width, crop_height = math.sqrt(area * proportion), math.sqrt(area / proportion)
            if crop_width <= width and crop_height <= height:
                left, top = generator.uniform(0, width - crop_width), generator.uniform(0, height - crop_height)
                return left, top, left + crop_width, top + crop_height
    return 0, 0, width, height


def normalised(crops: list[NDArray[np.uint8]]) -> NDArray[np.float32]:
    """Returns what a network takes (B, 3, S, S) of pictures (S, S, 3)."""
    batch = (np.stack(crops).astype(np.float32) - MEAN) / STD
    return np.ascontiguousarray(batch.transpose(0, 3, 1, 2))
