"""What a backbone brings, in plain words: beside Starter, and only as far as it was measured."""

from __future__ import annotations

import json
from typing import Final

from engine.backbones.catalogue import CATALOGUE, STARTER_KEY, STARTER_SETTINGS
from engine.backbones.spec import BackboneSpec, SpeedClass
from engine.language import tr

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
        if not starter:
            return tr("Comes with the program, small and quick. Every network below sees more.")
        return tr(
            "Comes with the program, small and quick. It gets {num_right} of 100 images right after ten labelled ones "
            "of each class, measured on five picture sets. Every network below sees more.",
            num_right=round(100 * starter),
        )
    if spec.key != spec.architecture_key:
        return tr("Learned from labelled images of yours: best for images like those, with few new labels.")
    if own is not None and starter:
        num_right, starter_right = round(100 * own), round(100 * starter)
        tenths = _tenths_avoided(own, starter)
        if tenths > 0:
            return tr(
                "{num_right} of 100 images right where Starter gets {starter_right}: it avoids about {tenths} in 10 of "
                "Starter's mistakes (ten labelled images of each class).",
                num_right=num_right,
                starter_right=starter_right,
                tenths=tenths,
            )
        return tr(
            "{num_right} of 100 images right where Starter gets {starter_right}: it avoids few of Starter's mistakes "
            "(ten labelled images of each class).",
            num_right=num_right,
            starter_right=starter_right,
        )
    if any(word in spec.model_name for word in _SELF_TAUGHT):
        return tr(
            "Learned from many more images, most of them without labels: usually the best for unusual images, "
            "such as scans, microscopy or materials. Not measured by us."
        )
    if spec.speed_class == SpeedClass.FAST:
        return tr("Of the size of MobileNetV2 and usually about as good. Not measured by us.")
    return tr("Larger than MobileNetV2: usually a little better, and slower. Not measured by us.")


def better_backbone_hint(chosen_key: str, available: frozenset[str]) -> str:
    """Returns what a better backbone than Starter would bring and how to get it; empty when Starter is not in use."""
    better, starter = CATALOGUE[SUGGESTED_KEY], _starter_accuracy()
    own = accuracy(better)
    if chosen_key != STARTER_KEY or starter is None or own is None:
        return ""
    tenths = _tenths_avoided(own, starter)
    gain = (
        tr(
            "{backbone} avoids about {tenths} in 10 of the built-in Starter's mistakes",
            backbone=better.display_name,
            tenths=tenths,
        )
        if tenths > 0
        else tr("{backbone} avoids few of the built-in Starter's mistakes", backbone=better.display_name)
    )
    if SUGGESTED_KEY in available:
        return tr("{gain} and is on this machine: choose it with the button on the right.", gain=gain)
    return tr(
        "{gain}: get it with the button on the right ({size:.0f} MB), or take its file.",
        gain=gain,
        size=better.size_bytes / 1e6,
    )


def better_backbone_words(chosen_key: str) -> str:
    """Returns the gist of `better_backbone_hint`, for a bar."""
    better, starter = CATALOGUE[SUGGESTED_KEY], _starter_accuracy()
    own = accuracy(better)
    if chosen_key != STARTER_KEY or starter is None or own is None or _tenths_avoided(own, starter) <= 0:
        return ""
    return tr("{backbone} makes fewer mistakes", backbone=better.display_name)


def _tenths_avoided(better: float, worse: float) -> int:
    return round(10 * (better - worse) / (1 - worse))


def _starter_accuracy() -> float | None:
    try:
        settings = json.loads(STARTER_SETTINGS.read_text(encoding="utf-8"))
        return float(settings["measured"]["accuracy_10_per_class"]["mean"])
    except (OSError, ValueError, KeyError, TypeError):
        return None  # a copy without Starter, or one that was not measured
