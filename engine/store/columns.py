"""What the window filters and sorts, read as numpy columns: one query per table, joined by position of ids."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlite_utils import Database

from engine.domain import (
    NO_CLASS,
    Change,
    ImageColumns,
    LabelMode,
    Predictions,
    no_class_bits,
    num_class_words,
    set_confidences,
)
from engine.store import annotation_log, classes, image_notes, meta, refusals

_IMAGES = np.dtype(
    [
        ("id", np.int64),
        ("position", np.int64),
        ("root_and_status", np.int64),
        ("taken_at", np.float64),
        ("size", np.int64),
    ]
)
"""Small numbers share one: on the way each value is a Python object, and there may be millions."""
_PAIRS = np.dtype([("id", np.int64), ("value", np.int32)])


def read(db: Database) -> ImageColumns:
    """Returns the columns of all images in filing order, without predictions (see `add_predictions`)."""
    names = [name for (name,) in db.execute("SELECT name FROM images ORDER BY id")]
    rows = db.execute(
        """
        SELECT id, position, root_id << 8 | status, coalesce(taken_at, 9e999), width_px << 32 | height_px
        FROM images ORDER BY id
        """
    )
    images = np.fromiter(rows, _IMAGES, count=len(names))
    if np.any(np.diff(images["position"]) < 0):  # sorting here is faster than in SQL, and hardly ever needed
        order = np.argsort(images["position"], kind="stable")
        images, names = images[order], [names[row] for row in order]
    taken_at = images["taken_at"].copy()
    taken_at[np.isinf(taken_at)] = np.nan  # SQLite has no NaN: infinity stands for "not known" on the way
    image_ids = images["id"].copy()
    class_ids, class_bits = _classes_of(db, image_ids, db.execute("SELECT image_id, class_id FROM image_classes"))
    marks = np.fromiter(db.execute("SELECT image_id, marks FROM image_marks"), _PAIRS)
    return ImageColumns(
        image_ids=image_ids,
        names=names,
        class_ids=class_ids,
        marks=look_up(image_ids, marks["id"], marks["value"], 0).astype(np.uint8),
        statuses=(images["root_and_status"] & 0xFF).astype(np.uint8),
        taken_at=taken_at,
        widths_px=(images["size"] >> 32).astype(np.int32),
        heights_px=(images["size"] & 0xFFFFFFFF).astype(np.int32),
        predicted_ids=np.zeros(len(names), np.int32),
        confidences=np.full(len(names), np.nan, np.float32),
        root_ids=(images["root_and_status"] >> 8).astype(np.int32),
        noted=np.isin(image_ids, np.array(image_notes.noted_ids(db), np.int64)),
        class_bits=class_bits,
        accepted=np.isin(image_ids, annotation_log.accepted_ids(db)),
        refused_bits=_bits_of(image_ids, refusals.pairs(db)),
    )


def change_of(db: Database, step_id: int, text: str, classes_changed: bool, mode_changed: bool) -> Change:
    """Returns what a step changed: the images that it touched, as they are now."""
    touched = """
        SELECT image_id FROM annotations WHERE step_id = :step
        UNION SELECT image_id FROM mark_history WHERE step_id = :step
        UNION SELECT image_id FROM note_history WHERE step_id = :step
        UNION SELECT image_id FROM refusal_history WHERE step_id = :step
    """
    rows = db.execute(
        f"""
        SELECT image_id, coalesce(marks, 0), note IS NOT NULL
        FROM ({touched}) LEFT JOIN image_marks USING (image_id) LEFT JOIN image_notes USING (image_id)
        ORDER BY image_id
        """,  # noqa: S608
        {"step": step_id},
    ).fetchall()
    table = np.array(rows, np.int64).reshape(-1, 3)
    image_ids = table[:, 0].copy()
    pairs = db.execute(
        f"SELECT image_id, class_id FROM image_classes WHERE image_id IN ({touched})",  # noqa: S608
        {"step": step_id},
    )
    class_ids, class_bits = _classes_of(db, image_ids, pairs)
    return Change(
        text,
        image_ids,
        class_ids,
        marks=table[:, 1].astype(np.uint8),
        classes_changed=classes_changed,
        class_bits=class_bits,
        noted=table[:, 2].astype(np.bool_),
        mode_changed=mode_changed,
        accepted=np.isin(image_ids, annotation_log.accepted_ids(db, touched, {"step": step_id})),
        refused_bits=_bits_of(image_ids, refusals.pairs(db, touched, {"step": step_id})),
    )


def add_predictions(columns: ImageColumns, predictions: Predictions, class_ids: list[int]) -> None:
    """Fills in what a run predicts. Classes that are not among `class_ids` (deleted since) count as no prediction."""
    if not len(predictions.class_ids) or not len(predictions.image_ids):
        return
    if predictions.thresholds is None:
        predicted, confidences = _best_classes(predictions, class_ids)
        suggested = None
    else:
        known = np.isin(predictions.class_ids, class_ids)
        suggested = (predictions.probabilities >= predictions.thresholds) & known
        predicted, confidences = _best_suggested(predictions, suggested)
        if columns.class_bits.shape[1]:
            confidences = set_confidences(predictions.probabilities[:, known], suggested[:, known])
    columns.predicted_ids = look_up(columns.image_ids, predictions.image_ids, predicted, 0)
    columns.confidences = look_up(columns.image_ids, predictions.image_ids, confidences, np.nan)
    if suggested is None:
        suggested = (predicted[:, None] == predictions.class_ids) & (predicted[:, None] != NO_CLASS)
    for word in range(columns.class_bits.shape[1]):
        bits = np.zeros(len(predicted), np.uint64)
        for column in np.flatnonzero(predictions.class_ids // 64 == word):
            bits |= suggested[:, column].astype(np.uint64) << np.uint64(predictions.class_ids[column] % 64)
        columns.predicted_bits[:, word] = look_up(columns.image_ids, predictions.image_ids, bits, 0)
    if predictions.unknown_scores is not None:
        columns.unknown_scores = look_up(columns.image_ids, predictions.image_ids, predictions.unknown_scores, np.nan)


def _best_classes(predictions: Predictions, class_ids: list[int]) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Returns the most probable class of each image (M,) and its probability (M,); NO_CLASS and NaN for a gone one."""
    best = np.argmax(predictions.probabilities, axis=1)
    confidences = predictions.probabilities[np.arange(len(best)), best].astype(np.float32)
    predicted = predictions.class_ids[best]
    gone = ~np.isin(predicted, class_ids)
    predicted = np.where(gone, 0, predicted).astype(np.int32)
    confidences[gone] = np.nan
    return predicted, confidences


def _best_suggested(
    predictions: Predictions, suggested: NDArray[np.bool_]
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Returns the most probable of the suggested classes (M, K) of each image (M,), and its probability (M,)."""
    shares = np.where(suggested, predictions.probabilities, np.float32(-1))
    best = shares.argmax(axis=1)
    confidences = shares[np.arange(len(best)), best].astype(np.float32)
    has_none = confidences < 0
    confidences[has_none] = np.nan
    return np.where(has_none, NO_CLASS, predictions.class_ids[best]).astype(np.int32), confidences


def look_up(wanted: NDArray[np.int64], ids: NDArray[Any], values: NDArray[Any], missing: float) -> NDArray[Any]:
    """Returns for each wanted id (N,) its value, or `missing`; `ids` and `values` (M,) may be in any order."""
    if not len(ids):
        return np.full(len(wanted), missing, values.dtype)
    order = np.argsort(ids, kind="stable")
    ids, values = ids[order], values[order]
    places = np.minimum(np.searchsorted(ids, wanted), len(ids) - 1)
    found = np.where(ids[places] == wanted, values[places], np.asarray(missing, values.dtype))
    return found.astype(values.dtype)


def _classes_of(
    db: Database, image_ids: NDArray[np.int64], pairs: Iterable[tuple[int, int]]
) -> tuple[NDArray[np.int32], NDArray[np.uint64]]:
    """Returns the class of each image (N,), the first where it has several, and the bits of all (N, W)."""
    found = np.fromiter(pairs, _PAIRS)
    if meta.label_mode(db) is LabelMode.ONE:
        return look_up(image_ids, found["id"], found["value"], 0), no_class_bits(len(image_ids))
    palette = [image_class.id for image_class in classes.all_classes(db)]
    num_words = num_class_words(classes.last_id(db))
    ranks = np.zeros(num_words * 64, np.int64)
    ranks[palette] = np.arange(len(palette))
    found = found[np.argsort(ranks[found["value"]], kind="stable")]  # look_up takes the first of an image's classes
    bits = np.zeros((len(image_ids), num_words), np.uint64)
    _set_bits(bits, image_ids, found["id"], found["value"])
    return look_up(image_ids, found["id"], found["value"], 0), bits


def _bits_of(image_ids: NDArray[np.int64], pairs: NDArray[np.int64]) -> NDArray[np.uint64]:
    """Returns for each image (N,) the bits of the classes that it is paired with (N, W), W as small as it can be."""
    if not len(pairs):
        return no_class_bits(len(image_ids))
    bits = np.zeros((len(image_ids), num_class_words(int(pairs[:, 1].max()))), np.uint64)
    _set_bits(bits, image_ids, pairs[:, 0], pairs[:, 1])
    return bits


def _set_bits(
    bits: NDArray[np.uint64], image_ids: NDArray[np.int64], ids: NDArray[np.int64], class_ids: NDArray[Any]
) -> None:
    order = np.argsort(image_ids)
    rows = order[np.searchsorted(image_ids, ids, sorter=order)]
    words, places = np.divmod(class_ids, 64)
    np.bitwise_or.at(bits, (rows, words), np.uint64(1) << places.astype(np.uint64))
