"""Training batches: random views of random pictures, augmented and mixed, with the targets that belong to them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from teachers import EMBEDDING_SIZES, MAP_SIDE
from torch import Tensor
from views import MAP_CHANNELS, MEAN, STD, VIEW_PX

EMBEDDING_TARGETS = 512
TEMPERATURE = 2.0
WHITENING = 0.25
SMALLEST_SHIFTED_PX = 112
# Small: what the student is taught to overlook (stains, leaf colour) it cannot tell apart later.
GAIN, CHANNEL_GAIN = 0.08, 0.02
MIXED_SHARE = 0.5
MIX_BETA = 0.8
_LARGE, _SMALL = EMBEDDING_SIZES


@dataclass(frozen=True)
class Batch:
    """Normalised pictures (B, 3, S, S) and their targets.

    `embedding` (B, 512): both teachers' pooled features, partly whitened, mean square 1. `probabilities` (B, 1000): the
    softened classes of the large teacher. `feature_map` (B, 128, 7, 7): its last map, likewise whitened.
    """

    pictures: Tensor
    embedding: Tensor
    probabilities: Tensor
    feature_map: Tensor


class Batches:
    """Draws batches for ever. Every process of a run makes its own, with its own seed."""

    def __init__(self, work: Path, batch_size: int, seed: tuple[int, ...]) -> None:
        views = sorted(int(file.name[1:-5]) for file in work.glob("v*_done"))
        self._arrays = {
            name: [np.load(work / f"v{view}_{name}.npy", mmap_mode="r") for view in views] for name in "xefml"
        }
        self.num_views = len(views)
        self._num_pictures = len(self._arrays["x"][0])
        self._batch_size = batch_size
        self._generator = np.random.default_rng(seed)
        self._noise = torch.Generator().manual_seed(int(self._generator.integers(2**62)))
        self._order: NDArray[np.int64] = np.empty(0, np.int64)
        self._set_up_whitening(work)

    def draw(self, side_px: int, is_mixed: bool) -> Batch:
        """Returns the next batch: every picture once before any comes again, each in a random view.

        With `is_mixed` half of the batches have their pictures mixed with each other.
        """
        if len(self._order) < self._batch_size:
            self._order = self._generator.permutation(self._num_pictures)
        rows, self._order = np.sort(self._order[: self._batch_size]), self._order[self._batch_size :]
        view_of = self._generator.integers(0, self.num_views, len(rows))
        read = {name: self._read(name, rows, view_of) for name in "xefml"}
        batch = self._augmented(read, side_px)
        return self._mixed(batch) if is_mixed and self._generator.random() < MIXED_SHARE else batch

    def _read(self, name: str, rows: NDArray[np.int64], view_of: NDArray[np.int64]) -> Tensor:
        arrays = self._arrays[name]
        stacked = np.stack([arrays[view][row] for view, row in zip(view_of, rows, strict=True)])
        return torch.from_numpy(stacked if name == "x" else stacked.astype(np.float32))

    def _augmented(self, read: dict[str, Tensor], side_px: int) -> Batch:
        generator, num = self._generator, len(read["x"])
        crop_px = int(generator.integers(SMALLEST_SHIFTED_PX, VIEW_PX + 1))
        top, left = generator.integers(0, VIEW_PX + 1 - crop_px, 2)
        pictures = read["x"].permute(0, 3, 1, 2)[:, :, top : top + crop_px, left : left + crop_px]
        if crop_px != side_px:
            pictures = F.interpolate(pictures, size=(side_px, side_px), mode="bilinear", antialias=True)
        pictures = (pictures.float() - torch.from_numpy(MEAN).view(1, 3, 1, 1)) / torch.from_numpy(STD).view(1, 3, 1, 1)
        feature_map = read["m"].transpose(1, 2).reshape(num, MAP_CHANNELS, MAP_SIDE, MAP_SIDE) * self._map_scale
        is_mirrored = torch.from_numpy(generator.random(num) < 0.5)
        pictures[is_mirrored] = pictures[is_mirrored].flip(3)
        feature_map[is_mirrored] = feature_map[is_mirrored].flip(3)
        pictures = pictures * (1 + self._jitter(num)) + self._jitter(num)
        said = torch.cat([read["e"], read["f"]], 1)
        return Batch(
            pictures.contiguous(memory_format=torch.channels_last),
            ((said - self._mean) / self._scale) @ self._directions,
            (read["l"] / TEMPERATURE).softmax(1),
            feature_map,
        )

    def _jitter(self, num: int) -> Tensor:
        """Returns small random numbers (B, 3, 1, 1), mostly common to the three colours."""
        common = torch.rand(num, 1, 1, 1, generator=self._noise) * 2 - 1
        each = torch.rand(num, 3, 1, 1, generator=self._noise) * 2 - 1
        return GAIN * common + CHANNEL_GAIN * each

    def _mixed(self, batch: Batch) -> Batch:
        """Mixes the pictures with each other, by fading or by pasting a square. The targets are mixed alike."""
        other = torch.from_numpy(self._generator.permutation(len(batch.pictures)))
        share = float(self._generator.beta(MIX_BETA, MIX_BETA))
        side = batch.pictures.shape[2]
        mask = torch.full((1, 1, side, side), 1 - share)
        if self._generator.random() < 0.5:
            width = round(side * math.sqrt(1 - share))
            top, left = self._generator.integers(0, side - width + 1, 2)
            mask.zero_()[:, :, top : top + width, left : left + width] = 1
        cells, whole = F.adaptive_avg_pool2d(mask, MAP_SIDE), mask.mean()
        return Batch(
            batch.pictures.lerp(batch.pictures[other], mask).contiguous(memory_format=torch.channels_last),
            batch.embedding.lerp(batch.embedding[other], whole),
            batch.probabilities.lerp(batch.probabilities[other], whole),
            batch.feature_map.lerp(batch.feature_map[other], cells),
        )

    def _set_up_whitening(self, work: Path) -> None:
        """Computes the projection of the teachers' features once per start; it depends on the first two views alone.

        Plain principal components drown what tells similar things apart, fully whitened ones are mostly noise: each
        component is divided by its variance to the power of 1/4.
        """
        parts = [
            np.concatenate([self._arrays[n][view][::4] for n in "ef"], 1) for view in range(min(2, self.num_views))
        ]
        said = np.concatenate(parts).astype(np.float32)
        scale = said.std(0) + 1e-3
        # Both teachers weigh about the same, whatever their number of channels.
        scale[:_LARGE] *= math.sqrt(_LARGE)
        scale[_LARGE:] *= math.sqrt(_SMALL) * 1.4
        variances, directions = np.linalg.eigh(np.cov(((said - said.mean(0)) / scale).T))
        order = np.argsort(variances)[::-1][:EMBEDDING_TARGETS]
        variances, directions = variances[order], directions[:, order]
        whitened = directions * variances**-WHITENING / math.sqrt((variances ** (1 - 2 * WHITENING)).mean())
        self._mean, self._scale = torch.from_numpy(said.mean(0)), torch.from_numpy(scale)
        self._directions = torch.from_numpy(whitened.astype(np.float32))
        of_map = np.load(work / "pca.npz")["w"][:MAP_CHANNELS]
        map_scale = of_map**-WHITENING / np.sqrt((of_map ** (1 - 2 * WHITENING)).mean())
        self._map_scale = torch.from_numpy(map_scale.astype(np.float32)).view(1, -1, 1, 1)
