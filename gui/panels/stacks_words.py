"""What the page of stacks says: where there are none, what is left, and which keys make sense."""

from __future__ import annotations

from enum import Enum

import numpy as np

from engine.errors import AppError
from engine.language import tr, trc, trn
from gui import wording
from gui.activities import EMBED, READ, SCAN, Activity
from gui.panels.label_pages import Page
from gui.panels.workspace_keys import class_key_text
from gui.session import Session
from gui.stacks import StackState
from gui.widgets.hint_line import Hint


class Step(Enum):
    """What the button of a page without stacks does."""

    ASK = "make stacks"
    ASK_NOW = "make stacks of what is there"
    LOOK = "look at the images, then make stacks"
    LEAVE = "back to the grid"
    NONE = "there is no button"


def looking(session: Session) -> Activity | None:
    """Returns the work that stacks wait for."""
    found = (session.work.of_kind(kind) for kind in (SCAN, READ, EMBED))
    return next((each for each in found if each is not None), None)


def page_without_stacks(session: Session) -> tuple[Page, Step]:
    """Returns what to say while no stack is there, and what the button does."""
    state = session.stacks.state
    if session.backbones.is_known and session.backbones.chosen is None:
        text = tr("Stacks are made by a network that has learned to see. Choose one in the corner on the right.")
        return Page("layers", tr("There is no backbone on this machine yet"), text, ""), Step.NONE
    if state is StackState.WAITING:
        return _waiting(looking(session))
    if state in (StackState.STACKING, StackState.NOTHING):
        text = tr("This takes seconds, with very many images a minute.")
        return Page("layers", tr("Putting look-alikes together"), text, ""), Step.NONE
    if state is StackState.STOPPED:
        return Page("layers", tr("No stacks were made"), tr("You stopped it."), tr("Make stacks")), Step.ASK
    if state is StackState.FAILED:
        error = session.stacks.error
        title, text = (error.message, error.hint) if isinstance(error, AppError) else (str(error), "")
        return Page("layers", title, text, tr("Look at the images now")), Step.LOOK
    return _all_named(session)


def _waiting(activity: Activity | None) -> tuple[Page, Step]:
    title, action, step = tr("Looking at your images first"), "", Step.NONE
    text = tr("Stacks come as soon as that is done. You can label in the grid meanwhile.")
    if activity is not None and activity.kind != EMBED:
        title = tr("Reading your images first")
    elif activity is not None and activity.total > 0:
        text = f"{_how_far(activity)}. {text}"
        if activity.done:
            action, step = tr("Make stacks of what is there"), Step.ASK_NOW
    return Page("eye", title, text, action), step


def _how_far(activity: Activity) -> str:
    left = activity.seconds_left()
    if left is None:
        return tr("{done:,} of {total:,}", done=activity.done, total=activity.total)
    soon = wording.time_left(left)
    return tr("{done:,} of {total:,}, {time_left}", done=activity.done, total=activity.total, time_left=soon)


def _all_named(session: Session) -> tuple[Page, Step]:
    num_open = int(np.count_nonzero(session.columns.class_ids == 0))
    num_aside = len(session.stacks.left_over_ids)
    if not num_open:
        text = tr("Retrain, then see what the model is least sure of.")
        return Page("check-circle", tr("Every image has a class"), text, tr("Back to the grid")), Step.LEAVE
    title = tr("All stacks are named") if session.stacks.num_stacks else tr("No look-alikes are left")
    if num_aside:
        text = trn(
            "{number:,} image was set aside on the way.", "{number:,} images were set aside on the way.", num_aside
        )
    else:
        text = trn(
            "{number:,} image without a class is not in these stacks.",
            "{number:,} images without a class are not in these stacks.",
            num_open,
        )
    return Page("check-circle", title, text, tr("New stacks of the rest")), Step.ASK


def rest_words(session: Session) -> str:
    """Returns what is left, e.g. "430 images left · 12 set aside"."""
    shown = session.stacks.shown
    num_aside = int(np.count_nonzero(shown.are_aside)) + len(session.stacks.left_over_ids)
    num_to_name = len(shown.rows) - int(np.count_nonzero(shown.are_aside))
    parts = [trn("{number:,} image to name", "{number:,} images to name", num_to_name)]
    if num_aside:
        parts.append(tr("{num_aside:,} set aside", num_aside=num_aside))
    if session.stacks.num_outside:
        parts.append(tr("{num_outside:,} in no stack yet", num_outside=session.stacks.num_outside))
    return " · ".join(parts)


def first_words(session: Session) -> str:
    """Returns what to know before the first stack is named, while nothing but the look of the images made them."""
    is_first = session.run is None and session.stacks.num_open == session.stacks.num_stacks
    return tr("Alike is not yet one class: click what differs.") if is_first else ""


def stack_hints(session: Session, indices: list[int], is_aside: bool) -> list[Hint]:
    """Returns the keys that make sense with these stacks selected."""
    stacks = session.stacks
    if not indices or session.is_read_only:
        return [Hint(tr("Esc"), tr("grid"))]
    number = len(stacks.named_ids(indices))
    what = wording.count(number, "image")
    if len(indices) > 1:
        what = trn(
            "{num_stacks} stacks, {number:,} image",
            "{num_stacks} stacks, {number:,} images",
            number,
            num_stacks=len(indices),
        )
    suggested = stacks.suggestion(indices[0]) if len(indices) == 1 else None
    first = next((item for item in session.classes if item.key), None)
    name_it_as = trc("before the name of a class", "name {what}", what=what)
    hints = []
    if suggested is not None:
        hints.append(Hint(tr("Enter"), name_it_as, suggested.item.name, suggested.item.color))
        hints.append(Hint("/", tr("another class")))
    elif first is not None:
        hints.append(Hint(class_key_text(first.key), name_it_as, first.name, first.color))
        hints.append(Hint(tr("Enter"), tr("find class or new one")))
    else:
        hints.append(Hint(tr("Enter"), tr("name {what}", what=what)))
    hints.append(Hint(tr("Space"), tr("take in again") if is_aside else tr("set aside")))
    if stacks.undo_text:
        hints.append(Hint(tr("Ctrl+Z"), tr("undo {step}", step=stacks.undo_text)))
    if len(indices) == 1 and stacks.stack(indices[0]).is_aside.any():
        hints.append(Hint(tr("Ctrl+A"), tr("take all in")))
    if len(indices) < stacks.num_open:
        hints.append(Hint(tr("Ctrl+End"), tr("later")))
    hints.append(Hint(tr("Ctrl+J"), tr("join") if len(indices) > 1 else tr("join with the next")))
    if len(indices) == 1:
        hints.append(Hint(tr("Ctrl+Shift+J"), tr("split")))
    return [*hints, Hint(tr("Esc"), tr("grid"))]
