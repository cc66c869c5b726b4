"""The files that a model was asked about, as columns: what it says of each, and what the user corrected.

Holds arrays and answers questions about them; it starts nothing. Row i of every array is the same file; rows are never
taken out of the middle, a shorter list is a new one.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from enum import Enum, IntEnum
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.domain import NO_CLASS, ImageColumns, ImageRecord, ImageStatus, LabelMode, set_confidences
from engine.errors import ImageError
from engine.events import FilePrediction
from engine.language import tr
from gui.use_model import UsedModel

UNSURE_BELOW = 0.8
"""A prediction less sure than this is listed as unsure."""
Rows = NDArray[np.int64]


class State(IntEnum):
    """How far a file is."""

    WAITING = 0
    DONE = 1
    FAILED = 2


class Kind(Enum):
    """What the list can be narrowed to, besides single classes; the value is the text on screen."""

    ALL = tr("All")
    UNSURE = tr("Unsure")
    UNKNOWN = tr("Unknown")
    NONE = tr("None of the classes")
    FAILED = tr("Cannot be read")
    CORRECTED = tr("Corrected")


class UseOrder(Enum):
    """The orders of the list; the value is the text on screen."""

    ADDED = tr("As added")
    NAME = tr("By name")
    CLASS = tr("By class")
    LEAST_SURE = tr("Least sure first")
    MOST_SURE = tr("Most sure first")
    STRANGEST = tr("Strangest first")


class UseFiles:
    """Ids count from 1 in the order of adding. For the GUI thread, except `records`."""

    def __init__(self) -> None:
        self.paths: list[Path] = []
        self.columns = _columns(0)
        self.states: NDArray[np.uint8] = np.zeros(0, np.uint8)
        self.probabilities: NDArray[np.float32] = np.zeros((0, 0), np.float32)
        self.reasons: dict[int, str] = {}
        self.homeless: set[int] = set()
        """Rows of pictures without a place of their own (pasted, from a camera)."""
        self.project_image_ids: dict[int, int] = {}
        """By row: the image of the open project that a corrected file has become."""
        self.num_classified = 0
        self._rows: dict[str, int] = {}
        self._model: UsedModel | None = None

    def __len__(self) -> int:
        return len(self.paths)

    # ---- which files

    def add(self, paths: Iterable[Path], are_homeless: bool = False) -> Rows:
        """Adds the files that are not in the list yet, by absolute paths; returns the rows of those."""
        first = len(self.paths)
        for path in paths:
            key = os.fspath(path)
            if key not in self._rows:
                self._rows[key] = len(self.paths)
                self.paths.append(path)
        added = np.arange(first, len(self.paths), dtype=np.int64)
        if len(added):
            if are_homeless:
                self.homeless.update(added.tolist())
            self._grow(len(self.paths))
        return added

    def row_of(self, path: Path) -> int:
        """Returns the row of a file, -1 when it is not in the list."""
        return self._rows.get(os.fspath(path), -1)

    # ---- what the model says

    def set_model(self, model: UsedModel | None) -> None:
        """Forgets what another model said; all files wait again. Corrections stay."""
        self._model = model
        num_files = len(self.paths)
        self.states = np.zeros(num_files, np.uint8)
        self.reasons.clear()
        self.num_classified = 0
        num_classes = len(model.classes) if model is not None else 0
        self.probabilities = np.zeros((num_files, num_classes), np.float32)
        columns = self.columns
        columns.predicted_ids[:] = NO_CLASS
        columns.confidences[:] = np.nan
        columns.unknown_scores[:] = np.nan
        columns.statuses[:] = ImageStatus.READABLE
        if model is not None:
            columns.unknown_threshold = model.unknown_threshold

    def waiting_rows(self) -> Rows:
        """Returns the rows that nothing is known of yet."""
        return np.flatnonzero(self.states == State.WAITING)

    def take(self, predictions: Sequence[FilePrediction]) -> Rows:
        """Notes what the model says; files that are not in the list yet are added. Returns the rows."""
        model = self._model
        if model is None or not predictions:
            return np.zeros(0, np.int64)
        self.add(each.path for each in predictions)
        rows = np.array([self.row_of(each.path) for each in predictions], np.int64)
        is_done = np.array([not each.reason and len(each.probabilities) == len(model.classes) for each in predictions])
        for row, each, has_worked in zip(rows.tolist(), predictions, is_done.tolist(), strict=True):
            if has_worked:
                self.reasons.pop(row, None)
            else:
                self.reasons[row] = each.reason or tr("The model gave no answer.")
        self.num_classified += int((is_done & (self.states[rows] != State.DONE)).sum())
        self.states[rows] = np.where(is_done, State.DONE, State.FAILED)
        columns = self.columns
        columns.statuses[rows] = np.where(is_done, ImageStatus.READABLE, ImageStatus.UNREADABLE)
        done = rows[is_done]
        if len(done):
            told = [each for each, has_worked in zip(predictions, is_done.tolist(), strict=True) if has_worked]
            shares = np.array([each.probabilities for each in told], np.float32)
            self.probabilities[done] = shares
            columns.unknown_scores[done] = [each.unknown_score for each in told]
            self._decide(done, shares, model)
        columns.predicted_ids[rows[~is_done]] = NO_CLASS
        columns.confidences[rows[~is_done]] = np.nan
        return rows

    def fail(self, rows: Rows, reason: str) -> None:
        """Notes that nothing could be found out about files."""
        self.states[rows] = State.FAILED
        self.columns.statuses[rows] = ImageStatus.UNREADABLE
        for row in rows.tolist():
            self.reasons[row] = reason

    def wait_again(self, rows: Rows) -> None:
        """Lets files be tried once more."""
        self.states[rows] = State.WAITING
        self.columns.statuses[rows] = ImageStatus.READABLE

    def class_rows(self, row: int) -> list[int]:
        """Returns the places (in the model's order) of the classes that a file is predicted to have, likeliest first.

        Where images may have several classes these may be any number.
        """
        model = self._model
        if model is None or self.states[row] != State.DONE:
            return []
        shares = self.probabilities[row]
        ranks: list[int] = np.argsort(-shares, kind="stable").tolist()
        if model.mode is LabelMode.ONE:
            return ranks[:1]
        return [at for at in ranks if shares[at] >= np.float32(model.thresholds[at])]

    # ---- what the user says

    def correct(self, rows: Rows, class_id: int) -> None:
        """Notes which class files really have; NO_CLASS takes that back."""
        self.columns.class_ids[rows] = class_id

    # ---- lists

    def mask(self, kind: Kind, class_id: int = NO_CLASS) -> NDArray[np.bool_]:
        """Returns which files belong in a list (N,): of a kind, or predicted to be of a class."""
        columns, is_done = self.columns, self.states == State.DONE
        is_unknown = columns.look_unknown()
        if class_id != NO_CLASS:
            return np.asarray(is_done & ~is_unknown & (columns.predicted_ids == class_id))
        match kind:
            case Kind.UNSURE:
                return np.asarray(is_done & ~is_unknown & (columns.confidences < UNSURE_BELOW))
            case Kind.UNKNOWN:
                return np.asarray(is_done & is_unknown)
            case Kind.NONE:
                return np.asarray(is_done & ~is_unknown & (columns.predicted_ids == NO_CLASS))
            case Kind.FAILED:
                return np.asarray(self.states == State.FAILED)
            case Kind.CORRECTED:
                return np.asarray(columns.class_ids != NO_CLASS)
            case Kind.ALL:
                return np.ones(len(self.paths), np.bool_)

    def counts(self) -> dict[Kind | int, int]:
        """Returns how many files each list has, by kind and by class id."""
        found: dict[Kind | int, int] = {kind: int(self.mask(kind).sum()) for kind in Kind}
        if self._model is not None:
            ids = self.columns.predicted_ids[(self.states == State.DONE) & ~self.columns.look_unknown()]
            per_class = np.bincount(ids, minlength=1)
            for item in self._model.classes:
                found[item.id] = int(per_class[item.id]) if item.id < len(per_class) else 0
        return found

    def listed(self, kind: Kind, class_id: int, order: UseOrder) -> Rows:
        """Returns the rows of a list in an order; equal ones stay as added, files that wait come last."""
        rows = np.flatnonzero(self.mask(kind, class_id))
        columns = self.columns
        if order is UseOrder.NAME:
            return np.array(sorted(rows.tolist(), key=columns.names.__getitem__), np.int64)
        if order is UseOrder.CLASS:
            places = {item.id: at for at, item in enumerate(self._model.classes)} if self._model is not None else {}
            lookup = np.full(max([*places, 0]) + 1, 1 << 20)
            for class_key, at in places.items():
                lookup[class_key] = at
            keys = lookup[columns.predicted_ids[rows]] + np.where(columns.look_unknown(rows), 1 << 19, 0)
            return rows[np.lexsort((-np.nan_to_num(columns.confidences[rows], nan=-1), keys))]
        if order is UseOrder.LEAST_SURE:
            return rows[np.argsort(np.nan_to_num(columns.confidences[rows], nan=2), kind="stable")]
        if order is UseOrder.MOST_SURE:
            return rows[np.argsort(-np.nan_to_num(columns.confidences[rows], nan=-1), kind="stable")]
        if order is UseOrder.STRANGEST:
            return rows[np.argsort(-np.nan_to_num(columns.unknown_scores[rows], nan=-1), kind="stable")]
        return rows

    def record(self, image_id: int) -> ImageRecord:
        """Returns where a file lies, in the words of the loader threads. For any thread.

        Raises:
            ImageError: the list was cleared.
        """
        row = image_id - 1
        paths = self.paths
        if not 0 <= row < len(paths):
            raise ImageError(tr("This file is not in the list any more."))
        return ImageRecord(image_id, paths[row], paths[row].name, "", 0, 0, 0, 0, 1, None, "", ImageStatus.READABLE, "")

    # ---- inside

    def _decide(self, rows: Rows, shares: NDArray[np.float32], model: UsedModel) -> None:
        """Turns probabilities (n, K) into classes and confidences, as `ImagePredictions` does."""
        columns = self.columns
        ids = np.array([item.id for item in model.classes], np.int32)
        best = shares.argmax(axis=1)
        columns.predicted_ids[rows] = ids[best]
        columns.confidences[rows] = shares.max(axis=1, initial=0)
        if model.mode is LabelMode.SEVERAL:
            has = shares >= np.array(model.thresholds, np.float32)
            columns.predicted_ids[rows] = np.where(has.any(axis=1), ids[best], NO_CLASS)
            columns.confidences[rows] = set_confidences(shares, has)

    def _grow(self, size: int) -> None:
        old, before = self.columns, len(self.columns)
        more = size - before
        columns = _columns(size)
        columns.names = [*old.names, *(path.name for path in self.paths[before:])]
        for name in ("class_ids", "statuses", "widths_px", "heights_px", "predicted_ids", "confidences"):
            getattr(columns, name)[:before] = getattr(old, name)
        columns.unknown_scores[:before] = old.unknown_scores
        columns.unknown_threshold = old.unknown_threshold
        self.columns = columns
        self.states = np.concatenate([self.states, np.zeros(more, np.uint8)])
        wide = np.zeros((more, self.probabilities.shape[1]), np.float32)
        self.probabilities = np.concatenate([self.probabilities, wide])


class FileRecords:
    """The files' places for the loader threads (see `gui.image_records.Records`)."""

    def __init__(self, files: UseFiles) -> None:
        self._files = files

    def get(self, image_id: int, soon: Iterable[int] = ()) -> ImageRecord:
        return self._files.record(image_id)

    def find(self, image_id: int, soon: Iterable[int] = ()) -> ImageRecord:
        return self._files.record(image_id)

    def readable(self, image_ids: Iterable[int]) -> list[ImageRecord]:
        return [self._files.record(image_id) for image_id in image_ids]

    def forget(self) -> None:
        """There is nothing to read anew."""


def _columns(size: int) -> ImageColumns:
    return ImageColumns(
        image_ids=np.arange(1, size + 1, dtype=np.int64),
        names=[""] * size,
        class_ids=np.zeros(size, np.int32),
        marks=np.zeros(size, np.uint8),
        statuses=np.zeros(size, np.uint8),
        taken_at=np.full(size, np.nan),
        widths_px=np.zeros(size, np.int32),
        heights_px=np.zeros(size, np.int32),
        predicted_ids=np.zeros(size, np.int32),
        confidences=np.full(size, np.nan, np.float32),
    )
