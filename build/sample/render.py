"""Renders one shot: sphere tracing of the distance field, soft shadows, ambient occlusion, studio reflections.

Shapes: P rays or points, one per supersampled pixel; vectors are (P, 3). Colours are linear until `develop`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from part import Nut, Part, nut_distance, part_distance
from PIL import Image, ImageFilter
from textures import Colour, Floats, Noise, Surface, surface_colour

_SUPERSAMPLING = 2
_MAX_STEPS = 70
_HIT = np.float32(8e-4)
_MARGIN = 0.06


@dataclass(frozen=True)
class Material:
    """How a part reflects. `gloss` 0..1; `brushed` is the strength of the tool marks, `grain` that of cast skin."""

    name: str
    base: Colour
    is_metal: bool
    gloss: float
    brushed: float
    grain: float
    bare: Colour
    """The colour that a scratch lays open."""


@dataclass(frozen=True)
class Scratch:
    """One gouge across the part: a bent line from (x0, y0) to (x1, y1)."""

    x0: float
    y0: float
    x1: float
    y1: float
    bend: float
    width: float
    depth: float


@dataclass(frozen=True)
class Camera:
    """Looks at (target_x, target_y, 0). Angles in radians; `distance` in half-widths of the part."""

    azimuth: float
    elevation: float
    roll: float
    distance: float
    focal: float
    target_x: float
    target_y: float


@dataclass(frozen=True)
class Light:
    """A main lamp (direction towards it), the room's fill, and soft boxes that only reflections see."""

    azimuth: float
    elevation: float
    strength: float
    hardness: float
    tint: Colour
    ambient: float
    boxes: tuple[tuple[float, float, float, float], ...]
    """Azimuth, elevation, size, strength of each."""


@dataclass(frozen=True)
class Lens:
    """What happens between scene and file."""

    exposure: float
    blur_px: float
    noise: float
    vignette: float


@dataclass(frozen=True)
class Shot:
    """Everything that one picture is made of."""

    part: Part
    material: Material
    scratches: tuple[Scratch, ...]
    nut: Nut | None
    surface: Surface
    camera: Camera
    light: Light
    lens: Lens
    seed: int


def render(shot: Shot, side_px: int) -> Image.Image:
    """Returns the finished picture, `side_px` square."""
    scene = _Scene(shot)
    origin, rays = _camera_rays(shot.camera, side_px * _SUPERSAMPLING)
    points, is_object = scene.trace(origin, rays)
    colour = np.empty_like(points)
    colour[~is_object] = scene.shade_ground(points[~is_object])
    colour[is_object] = scene.shade_objects(points[is_object], rays[is_object])
    return _develop(colour.reshape(side_px * _SUPERSAMPLING, -1, 3), shot.lens, side_px, shot.seed)


def _direction(azimuth: float, elevation: float) -> Floats:
    flat = np.cos(elevation)
    return np.array([flat * np.cos(azimuth), flat * np.sin(azimuth), np.sin(elevation)], np.float32)


def _camera_rays(camera: Camera, side_px: int) -> tuple[Floats, Floats]:
    target = np.array([camera.target_x, camera.target_y, 0.1], np.float32)
    backward = _direction(camera.azimuth, camera.elevation)
    origin = target + backward * np.float32(camera.distance)
    right = np.cross(np.array([0, 0, 1], np.float32), backward)
    right /= np.linalg.norm(right)
    up = np.cross(backward, right)
    cos, sin = np.cos(camera.roll), np.sin(camera.roll)
    right, up = cos * right + sin * up, cos * up - sin * right
    axis = ((np.arange(side_px, dtype=np.float32) + 0.5) / side_px * 2 - 1) / camera.focal
    across, down = np.meshgrid(axis, axis)
    rays = across.reshape(-1, 1) * right - down.reshape(-1, 1) * up - backward
    rays /= np.linalg.norm(rays, axis=1, keepdims=True)
    return origin.astype(np.float32), rays.astype(np.float32)


class _Scene:
    def __init__(self, shot: Shot) -> None:
        self._shot = shot
        self._noise = Noise(shot.seed)
        self._lamp = _direction(shot.light.azimuth, shot.light.elevation)
        self._top = np.float32(shot.part.height + 0.01)
        self._boxes = [(_direction(a, e), size, strength) for a, e, size, strength in shot.light.boxes]

    def _distance(self, x: Floats, y: Floats, z: Floats) -> Floats:
        distance = part_distance(self._shot.part, x, y, z)
        if self._shot.nut is not None:
            distance = np.minimum(distance, nut_distance(self._shot.nut, x, y, z))
        return distance

    def trace(self, origin: Floats, rays: Floats) -> tuple[Floats, NDArray[np.bool_]]:
        """Returns where each ray ends, (P, 3), and whether that is on an object rather than on the table."""
        to_table = -origin[2] / rays[:, 2]
        travelled = (self._top - origin[2]) / rays[:, 2]  # the camera is above everything
        is_object = np.zeros(len(rays), bool)
        entry = origin + rays * travelled[:, None]
        exit_ = origin + rays * to_table[:, None]
        reach = 1 + _MARGIN
        nearest = np.minimum(np.abs(entry[:, :2]), np.abs(exit_[:, :2])).max(axis=1)
        crosses = (np.sign(entry[:, :2]) != np.sign(exit_[:, :2])).any(axis=1)
        candidates = (nearest < reach) | crosses
        nut = self._shot.nut
        if nut is not None:
            middle = np.array([nut.x, nut.y], np.float32)
            candidates |= np.hypot(*(exit_[:, :2] - middle).T) < nut.radius * 3
        active = np.flatnonzero(candidates)
        for _ in range(_MAX_STEPS):
            position = origin + rays[active] * travelled[active, None]
            distance = self._distance(position[:, 0], position[:, 1], position[:, 2])
            hit = distance < _HIT
            is_object[active[hit]] = True
            travelled[active] += np.where(hit, 0, distance * np.float32(0.9))
            active = active[~hit & (travelled[active] < to_table[active])]
            if not len(active):
                break
        is_object[active] = True  # grazing rays that ran out of steps lie within a hair of the surface
        travelled = np.where(is_object, travelled, to_table)
        return np.asarray(origin + rays * travelled[:, None], dtype=np.float32), is_object

    def shade_ground(self, points: Floats) -> Floats:
        light = self._shot.light
        albedo = surface_colour(self._shot.surface, points[:, 0], points[:, 1])
        normal = np.broadcast_to(np.array([0, 0, 1], np.float32), points.shape)
        shadow, openness = self._shadow(points, normal), self._openness(points, normal)
        lit = np.array(light.tint, np.float32) * (light.strength * self._lamp[2] * shadow)[:, None]
        return np.asarray(albedo * (lit + (light.ambient * openness)[:, None]), dtype=np.float32)

    def shade_objects(self, points: Floats, rays: Floats) -> Floats:
        shot, light, material = self._shot, self._shot.light, self._shot.material
        normal = self._normal(points)
        is_top = np.clip((normal[:, 2] - 0.8) * 8, 0, 1)
        is_part = np.ones(len(points), bool)
        if shot.nut is not None:
            x, y, z = points.T
            is_part = part_distance(shot.part, x, y, z) <= nut_distance(shot.nut, x, y, z)
        bare, groove = self._scratches(points, is_top * is_part)
        bumped = normal + self._tool_marks(points, is_top)[..., None] * self._mark_direction(points) + groove
        bumped /= np.linalg.norm(bumped, axis=1, keepdims=True)

        base = np.broadcast_to(np.array(material.base, np.float32), points.shape)
        metal = np.full(len(points), 1.0 if material.is_metal else 0.0, np.float32)
        gloss = np.full(len(points), material.gloss, np.float32)
        base = np.where(is_part[:, None], base, np.float32(0.55))
        metal, gloss = np.where(is_part, metal, 1), np.where(is_part, gloss, 0.6)
        stains = self._noise.layered(points[:, 0] * 1.7 + 5, points[:, 1] * 1.7, 4)
        base = base * (1 + 0.16 * stains)[:, None]
        base = base + (np.array(material.bare, np.float32) - base) * bare[:, None]
        metal = metal + (1 - metal) * bare
        gloss = gloss * (1 - 0.55 * bare)

        shadow, openness = self._shadow(points, normal), self._openness(points, normal)
        facing = np.clip(bumped @ self._lamp, 0, 1)
        tint = np.array(light.tint, np.float32)
        diffuse = tint * (light.strength * facing * shadow)[:, None] + (light.ambient * openness)[:, None]
        cosine = np.clip(-(rays * bumped).sum(axis=1), 0, 1)
        mirrored = rays + 2 * cosine[:, None] * bumped
        fresnel = ((1 - cosine) ** 5)[:, None]
        reflected = self._room(mirrored, gloss) * openness[:, None]
        half = self._lamp - rays
        half /= np.linalg.norm(half, axis=1, keepdims=True)
        sharpness = 6 + 300 * gloss**3
        glint = np.clip((bumped * half).sum(axis=1), 0, 1) ** sharpness * (sharpness + 8) / 40 * facing * shadow
        specular = reflected + tint * (light.strength * glint * 0.5)[:, None]
        as_metal = specular * (base + (1 - base) * fresnel) + diffuse * base * 0.16
        as_paint = diffuse * base + specular * (0.04 + 0.5 * fresnel * gloss[:, None])
        return np.asarray(as_paint + (as_metal - as_paint) * metal[:, None], dtype=np.float32)

    def _room(self, direction: Floats, gloss: Floats) -> Floats:
        """What a reflection sees: dim walls, a bright ceiling, soft boxes, and the table below."""
        light = self._shot.light
        height = direction[:, 2]
        level = light.ambient * (0.35 + 0.75 * np.clip(height, 0, 1))
        for middle, size, strength in self._boxes:
            spread = size + 0.4 * (1 - gloss) ** 2
            away = 1 - direction @ middle
            level = level + strength * (size / spread) * np.exp(-((away / spread) ** 2))
        table = np.array(self._shot.surface.tint, np.float32) * (0.35 * light.strength + light.ambient)
        from_above = level[:, None] * (0.5 + 0.5 * np.array(light.tint, np.float32))
        blend = np.clip(height * 6 + 0.5, 0, 1)[:, None]
        return np.asarray(table + (from_above - table) * blend, dtype=np.float32)

    def _normal(self, points: Floats) -> Floats:
        step = np.float32(1.5e-3)
        normal = np.zeros_like(points)
        for sign in np.array([[1, -1, -1], [-1, -1, 1], [-1, 1, -1], [1, 1, 1]], np.float32):
            x, y, z = (points + sign * step).T
            normal += sign * self._distance(x, y, z)[:, None]
        return np.asarray(normal / np.linalg.norm(normal, axis=1, keepdims=True), dtype=np.float32)

    def _shadow(self, points: Floats, normal: Floats) -> Floats:
        """Returns how much of the lamp is seen, 0..1: the closest pass of the ray to it tells the half-shadow."""
        seen = np.ones(len(points), np.float32)
        start = points + normal * np.float32(4e-3)
        travelled = np.full(len(points), 0.015, np.float32)
        active = np.flatnonzero((start[:, 2] < self._top) & (normal @ self._lamp > 0))
        for _ in range(40):
            position = start[active] + self._lamp * travelled[active, None]
            distance = self._distance(position[:, 0], position[:, 1], position[:, 2])
            passed = self._shot.light.hardness * distance / travelled[active]
            seen[active] = np.minimum(seen[active], np.clip(passed, 0, 1))
            travelled[active] += np.clip(distance, 0.012, 0.2)
            active = active[(distance > -0.01) & (seen[active] > 0.005) & (position[:, 2] < self._top)]
            if not len(active):
                break
        return np.asarray(seen * seen * (3 - 2 * seen), dtype=np.float32)

    def _openness(self, points: Floats, normal: Floats) -> Floats:
        """Returns how much of the room is seen, 0..1 (ambient occlusion)."""
        hidden = np.zeros(len(points), np.float32)
        weight = 1.0
        for step in (0.03, 0.08, 0.18, 0.34):
            x, y, z = (points + normal * np.float32(step)).T
            # The table hides nothing from itself, and the lower half of what a wall sees.
            distance = np.minimum(self._distance(x, y, z), np.maximum(z, 0) + 0.02)
            hidden += np.float32(weight) * np.clip(step - distance, 0, step) / np.float32(step)
            weight *= 0.75
        return np.asarray(np.clip(1 - 0.42 * hidden, 0.06, 1), dtype=np.float32)

    def _mark_direction(self, points: Floats) -> Floats:
        """Across the tool marks: turned in circles on the hub, milled in straight lines on the plate."""
        on_hub = (points[:, 2] > self._shot.part.thickness + 0.02)[:, None]
        radial = points * np.array([1, 1, 0], np.float32)
        radial /= np.linalg.norm(radial, axis=1, keepdims=True) + 1e-6
        return np.asarray(np.where(on_hub, radial, np.array([0.3, 0.95, 0], np.float32)), dtype=np.float32)

    def _tool_marks(self, points: Floats, is_top: Floats) -> Floats:
        x, y, z = points.T
        material = self._shot.material
        on_hub = z > self._shot.part.thickness + 0.02
        across = np.where(on_hub, np.hypot(x, y), 0.3 * x + 0.95 * y)
        along = np.where(on_hub, np.arctan2(y, x), 0.95 * x - 0.3 * y)
        marks = material.brushed * self._noise.value(along * 1.5, across * 85) * is_top
        skin = material.grain * self._noise.layered((x + z) * 38, (y - z) * 38, 2)
        return np.asarray(marks + skin, dtype=np.float32)

    def _scratches(self, points: Floats, on: Floats) -> tuple[Floats, Floats]:
        """Returns how bare the surface is, 0..1 (P,), and how a gouge tilts its normal (P, 3)."""
        bare = np.zeros(len(points), np.float32)
        groove = np.zeros_like(points)
        x, y, _ = points.T
        for index, scratch in enumerate(self._shot.scratches):
            dx, dy = scratch.x1 - scratch.x0, scratch.y1 - scratch.y0
            length = float(np.hypot(dx, dy))
            ux, uy = dx / length, dy / length
            along = ((x - scratch.x0) * ux + (y - scratch.y0) * uy) / length
            wobble = 0.005 * self._noise.value(along * 9, np.full_like(along, 31.7 + index))
            across = (y - scratch.y0) * ux - (x - scratch.x0) * uy - scratch.bend * 4 * along * (1 - along) - wobble
            pressure = np.clip(np.minimum(along, 1 - along) * 7, 0, 1) * (along > 0) * (along < 1)
            pressure = pressure * (0.75 + 0.35 * self._noise.value(along * 14, np.full_like(along, 3.3 + index)))
            width = scratch.width * (0.55 + 0.45 * pressure)
            profile = np.clip(1.25 - np.abs(across) / width, 0, 1) * pressure * on
            hairs = 0.5 + 0.5 * self._noise.value(along * 4, across / scratch.width * 4 + 7 * index)
            bare = np.maximum(bare, np.clip(profile * (0.7 + hairs), 0, 1))
            tilt = np.clip(across / width, -1, 1) * (profile > 0) * scratch.depth * np.clip(profile * 3, 0, 1)
            groove += tilt[:, None] * np.array([-uy, ux, 0], np.float32) * -1
        return bare, groove


def _develop(linear: Floats, lens: Lens, side_px: int, seed: int) -> Image.Image:
    """Averages the supersampled pixels and does what a camera does: exposure, tone curve, blur, vignette, noise."""
    rng = np.random.default_rng(seed)
    # Highlights are compressed before averaging, or one glint would eat the antialiasing around it.
    brightness = 0.5 * float(linear.mean()) + 0.5 * float(np.percentile(linear[::4, ::4], 97))
    mapped = _tone_curve(linear * np.float32(lens.exposure * (0.6 / brightness) ** 0.45))
    pixels = mapped.reshape(side_px, _SUPERSAMPLING, side_px, _SUPERSAMPLING, 3).mean(axis=(1, 3))
    axis = np.linspace(-1, 1, side_px, dtype=np.float32)
    pixels *= 1 - lens.vignette * (axis[:, None, None] ** 2 + axis[None, :, None] ** 2) / 2
    encoded = np.where(pixels <= 0.0031308, pixels * 12.92, 1.055 * np.maximum(pixels, 1e-8) ** (1 / 2.4) - 0.055)
    image = Image.fromarray(np.clip(encoded * 255 + 0.5, 0, 255).astype(np.uint8))
    if lens.blur_px > 0.1:
        image = image.filter(ImageFilter.GaussianBlur(lens.blur_px))
    noisy = np.asarray(image).astype(np.float32)
    noisy += rng.normal(0, lens.noise, noisy.shape[:2])[..., None] + rng.normal(0, lens.noise * 0.35, noisy.shape)
    return Image.fromarray(np.clip(noisy + 0.5, 0, 255).astype(np.uint8))


def _tone_curve(linear: Floats) -> Floats:
    """A filmic curve (Narkowicz's fit of ACES): keeps metal highlights from turning into flat white."""
    return np.asarray(
        np.clip(linear * (2.51 * linear + 0.03) / (linear * (2.43 * linear + 0.59) + 0.14), 0, 1), dtype=np.float32
    )
