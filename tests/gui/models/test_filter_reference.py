"""Filters, orders and counts against a slow reference that looks at one image at a time."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.domain import ImageColumns, ImageStatus, Mark
from engine.images.quality import MEASURES
from engine.suggestions.flaws import Flaw
from gui.models.day_span import DaySpan
from gui.models.image_filter import NO_FLAW, ImageFilter, Order, Show, Trait, ordered_rows
from gui.models.image_index import ImageIndex
from gui.models.image_list import ImageListModel
from gui.models.image_quality import ImageQuality
from gui.models.label_counts import LabelCounts
from gui.models.picked_images import PickedImages

NUM_CLASSES = 4
FOLDERS = ("", "a", "a/b", "a/B2", "a/b10", "c/d/e")
DAYS = (
    None,
    datetime(2023, 12, 31, 23, 30),
    datetime(2024, 1, 1, 0, 30),
    datetime(2024, 1, 2, 9),
    datetime(2024, 7, 1),
)
SPAN_ENDS = [date(2023, 12, 30), date(2023, 12, 31), date(2024, 1, 1), date(2024, 1, 2), date(2024, 3, 1)]
PALETTE = [3, 1, 4, 2]


@dataclass(frozen=True)
class Picture:
    """One image, as plain values."""

    root: int
    name: str
    classes: frozenset[int]
    marks: int
    noted: bool
    accepted: bool
    refused: frozenset[int]
    status: int
    taken: datetime | None
    predicted: int
    confidence: float
    strangeness: float
    side: int
    sharpness: float
    brightness: float
    flaws: Flaw

    @property
    def first_class(self) -> int:
        return next((each for each in PALETTE if each in self.classes), 0)

    @property
    def is_open(self) -> bool:
        return not self.classes and not self.marks & Mark.CONFIRMED

    @property
    def suggested(self) -> int:
        return 0 if self.strangeness >= 0.95 or self.predicted in self.refused else self.predicted


@st.composite
def pictures(draw: st.DrawFn, max_classes: int) -> Picture:
    folder = draw(st.sampled_from(FOLDERS))
    predicted = draw(st.integers(0, NUM_CLASSES))  # an image of which nothing was said has no confidence either
    name = draw(st.text(alphabet="aBéß0129_.", min_size=1, max_size=6))
    return Picture(
        root=draw(st.integers(1, 2)),
        name=f"{folder}/{name}" if folder else name,
        classes=draw(st.frozensets(st.integers(1, NUM_CLASSES), max_size=max_classes)),
        marks=draw(st.sampled_from([0, 0, 1, 2, 3, 4, 6])),
        noted=draw(st.booleans()),
        accepted=draw(st.booleans()),
        # With several classes per image nothing is refused: suggestions are accepted image by image.
        refused=draw(st.frozensets(st.integers(1, NUM_CLASSES), max_size=2 if max_classes == 1 else 0)),
        status=draw(st.sampled_from([0, 0, 0, 1, 2])),
        taken=draw(st.sampled_from(DAYS)),
        predicted=predicted,
        confidence=draw(st.sampled_from([0.1, 0.5, 0.5, 0.9, 1.0])) if predicted else math.nan,
        strangeness=draw(st.sampled_from([math.nan, 0.0, 0.5, 0.94, 0.95, 0.99])),
        side=draw(st.sampled_from([0, 10, 20])),
        sharpness=draw(st.sampled_from([math.nan, 0.0, 0.5, 1.0])),
        brightness=draw(st.sampled_from([math.nan, 0.25, 0.75])),
        flaws=Flaw(draw(st.integers(0, 31))),
    )


class Picks(PickedImages):
    """Remembers what it was made of, for the reference."""

    def __init__(self, title: str, image_ids: list[int]) -> None:
        super().__init__(title, image_ids)
        self.given = image_ids


FILTERS = st.builds(
    ImageFilter,
    show=st.sampled_from(Show),
    class_ids=st.frozensets(st.integers(1, NUM_CLASSES + 1), max_size=2),
    text=st.sampled_from(["", "", "A", "ss", "1", "b/", "é"]),
    traits=st.frozensets(st.sampled_from(Trait), max_size=2),
    folders=st.frozensets(st.sampled_from(["1", "2/a", "1/a/b", "2/c", "9/x"]), max_size=2),
    dates=st.frozensets(st.sampled_from(["2024", "2024-01", "2023-12-31", "none", "1999"]), max_size=2),
    days=st.builds(DaySpan.of, *2 * [st.none() | st.sampled_from(SPAN_ENDS)]),
    flaws=st.sampled_from([NO_FLAW, NO_FLAW, Flaw.BLURRY, Flaw.DARK | Flaw.ODD_SIZE]),
    picked=st.none() | st.lists(st.integers(1, 30), max_size=12).map(lambda ids: Picks("cell", ids)),
)


def columns_of(images: list[Picture], has_several: bool) -> ImageColumns:
    size = len(images)
    bits = np.array([[sum(1 << each for each in image.classes)] for image in images], np.uint64).reshape(size, 1)
    refused = np.array([[sum(1 << each for each in image.refused)] for image in images], np.uint64).reshape(size, 1)
    return ImageColumns(
        image_ids=np.arange(1, size + 1),
        names=[image.name for image in images],
        class_ids=np.array([image.first_class for image in images], np.int32),
        marks=np.array([image.marks for image in images], np.uint8),
        statuses=np.array([image.status for image in images], np.uint8),
        taken_at=np.array([image.taken.timestamp() if image.taken else np.nan for image in images], np.float64),
        widths_px=np.array([image.side for image in images], np.int32),
        heights_px=np.array([image.side for image in images], np.int32),
        predicted_ids=np.array([image.predicted for image in images], np.int32),
        confidences=np.array([image.confidence for image in images], np.float32),
        root_ids=np.array([image.root for image in images], np.int32),
        noted=np.array([image.noted for image in images], np.bool_),
        accepted=np.array([image.accepted for image in images], np.bool_),
        class_bits=bits if has_several else np.zeros((size, 0), np.uint64),
        unknown_scores=np.array([image.strangeness for image in images], np.float32),
        refused_bits=refused if refused.any() else np.zeros((size, 0), np.uint64),
    )


def index_of(images: list[Picture], columns: ImageColumns) -> ImageIndex:
    index = ImageIndex(columns)
    measures = np.full((len(images), len(MEASURES)), np.nan, np.float16)
    for row, image in enumerate(images):
        measures[row, :2] = image.sharpness, image.brightness
    index.quality = ImageQuality(np.array([image.flaws for image in images], np.uint8), measures)
    return index


def passes(image: Picture, wanted: ImageFilter) -> bool:
    """Says in plain words what the filter does with arrays."""
    has = {
        Trait.SKIPPED: bool(image.marks & Mark.SKIPPED) and not image.classes,
        Trait.UNSURE: bool(image.marks & Mark.UNSURE),
        Trait.UNKNOWN: image.is_open and image.strangeness >= 0.95,
        Trait.NOTED: image.noted,
        Trait.ACCEPTED: image.accepted,
        Trait.REFUSED: image.is_open and bool(image.refused),
        Trait.PROBLEM: image.status != ImageStatus.READABLE,
    }
    is_shown = {
        Show.ALL: True,
        Show.UNLABELLED: image.is_open,
        Show.LABELLED: bool(image.classes),
        Show.UNCONFIRMED: not image.marks & Mark.CONFIRMED,
        Show.CONFIRMED: bool(image.marks & Mark.CONFIRMED),
        Show.SUGGESTED: image.is_open and image.suggested > 0,
    }[wanted.show]
    if wanted.show in (Show.UNLABELLED, Show.UNCONFIRMED, Show.SUGGESTED):
        is_shown &= not any(has[each] for each in (Trait.SKIPPED, Trait.PROBLEM) if each not in wanted.traits)
    classes = {image.suggested} if wanted.show in (Show.UNLABELLED, Show.SUGGESTED) else image.classes
    path = f"{image.root}/{image.name}"
    day = image.taken.strftime("%Y-%m-%d") if image.taken else "none"
    return (
        is_shown
        and (not wanted.traits or any(has[each] for each in wanted.traits))
        and (not wanted.flaws or bool(image.flaws & wanted.flaws))
        and (not wanted.class_ids or bool(wanted.class_ids & classes))
        and wanted.text.casefold() in image.name.casefold()
        and (not wanted.folders or any(path.startswith(f"{each}/") for each in wanted.folders))
        and (not wanted.dates or any(day == each or day.startswith(f"{each}-") for each in wanted.dates))
        and (wanted.days.is_open or image.taken is not None)
        and (image.taken is None or wanted.days.first is None or wanted.days.first <= image.taken.date())
        and (image.taken is None or wanted.days.last is None or image.taken.date() <= wanted.days.last)
    )


def is_picked(image_id: int, wanted: ImageFilter) -> bool:
    return not isinstance(wanted.picked, Picks) or image_id in wanted.picked.given


def pick_key(image_id: int, wanted: ImageFilter) -> int:
    return wanted.picked.given.index(image_id) if isinstance(wanted.picked, Picks) else 0


def sort_key(image: Picture, order: Order) -> Any:
    if order is Order.NAME:
        folded = image.name.casefold().encode()
        return re.sub(rb"\d+", lambda match: b"0%c%s" % (len(match[0].lstrip(b"0")) + 1, match[0].lstrip(b"0")), folded)
    if order is Order.DATE:
        return image.taken.timestamp() if image.taken else math.inf
    if order is Order.CLASS:
        places = {class_id: place for place, class_id in enumerate(PALETTE)}
        return (not image.classes, places.get(image.first_class or image.suggested, 99))
    if order is Order.FILED:
        return 0
    if order in (Order.SMALLEST, Order.LARGEST):
        return math.inf if not image.side else image.side if order is Order.SMALLEST else -image.side
    if order.depends_on_quality:
        value = image.sharpness if order in (Order.BLURRIEST, Order.SHARPEST) else image.brightness
        return math.inf if math.isnan(value) else value if order in (Order.BLURRIEST, Order.DARKEST) else -value
    if order is Order.STRANGEST:
        return math.inf if math.isnan(image.strangeness) else -image.strangeness
    if math.isnan(image.confidence):
        return math.inf
    return image.confidence if order is Order.LEAST_CONFIDENT else -image.confidence


@settings(max_examples=150, deadline=None)
@given(data=st.data(), has_several=st.booleans(), wanted=FILTERS, order=st.sampled_from(Order))
def test_filter_and_order_agree_with_looking_at_one_image_at_a_time(
    data: st.DataObject, has_several: bool, wanted: ImageFilter, order: Order
) -> None:
    images = data.draw(st.lists(pictures(NUM_CLASSES if has_several else 1), max_size=25))
    columns = columns_of(images, has_several)
    places = np.array([99, *(PALETTE.index(each) for each in range(1, NUM_CLASSES + 1))], np.uint16)
    found = ordered_rows(columns, wanted, order, index_of(images, columns), places).tolist()
    expected = sorted(
        (row for row, image in enumerate(images) if passes(image, wanted) and is_picked(row + 1, wanted)),
        key=lambda row: sort_key(images[row], order) if order is not Order.PICKED else pick_key(row + 1, wanted),
    )
    assert found == expected


@settings(max_examples=60, deadline=None)
@given(data=st.data(), has_several=st.booleans(), wanted=FILTERS)
def test_counts_and_the_list_follow_changes_like_a_plain_model(
    data: st.DataObject, has_several: bool, wanted: ImageFilter
) -> None:
    kind = pictures(NUM_CLASSES if has_several else 1)
    images = data.draw(st.lists(kind, min_size=1, max_size=15))
    columns, model, counts = columns_of(images, has_several), ImageListModel(), LabelCounts()
    model.set_columns(columns, index_of(images, columns))
    model.set_filter(wanted)
    counts.reset(columns)
    shown = model.rows.tolist()
    for _ in range(3):
        model.num_gone()
        row = data.draw(st.integers(0, len(images) - 1))
        images[row] = _relabelled(images[row], data.draw(kind))
        other = columns_of(images, has_several)
        for name in (
            "class_ids",
            "class_bits",
            "marks",
            "noted",
            "accepted",
            "predicted_ids",
            "confidences",
            "unknown_scores",
        ):
            getattr(columns, name)[row] = getattr(other, name)[row]
        rows = np.array([row])
        counts.update(columns, rows)
        model.note_changes(rows)
        assert model.rows.tolist() == shown  # nothing moves
        assert model.num_gone() == sum(not passes(images[each], wanted) for each in shown)
        left = [at for at, each in enumerate(shown) if passes(images[each], wanted)]
        for after in range(len(shown)):
            behind = [at for at in left if at > after] or [at for at in left if at < after]
            assert model.next_position(after) == (behind[0] if behind else -1)
    for entry in Show:
        assert counts.of(entry) == sum(passes(image, ImageFilter(entry)) for image in images)
    for trait in Trait:
        assert counts.of(trait) == sum(passes(image, ImageFilter(traits=frozenset({trait}))) for image in images)
    for class_id in range(1, NUM_CLASSES + 1):
        assert counts.of_class(class_id) == sum(class_id in image.classes for image in images)


def _relabelled(image: Picture, other: Picture) -> Picture:
    """Returns the image with what the user and the model may change taken from another."""
    taken = {
        name: getattr(other, name)
        for name in ("classes", "marks", "noted", "accepted", "predicted", "confidence", "strangeness")
    }
    return replace(image, **taken)
