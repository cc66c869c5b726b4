"""What the page of stacks says: where there are none, what is left, and which keys make sense."""

from __future__ import annotations

from enum import Enum

import numpy as np

from engine.errors import AppError
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
        text = "Stacks are made by a network that has learned to see. Choose one in the corner on the right."
        return Page("layers", "There is no backbone on this machine yet", text, ""), Step.NONE
    if state is StackState.WAITING:
        return _waiting(looking(session))
    if state in (StackState.STACKING, StackState.NOTHING):
        text = "This takes seconds, with very many images a minute."
        return Page("layers", "Putting look-alikes together", text, ""), Step.NONE
    if state is StackState.STOPPED:
        return Page("layers", "No stacks were made", "You stopped it.", "Make stacks"), Step.ASK
    if state is StackState.FAILED:
        error = session.stacks.error
        title, text = (error.message, error.hint) if isinstance(error, AppError) else (str(error), "")
        return Page("layers", title, text, "Look at the images now"), Step.LOOK
    return _all_named(session)


def _waiting(activity: Activity | None) -> tuple[Page, Step]:
    title, action, step = "Looking at your images first", "", Step.NONE
    text = "Stacks come as soon as that is done. You can label in the grid meanwhile."
    if activity is not None and activity.kind != EMBED:
        title = "Reading your images first"
    elif activity is not None and activity.total > 0:
        left = activity.seconds_left()
        soon = f", {wording.time_left(left)}" if left is not None else ""
        text = f"{activity.done:,} of {activity.total:,}{soon}. {text}"
        if activity.done:
            action, step = "Make stacks of what is there", Step.ASK_NOW
    return Page("eye", title, text, action), step


def _all_named(session: Session) -> tuple[Page, Step]:
    num_open = int(np.count_nonzero(session.columns.class_ids == 0))
    num_aside = len(session.stacks.left_over_ids)
    if not num_open:
        text = "Retrain, then see what the model is least sure of."
        return Page("check-circle", "Every image has a class", text, "Back to the grid"), Step.LEAVE
    title = "All stacks are named" if session.stacks.num_stacks else "No look-alikes are left"
    if num_aside:
        text = f"{wording.count(num_aside, 'image was', 'images were')} set aside on the way."
    else:
        are = "is" if num_open == 1 else "are"
        text = f"{wording.count(num_open, 'image')} without a class {are} not in these stacks."
    return Page("check-circle", title, text, "New stacks of the rest"), Step.ASK


def rest_words(session: Session) -> str:
    """Returns what is left, e.g. "430 images left · 12 set aside"."""
    shown = session.stacks.shown
    num_aside = int(np.count_nonzero(shown.are_aside)) + len(session.stacks.left_over_ids)
    parts = [f"{wording.count(len(shown.rows) - int(np.count_nonzero(shown.are_aside)), 'image')} to name"]
    if num_aside:
        parts.append(f"{num_aside:,} set aside")
    if session.stacks.num_outside:
        parts.append(f"{session.stacks.num_outside:,} in no stack yet")
    return " · ".join(parts)


def stack_hints(session: Session, indices: list[int], is_aside: bool) -> list[Hint]:
    """Returns the keys that make sense with these stacks selected."""
    stacks = session.stacks
    if not indices or session.is_read_only:
        return [Hint("Esc", "grid")]
    number = len(stacks.named_ids(indices))
    what = wording.count(number, "image") if len(indices) == 1 else f"{len(indices)} stacks, {number:,} images"
    suggested = stacks.suggestion(indices[0]) if len(indices) == 1 else None
    first = next((item for item in session.classes if item.key), None)
    hints = []
    if suggested is not None:
        hints.append(Hint("Enter", f"name {what}", suggested.item.name, suggested.item.color))
        hints.append(Hint("/", "another class"))
    elif first is not None:
        hints.append(Hint(class_key_text(first.key), f"name {what}", first.name, first.color))
        hints.append(Hint("Enter", "find class or new one"))
    else:
        hints.append(Hint("Enter", f"name {what}"))
    hints.append(Hint("Space", "take in again" if is_aside else "set aside"))
    if stacks.undo_text:
        hints.append(Hint("Ctrl+Z", f"undo {stacks.undo_text}"))
    if len(indices) == 1 and stacks.stack(indices[0]).is_aside.any():
        hints.append(Hint("Ctrl+A", "take all in"))
    hints.append(Hint("Ctrl+J", "join" if len(indices) > 1 else "join with the next"))
    if len(indices) == 1:
        hints.append(Hint("Ctrl+Shift+J", "split"))
    return [*hints, Hint("Esc", "grid")]
