"""Which backbone to take on this machine: one rule, and the measured figures that it rests on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from engine.backbones.catalogue import CATALOGUE
from engine.backbones.spec import BackboneSpec
from engine.backbones.worth import accuracy

PATIENCE_S: Final = 1800.0
"""So long the first look at all images may take before a weaker, quicker backbone is the better advice."""
WORTH_A_DOWNLOAD: Final = 0.1
"""So many of the mistakes a download must avoid before it is advised beside what is here."""
VIEWS_PER_CORE_S: Final = 154.0
"""MobileNetV2 through ONNX Runtime, per core (308 a second on two; tests/bench/bench_embedding.py)."""
RELATIVE_SPEED: Final = {"mobilenet_v2": 1.0, "mobilenet_v3_small": 3.5, "squeezenet1_1": 1.3, "starter": 2.6}
"""Beside MobileNetV2, in turns on the same two cores (tests/bench/bench_backbones.py, 21 Nov 2026, load 10)."""


@dataclass(frozen=True, slots=True)
class Machine:
    """What of a machine matters. `views_per_s` is what was measured on it by backbone; it counts before estimates."""

    num_threads: int
    has_gpu: bool
    views_per_s: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Recommendation:
    """The backbone to take and why.

    `seconds` is the expected time of the first look at all images, None with a GPU on which it was not measured.
    `better` makes fewer mistakes and would take `better_seconds`, which is too long; None where there is no such.
    """

    spec: BackboneSpec
    is_here: bool
    num_images: int
    seconds: float | None
    better: BackboneSpec | None = None
    better_seconds: float = 0.0


def recommend(available: frozenset[str], num_images: int, num_looks: int, machine: Machine) -> Recommendation:
    """Returns the backbone to take for so many images on a machine that has the weights of `available`.

    The rule:

    1. Only backbones whose accuracy we have measured are advised. With ten labelled images of each class, mean over
       five picture sets (tests/bench/bench_backbones.py): MobileNetV2 .791, MobileNetV3-Small .779, SqueezeNet 1.1
       .744, Starter .730. Larger ones may be better; nobody has measured here by how much.
    2. Of these the most accurate that looks at all images once within half an hour. The time is images x looks / views
       per second, as measured on this machine, else estimated by its cores; with a GPU it is no reason. On two cores,
       one of them for the window, the border between MobileNetV2 and MobileNetV3-Small is at about 140,000 images.
       Where none is quick enough: the quickest.
    3. One that is here is taken instead when a download would avoid less than a tenth of its mistakes:
       MobileNetV3-Small instead of MobileNetV2 (5 %), but neither SqueezeNet (18 %) nor Starter (23 %).

    Nothing is downloaded by this; it is advice.
    """
    worth = {key: found for key, record in CATALOGUE.items() if (found := accuracy(record)) is not None}
    times = {key: _seconds(key, num_images * num_looks, machine) for key in worth if key in RELATIVE_SPEED}
    in_time = [key for key, seconds in times.items() if seconds is None or seconds <= PATIENCE_S]
    in_time = in_time or [min(times, key=lambda key: times[key] or 0.0)]
    best = max(in_time, key=lambda key: worth[key])
    here = [key for key in in_time if key in available]
    if here:
        best_here = max(here, key=lambda key: worth[key])
        if 1 - worth[best] > (1 - WORTH_A_DOWNLOAD) * (1 - worth[best_here]):
            best = best_here
    slower = [key for key in times if key not in in_time and worth[key] > worth[best]]
    better = max(slower, key=lambda key: worth[key], default=None)
    return Recommendation(
        CATALOGUE[best],
        best in available,
        num_images,
        times[best],
        CATALOGUE[better] if better is not None else None,
        (times[better] or 0.0) if better is not None else 0.0,
    )


def _seconds(key: str, num_views: int, machine: Machine) -> float | None:
    measured = machine.views_per_s.get(key, 0.0)
    if measured > 0:
        return num_views / measured
    if machine.has_gpu:
        return None
    return num_views / (VIEWS_PER_CORE_S * max(1, machine.num_threads) * RELATIVE_SPEED[key])
