"""The catalogue of backbones: torch-free records of the networks that Graft can use."""

from __future__ import annotations

from engine.backbones.catalogue import (
    CATALOGUE,
    STARTER_FOLDER,
    STARTER_KEY,
    STARTER_SETTINGS,
    TIMM_PREFIX,
    find_timm,
    spec,
)
from engine.backbones.spec import IMAGENET_MEAN, IMAGENET_STD, BackboneSpec, LicenceKind, SpeedClass

__all__ = [
    "CATALOGUE",
    "IMAGENET_MEAN",
    "IMAGENET_STD",
    "STARTER_FOLDER",
    "STARTER_KEY",
    "STARTER_SETTINGS",
    "TIMM_PREFIX",
    "BackboneSpec",
    "LicenceKind",
    "SpeedClass",
    "find_timm",
    "spec",
]
