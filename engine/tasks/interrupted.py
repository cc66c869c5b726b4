"""Trainings of the network that were stopped before their end: what is known of them, and how they go on.

A training writes its labels and settings into its scratch folder when it begins, as JSON, and how far it is from time
to time. Whoever resumes it trains on the labels of that moment, whatever was labelled since.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from engine.domain import ImageStatus, LabelSnapshot
from engine.errors import DiskError, TrainingError
from engine.files import atomic_write_bytes
from engine.language import tr, trn
from engine.nn.training_plan import SCRATCH_FOLDER
from engine.project import Project
from engine.tasks.train_snapshot import TrainSettings

_BEGUN_FILE: Final = "begun.json"
_PROGRESS_FILE: Final = "progress.json"


@dataclass(frozen=True, slots=True)
class Interrupted:
    """A training that can go on. `share` of it is done (0..1); `began_at` is POSIX seconds."""

    folder: Path
    settings: TrainSettings
    share: float
    num_images: int
    began_at: float


def write_begun(scratch: Path, settings: TrainSettings, labels: LabelSnapshot) -> None:
    """Notes what a training learns from, unless it was noted before."""
    file = scratch / _BEGUN_FILE
    if file.is_file():
        return
    document = {
        "settings": asdict(settings),
        "began_at": time.time(),
        "image_ids": labels.image_ids.tolist(),
        "content_hashes": labels.content_hashes,
        "targets": labels.targets.tolist(),
        "class_ids": [each.id for each in labels.classes],
        "last_step": labels.last_step,
        "accepted": labels.accepted.tolist(),
        "unseen": labels.unseen.tolist(),
        "refused": labels.refused.tolist(),
    }
    scratch.mkdir(parents=True, exist_ok=True)
    atomic_write_bytes(file, json.dumps(document).encode())


def write_progress(scratch: Path, share: float, seconds: float) -> None:
    """Notes how far a training is; one that cannot be noted goes on all the same."""
    if scratch.is_dir():
        try:
            atomic_write_bytes(
                scratch / _PROGRESS_FILE, json.dumps({"share": min(share, 1.0), "seconds": seconds}).encode()
            )
        except (OSError, DiskError):
            return


def seconds_spent(scratch: Path) -> float:
    """Returns how long earlier goes at a training took."""
    return float(_read(scratch / _PROGRESS_FILE).get("seconds", 0.0))


def find_interrupted(project: Project) -> Interrupted | None:
    """Returns the training that was stopped and can go on, None where there is none."""
    for folder in _folders(project):
        begun, progress = _read(folder / _BEGUN_FILE), _read(folder / _PROGRESS_FILE)
        if begun and progress and next(folder.glob("*-plan.json"), None) is not None:
            try:
                return Interrupted(
                    folder,
                    TrainSettings(**begun["settings"]),
                    float(progress["share"]),
                    len(begun["image_ids"]),
                    float(begun["began_at"]),
                )
            except (KeyError, TypeError, ValueError):
                continue  # damaged, or of another version of the program
    return None


def labels_of(project: Project, interrupted: Interrupted) -> LabelSnapshot:
    """Returns the labels that an interrupted training learns from.

    Raises:
        TrainingError: some of its images or classes are no more what they were.
    """
    begun = _read(interrupted.folder / _BEGUN_FILE)
    try:
        ids, hashes, class_ids = list(begun["image_ids"]), list(begun["content_hashes"]), list(begun["class_ids"])
        targets = np.array(begun["targets"], np.int64)
        last_step = int(begun["last_step"])
    except (KeyError, TypeError, ValueError) as err:
        raise TrainingError(
            tr("What is kept of the interrupted training is damaged."), tr("Discard it, then press Retrain.")
        ) from err
    known = {image.id: image for image in project.images(ids)}
    num_lost = sum(
        image_id not in known
        or known[image_id].content_hash != content_hash
        or known[image_id].status != ImageStatus.READABLE
        for image_id, content_hash in zip(ids, hashes, strict=True)
    )
    if num_lost:
        raise TrainingError(
            trn(
                "{number:,} image of the interrupted training was deleted or changed since it was begun.",
                "{number:,} images of the interrupted training were deleted or changed since it was begun.",
                num_lost,
            ),
            tr("Discard it, then press Retrain to train on the labels of this moment."),
        )
    classes = {each.id: each for each in project.classes()}
    if not set(class_ids) <= set(classes):
        raise TrainingError(
            tr("A class of the interrupted training was deleted or merged since it was begun."),
            tr("Discard it, then press Retrain to train on the labels of this moment."),
        )
    return LabelSnapshot(
        np.array(ids, np.int64),
        hashes,
        targets,
        [classes[class_id] for class_id in class_ids],
        last_step,
        accepted=np.array(begun.get("accepted", []), np.bool_),
        unseen=np.array(begun.get("unseen", []), np.bool_),
        refused=np.array(begun.get("refused", []), np.int64).reshape(-1, 2),
    )


def discard_interrupted(project: Project) -> None:
    """Throws away what stopped trainings have done."""
    for folder in list(_folders(project)):
        shutil.rmtree(folder, ignore_errors=True)


def _folders(project: Project) -> Iterator[Path]:
    parent = project.cache_dir / SCRATCH_FOLDER
    if parent.is_dir():
        yield from (each for each in sorted(parent.iterdir()) if each.is_dir())


def _read(file: Path) -> dict[str, Any]:
    try:
        found = json.loads(file.read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
