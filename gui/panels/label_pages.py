"""What the middle of the Label workspace says when there is nothing to show."""

from __future__ import annotations

from dataclasses import dataclass

from engine.domain import NO_CLASS
from gui.models.image_filter import ImageFilter, Show

SENTENCES = {
    Show.UNLABELLED: "Every image has a class. Retrain, then look at what the model is least sure of.",
    Show.SUGGESTED: "Suggestions appear for unlabelled images after a training.",
    Show.LABELLED: "Select an image and press the key of a class.",
    Show.SKIPPED: "X skips an image that you do not want to label.",
    Show.UNSURE: "? marks an image to come back to.",
    Show.PROBLEM: "Every file can be read.",
}


@dataclass(frozen=True, slots=True)
class Page:
    """An icon, a title, a sentence and the text of a button."""

    icon: str
    title: str
    text: str
    action: str


NO_IMAGES = Page(
    "folder-plus", "Drop a folder here", "Its images stay where they are. Nothing is copied.", "Add folder…"
)


def nothing_found(wanted: ImageFilter) -> Page:
    """Returns the page of a filter that lets nothing through."""
    action = "Show all images"
    if wanted.text:
        return Page("search", f"No name contains “{wanted.text}”", "Try a shorter part of the name.", action)
    if wanted.class_id != NO_CLASS:
        return Page("search", "No such images", "Take a filter away to see more.", action)
    title = f"Nothing {wanted.show.value.lower()}" + (" left" if wanted.show is Show.UNLABELLED else "")
    is_good = wanted.show in (Show.UNLABELLED, Show.PROBLEM)
    return Page("check-circle" if is_good else "search", title, SENTENCES.get(wanted.show, ""), action)
