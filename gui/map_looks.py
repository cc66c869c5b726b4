"""What the points of the map look like: a colour and, for mistakes and the unknown, a ring. And what the colours mean.

Letters: N points, M measured images.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QColor

from engine.domain import NO_CLASS, ImageClass, ImageColumns
from engine.language import tr, trc
from gui.theme import theme
from gui.widgets.class_colors import over
from gui.widgets.heat_colors import heat_table

if TYPE_CHECKING:
    from engine.tasks.review import Review

Rows = NDArray[np.int64]


class ColorBy(Enum):
    """What the colours of the map say; the value is its name on the switch."""

    CLASS = tr("Class")
    PREDICTION = tr("Prediction")
    MISTAKES = tr("Mistakes")
    UNKNOWN = tr("Unknown")


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the legend: `color` "#rrggbb", `points` (n,) the points it stands for."""

    text: str
    color: str
    points: NDArray[np.int64]
    has_ring: bool = False


@dataclass(frozen=True, slots=True)
class Looks:
    """Colours (N,) 0xFFRRGGBB, who has a ring (N,), of whom nothing is known (N,), the legend, a note if need be."""

    colors: NDArray[np.uint32]
    ringed: NDArray[np.bool_]
    muted: NDArray[np.bool_]
    legend: list[Entry]
    note: str = ""


def looks_of(
    by: ColorBy, columns: ImageColumns, classes: Sequence[ImageClass], rows: Rows, review: Review | None
) -> Looks:
    """Returns what points look like that stand for these rows of the columns (N,); -1 is an image that went away."""
    is_there = rows >= 0
    if by is ColorBy.CLASS:
        given = np.where(is_there, columns.class_ids[rows], NO_CLASS)
        return _by_class(given, classes, tr("no class"), _mistaken(columns, rows, review))
    if by is ColorBy.PREDICTION:
        predicted = np.where(is_there, columns.predicted_ids[rows], NO_CLASS)
        looks = _by_class(predicted, classes, tr("no prediction"), _mistaken(columns, rows, review))
        return (
            looks
            if (predicted != NO_CLASS).any()
            else _noted(looks, tr("The model has said nothing of these images yet."))
        )
    if by is ColorBy.MISTAKES:
        return _by_mistake(columns, rows, review)
    return _by_strangeness(columns, rows, is_there)


def _by_class(ids: NDArray[np.int32], classes: Sequence[ImageClass], nothing: str, ringed: NDArray[np.bool_]) -> Looks:
    table = np.full(max([each.id for each in classes], default=0) + 1, _rgb(_quiet()), np.uint32)
    for each in classes:
        table[each.id] = _rgb(each.color)
    known = np.where(ids < len(table), ids, NO_CLASS)
    legend = [Entry(each.name, each.color, np.flatnonzero(known == each.id)) for each in classes]
    legend = [each for each in legend if len(each.points)]
    without = np.flatnonzero(known == NO_CLASS)
    if len(without):
        legend.append(Entry(nothing, _quiet(), without))
    if ringed.any():
        legend.append(Entry(tr("got wrong"), theme().text, np.flatnonzero(ringed), has_ring=True))
    return Looks(table[known], ringed, known == NO_CLASS, legend)


def _mistaken(columns: ImageColumns, rows: Rows, review: Review | None) -> NDArray[np.bool_]:
    """Returns which points the model got wrong while they were held out."""
    return _measured(columns, rows, review)[1]


def _measured(columns: ImageColumns, rows: Rows, review: Review | None) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Returns which points the model was measured on, and which of those it got wrong."""
    nothing = np.zeros(len(rows), np.bool_)
    if review is None or review.metrics is None:  # with several classes per image there is no single right one
        return nothing, nothing
    wrong = review.probabilities.argmax(axis=1) != review.targets
    ids = np.where(rows >= 0, columns.image_ids[rows], 0)
    order = np.argsort(review.image_ids)
    at = np.minimum(np.searchsorted(review.image_ids, ids, sorter=order), len(order) - 1)
    found = order[at]
    is_measured = review.image_ids[found] == ids
    return is_measured, is_measured & wrong[found]


def _by_mistake(columns: ImageColumns, rows: Rows, review: Review | None) -> Looks:
    is_measured, is_wrong = _measured(columns, rows, review)
    colors = theme()
    kinds = (
        (tr("not measured"), _quiet(), ~is_measured),
        (trc("prediction", "right"), colors.accent, is_measured & ~is_wrong),
        (trc("prediction", "wrong"), colors.warning, is_wrong),
    )
    found = np.full(len(rows), _rgb(_quiet()), np.uint32)
    for _, color, mask in kinds[1:]:
        found[mask] = _rgb(color)
    legend = [Entry(text, color, np.flatnonzero(mask), mask is is_wrong) for text, color, mask in reversed(kinds)]
    note = "" if is_measured.any() else tr("Mistakes are known after the first training, of the labelled images.")
    return Looks(found, is_wrong, ~is_measured, [each for each in legend if len(each.points)], note)


def _by_strangeness(columns: ImageColumns, rows: Rows, is_there: NDArray[np.bool_]) -> Looks:
    scores = np.where(is_there, columns.unknown_scores[rows], np.nan).astype(np.float32)
    is_known, is_strange = np.isfinite(scores), is_there & columns.look_unknown(rows)
    table = heat_table()
    found = np.full(len(rows), _rgb(_quiet()), np.uint32)
    found[is_known] = table[(np.clip(scores[is_known], 0, 1) * (len(table) - 1)).astype(np.int64)]
    ordinary = is_known & ~is_strange
    kinds = (
        (tr("looks like none of the classes"), _text(int(table[-1])), is_strange),
        (tr("rather strange"), _text(int(table[len(table) * 3 // 4])), ordinary & (scores >= 0.5)),
        (tr("ordinary"), _text(int(table[len(table) // 4])), ordinary & (scores < 0.5)),
        (tr("not scored"), _quiet(), ~is_known),
    )
    legend = [Entry(text, color, np.flatnonzero(mask), mask is is_strange) for text, color, mask in kinds]
    note = "" if is_known.any() else tr("This model says nothing of unknown images. Retrain to know.")
    return Looks(found, is_strange, ~is_known, [each for each in legend if len(each.points)], note)


def _noted(looks: Looks, note: str) -> Looks:
    return replace(looks, note=note)


def _rgb(color: str) -> int:
    return QColor(color).rgb() | 0xFF000000


def _text(rgb: int) -> str:
    return f"#{rgb & 0xFFFFFF:06x}"


def _quiet() -> str:
    """The colour of what nothing is known of."""
    return over(theme().text_faint, theme().window, 0.55).name()
