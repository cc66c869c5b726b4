"""Renders the sample picture set in resources/sample: machine parts that are intact, scratched or miss a hole.

Run `python build/sample/make_sample.py` from the repository root (two minutes on one core). The same seed gives
the same pictures. Light, pose, material, background, focus and noise vary independently of the class, so colour tells
next to nothing and the shape has to be looked at.
"""

from __future__ import annotations

import argparse
import io
import zlib
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
from part import Nut, Part
from render import Camera, Lens, Light, Material, Scratch, Shot, render
from textures import SURFACES, Surface

CLASSES = ("intact", "missing_hole", "scratched")
NUM_PER_CLASS = 40
SIDE_PX = 384
JPEG_QUALITY = 80
SEED = 20261121

STEEL = (0.78, 0.79, 0.8)
MATERIALS = (
    Material("milled steel", (0.5, 0.51, 0.53), True, 0.55, 0.045, 0.0, (0.1, 0.1, 0.105)),
    Material("ground steel", (0.62, 0.62, 0.63), True, 0.72, 0.025, 0.0, (0.12, 0.12, 0.12)),
    Material("cast iron", (0.13, 0.127, 0.125), True, 0.35, 0.02, 0.12, STEEL),
    Material("brass", (0.72, 0.47, 0.16), True, 0.62, 0.035, 0.0, (0.16, 0.09, 0.04)),
    Material("bronze", (0.36, 0.19, 0.1), True, 0.5, 0.03, 0.03, (0.9, 0.66, 0.44)),
    Material("blue paint", (0.015, 0.06, 0.24), False, 0.75, 0.0, 0.018, STEEL),
    Material("green paint", (0.03, 0.13, 0.07), False, 0.65, 0.0, 0.025, STEEL),
    Material("red paint", (0.3, 0.02, 0.016), False, 0.75, 0.0, 0.018, STEEL),
    Material("yellow paint", (0.62, 0.33, 0.02), False, 0.7, 0.0, 0.018, (0.16, 0.16, 0.165)),
    Material("black anodised", (0.02, 0.02, 0.024), False, 0.55, 0.03, 0.02, STEEL),
)


def make_shot(class_name: str, number: int) -> Shot:
    """Returns picture `number` of a class, put together at random but always the same."""
    seed = zlib.crc32(f"{SEED} {class_name} {number}".encode())
    rng = np.random.default_rng(seed)
    part = _part(rng, is_hole_missing=class_name == "missing_hole")
    material = MATERIALS[int(rng.integers(len(MATERIALS)))]
    kind = str(rng.choice(list(SURFACES)))
    tints = SURFACES[kind]
    surface = Surface(
        kind, tints[int(rng.integers(len(tints)))], float(rng.uniform(0, np.pi)), int(rng.integers(1_000_000))
    )
    camera = Camera(
        azimuth=float(rng.uniform(0, 2 * np.pi)),
        elevation=float(np.radians(rng.uniform(66, 84))),
        roll=float(rng.uniform(-0.25, 0.25)),
        distance=float(rng.uniform(5.5, 5.9)),
        focal=4.4,
        target_x=float(rng.uniform(-0.07, 0.07)),
        target_y=float(rng.uniform(-0.07, 0.07)),
    )
    return Shot(
        part=part,
        material=material,
        scratches=_scratches(rng) if class_name == "scratched" else (),
        nut=_nut(rng, camera) if rng.random() < 0.25 else None,
        surface=surface,
        camera=camera,
        light=_light(rng),
        lens=Lens(
            exposure=float(0.56 * np.exp(rng.uniform(-0.25, 0.25))),
            blur_px=float(rng.choice([0, 0, 0, 0.4, 0.6])),
            noise=float(rng.uniform(0.5, 2.2)),
            vignette=float(rng.uniform(0.05, 0.35)),
        ),
        seed=seed,
    )


def _part(rng: np.random.Generator, is_hole_missing: bool) -> Part:
    corner = float(rng.uniform(0.3, 0.46))
    hub_radius = float(rng.uniform(0.5, 0.55))
    return Part(
        corner_radius=corner,
        thickness=float(rng.uniform(0.16, 0.24)),
        hub_radius=hub_radius,
        hub_height=float(rng.uniform(0.1, 0.2)),
        bore_radius=hub_radius - float(rng.uniform(0.1, 0.125)),
        hole_radius=float(rng.uniform(0.13, 0.16)),
        hole_offset=1 - max(corner, 0.33) + 0.03,
        countersink=float(rng.choice([0.012, 0.05])),
        has_bore=not is_hole_missing,
    )


def _scratches(rng: np.random.Generator) -> tuple[Scratch, ...]:
    """Six to eight gouges, most of them in about one direction, as from being dragged over something."""
    main = rng.uniform(0, np.pi)
    scratches = []
    for _ in range(int(rng.integers(6, 9))):
        angle = main + rng.normal(0, 0.35)
        length = rng.uniform(1.0, 1.8)
        # Across the plate beside the hub, where nothing hides them.
        side = rng.choice([-1, 1]) * rng.uniform(0.25, 0.8)
        middle_x, middle_y = -side * np.sin(angle), side * np.cos(angle)
        half_x, half_y = np.cos(angle) * length / 2, np.sin(angle) * length / 2
        scratches.append(
            Scratch(
                x0=float(middle_x - half_x),
                y0=float(middle_y - half_y),
                x1=float(middle_x + half_x),
                y1=float(middle_y + half_y),
                bend=float(rng.normal(0, 0.04)),
                width=float(rng.uniform(0.03, 0.045)),
                depth=float(rng.uniform(0.6, 1.0)),
            )
        )
    return tuple(scratches)


def _nut(rng: np.random.Generator, camera: Camera) -> Nut:
    angle = rng.uniform(0, 2 * np.pi)
    angle = camera.azimuth + np.pi / 4 + np.pi / 2 * rng.integers(4)
    reach = rng.uniform(1.45, 1.55)
    return Nut(
        x=float(camera.target_x + reach * np.cos(angle)),
        y=float(camera.target_y + reach * np.sin(angle)),
        angle=float(rng.uniform(0, np.pi)),
        radius=float(rng.uniform(0.12, 0.17)),
        height=float(rng.uniform(0.1, 0.14)),
    )


def _light(rng: np.random.Generator) -> Light:
    warmth = rng.uniform(-1, 1)
    azimuth = float(rng.uniform(0, 2 * np.pi))
    boxes = [(azimuth + float(rng.normal(0, 0.3)), float(rng.uniform(0.7, 1.3)), 0.12, float(rng.uniform(1.6, 3.0)))]
    boxes += [
        (
            float(rng.uniform(0, 2 * np.pi)),
            float(rng.uniform(0.5, 1.4)),
            float(rng.uniform(0.03, 0.12)),
            float(rng.uniform(0.8, 1.8)),
        )
        for _ in range(2)
    ]
    return Light(
        azimuth=azimuth,
        elevation=float(np.radians(rng.uniform(32, 66))),
        strength=float(rng.uniform(1.0, 1.7)),
        hardness=float(rng.uniform(4, 14)),
        tint=(1.0 + 0.07 * warmth, 1.0, 1.0 - 0.12 * warmth),
        ambient=float(rng.uniform(0.22, 0.42)),
        boxes=tuple(boxes),
    )


def render_to_bytes(task: tuple[str, int]) -> bytes:
    """Returns one picture as a JPEG file."""
    buffer = io.BytesIO()
    render(make_shot(*task), SIDE_PX).save(buffer, "JPEG", quality=JPEG_QUALITY, optimize=True)
    return buffer.getvalue()


def main() -> None:
    """Writes the set; files that are there are replaced."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--to", type=Path, default=Path("resources/sample"), help="folder to write to")
    parser.add_argument("--per-class", type=int, default=NUM_PER_CLASS, help="pictures in each class")
    parser.add_argument("--processes", type=int, default=1)
    arguments = parser.parse_args()
    tasks = [(class_name, number) for number in range(1, arguments.per_class + 1) for class_name in CLASSES]
    total = 0
    with ProcessPoolExecutor(arguments.processes) as pool:
        for (class_name, number), jpeg in zip(tasks, pool.map(render_to_bytes, tasks), strict=True):
            file = arguments.to / class_name / f"part_{number:03d}.jpg"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(jpeg)
            total += len(jpeg)
            print(f"{file}  {len(jpeg) // 1024} kB")
    print(f"{len(tasks)} pictures, {total / 2**20:.2f} MB")


if __name__ == "__main__":
    main()
