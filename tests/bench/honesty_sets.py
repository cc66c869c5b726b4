"""The five shared image sets as embeddings, with planted near-duplicates, for bench_honesty.py.

Embedding takes minutes the first time; it is kept in the system's folder for temporary files (or GRAFT_BENCH_CACHE).
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT))
SHARED = Path(os.environ.get("GRAFT_SHARED") or ROOT.parent / "shared")
os.environ.setdefault("GRAFT_WEIGHTS", str(SHARED / "weights"))

from engine.backbones import spec  # noqa: E402
from engine.images.hashing import content_hash  # noqa: E402
from engine.nn.embed import Embedder  # noqa: E402
from engine.suggestions.vectors import unit_vectors  # noqa: E402
from engine.weights import find_weights  # noqa: E402

BACKBONE = "mobilenet_v2"
SETS = ("blood_cells", "caltech59", "clothing10", "coffee_leaf", "steel_neu")
PLANTED_SHARE = 0.25
"""So many images of each set have near-duplicates planted."""


@dataclass(frozen=True)
class ImageSet:
    """Images of one set: `paths`, `hashes`, `targets` (N,), `features` (N, D)."""

    name: str
    paths: list[Path]
    hashes: list[str]
    targets: NDArray[np.int64]
    features: NDArray[np.float32]


def cache_folder() -> Path:
    folder = Path(os.environ.get("GRAFT_BENCH_CACHE") or Path(tempfile.gettempdir()) / "graft-bench")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def load_set(name: str) -> ImageSet:
    """Returns a whole set, in a shuffled but fixed order."""
    paths = sorted((SHARED / "data" / name).rglob("*.jpg"))
    paths = [paths[index] for index in np.random.default_rng(0).permutation(len(paths))]
    classes = sorted({path.parent.name for path in paths})
    targets = np.array([classes.index(path.parent.name) for path in paths], np.int64)
    return _embedded(name, paths, targets)


def load_variants(name: str) -> tuple[ImageSet, NDArray[np.int64], list[str]]:
    """Returns planted near-duplicates of a set's first images, of which image each is one, and how it was made."""
    originals = load_set(name)
    folder = cache_folder() / f"{name}-variants"
    folder.mkdir(exist_ok=True)
    paths, sources, kinds = [], [], []
    for index in range(round(PLANTED_SHARE * len(originals.paths))):
        for kind, make in VARIANTS.items():
            file = folder / f"{index:03d}-{kind}.jpg"
            if not file.exists():
                with Image.open(originals.paths[index]) as image:
                    picture, quality = make(ImageOps.exif_transpose(image).convert("RGB"))
                picture.save(file, quality=quality)
            paths.append(file)
            sources.append(index)
            kinds.append(kind)
    positions = np.array(sources)
    return _embedded(f"{name}-variants", paths, originals.targets[positions]), positions, kinds


def own_output(features: NDArray[np.float32]) -> NDArray[np.float32]:
    """Returns the part of embeddings (N, D) that near-duplicates are looked for by, as engine.tasks.near_duplicates."""
    return unit_vectors(features[:, : spec(BACKBONE).without_spreads().embedding_size])


def _smaller(image: Image.Image) -> tuple[Image.Image, int]:
    return image.resize((max(1, image.width // 2), max(1, image.height // 2)), Image.Resampling.LANCZOS), 90


def _larger(image: Image.Image) -> tuple[Image.Image, int]:
    return image.resize((round(image.width * 1.4), round(image.height * 1.4)), Image.Resampling.BICUBIC), 85


def _re_encoded(image: Image.Image) -> tuple[Image.Image, int]:
    return image, 45


def _cropped(image: Image.Image) -> tuple[Image.Image, int]:
    """Loses 5 % of the width and of the height, half of it on each side."""
    across, down = round(image.width * 0.025), round(image.height * 0.025)
    return image.crop((across, down, image.width - across, image.height - down)), 88


def _shifted(image: Image.Image) -> tuple[Image.Image, int]:
    """Moves by 4 % to the right and down, as a camera would that was knocked: what comes in is mirrored border."""
    across, down = max(1, round(image.width * 0.04)), max(1, round(image.height * 0.04))
    pixels = np.pad(np.asarray(image), ((down, 0), (across, 0), (0, 0)), mode="reflect")
    return Image.fromarray(pixels[: image.height, : image.width]), 80


VARIANTS: dict[str, Callable[[Image.Image], tuple[Image.Image, int]]] = {
    "half size": _smaller,
    "larger": _larger,
    "re-encoded": _re_encoded,
    "cropped 5 %": _cropped,
    "shifted 4 %": _shifted,
}


def _embedded(name: str, paths: list[Path], targets: NDArray[np.int64]) -> ImageSet:
    record = spec(BACKBONE)
    weights = find_weights(record)
    with_key = None
    file = cache_folder() / f"{name}.npz"
    if file.exists():
        with np.load(file) as arrays:
            if len(arrays["features"]) == len(paths):
                with_key = arrays["features"], arrays["hashes"].tolist()
    if with_key is None:
        print(f"embedding {len(paths):,} images of {name}", flush=True)
        with Embedder(record, weights) as embedder:
            blocks = list(embedder.blocks(paths))
        assert not any(block.failed for block in blocks)
        with_key = np.concatenate([block.features for block in blocks]), [content_hash(path) for path in paths]
        np.savez(file, features=with_key[0], hashes=np.array(with_key[1]))
    return ImageSet(name, paths, list(with_key[1]), targets, with_key[0])


if __name__ == "__main__":
    for set_name in SETS:
        load_set(set_name)
        load_variants(set_name)
