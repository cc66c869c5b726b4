"""What the middle of the Label workspace says when there is nothing to show."""

from __future__ import annotations

from dataclasses import dataclass

from engine.language import tr
from gui.models.image_filter import ImageFilter, Show, Trait

PAGES = {
    Show.UNLABELLED: (
        tr("Nothing unlabelled left"),
        tr("Every image has a class. Retrain, then see what the model is least sure of."),
    ),
    Show.SUGGESTED: (tr("Nothing suggested"), tr("Suggestions appear for unlabelled images after a training.")),
    Show.LABELLED: (tr("Nothing labelled yet"), tr("Select an image and press the key of a class.")),
    Show.CONFIRMED: (
        tr("Nothing confirmed yet"),
        tr("Enter says that the classes of an image are complete, and goes on."),
    ),
    Show.UNCONFIRMED: (tr("Everything is confirmed"), tr("Retrain, then see what the model is least sure of.")),
    Trait.SKIPPED: (tr("Nothing skipped"), tr("X skips an image that you do not want to label.")),
    Trait.UNSURE: (tr("Nothing marked as unsure"), tr("? marks an image to come back to.")),
    Trait.ACCEPTED: (
        tr("No accepted suggestion"),
        tr("Space and the check of suggestions accept what the model suggests."),
    ),
    Trait.NOTED: (tr("No image has a note"), tr("Write one in the details of an image, on the right.")),
    Trait.PROBLEM: (tr("Every file can be read"), ""),
}
PAST_END = {
    Show.ALL: tr("Nothing unlabelled left here."),
    Show.UNLABELLED: tr("Nothing unlabelled left here."),
    Show.LABELLED: tr("Nothing labelled left here."),
    Show.UNCONFIRMED: tr("Nothing not confirmed left here."),
    Show.CONFIRMED: tr("Nothing confirmed left here."),
    Show.SUGGESTED: tr("Nothing suggested left here."),
}
"""What is said when the list has no further image to go on to."""
GOOD = (Show.UNLABELLED, Show.UNCONFIRMED, Trait.PROBLEM)


@dataclass(frozen=True, slots=True)
class Page:
    """An icon, a title, a sentence and the text of a button."""

    icon: str
    title: str
    text: str
    action: str


NO_IMAGES = Page(
    "folder-plus", tr("Drop a folder here"), tr("Its images stay where they are. Nothing is copied."), tr("Add folder…")
)


def nothing_found(wanted: ImageFilter) -> Page:
    """Returns the page of a filter that lets nothing through."""
    action = tr("Show all images")
    kinds: list[Show | Trait] = [*wanted.traits, *([wanted.show] if wanted.show is not Show.ALL else [])]
    if wanted == ImageFilter(text=wanted.text):
        return Page(
            "search", tr("No name contains “{text}”", text=wanted.text), tr("Try a shorter part of the name."), action
        )
    if wanted.picked is not None and wanted == ImageFilter(picked=wanted.picked):
        return Page(
            "search",
            tr("No image for “{title}”", title=wanted.picked.title),
            tr("They are no longer in the project."),
            action,
        )
    if len(kinds) != 1 or wanted not in (ImageFilter(wanted.show), ImageFilter(traits=wanted.traits)):
        return Page("search", tr("No image passes all these filters"), tr("Take one away to see more."), action)
    title, text = PAGES[kinds[0]]
    return Page("check-circle" if kinds[0] in GOOD else "search", title, text, action)
