"""What a backbone brings, in plain words: beside Starter, and only as far as it was measured."""

from __future__ import annotations

import json
from typing import Final

from engine.backbones.catalogue import CATALOGUE, STARTER_KEY, STARTER_SETTINGS
from engine.backbones.spec import BackboneSpec, SpeedClass

_MEASURED: Final = {"mobilenet_v2": 0.791, "mobilenet_v3_small": 0.779, "squeezenet1_1": 0.744}
"""Plain probe with ten labelled images per class, mean over five picture sets (tests/bench/bench_backbones.py)."""

SUGGESTED_KEY: Final = "mobilenet_v2"
"""The one to get first: the most accurate that was measured, small and fast."""

_SELF_TAUGHT: Final = ("dino", "eva", "fcmae", "mim_", "clip", "siglip")


def accuracy(spec: BackboneSpec) -> float | None:
    """Returns the share of images it gets right after ten labelled ones of each class, None if nobody measured it."""
    if spec.key == STARTER_KEY:
        return _starter_accuracy()
    return _MEASURED.get(spec.architecture_key) if spec.key == spec.architecture_key else None


def what_it_brings(spec: BackboneSpec) -> str:
    """Returns one or two sentences for somebody who knows images and not networks."""
    starter, own = _starter_accuracy(), accuracy(spec)
    if spec.key == STARTER_KEY:
        share = f" It gets {_of_hundred(starter)} right" if starter else ""
        tried = f"{share} after ten labelled ones of each class, measured on five picture sets." if starter else ""
        return f"Comes with the program, small and quick.{tried} Every network below sees more."
    if spec.key != spec.architecture_key:
        return "Learned from labelled images of yours: best for images like those, with few new labels."
    if own is not None and starter:
        return (
            f"{_of_hundred(own)} right where Starter gets {round(100 * starter)}: it avoids "
            f"{_mistakes_avoided(own, starter)} Starter's mistakes (ten labelled images of each class)."
        )
    if any(word in spec.model_name for word in _SELF_TAUGHT):
        return (
            "Learned from many more images, most of them without labels: usually the best for unusual images, "
            "such as scans, microscopy or materials. Not measured by us."
        )
    if spec.speed_class == SpeedClass.FAST:
        return "Of the size of MobileNetV2 and usually about as good. Not measured by us."
    return "Larger than MobileNetV2: usually a little better, and slower. Not measured by us."


def better_backbone_hint(chosen_key: str, available: frozenset[str]) -> str:
    """Returns what a better backbone than Starter would bring and how to get it; empty when Starter is not in use."""
    better, starter = CATALOGUE[SUGGESTED_KEY], _starter_accuracy()
    own = accuracy(better)
    if chosen_key != STARTER_KEY or starter is None or own is None:
        return ""
    gain = f"{better.display_name} avoids {_mistakes_avoided(own, starter)} the built-in Starter's mistakes"
    if SUGGESTED_KEY in available:
        return f"{gain} and is on this machine: choose it with the button on the right."
    return f"{gain}: get it with the button on the right ({better.size_bytes / 1e6:.0f} MB), or take its file."


def _of_hundred(share: float) -> str:
    return f"{round(100 * share)} of 100 images"


def _mistakes_avoided(better: float, worse: float) -> str:
    tenths = round(10 * (better - worse) / (1 - worse))
    return f"about {tenths} in 10 of" if tenths > 0 else "few of"


def _starter_accuracy() -> float | None:
    try:
        settings = json.loads(STARTER_SETTINGS.read_text(encoding="utf-8"))
        return float(settings["measured"]["accuracy_10_per_class"]["mean"])
    except (OSError, ValueError, KeyError, TypeError):
        return None  # a copy without Starter, or one that was not measured
