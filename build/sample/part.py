"""The machine part as a distance field: a mounting flange with a hub, a keyed bore and four bolt holes.

Lengths are in half-widths of the part; it lies on the plane z = 0, its middle above the origin.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]

EDGE_ROUNDING = 0.018
_FILLET = 0.05


@dataclass(frozen=True)
class Part:
    """The dimensions of one flange. Without `has_bore` the hub was not drilled and stayed a solid boss."""

    corner_radius: float
    thickness: float
    hub_radius: float
    hub_height: float
    bore_radius: float
    hole_radius: float
    hole_offset: float
    countersink: float
    has_bore: bool

    @property
    def height(self) -> float:
        """The highest point above the table."""
        return self.thickness + self.hub_height


@dataclass(frozen=True)
class Nut:
    """A hexagon nut that lies beside the part and means nothing."""

    x: float
    y: float
    angle: float
    radius: float
    height: float


def part_distance(part: Part, x: Floats, y: Floats, z: Floats) -> Floats:
    """Returns the distance of points to the part's surface, negative inside; never too large by much."""
    ax, ay = np.abs(x), np.abs(y)
    inset = np.float32(1 - part.corner_radius)
    qx, qy = ax - inset, ay - inset
    outline = np.hypot(np.maximum(qx, 0), np.maximum(qy, 0)) + np.minimum(np.maximum(qx, qy), 0) - part.corner_radius
    plate = _extrude(outline, z, part.thickness)
    radius = np.hypot(x, y)
    hub = _extrude(radius - part.hub_radius, z, part.height)
    body = _smooth_union(plate, hub, _FILLET)

    hole_radius = part.hole_radius + np.clip(z - (part.thickness - part.countersink), 0, part.countersink)
    cut = np.hypot(ax - part.hole_offset, ay - part.hole_offset) - hole_radius
    if part.has_bore:
        bore = radius - (part.bore_radius + np.clip(z - (part.height - 0.03), 0, 0.03))
        key = np.maximum(ax - 0.28 * part.bore_radius, np.abs(y - part.bore_radius) - 0.17 * part.bore_radius)
        cut = np.minimum(np.minimum(cut, bore), key)
    return np.asarray(np.maximum(body, -cut), dtype=np.float32)


def nut_distance(nut: Nut, x: Floats, y: Floats, z: Floats) -> Floats:
    """As `part_distance`, for a nut."""
    cos, sin = np.float32(np.cos(nut.angle)), np.float32(np.sin(nut.angle))
    dx, dy = x - np.float32(nut.x), y - np.float32(nut.y)
    u, v = np.abs(cos * dx + sin * dy), np.abs(cos * dy - sin * dx)
    outline = np.maximum(u * np.float32(0.8660254) + v * np.float32(0.5), v) - np.float32(nut.radius)
    body = _extrude(outline, z, nut.height)
    return np.asarray(np.maximum(body, np.float32(0.58 * nut.radius) - np.hypot(dx, dy)), dtype=np.float32)


def _extrude(outline: Floats, z: Floats, height: float) -> Floats:
    """Gives a plane figure a height, with rounded edges."""
    rounding = np.float32(EDGE_ROUNDING)
    half = np.float32(height / 2)
    across = outline + rounding
    along = np.abs(z - half) - half + rounding
    inside = np.minimum(np.maximum(across, along), 0)
    outside = np.hypot(np.maximum(across, 0), np.maximum(along, 0))
    return np.asarray(inside + outside - rounding, dtype=np.float32)


def _smooth_union(first: Floats, second: Floats, width: float) -> Floats:
    blend = np.clip(0.5 + 0.5 * (second - first) / np.float32(width), 0, 1)
    return np.asarray(second + (first - second) * blend - np.float32(width) * blend * (1 - blend), dtype=np.float32)
