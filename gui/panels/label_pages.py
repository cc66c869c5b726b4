"""What the middle of the Label workspace says when there is nothing to show."""

from __future__ import annotations

from dataclasses import dataclass

from gui.models.image_filter import ImageFilter, Show, Trait

PAGES = {
    Show.UNLABELLED: (
        "Nothing unlabelled left",
        "Every image has a class. Retrain, then see what the model is least sure of.",
    ),
    Show.SUGGESTED: ("Nothing suggested", "Suggestions appear for unlabelled images after a training."),
    Show.LABELLED: ("Nothing labelled yet", "Select an image and press the key of a class."),
    Show.CONFIRMED: ("Nothing confirmed yet", "Enter says that the classes of an image are complete, and goes on."),
    Show.UNCONFIRMED: ("Everything is confirmed", "Retrain, then see what the model is least sure of."),
    Trait.SKIPPED: ("Nothing skipped", "X skips an image that you do not want to label."),
    Trait.UNSURE: ("Nothing marked as unsure", "? marks an image to come back to."),
    Trait.ACCEPTED: ("No accepted suggestion", "Space and the check of suggestions accept what the model suggests."),
    Trait.NOTED: ("No image has a note", "Write one in the details of an image, on the right."),
    Trait.PROBLEM: ("Every file can be read", ""),
}
GOOD = (Show.UNLABELLED, Show.UNCONFIRMED, Trait.PROBLEM)


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
    kinds: list[Show | Trait] = [*wanted.traits, *([wanted.show] if wanted.show is not Show.ALL else [])]
    if wanted == ImageFilter(text=wanted.text):
        return Page("search", f"No name contains “{wanted.text}”", "Try a shorter part of the name.", action)
    if wanted.picked is not None and wanted == ImageFilter(picked=wanted.picked):
        return Page("search", f"No image for “{wanted.picked.title}”", "They are no longer in the project.", action)
    if len(kinds) != 1 or wanted not in (ImageFilter(wanted.show), ImageFilter(traits=wanted.traits)):
        return Page("search", "No image passes all these filters", "Take one away to see more.", action)
    title, text = PAGES[kinds[0]]
    return Page("check-circle" if kinds[0] in GOOD else "search", title, text, action)
