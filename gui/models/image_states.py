"""What can be said of an image besides its class, as eleven bits: the SHOW list, its counts and its filters use them.

Everything here is a pure function of arrays: no Qt, no disk.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from engine.domain import NO_CLASS, ImageColumns, ImageStatus, Mark
from engine.language import tr, trc
from gui.columns import is_refused

Rows = NDArray[np.int64]
_OPEN, _CLASS, _CONFIRMED, _SUGGESTED, _SKIPPED, _UNSURE, _NOTED, _PROBLEM, _UNKNOWN, _ACCEPTED, _REFUSED = (
    1 << bit for bit in range(11)
)
NUM_CODES = 2 * _REFUSED
OF_THE_USER = _OPEN | _CLASS | _CONFIRMED | _SKIPPED | _UNSURE | _NOTED | _ACCEPTED | _REFUSED
"""The bits that only the user changes: not suggestions, not files that vanish."""


class Show(Enum):
    """How far an image has come: one of these is chosen. The value is the text on screen."""

    ALL = trc("images", "All")
    UNLABELLED = tr("Unlabelled")
    LABELLED = tr("Labelled")
    UNCONFIRMED = tr("Not confirmed")
    CONFIRMED = tr("Confirmed")
    SUGGESTED = tr("Suggested")


class Trait(Enum):
    """What an image may have besides: any number of these are chosen, and one of them is enough."""

    SKIPPED = tr("Skipped")
    UNSURE = tr("Unsure")
    UNKNOWN = tr("Looks unknown")
    ACCEPTED = tr("Accepted")
    REFUSED = tr("Refused")
    NOTED = tr("With a note")
    PROBLEM = tr("Unreadable")


_BITS = {
    Trait.SKIPPED: _SKIPPED,
    Trait.UNSURE: _UNSURE,
    Trait.UNKNOWN: _UNKNOWN,
    Trait.ACCEPTED: _ACCEPTED,
    Trait.REFUSED: _REFUSED,
    Trait.NOTED: _NOTED,
    Trait.PROBLEM: _PROBLEM,
}
_WORDS = (
    (_SKIPPED, tr("skipped")),
    (_UNSURE, tr("unsure")),
    (_CONFIRMED, tr("confirmed")),
    (_NOTED, tr("with a note")),
    (_ACCEPTED, trc("mark of an image", "accepted suggestion")),
)


def has_several_classes(columns: ImageColumns) -> bool:
    """Tells whether an image of this project may have more than one class."""
    return bool(columns.class_bits.shape[1])


def suggested_ids(columns: ImageColumns, pick: slice | Rows = slice(None)) -> NDArray[np.int32]:
    """Returns the class that is suggested for each image (of `pick`).

    None where it looks like none of the classes, and where somebody said that it is not of that class.
    """
    is_none = columns.look_unknown(pick) | is_refused(columns, pick)
    return np.asarray(np.where(is_none, NO_CLASS, columns.predicted_ids[pick]), np.int32)


def codes_of(columns: ImageColumns, rows: Rows | None = None) -> NDArray[np.uint16]:
    """Returns one number per image (of `rows`, or of all) that says everything Show and Trait ask for."""
    pick = slice(None) if rows is None else rows
    marks = columns.marks[pick]
    has_class = columns.class_ids[pick] != NO_CLASS
    is_confirmed = marks & Mark.CONFIRMED != 0
    # A skipped image that got a class later is not skipped any more.
    is_skipped = (marks & Mark.SKIPPED != 0) & ~has_class
    is_open = ~has_class & ~is_confirmed
    is_unknown = columns.look_unknown(pick)
    codes: NDArray[np.uint16] = np.zeros(len(marks), np.uint16)
    for bit, is_on in (
        (_OPEN, is_open),
        (_CLASS, has_class),
        (_CONFIRMED, is_confirmed),
        (_SUGGESTED, _has_suggestion(columns, pick) & ~is_unknown & ~is_refused(columns, pick)),
        (_SKIPPED, is_skipped),
        (_UNSURE, marks & Mark.UNSURE != 0),
        (_NOTED, columns.noted[pick]),
        (_PROBLEM, columns.statuses[pick] != ImageStatus.READABLE),
        (_UNKNOWN, is_unknown & is_open),
        (_ACCEPTED, columns.accepted[pick]),
        (_REFUSED, columns.refused_bits[pick].any(axis=1) & is_open),
    ):
        codes |= is_on.view(np.uint8) * np.uint16(bit)
    return codes


def _has_suggestion(columns: ImageColumns, pick: slice | Rows) -> NDArray[np.bool_]:
    if has_several_classes(columns):  # none of the classes is a suggestion too
        return ~np.isnan(columns.confidences[pick])
    return np.asarray(columns.predicted_ids[pick] != NO_CLASS)


def words_of(code: int) -> list[str]:
    """Returns in words what the user said of an image besides its class."""
    return [word for bit, word in _WORDS if code & bit]


@lru_cache(maxsize=128)
def passing_codes(show: Show, traits: frozenset[Trait] = frozenset()) -> NDArray[np.bool_]:
    """Returns for each of the 2,048 codes whether such an image is shown.

    Unlabelled, Suggested and Not confirmed are lists of work to do: they leave out skipped images and files that cannot
    be read, unless these are asked for.
    """
    codes = np.arange(NUM_CODES)
    passes = _is_in(codes, show)
    if show in (Show.UNLABELLED, Show.SUGGESTED, Show.UNCONFIRMED):
        left_out = _all_bits({Trait.SKIPPED, Trait.PROBLEM} - traits)
        passes &= codes & left_out == 0
    if traits:
        passes &= codes & _all_bits(traits) != 0
    passes.flags.writeable = False
    return passes


def _is_in(codes: NDArray[np.int64], show: Show) -> NDArray[np.bool_]:
    needed, forbidden = {
        Show.ALL: (0, 0),
        Show.UNLABELLED: (_OPEN, 0),
        Show.LABELLED: (_CLASS, 0),
        Show.UNCONFIRMED: (0, _CONFIRMED),
        Show.CONFIRMED: (_CONFIRMED, 0),
        Show.SUGGESTED: (_OPEN | _SUGGESTED, 0),
    }[show]
    return np.asarray((codes & needed == needed) & (codes & forbidden == 0))


def _all_bits(traits: Iterable[Trait]) -> int:
    return sum(_BITS[trait] for trait in traits)
