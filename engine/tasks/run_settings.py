"""The settings of a run in plain words, and in which of them two runs differ."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from engine.backbones import CATALOGUE
from engine.domain import Run
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
        return f"network of version {key.removeprefix(RUN_PREFIX)}"
    if key.startswith(OWN_PREFIX):
        return f"network from “{key.removeprefix(OWN_PREFIX).rpartition('-')[0]}”"
    return CATALOGUE[key].display_name if key in CATALOGUE else key


def depth_words(depth: str) -> str:
    """Returns how much of the network was trained."""
    return {"head": "the head alone", "partial": "its upper half", "full": "all of it", "auto": "what pays"}.get(
        depth, depth
    )


def differing_settings(first: Document, second: Document) -> list[Difference]:
    """Returns in which settings two runs differ, by their run.json; what was not noted counts as "not noted"."""
    found = []
    has_trained_both = HEAD not in (first.get("depth"), second.get("depth"))
    for name, words in (_SETTINGS | (_SETTINGS_OF_NETWORKS if has_trained_both else {})).items():
        one, other = words(first), words(second)
        if one != other:
            found.append(Difference(name, one or "not noted", other or "not noted"))
    return found


def caveats_on(first: Run, second: Run) -> list[str]:
    """Returns what keeps the figures of two runs from being compared, one sentence each."""
    found = []
    if first.settings.get("group_by") != second.settings.get("group_by"):
        found.append("They were measured with different groups held out together, and without groups figures flatter.")
    if first.mode is not second.mode:
        found.append("One gives each image one class, the other several.")
    return found + [
        f"The network of version {run.id} had learned from images of this project before: its figures flatter."
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
    return f"{len(views)} ({', '.join(views)})" if views else ""


def _groups(document: Document) -> str:
    rule = document.get("settings", {}).get("group_by")
    return {None: "none", "folder": "by folder"}.get(rule, f"by “{rule}” in the name")


_SETTINGS: Final[dict[str, Callable[[Document], str]]] = {
    "Backbone": lambda document: backbone_words(str(document.get("backbone", ""))),
    "Weights": lambda document: str(document.get("weights_hash", ""))[:12],
    "Depth": lambda document: depth_words(str(document.get("depth", ""))),
    "Classes per image": lambda document: str(document.get("mode", "one")),
    "Looks at an image": _views,
    "Groups held out together": _groups,
    "Alike images held out together": _setting("alike", lambda words: words or "none"),
    "Made by itself": _setting("is_automatic", lambda on: "yes" if on else "no"),
    "Accepted suggestions": _setting("with_accepted", lambda on: "learned from" if on else "left out"),
    "Classes count alike": _setting("is_class_balanced", lambda on: "yes" if on else "no"),
    "Seed": lambda document: str(document.get("seed", "")),
    "Device": _made_with("device"),
    "Graft": _made_with("graft"),
    "PyTorch": _made_with("torch"),
    "ONNX Runtime": _made_with("onnxruntime"),
    "numpy": _made_with("numpy"),
}
_SETTINGS_OF_NETWORKS: Final[dict[str, Callable[[Document], str]]] = {
    "Also learns from": _setting("augmentation"),
    "Time allowed": _setting("time_budget_s", duration_words),
    "Rounds": _setting("num_epochs"),
}
"""What plays no part where only the head was trained."""
