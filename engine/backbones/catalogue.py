"""The catalogue: a record for each network that Graft offers, and any other network of timm's by its name.

`resources/backbones/catalogue.json` and `timm.json` are written by the scripts in `build/backbones` from what
torchvision and timm say of their own weights. Adding a backbone is adding its name there; `engine.nn.networks` knows
how to cut the classifier off each family.
"""

from __future__ import annotations

import difflib
import functools
import json
from pathlib import Path
from typing import Any

from engine.backbones.spec import IMAGENET_MEAN, IMAGENET_STD, BackboneSpec, spreads_from
from engine.errors import BackboneError
from engine.language import tr

_RESOURCES = Path(__file__).resolve().parents[2] / "resources"
STARTER_KEY = "starter"
STARTER_FOLDER = _RESOURCES / "starter"
STARTER_SETTINGS = STARTER_FOLDER / "settings.json"
CATALOGUE_FILE = _RESOURCES / "backbones" / "catalogue.json"
TIMM_FILE = _RESOURCES / "backbones" / "timm.json"
TIMM_PREFIX = "timm:"
_STARTER_GMACS = 0.1


def _starter() -> BackboneSpec:
    """The built-in backbone. Its settings are read at import: a file of a few lines that lies beside the program."""
    settings: dict[str, Any] = {}
    if STARTER_SETTINGS.is_file():
        settings = json.loads(STARTER_SETTINGS.read_text(encoding="utf-8"))
    return BackboneSpec(
        key=STARTER_KEY,
        display_name=tr("Starter (built in)"),
        library="graft",
        model_name="starter",
        embedding_size=int(settings.get("embedding_size", 512)),
        input_size_px=int(settings.get("input_size_px", 160)),
        mean=tuple(settings.get("mean", IMAGENET_MEAN)),
        std=tuple(settings.get("std", IMAGENET_STD)),
        interpolation=str(settings.get("interpolation", "bilinear")),
        licence=str(settings.get("licence", "Apache-2.0 (Graft)")),
        url="",
        sha256_prefix="",
        size_bytes=int(settings.get("size_bytes", 0)),
        gmacs=_STARTER_GMACS,
    )


def _listed() -> list[BackboneSpec]:
    records = json.loads(CATALOGUE_FILE.read_text(encoding="utf-8"))
    return [BackboneSpec.from_document(record) for record in records]


CATALOGUE: dict[str, BackboneSpec] = {record.key: record for record in (_starter(), *_listed())}


def spec(key: str) -> BackboneSpec:
    """Returns the record of a backbone: one of the catalogue, or "timm:NAME".

    Weights of the user's own ("run:3", "own:NAME") are found by `engine.weights.resolve`, which knows the project.

    Raises:
        BackboneError: there is none of that name; the hint lists the closest ones.
    """
    found = CATALOGUE.get(key)
    if found is not None:
        return found
    if key.startswith(TIMM_PREFIX):
        return _timm_spec(key.removeprefix(TIMM_PREFIX))
    close = difflib.get_close_matches(key.lower(), CATALOGUE, n=3, cutoff=0.5)
    if not close:
        close = [TIMM_PREFIX + name for name in find_timm(key, limit=3)] or list(CATALOGUE)
    raise BackboneError(
        tr("There is no backbone called “{key}”.", key=key), tr("Choose one of: {keys}.", keys=", ".join(close))
    )


def find_timm(text: str, limit: int = 50) -> list[str]:
    """Returns names of timm's pretrained networks that contain every word of `text`, the shortest first."""
    words = text.lower().removeprefix(TIMM_PREFIX).replace("_", " ").split()
    if not words:
        return []
    found = [name for name, spaced in _searchable_timm_names() if all(word in spaced for word in words)]
    return sorted(found, key=lambda name: (len(name), name))[:limit]


def _timm_spec(name: str) -> BackboneSpec:
    table = _timm_table()
    full_name = name if name in table else next((known for known in table if known.split(".")[0] == name), None)
    if full_name is None:
        close = find_timm(name, limit=3) or difflib.get_close_matches(name, table, n=3, cutoff=0.5)
        keys = ", ".join(TIMM_PREFIX + each for each in close)
        hint = tr("Did you mean {keys}?", keys=keys) if close else tr("Check the spelling.")
        raise BackboneError(tr("timm has no pretrained network called “{name}”.", name=name), hint)
    return timm_record(full_name, table[full_name])


def timm_record(name: str, row: list[Any]) -> BackboneSpec:
    """Returns the record of a row of `timm.json`, which `build/backbones/list_timm.py` makes.

    Convolutional networks of up to 10 thousand million multiplications have spreads; larger ones may have none yet.
    """
    licence, embedding_size, side, mean, std, interpolation, size_bytes, gmacs, url, *spreads = row
    record = BackboneSpec(
        key=TIMM_PREFIX + name,
        display_name=name,
        library="timm",
        model_name=name,
        embedding_size=embedding_size,
        input_size_px=side,
        mean=tuple(mean),
        std=tuple(std),
        interpolation=interpolation,
        licence=licence,
        url=url,
        sha256_prefix="",
        size_bytes=size_bytes,
        gmacs=gmacs,
    )
    return record.with_spreads(spreads_from(spreads[0])) if spreads else record


@functools.cache
def _timm_table() -> dict[str, list[Any]]:
    """Every pretrained network of timm's, read when it is first asked for (some milliseconds)."""
    table: dict[str, list[Any]] = json.loads(TIMM_FILE.read_text(encoding="utf-8"))["models"]
    return table


@functools.cache
def _searchable_timm_names() -> list[tuple[str, str]]:
    return [(name, name.lower().replace("_", " ")) for name in _timm_table()]
