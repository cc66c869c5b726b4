"""Every message the engine can send: small frozen classes that end in one closed union.

The engine puts them on a queue; `gui.engine_bridge` is the only reader in the window, and the command line reads them
for its progress bars. Tests can feed a window any of them without running anything.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from engine.errors import AppError

if TYPE_CHECKING:  # it brings numpy, which the help of the command line has no need of
    from engine.domain import LabelMode


@dataclass(frozen=True, slots=True)
class JobQueued:
    job_id: int
    title: str


@dataclass(frozen=True, slots=True)
class JobStarted:
    job_id: int
    title: str


@dataclass(frozen=True, slots=True)
class JobProgressed:
    """`total` is 0 while it is not known; `note` is a short phrase for the user ("1,240 of 2,000 images")."""

    job_id: int
    done: int
    total: int
    note: str


@dataclass(frozen=True, slots=True)
class JobSucceeded:
    """`result` is what the job's `finish` returned."""

    job_id: int
    result: object


@dataclass(frozen=True, slots=True)
class JobCancelled:
    job_id: int


@dataclass(frozen=True, slots=True)
class JobFailed:
    """`details` holds the traceback when the failure was a bug of ours, and is empty for an expected error."""

    job_id: int
    error: AppError
    details: str


@dataclass(frozen=True, slots=True)
class ImagesAdded:
    """A scan committed a block of new images, so the window can show them before the scan has ended."""

    num_images: int


@dataclass(frozen=True, slots=True)
class EmbeddingsAdded:
    """A block of embeddings became visible in the cache."""

    num_images: int


@dataclass(frozen=True, slots=True)
class EpochEnded:
    """A round over the images of a training of the network is done.

    `part` names the training: "1", "2", ... without one fold each, "all" on all images. `validation_loss` is the
    calibrated log loss of images held out when they were last looked at, `accuracy` that of this round; both are NaN
    where there is none.
    """

    depth: str
    part: str
    epoch: int
    num_epochs: int
    loss: float
    validation_loss: float
    accuracy: float


@dataclass(frozen=True, slots=True)
class FilePrediction:
    """What a model says of one image file. `name` is what the user knows the file by.

    `classes` holds the likeliest class, or where images may have several, those that it has, most probable first.
    `confidence` is the calibrated probability that these are right (0..1). `is_unknown`: it looks like none of the
    classes; `unknown_score` is NaN where the model cannot tell. `probabilities` has one entry for each class of the
    model. A file that could not be classified has a `reason`, a sentence, and no classes and no probabilities.
    """

    path: Path
    name: str
    classes: tuple[str, ...]
    confidence: float
    is_unknown: bool
    unknown_score: float
    probabilities: tuple[float, ...]
    reason: str = ""


@dataclass(frozen=True, slots=True)
class FilesClassified:
    """Some more image files were classified, or failed, in the order of the files.

    Rows in a table and sorted copies, where they were asked for, are on the disk by now. `class_names` belong to the
    probabilities; they and `mode` are the same in every event of a job. `token` is what whoever asked gave the job, to
    tell its events from those of others.
    """

    class_names: tuple[str, ...]
    mode: LabelMode
    predictions: tuple[FilePrediction, ...]
    token: int = 0


Event = (
    JobQueued
    | JobStarted
    | JobProgressed
    | JobSucceeded
    | JobCancelled
    | JobFailed
    | ImagesAdded
    | EmbeddingsAdded
    | EpochEnded
    | FilesClassified
)
JobEnded = JobSucceeded | JobCancelled | JobFailed
