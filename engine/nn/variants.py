"""Makes variants of pictures to learn from: of one picture from its pixels, or of a batch where the network is.

Letters: B images of a batch, V views, S side of a view in pixels.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from engine.images.decode import decode_rgb
from engine.nn.augmentation import PRESETS, Augmentation
from engine.nn.preprocess_graph import Preprocessor
from engine.nn.preprocessing import Preprocessing
from engine.nn.torchvision_shim import import_torchvision

_LARGEST_STRETCH = 1.25


class ViewMaker:
    """Turns an image file into the normalised views (V, 3, S, S) to learn from; the deployed model's come first."""

    def __init__(self, preprocessing: Preprocessing, augmentation: str, seed: int) -> None:
        self._preprocessing, self._seed = preprocessing, seed
        self._preset = PRESETS[augmentation]
        self._preprocess = Preprocessor(preprocessing)
        if self._preset.num_variants:
            import_torchvision()
            from torchvision.transforms import v2

            side, colour, cut = preprocessing.input_size_px, self._preset.colour, self._preset.smallest_cut
            ratio = (1 / _LARGEST_STRETCH, _LARGEST_STRETCH)
            steps = [
                v2.RandomResizedCrop(side, scale=(cut, 1.0), ratio=ratio, antialias=True),
                v2.RandomHorizontalFlip(),
                v2.ColorJitter(brightness=colour, contrast=colour, saturation=colour),
            ]
            if self._preset.num_operations:
                steps.append(v2.RandAugment(num_ops=self._preset.num_operations))
            self._vary = v2.Compose(steps)

    def __call__(self, path: Path) -> NDArray[np.float32]:
        """Returns the views.

        Raises:
            ImageError: the image cannot be read.
        """
        pixels = decode_rgb(path)
        views = [self._preprocess(pixels)]
        if self._preset.is_mirrored:
            views.append(views[0][..., ::-1])
        if self._preset.num_variants:
            mean = torch.tensor(self._preprocessing.mean).view(1, 3, 1, 1)
            std = torch.tensor(self._preprocessing.std).view(1, 3, 1, 1)
            variants = self.variants(pixels, zlib.crc32(str(path).encode()), self._preset.num_variants)
            views.append(((variants.float() / 255 - mean) / std).numpy())
        return np.concatenate(views)

    def variants(self, pixels: NDArray[np.uint8], number: int, count: int) -> Tensor:
        """Returns random variants uint8 (count, 3, S, S) of a picture; equal numbers give equal ones."""
        picture = torch.from_numpy(np.ascontiguousarray(pixels)).permute(2, 0, 1)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self._seed * 1_000_003 + number)
            return torch.stack([self._vary(picture) for _ in range(count)])


@dataclass(frozen=True, slots=True)
class Chances:
    """What chance decides for each picture of a batch: where it is cut and turned (B, 2, 3), its colours (B, 3)."""

    places: NDArray[np.float32]
    colours: NDArray[np.float32]

    def of(self, rows: NDArray[np.int64]) -> Chances:
        return Chances(self.places[rows], self.colours[rows])


def draw(preset: Augmentation, chance: np.random.Generator, count: int) -> Chances:
    """Returns what is done to each of `count` pictures."""
    side = np.sqrt(chance.uniform(preset.smallest_cut, 1, count))
    stretch = np.sqrt(np.exp(chance.uniform(-1, 1, count) * np.log(_LARGEST_STRETCH)))
    if preset.smallest_cut == 1.0:
        stretch = np.ones(count)
    wide, high = np.minimum(side * stretch, 1), np.minimum(side / stretch, 1)
    x, y = chance.uniform(-1, 1, (2, count)) * (1 - np.stack([wide, high]))
    mirror = np.where(chance.random(count) < (0.5 if preset.is_mirrored else 0.0), -1.0, 1.0)
    angle = np.radians(chance.uniform(-1, 1, count) * preset.turn_degrees)
    cos, sin = np.cos(angle), np.sin(angle)
    first = np.stack([mirror * wide * cos, -high * sin, x], axis=1)
    second = np.stack([mirror * wide * sin, high * cos, y], axis=1)
    colours = chance.uniform(-1, 1, (count, 3)) * preset.colour
    return Chances(np.stack([first, second], axis=1).astype(np.float32), colours.astype(np.float32))


def vary(pictures: Tensor, chances: Chances) -> Tensor:
    """Returns normalised pictures (B, 3, S, S) cut, turned, mirrored and recoloured, on their device."""
    places = torch.from_numpy(chances.places).to(pictures.device)
    if bool((np.abs(chances.places[:, 0, 0]) < 1).any()):
        grid = F.affine_grid(places, list(pictures.shape), align_corners=False)
        pictures = F.grid_sample(pictures, grid, mode="bilinear", padding_mode="reflection", align_corners=False)
    else:  # mirrored at most, which needs no new pixels
        pictures = torch.where(places[:, 0, 0].view(-1, 1, 1, 1) < 0, pictures.flip(-1), pictures)
    if chances.colours.any():
        brightness, contrast, saturation = (
            torch.from_numpy(chances.colours).to(pictures.device).view(-1, 3, 1, 1, 1).unbind(1)
        )
        grey = pictures.mean(dim=1, keepdim=True)
        pictures = (grey + (pictures - grey) * (1 + saturation)) * (1 + contrast) + brightness
    return pictures
