"""What the window filters and sorts, read as numpy columns: one query per table, joined by position of ids."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlite_utils import Database

from engine.domain import ImageColumns, Predictions

_IMAGES = np.dtype(
    [
        ("id", np.int64),
        ("position", np.int64),
        ("status", np.uint8),
        ("taken_at", np.float64),
        ("width", np.int32),
        ("height", np.int32),
    ]
)
_PAIRS = np.dtype([("id", np.int64), ("value", np.int32)])


def read(db: Database) -> ImageColumns:
    """Returns the columns of all images in filing order, without predictions (see `add_predictions`)."""
    names = [name for (name,) in db.execute("SELECT name FROM images ORDER BY id")]
    rows = db.execute(
        """
        SELECT id, position, status, coalesce(taken_at, 9e999), width_px, height_px FROM images ORDER BY id
        """
    )
    images = np.fromiter(rows, _IMAGES, count=len(names))
    if np.any(np.diff(images["position"]) < 0):  # sorting here is faster than in SQL, and hardly ever needed
        order = np.argsort(images["position"], kind="stable")
        images, names = images[order], [names[row] for row in order]
    taken_at = images["taken_at"].copy()
    taken_at[np.isinf(taken_at)] = np.nan  # SQLite has no NaN: infinity stands for "not known" on the way
    image_ids = images["id"].copy()
    classes = np.fromiter(db.execute("SELECT image_id, class_id FROM image_classes"), _PAIRS)
    marks = np.fromiter(db.execute("SELECT image_id, marks FROM image_marks"), _PAIRS)
    return ImageColumns(
        image_ids=image_ids,
        names=names,
        class_ids=look_up(image_ids, classes["id"], classes["value"], 0),
        marks=look_up(image_ids, marks["id"], marks["value"], 0).astype(np.uint8),
        statuses=images["status"].copy(),
        taken_at=taken_at,
        widths_px=images["width"].copy(),
        heights_px=images["height"].copy(),
        predicted_ids=np.zeros(len(names), np.int32),
        confidences=np.full(len(names), np.nan, np.float32),
    )


def add_predictions(columns: ImageColumns, predictions: Predictions, class_ids: list[int]) -> None:
    """Fills in what a run predicts. Classes that are not among `class_ids` (deleted since) count as no prediction."""
    if not len(predictions.class_ids) or not len(predictions.image_ids):
        return
    best = np.argmax(predictions.probabilities, axis=1)
    confidences = predictions.probabilities[np.arange(len(best)), best].astype(np.float32)
    predicted = predictions.class_ids[best]
    gone = ~np.isin(predicted, class_ids)
    predicted = np.where(gone, 0, predicted).astype(np.int32)
    confidences[gone] = np.nan
    columns.predicted_ids = look_up(columns.image_ids, predictions.image_ids, predicted, 0)
    columns.confidences = look_up(columns.image_ids, predictions.image_ids, confidences, np.nan)


def look_up(wanted: NDArray[np.int64], ids: NDArray[Any], values: NDArray[Any], missing: float) -> NDArray[Any]:
    """Returns for each wanted id (N,) its value, or `missing`; `ids` and `values` (M,) may be in any order."""
    if not len(ids):
        return np.full(len(wanted), missing, values.dtype)
    order = np.argsort(ids, kind="stable")
    ids, values = ids[order], values[order]
    places = np.minimum(np.searchsorted(ids, wanted), len(ids) - 1)
    found = np.where(ids[places] == wanted, values[places], np.asarray(missing, values.dtype))
    return found.astype(values.dtype)
