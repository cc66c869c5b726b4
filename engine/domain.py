"""The words of the program as types: images, classes, annotations, runs. No behaviour that needs a disk.

Letters in shapes: N images, K classes, D embedding size.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum, IntFlag, StrEnum
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

NO_CLASS = 0
"""In class columns: the image has no class. Class ids start at 1."""


class ImageStatus(IntEnum):
    """Whether the file behind an image record can be used."""

    READABLE = 0
    UNREADABLE = 1
    MISSING = 2


class Mark(IntFlag):
    """What the user said of an image besides its class."""

    NONE = 0
    SKIPPED = 1
    UNSURE = 2


class Source(StrEnum):
    """Where an annotation came from."""

    HUMAN = "human"
    SUGGESTION = "suggestion"
    IMPORT = "import"


@dataclass(frozen=True, slots=True)
class ImageClass:
    """A category of the user's. `color` is "#rrggbb"; `key` is one character or None; `position` orders the palette."""

    id: int
    name: str
    color: str
    key: str | None
    position: int


@dataclass(frozen=True, slots=True)
class ImageRecord:
    """One image of a project.

    `name` is the path below its root for display (always text, also when the file name is not UTF-8); `path` opens it.
    Width and height are those after EXIF rotation. `taken_at` is POSIX seconds or None. `reason` says why an image is
    unreadable.
    """

    id: int
    path: Path
    name: str
    content_hash: str
    size_bytes: int
    mtime_ns: int
    width_px: int
    height_px: int
    orientation: int
    taken_at: float | None
    camera: str
    status: ImageStatus
    reason: str


def display_name(relative_path: bytes) -> str:
    """Returns a path as text that can be shown and stored, whatever its bytes are."""
    return relative_path.decode("utf-8", "replace")


@dataclass(frozen=True, slots=True)
class NewImage:
    """What a scan found out about one file: everything of an image record except what the project decides itself.

    `relative_path` is the path below the root with forward slashes, as `os.fsencode` bytes, because not every file name
    is valid text.
    """

    relative_path: bytes
    content_hash: str
    size_bytes: int
    mtime_ns: int
    width_px: int = 0
    height_px: int = 0
    orientation: int = 1
    taken_at: float | None = None
    camera: str = ""
    status: ImageStatus = ImageStatus.READABLE
    reason: str = ""

    @property
    def name(self) -> str:
        """The path for display: always valid text."""
        return display_name(self.relative_path)


@dataclass(frozen=True, slots=True)
class ImageRoot:
    """A folder that images were imported from. Never written to."""

    id: int
    path: Path


@dataclass(frozen=True, slots=True)
class Predictions:
    """What one run says of N images: `probabilities` (N, K) in 0..1, columns in the order of `class_ids` (K,)."""

    image_ids: NDArray[np.int64]
    class_ids: NDArray[np.int32]
    probabilities: NDArray[np.floating[Any]]


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One line of an image's history, newest last. `text` is ready for display, e.g. "labelled rust"."""

    made_at: float
    source: Source
    who: str
    text: str


@dataclass(slots=True)
class ImageColumns:
    """What the window filters and sorts, as arrays of length N in filing order (import order, then name).

    The store builds it once at opening; afterwards the window's session keeps it current. Row i of every column is the
    same image. `predicted_ids` and `confidences` come from the active run (NO_CLASS and NaN where there is none).
    """

    image_ids: NDArray[np.int64]
    names: list[str]
    class_ids: NDArray[np.int32]
    marks: NDArray[np.uint8]
    statuses: NDArray[np.uint8]
    taken_at: NDArray[np.float64]
    widths_px: NDArray[np.int32]
    heights_px: NDArray[np.int32]
    predicted_ids: NDArray[np.int32]
    confidences: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.image_ids)


@dataclass(frozen=True, slots=True)
class Change:
    """What one committed step (or its undo or redo) changed: the state of the touched images *after* it.

    Arrays have one entry per touched image. `text` names the step for the user, e.g. "label 12 images as rust".
    `classes_changed` tells that the list of classes itself is different.
    """

    text: str
    image_ids: NDArray[np.int64]
    class_ids: NDArray[np.int32]
    marks: NDArray[np.uint8]
    classes_changed: bool = False


@dataclass(frozen=True, slots=True)
class LabelSnapshot:
    """The labels that a training sees; immutable. Only readable images with a class, in filing order.

    `targets` index into `classes` (0..K-1); classes without an example are left out. `last_step` is the newest step of
    the history that is part of it, so that "n new labels since" can be counted.
    """

    image_ids: NDArray[np.int64]
    content_hashes: list[str]
    targets: NDArray[np.int64]
    classes: Sequence[ImageClass]
    last_step: int


@dataclass(frozen=True, slots=True)
class Validation:
    """Figures measured on images the scored model had not seen. Fractions in 0..1; the interval is 95 %."""

    method: str
    accuracy: float
    accuracy_interval: tuple[float, float]
    macro_f1: float
    log_loss: float
    ece: float
    per_class: list[dict[str, Any]] = field(default_factory=list)
    confusion: list[list[int]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Run:
    """One finished training with its settings and the labels it saw.

    `folder` (inside the project's models folder) holds head.safetensors, labels.npz, predictions.npz and run.json.
    `class_names` and `class_ids` are in target order (K entries).
    """

    id: int
    created_at: float
    backbone: str
    weights_hash: str
    depth: str
    seed: int
    folder: str
    class_ids: list[int]
    class_names: list[str]
    num_images: int
    last_step: int
    validation: Validation
    seconds: dict[str, float]
    settings: dict[str, Any]
    is_active: bool
