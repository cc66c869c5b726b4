"""Every message the engine can send: small frozen classes that end in one closed union.

The engine puts them on a queue; `gui.engine_bridge` is the only reader in the window, and the command line reads them
for its progress bars. Tests can feed a window any of them without running anything.
"""

from __future__ import annotations

from dataclasses import dataclass

from engine.errors import AppError


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
)
JobEnded = JobSucceeded | JobCancelled | JobFailed
