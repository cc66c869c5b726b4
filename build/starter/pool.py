"""The pool of unlabelled pictures as one flat array on disk, so that each picture is decoded once."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image


@dataclass(frozen=True)
class Pool:
    """Pictures in the order of their paths.

    `pixels` holds them in turn; `offsets` (N + 1,) says where each begins, `shapes` (N, 2) is height, width.
    """

    pixels: NDArray[np.uint8]
    offsets: NDArray[np.int64]
    shapes: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.shapes)

    def picture(self, index: int) -> Image.Image:
        height, width = self.shapes[index]
        flat = self.pixels[self.offsets[index] : self.offsets[index + 1]]
        return Image.fromarray(np.asarray(flat.reshape(height, width, 3)))


def open_pool(pictures: Path, work: Path) -> Pool:
    """Returns the pictures below a folder, decoding them into `work` the first time (about 1 GB)."""
    flat, index = work / "pool.u8", work / "pool.json"
    if not index.is_file():
        shapes = []
        with open(flat, "wb") as target:
            for file in sorted(pictures.rglob("*.jpg")):
                pixels = np.asarray(Image.open(file).convert("RGB"))
                target.write(pixels.tobytes())
                shapes.append(pixels.shape[:2])
        index.write_text(json.dumps(shapes), encoding="utf-8")
    table = np.array(json.loads(index.read_text(encoding="utf-8")), np.int64)
    offsets = np.concatenate([[0], np.cumsum(table[:, 0] * table[:, 1] * 3)])
    return Pool(np.memmap(flat, np.uint8, "r"), offsets, table)
