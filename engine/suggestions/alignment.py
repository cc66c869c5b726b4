"""How alike two pictures are when one is laid over the other as well as can be.

A picture that was cut by a few per cent, or taken again with the camera moved a little, is the same picture but for
scale and shift. These four numbers are found by Gauss-Newton steps on the grey values.

Source: Lucas and Kanade 1981, "An iterative image registration technique"; brightness and contrast are evened out as by
Evangelidis and Psarakis 2008. Compared is what is left after the broad light and shade is taken away: that alone makes
all red blood cells or all leaves alike.

Letters: P pairs, S side of a fingerprint, M pixels that are compared.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]

_MARGIN: Final = 3
"""Pixels at each edge of the first picture that are not compared: they may be outside the second."""
_NUM_STEPS: Final = 5
_MAX_SCALE: Final = 1.14
_DAMPING: Final = 0.5
_BROAD: Final = 3.0
"""Standard deviation, in pixels, of the blur that makes the broad light and shade."""


def aligned_likeness(first: Array, second: Array) -> Array:
    """Returns the correlation (P,), -1..1, of the detail in pairs of fingerprints (P, S, S) when best aligned."""
    from scipy import ndimage

    over = _Overlay.of(first, second)
    moved = over.sample(over.second, over.best_fit()).reshape(over.template.shape)
    details = []
    for pictures in (over.template, moved):
        broad = ndimage.gaussian_filter(pictures, (0, _BROAD, _BROAD))
        details.append(_standardised((pictures - broad).reshape(len(pictures), -1)))
    likeness: Array = (details[0] * details[1]).mean(axis=1)
    return likeness


@dataclass(frozen=True, slots=True)
class _Overlay:
    """The middle of the first pictures (`template`), and the second ones with their slopes, to be sampled anywhere."""

    template: Array
    second: Array
    down: Array
    across: Array
    offsets: Array

    @classmethod
    def of(cls, first: Array, second: Array) -> _Overlay:
        side = first.shape[1]
        places = np.arange(_MARGIN, side - _MARGIN, dtype=np.float32) - np.float32((side - 1) / 2)
        rows, columns = np.meshgrid(places, places, indexing="ij")
        middle = slice(_MARGIN, side - _MARGIN)
        return cls(
            first[:, middle, middle],
            second,
            np.gradient(second, axis=1).astype(np.float32),
            np.gradient(second, axis=2).astype(np.float32),
            np.stack((rows.ravel(), columns.ravel())),
        )

    def best_fit(self) -> Array:
        """Returns scale down, scale across, shift down, shift across (P, 4)."""
        num_pairs = len(self.second)
        target = _standardised(self.template.reshape(num_pairs, -1))
        fit = np.tile(np.array([1, 1, 0, 0], np.float32), (num_pairs, 1))
        best, best_likeness = fit, np.full(num_pairs, -2.0, np.float32)
        for _ in range(_NUM_STEPS):
            values = self.sample(self.second, fit)
            spread = np.maximum(values.std(axis=1, keepdims=True), 1e-3)
            values = (values - values.mean(axis=1, keepdims=True)) / spread
            likeness = (values * target).mean(axis=1)
            is_better = likeness > best_likeness
            best = np.where(is_better[:, None], fit, best)
            best_likeness = np.maximum(best_likeness, likeness)
            down, across = self.sample(self.down, fit) / spread, self.sample(self.across, fit) / spread
            slopes = np.stack((down * self.offsets[0], across * self.offsets[1], down, across), axis=2)
            slopes -= slopes.mean(axis=1, keepdims=True)
            normal = slopes.transpose(0, 2, 1) @ slopes + _DAMPING * np.eye(4, dtype=np.float32)
            towards = (slopes * (target - values)[:, :, None]).sum(axis=1)
            fit = fit + np.linalg.solve(normal, towards[:, :, None])[:, :, 0]
            fit[:, :2] = np.clip(fit[:, :2], 1 / _MAX_SCALE, _MAX_SCALE)
            fit[:, 2:] = np.clip(fit[:, 2:], -_MARGIN, _MARGIN)
        values = _standardised(self.sample(self.second, fit))
        is_better = (values * target).mean(axis=1) > best_likeness
        return np.asarray(np.where(is_better[:, None], fit, best), np.float32)

    def sample(self, pictures: Array, fit: Array) -> Array:
        """Returns pictures (P, S, S) at the places that a fit (P, 4) names, between pixels too: (P, M)."""
        side = pictures.shape[1]
        centre, last = np.float32((side - 1) / 2), np.float32(side - 1.001)
        down = np.clip(centre + fit[:, :1] * self.offsets[0] + fit[:, 2:3], 0, last)
        across = np.clip(centre + fit[:, 1:2] * self.offsets[1] + fit[:, 3:4], 0, last)
        top, left = down.astype(np.int32), across.astype(np.int32)
        down, across = down - top, across - left
        index = top * side + left
        flat = pictures.reshape(len(pictures), -1)
        upper = _take(flat, index) * (1 - across) + _take(flat, index + 1) * across
        lower = _take(flat, index + side) * (1 - across) + _take(flat, index + side + 1) * across
        return np.asarray(upper * (1 - down) + lower * down, np.float32)


def _take(flat: Array, index: NDArray[np.int32]) -> Array:
    return np.take_along_axis(flat, index, axis=1)


def _standardised(values: Array) -> Array:
    centred = values - values.mean(axis=1, keepdims=True)
    return np.asarray(centred / np.maximum(values.std(axis=1, keepdims=True), 1e-3), np.float32)
