"""Seeded noise, and from it the surfaces that parts lie on. Arrays in, arrays out; colours are linear RGB in 0..1."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]
Colour = tuple[float, float, float]

_LATTICE = 256


class Noise:
    """Smooth noise in -1..1 over the plane, the same for the same seed."""

    def __init__(self, seed: int) -> None:
        self._lattice = np.random.default_rng(seed).uniform(-1, 1, (_LATTICE, _LATTICE)).astype(np.float32)

    def value(self, x: Floats, y: Floats) -> Floats:
        """Returns one octave, one feature per unit."""
        column, row = np.floor(x), np.floor(y)
        fx, fy = x - column, y - row
        fx, fy = fx * fx * (3 - 2 * fx), fy * fy * (3 - 2 * fy)
        i, j = column.astype(np.int32) % _LATTICE, row.astype(np.int32) % _LATTICE
        i_next, j_next = (i + 1) % _LATTICE, (j + 1) % _LATTICE
        table = self._lattice
        top = table[j, i] + fx * (table[j, i_next] - table[j, i])
        bottom = table[j_next, i] + fx * (table[j_next, i_next] - table[j_next, i])
        return np.asarray(top + fy * (bottom - top), dtype=np.float32)

    def layered(self, x: Floats, y: Floats, octaves: int) -> Floats:
        """Returns several octaves, each half as large and half as strong as the one before."""
        total = np.zeros_like(x)
        for octave in range(octaves):
            factor = np.float32(2.0**octave)
            total += self.value(x * factor + 17.3 * octave, y * factor - 9.1 * octave) / factor
        return np.asarray(total / (2 - 2.0 ** (1 - octaves)), dtype=np.float32)


@dataclass(frozen=True)
class Surface:
    """What a part lies on. `kind` is one of SURFACES; the rest varies it."""

    kind: str
    tint: Colour
    angle: float
    seed: int


SURFACES: dict[str, tuple[Colour, ...]] = {
    "wood": ((0.36, 0.21, 0.11), (0.5, 0.34, 0.2), (0.2, 0.11, 0.06)),
    "mat": ((0.03, 0.13, 0.1), (0.04, 0.07, 0.13), (0.06, 0.06, 0.065)),
    "concrete": ((0.34, 0.33, 0.31), (0.25, 0.26, 0.27)),
    "paper": ((0.72, 0.7, 0.66), (0.62, 0.5, 0.36)),
    "rubber": ((0.035, 0.036, 0.04), (0.1, 0.035, 0.03)),
    "steel": ((0.4, 0.41, 0.43), (0.28, 0.29, 0.31)),
}
"""Kinds of surface, each with the tints it comes in."""


def surface_colour(surface: Surface, x: Floats, y: Floats) -> Floats:
    """Returns the colour (..., 3) of a surface at points of its plane."""
    noise = Noise(surface.seed)
    cos, sin = np.float32(np.cos(surface.angle)), np.float32(np.sin(surface.angle))
    u, v = cos * x + sin * y, cos * y - sin * x
    if surface.kind == "wood":
        rings = noise.layered(u * 0.35, v * 2.2, 3) * 5 + v * 1.2
        grain = noise.layered(u * 2.5, v * 60, 2)
        shade = 1 + 0.09 * np.sin(rings * 3.1) + 0.07 * grain - 0.5 * _seam(v, 2.3)
    elif surface.kind == "mat":
        lines = np.maximum(_seam(u, 0.8), _seam(v, 0.8)) * 0.7
        shade = 1 + lines + 0.08 * noise.layered(u * 30, v * 30, 2)
    elif surface.kind == "concrete":
        pits = np.clip(noise.value(u * 22, v * 22) - 0.72, 0, 1)
        shade = 1 + 0.28 * noise.layered(u * 1.3, v * 1.3, 5) - 1.2 * pits
    elif surface.kind == "paper":
        shade = 1 + 0.05 * noise.layered(u * 14, v * 14, 3) + 0.05 * noise.value(u * 0.4, v * 0.4)
    elif surface.kind == "rubber":
        ribs = np.sin(v * 40).astype(np.float32)
        shade = 1 + 0.09 * ribs + 0.22 * noise.layered(u * 25, v * 25, 2)
    else:
        shade = 1 + 0.1 * noise.value(u * 0.7, v * 110) + 0.1 * noise.layered(u * 1.1, v * 1.1, 3)
    return np.asarray(np.clip(shade, 0.1, 3.0)[..., None] * np.array(surface.tint, np.float32), dtype=np.float32)


def _seam(position: Floats, spacing: float) -> Floats:
    """Returns 1 on thin lines `spacing` apart and 0 between them."""
    offset = np.abs((position / spacing + 0.5) % 1 - 0.5) * spacing
    return np.asarray(np.clip(1 - offset / 0.014, 0, 1), dtype=np.float32)
