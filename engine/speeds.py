"""How fast this machine looks at images with each backbone: measured while it does, remembered for the next choice."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Final

from engine.errors import DiskError
from engine.files import atomic_write_bytes
from engine.settings import user_data_folder

_FEWEST_IMAGES: Final = 40
"""A shorter measurement says more about the first image than about the rest."""


def note(key: str, device: str, num_images: int, num_views: int, seconds: float) -> None:
    """Remembers how long a backbone took for some images with so many views each; the best of all times counts.

    Decoding and whatever else the machine was doing are in it, so only the best one says what to expect.
    """
    if num_images < _FEWEST_IMAGES or seconds <= 0:
        return
    rate = num_images * num_views / seconds
    known = _read()
    before = known.get(key, {})
    if before.get("device") == device and float(before.get("views_per_s", 0)) >= rate:
        return
    known[key] = {"device": device, "views_per_s": round(rate, 1)}
    with contextlib.suppress(OSError, DiskError):  # only for information
        _file().parent.mkdir(parents=True, exist_ok=True)
        atomic_write_bytes(_file(), json.dumps(known, indent=1).encode())


def views_per_second() -> dict[str, float]:
    """Returns for each backbone that was measured on this machine how many views it looks at in a second."""
    return {key: float(entry.get("views_per_s", 0)) for key, entry in _read().items()}


def _read() -> dict[str, dict[str, str | float]]:
    try:
        known = json.loads(_file().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    if not isinstance(known, dict):
        return {}
    return {
        key: entry
        for key, entry in known.items()
        if isinstance(entry, dict) and isinstance(entry.get("views_per_s"), int | float)
    }


def _file() -> Path:
    return user_data_folder() / "speeds.json"
