"""The settings of a run in plain words, and in which of them two runs differ."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from engine.backbones import CATALOGUE
from engine.domain import Run
from engine.evaluation.groups import BY_COLUMN, BY_FOLDER
from engine.language import tr, trc
from engine.nn.training_plan import HEAD, duration_words
from engine.own_backbones import OWN_PREFIX, RUN_PREFIX

Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Difference:
    """One setting that two runs do not share, in words."""

    name: str
    first: str
    second: str


def backbone_words(key: str) -> str:
    """Returns what a backbone is called, e.g. "MobileNetV2", "network of version 3", or "network from “parts”"."""
    if key.startswith(RUN_PREFIX):
        return tr("network of version {number}", number=key.removeprefix(RUN_PREFIX))
    if key.startswith(OWN_PREFIX):
        return tr("network from “{name}”", name=key.removeprefix(OWN_PREFIX).rpartition("-")[0])
    return CATALOGUE[key].display_name if key in CATALOGUE else key


def depth_words(depth: str) -> str:
    """Returns how much of the network was trained."""
    return _DEPTHS.get(depth, depth)


def view_words(views: Iterable[str]) -> str:
    """Returns what a model looks at of an image, e.g. "whole, centre"."""
    return ", ".join(_VIEWS.get(name, name) for name in views)


def differing_settings(first: Document, second: Document) -> list[Difference]:
    """Returns in which settings two runs differ, by their run.json; what was not noted counts as "not noted"."""
    found = []
    has_trained_both = HEAD not in (first.get("depth"), second.get("depth"))
    for name, words in (_SETTINGS | (_SETTINGS_OF_NETWORKS if has_trained_both else {})).items():
        one, other = words(first), words(second)
        if one != other:
            found.append(Difference(name, one or tr("not noted"), other or tr("not noted")))
    return found


def caveats_on(first: Run, second: Run) -> list[str]:
    """Returns what keeps the figures of two runs from being compared, one sentence each."""
    found = []
    if first.settings.get("group_by") != second.settings.get("group_by"):
        found.append(
            tr("They were measured with different groups held out together, and without groups figures flatter.")
        )
    if first.mode is not second.mode:
        found.append(tr("One gives each image one class, the other several."))
    return found + [
        tr(
            "The network of version {number} had learned from images of this project before: its figures flatter.",
            number=run.id,
        )
        for run in (first, second)
        if run.backbone.startswith(RUN_PREFIX)
    ]


def _setting(key: str, words: Callable[[Any], str] = str) -> Callable[[Document], str]:
    def read(document: Document) -> str:
        settings = document.get("settings", {})
        return words(settings[key]) if settings.get(key) is not None else ""

    return read


def _made_with(key: str) -> Callable[[Document], str]:
    return lambda document: str(document.get("made_with", {}).get(key, ""))


def _views(document: Document) -> str:
    views = document.get("preprocessing", {}).get("views", [])
    return f"{len(views)} ({view_words(views)})" if views else ""


def _groups(document: Document) -> str:
    rule = document.get("settings", {}).get("group_by")
    if rule is None:
        return trc("groups", "none")
    if rule == BY_COLUMN:
        return tr("from a table")
    return tr("by folder") if rule == BY_FOLDER else tr("by “{rule}” in the name", rule=rule)


def _classes_per_image(document: Document) -> str:
    mode = str(document.get("mode", "one"))
    return _CLASSES_PER_IMAGE.get(mode, mode)


def _yes_or_no(on: object) -> str:
    return tr("yes") if on else tr("no")


_DEPTHS: Final = {
    "head": tr("the head alone"),
    "partial": tr("its upper half"),
    "full": tr("all of it"),
    "auto": tr("what pays"),
}
_CLASSES_PER_IMAGE: Final = {
    "one": trc("classes per image", "one"),
    "several": trc("classes per image", "several"),
}
_VIEWS: Final = {
    "whole": trc("view", "whole"),
    "centre": trc("view", "centre"),
    "close": trc("view", "close"),
    "mirror": trc("view", "mirror"),
}
_AUGMENTATIONS: Final = {
    "none": trc("variants", "none"),
    "mirror": trc("variants", "mirror"),
    "varied": trc("variants", "varied"),
    "strong": trc("variants", "strong"),
}


_SETTINGS: Final[dict[str, Callable[[Document], str]]] = {
    tr("Backbone"): lambda document: backbone_words(str(document.get("backbone", ""))),
    tr("Weights"): lambda document: str(document.get("weights_hash", ""))[:12],
    tr("Depth"): lambda document: depth_words(str(document.get("depth", ""))),
    tr("Classes per image"): _classes_per_image,
    tr("Looks at an image"): _views,
    tr("Groups held out together"): _groups,
    tr("Alike images held out together"): _setting("alike", lambda words: words or trc("groups", "none")),
    tr("Made by itself"): _setting("is_automatic", _yes_or_no),
    tr("Accepted suggestions"): _setting("with_accepted", lambda on: tr("learned from") if on else tr("left out")),
    tr("Classes count alike"): _setting("is_class_balanced", _yes_or_no),
    tr("Seed"): lambda document: str(document.get("seed", "")),
    tr("Device"): _made_with("device"),
    "Graft": _made_with("graft"),
    "PyTorch": _made_with("torch"),
    "ONNX Runtime": _made_with("onnxruntime"),
    "numpy": _made_with("numpy"),
}
_SETTINGS_OF_NETWORKS: Final[dict[str, Callable[[Document], str]]] = {
    tr("Also learns from"): _setting("augmentation", lambda name: _AUGMENTATIONS.get(name, str(name))),
    tr("Time allowed"): _setting("time_budget_s", duration_words),
    tr("Rounds"): _setting("num_epochs"),
}
"""What plays no part where only the head was trained."""
