"""The labels at one moment, as arrays for a training."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from sqlite_utils import Database

from engine.domain import LabelMode, LabelSnapshot, Mark
from engine.store import annotation_log, classes, meta, refusals, steps


def take(db: Database) -> LabelSnapshot:
    """Returns the present labels of readable images, in filing order."""
    if meta.label_mode(db) is LabelMode.SEVERAL:
        return _take_several(db)
    rows = annotation_log.labelled(db)
    image_ids = np.array([image_id for image_id, _, _ in rows], np.int64)
    used = {class_id for _, _, class_id in rows}
    palette = [image_class for image_class in classes.all_classes(db) if image_class.id in used]
    index = {image_class.id: target for target, image_class in enumerate(palette)}
    return LabelSnapshot(
        image_ids=image_ids,
        content_hashes=[content_hash for _, content_hash, _ in rows],
        targets=np.array([index[class_id] for _, _, class_id in rows], np.int64),
        classes=palette,
        last_step=steps.last_id(db),
        accepted=np.isin(image_ids, annotation_log.accepted_ids(db)),
        unseen=np.isin(image_ids, annotation_log.unseen_ids(db)),
        refused=refusals.pairs(db),
        together=annotation_log.labelled_together(db, image_ids),
    )


def part(labels: LabelSnapshot, is_kept: NDArray[np.bool_]) -> LabelSnapshot:
    """Returns the labels of some of the images (N,); classes that are left without an example are left out."""
    rows = np.flatnonzero(is_kept)
    matrix = labels.targets_matrix[rows]
    used = np.flatnonzero(matrix.any(axis=0))
    positions = np.full(len(labels.classes) + 1, -1)
    positions[used] = np.arange(len(used))
    return replace(
        labels,
        image_ids=labels.image_ids[rows],
        content_hashes=[labels.content_hashes[row] for row in rows],
        targets=positions[labels.targets[rows]].astype(np.int64),
        classes=[labels.classes[index] for index in used.tolist()],
        targets_matrix=matrix[:, used],
        confirmed=labels.confirmed[rows],
        accepted=labels.accepted[rows],
        unseen=labels.unseen[rows],
        together=labels.together[rows],
    )


def _take_several(db: Database) -> LabelSnapshot:
    """As `take`; an image is a row here, and its classes are a row of the matrix."""
    images = db.execute(
        """
        SELECT images.id, content_hash, coalesce(marks, 0) & :confirmed != 0 AS is_confirmed
        FROM images LEFT JOIN image_marks ON image_id = images.id
        WHERE status = 0 AND (is_confirmed OR images.id IN (SELECT image_id FROM image_classes))
        ORDER BY position
        """,
        {"confirmed": int(Mark.CONFIRMED)},
    ).fetchall()
    pairs = [(image_id, class_id) for image_id, _, class_id in annotation_log.labelled(db)]
    used = {class_id for _, class_id in pairs}
    palette = [image_class for image_class in classes.all_classes(db) if image_class.id in used]
    target_of = {image_class.id: target for target, image_class in enumerate(palette)}
    row_of = {image_id: row for row, (image_id, _, _) in enumerate(images)}
    matrix = np.zeros((len(images), len(palette)), np.bool_)
    matrix[[row_of[image_id] for image_id, _ in pairs], [target_of[class_id] for _, class_id in pairs]] = True
    first = matrix.argmax(axis=1) if palette else np.zeros(len(images), np.int64)
    image_ids = np.array([image_id for image_id, _, _ in images], np.int64)
    return LabelSnapshot(
        image_ids=image_ids,
        content_hashes=[content_hash for _, content_hash, _ in images],
        targets=np.where(matrix.any(axis=1), first, -1).astype(np.int64),
        classes=palette,
        last_step=steps.last_id(db),
        mode=LabelMode.SEVERAL,
        targets_matrix=matrix,
        confirmed=np.array([bool(is_confirmed) for _, _, is_confirmed in images], np.bool_),
        accepted=np.isin(image_ids, annotation_log.accepted_ids(db)),
        unseen=np.isin(image_ids, annotation_log.unseen_ids(db)),
    )
