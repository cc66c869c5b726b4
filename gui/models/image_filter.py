"""Which images are shown and in which order, as index arrays over the project's columns.

Everything here is a pure function of arrays: no Qt, no disk.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from engine.domain import NO_CLASS, ImageColumns, has_class
from engine.language import tr
from engine.suggestions.flaws import Flaw
from gui.models.day_span import ANY_DAY, DaySpan
from gui.models.image_index import ImageIndex
from gui.models.image_states import Rows, Show, Trait, codes_of, has_several_classes, passing_codes, suggested_ids
from gui.models.picked_images import PickedImages

__all__ = ["Flaw", "ImageFilter", "Order", "Rows", "Show", "Trait", "matches", "ordered_rows"]


NO_FLAW = Flaw(0)


class Order(Enum):
    """The orders of the grid; the value is the text on screen, different for each."""

    FILED = tr("As filed")
    NAME = tr("By name")
    DATE = tr("By date")
    CLASS = tr("By class")
    MOST_CONFIDENT = tr("Most confident first")
    LEAST_CONFIDENT = tr("Least sure first")
    STRANGEST = tr("Least like the classes first")
    BLURRIEST = tr("Blurriest first")
    SHARPEST = tr("Sharpest first")
    DARKEST = tr("Darkest first")
    BRIGHTEST = tr("Brightest first")
    SMALLEST = tr("Smallest first")
    LARGEST = tr("Largest first")
    PICKED = tr("As picked")
    """Only where the filter holds picked images; else as filed."""

    @property
    def depends_on_model(self) -> bool:
        """Whether another model would put the images in another order."""
        return self in (Order.MOST_CONFIDENT, Order.LEAST_CONFIDENT, Order.STRANGEST)

    @property
    def depends_on_quality(self) -> bool:
        """Whether the pictures have to be measured before it says anything."""
        return self in _MEASURES


_MEASURES = {
    Order.BLURRIEST: ("sharpness", False),
    Order.SHARPEST: ("sharpness", True),
    Order.DARKEST: ("brightness", False),
    Order.BRIGHTEST: ("brightness", True),
}
"""The measure that an order goes by, and whether large ones come first."""


@dataclass(frozen=True, slots=True)
class ImageFilter:
    """What is shown. Of several classes (traits, folders, dates) one is enough; different kinds must all be true.

    `folders` and `dates` are keys of the trees in `gui.models.facet_tree`. `picked` are images from somewhere else.
    `days` are those on which they were taken. `flaws` are those of the pictures themselves (see
    `gui.models.image_quality`).
    """

    show: Show = Show.ALL
    class_ids: frozenset[int] = frozenset()
    text: str = ""
    traits: frozenset[Trait] = frozenset()
    folders: frozenset[str] = frozenset()
    dates: frozenset[str] = frozenset()
    picked: PickedImages | None = None
    flaws: Flaw = NO_FLAW
    days: DaySpan = ANY_DAY

    @property
    def is_active(self) -> bool:
        return self != ImageFilter()

    @property
    def scope(self) -> ImageFilter:
        """The part that labelling cannot change: names, folders, dates, flaws and picked images."""
        return replace(self, show=Show.ALL, class_ids=frozenset(), traits=frozenset())

    def without_class(self, class_id: int) -> ImageFilter:
        return replace(self, class_ids=self.class_ids - {class_id})


def matches(
    columns: ImageColumns, wanted: ImageFilter, index: ImageIndex, rows: Rows | None = None
) -> NDArray[np.bool_]:
    """Returns for all images (or for `rows`) whether they pass the filter: shape (N,), or (len(rows),)."""
    size = len(columns) if rows is None else len(rows)
    mask: NDArray[np.bool_] = np.ones(size, np.bool_)
    if wanted.show is not Show.ALL or wanted.traits:
        mask = passing_codes(wanted.show, wanted.traits)[codes_of(columns, rows)]
    if wanted.class_ids:
        mask &= _has_class(columns, wanted, slice(None) if rows is None else rows)
    if wanted.text:
        found = index.names.find(wanted.text)
        mask &= found if rows is None else found[rows]
    if wanted.folders:
        mask &= index.folders.mask(wanted.folders, rows)
    if wanted.dates:
        mask &= index.dates.mask(wanted.dates, rows)
    if not wanted.days.is_open:
        mask &= wanted.days.mask(index.dates, rows)
    if wanted.flaws:
        flaws = index.quality_for(columns).flaws
        mask &= (flaws if rows is None else flaws[rows]) & np.uint8(wanted.flaws) != 0
    if wanted.picked is not None:
        mask &= wanted.picked.places_of(columns.image_ids if rows is None else columns.image_ids[rows]) >= 0
    return mask


def _has_class(columns: ImageColumns, wanted: ImageFilter, pick: slice | Rows) -> NDArray[np.bool_]:
    """Among images that wait for a class, the one suggested counts; else any of those that an image has."""
    is_waiting = wanted.show in (Show.UNLABELLED, Show.SUGGESTED)
    if not has_several_classes(columns):
        return _is_one_of(suggested_ids(columns, pick) if is_waiting else columns.class_ids[pick], wanted.class_ids)
    bits = columns.class_bits[pick]
    if is_waiting:
        bits = np.where(columns.look_unknown(pick)[:, None], np.uint64(0), columns.predicted_bits[pick])
    found = np.zeros(len(bits), np.bool_)
    for class_id in wanted.class_ids:
        found |= has_class(bits, class_id)
    return found


def _is_one_of(class_ids: NDArray[np.int32], wanted: Iterable[int]) -> NDArray[np.bool_]:
    found = np.zeros(len(class_ids), np.bool_)
    for class_id in wanted:
        found |= class_ids == class_id
    return found


def ordered_rows(
    columns: ImageColumns,
    wanted: ImageFilter,
    order: Order,
    index: ImageIndex,
    class_places: NDArray[np.uint16] | None = None,
) -> Rows:
    """Returns the rows that pass the filter, in display order. Equal keys stay as filed.

    Args:
        class_places: where each class id stands in the palette, for the order by class; ids beyond it come last.
    """
    mask = matches(columns, wanted, index)
    if order is Order.NAME and (ranks := index.names.order()) is not None:
        return ranks[mask[ranks]].astype(np.int64)
    if order is Order.DATE:
        ranks = index.date_order
        return ranks[mask[ranks]].astype(np.int64)
    rows = np.flatnonzero(mask)
    if order is Order.PICKED and wanted.picked is not None:
        return rows[np.argsort(wanted.picked.places_of(columns.image_ids[rows]), kind="stable")]
    if order in (Order.FILED, Order.NAME, Order.PICKED):
        return rows
    if order is Order.CLASS:
        keys = _class_keys(columns, rows, np.zeros(0, np.uint16) if class_places is None else class_places)
    elif order in (Order.SMALLEST, Order.LARGEST):
        return rows[_by_size(columns, rows, order is Order.LARGEST)]
    elif order is Order.STRANGEST:
        keys = _share_keys(1 - columns.unknown_scores[rows])
    elif order.depends_on_quality:
        name, is_large_first = _MEASURES[order]
        shares = index.quality_for(columns).measure(name)[rows].astype(np.float32)
        keys = _share_keys(1 - shares if is_large_first else shares)
    else:
        shares = columns.confidences[rows]
        keys = _share_keys(1 - shares if order is Order.MOST_CONFIDENT else shares)
    return rows[np.argsort(keys, kind="stable")]


def _by_size(columns: ImageColumns, rows: Rows, is_large_first: bool) -> NDArray[np.int64]:
    """Returns the order of rows by their number of pixels; those whose size is not known come last."""
    num_pixels = columns.widths_px[rows].astype(np.int64) * columns.heights_px[rows]
    keys = np.where(num_pixels > 0, -num_pixels if is_large_first else num_pixels, np.iinfo(np.int64).max)
    return np.argsort(keys, kind="stable")


def _class_keys(columns: ImageColumns, rows: Rows, class_places: NDArray[np.uint16]) -> NDArray[np.uint16]:
    """Returns keys that put labelled images first, class by class, then the others by the class that is suggested."""
    size = max(len(class_places), int(columns.class_ids.max(initial=0)), int(columns.predicted_ids.max(initial=0))) + 1
    places = np.full(size, 32_767, np.uint16)
    places[: len(class_places)] = class_places
    places[NO_CLASS] = 32_767
    class_ids = columns.class_ids[rows]
    keys: NDArray[np.uint16] = np.where(
        class_ids != NO_CLASS, places[class_ids], np.uint16(32_768) + places[suggested_ids(columns, rows)]
    )
    return keys


def _share_keys(shares: NDArray[np.float32]) -> NDArray[np.uint16]:
    """Returns keys in the ascending order of shares in 0..1, images without one last.

    Sixteen bits tell apart what differs by a 65,000th, and numpy sorts them ten times faster than floats.
    """
    keys: NDArray[np.uint16] = np.nan_to_num(shares.clip(0, 1) * 65_534, nan=65_535).astype(np.uint16)
    return keys
