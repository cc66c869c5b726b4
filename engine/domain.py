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

from engine.class_sets import class_ids_of as class_ids_of
from engine.class_sets import has_class as has_class
from engine.class_sets import no_class_bits as no_class_bits
from engine.class_sets import num_class_words as num_class_words
from engine.class_sets import set_confidences as set_confidences
from engine.class_sets import widened as widened

NO_CLASS = 0
"""In class columns: the image has no class. Class ids start at 1."""

CONFIDENT = 0.95
"""Suggestions at least this sure may be accepted all at once."""

FALSE_ALARM_RATES = (0.01, 0.05, 0.10)
"""How many images of known classes may be called unknown: what a project may choose, as shares."""
DEFAULT_FALSE_ALARM_RATE = 0.05


class ImageStatus(IntEnum):
    """Whether the file behind an image record can be used."""

    READABLE = 0
    UNREADABLE = 1
    MISSING = 2


class Mark(IntFlag):
    """What the user said of an image besides its class.

    CONFIRMED: it was looked at and its classes are complete, also when it has none (where images have several classes).
    """

    NONE = 0
    SKIPPED = 1
    UNSURE = 2
    CONFIRMED = 4


class LabelMode(StrEnum):
    """How many classes an image may have."""

    ONE = "one"
    SEVERAL = "several"


class Source(StrEnum):
    """Where an annotation came from. Suggestions are accepted after a look at the image, or with many others UNSEEN."""

    HUMAN = "human"
    SUGGESTION = "suggestion"
    UNSEEN = "unseen"
    IMPORT = "import"


@dataclass(frozen=True, slots=True)
class ImageClass:
    """A category of the user's. `color` is "#rrggbb"; `position` orders the palette.

    `key` is one character, "mouse4" or "mouse5" (the thumb buttons), or None.
    """

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
    unreadable. While a file has not been read yet (see `engine.tasks.read_files`), `content_hash` is empty, width and
    height are 0, and its status is READABLE until the opposite is known.
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

    An empty content hash with status READABLE says that the file was found and not read yet. `relative_path` is the
    path below the root with forward slashes, as `os.fsencode` bytes, because not every file name is valid text.
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
    """What one run says of N images: `probabilities` (N, K) in 0..1, columns in the order of `class_ids` (K,).

    `thresholds` (K,) are there where images may have several classes: those that reach theirs are suggested.
    `unknown_scores` (N,) say how strange each image is to the model: the share of images of its classes that look less
    strange, 0..1 (NaN = not known). None where the run is older than the score.
    """

    image_ids: NDArray[np.int64]
    class_ids: NDArray[np.int32]
    probabilities: NDArray[np.floating[Any]]
    thresholds: NDArray[np.float32] | None = None
    unknown_scores: NDArray[np.float32] | None = None


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One line of an image's history, newest last. `text` is ready for display, e.g. "labelled rust".

    `step_id` names the step for `Project.revert_image`.
    """

    made_at: float
    source: Source
    who: str
    text: str
    step_id: int = 0


@dataclass(frozen=True, slots=True)
class StepEntry:
    """One thing the user did, for a list of them. `is_undone`: it was taken back, and can be done again."""

    id: int
    made_at: float
    text: str
    is_undone: bool


@dataclass(slots=True)
class ImageColumns:
    """What the window filters and sorts, as arrays of length N in filing order (import order, then name).

    The store builds it once at opening; afterwards the window's session keeps it current. Row i of every column is the
    same image. `predicted_ids` and `confidences` come from the active run (NO_CLASS and NaN where there is none).

    `class_ids` holds the class of each image; where images have several, the first by palette order at loading.
    `class_bits` (N, W) holds them all: bit `class_id % 64` of word `class_id // 64`; W is 0 where images have one class
    (see `has_class`). `predicted_bits` (N, W) are likewise all classes that the run suggests, of which `predicted_ids`
    holds the most probable; `confidences` then says how probable exactly these are, and an image with a confidence and
    without a suggested class is thought to have none.

    `noted` tells which images carry a note, `accepted` which ones have a class that is an accepted suggestion of the
    model's and not of the user's own giving. `unknown_scores` are as in `Predictions`, NaN where none are known; those
    of at least `unknown_threshold` look like none of the classes. `refused_bits` (N, W) are the classes that somebody
    said an image is not, as long as it has none; W is 0 where nothing was refused.
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
    root_ids: NDArray[np.int32] = field(default_factory=lambda: np.zeros(0, np.int32))
    noted: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, np.bool_))
    class_bits: NDArray[np.uint64] = field(default_factory=lambda: no_class_bits(0))
    unknown_scores: NDArray[np.float32] = field(default_factory=lambda: np.zeros(0, np.float32))
    unknown_threshold: float = 1 - DEFAULT_FALSE_ALARM_RATE
    predicted_bits: NDArray[np.uint64] = field(default_factory=lambda: no_class_bits(0))
    accepted: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, np.bool_))
    refused_bits: NDArray[np.uint64] = field(default_factory=lambda: no_class_bits(0))

    def __post_init__(self) -> None:
        if len(self.unknown_scores) != len(self.image_ids):
            self.unknown_scores = np.full(len(self.image_ids), np.nan, np.float32)
        if len(self.root_ids) != len(self.image_ids):
            self.root_ids = np.zeros(len(self.image_ids), np.int32)
        if len(self.noted) != len(self.image_ids):
            self.noted = np.zeros(len(self.image_ids), np.bool_)
        if len(self.accepted) != len(self.image_ids):
            self.accepted = np.zeros(len(self.image_ids), np.bool_)
        if len(self.class_bits) != len(self.image_ids):
            self.class_bits = no_class_bits(len(self.image_ids))
        if len(self.refused_bits) != len(self.image_ids):
            self.refused_bits = no_class_bits(len(self.image_ids))
        if self.predicted_bits.shape != self.class_bits.shape:
            self.predicted_bits = np.zeros_like(self.class_bits)

    def __len__(self) -> int:
        return len(self.image_ids)

    def look_unknown(self, rows: slice | NDArray[np.int64] = slice(None)) -> NDArray[np.bool_]:
        """Tells for each image (or each of `rows`) whether the model finds it stranger than it may be."""
        return np.asarray(self.unknown_scores[rows] >= np.float32(self.unknown_threshold))


@dataclass(frozen=True, slots=True)
class Change:
    """What one committed step (or its undo or redo) changed: the state of the touched images *after* it.

    Arrays have one entry per touched image. `text` names the step for the user, e.g. "label 12 images as rust".
    `classes_changed` tells that the list of classes itself is different, `mode_changed` that images may have several
    classes now, or only one: everything else is to be read anew. `class_bits` (M, W) as in `ImageColumns`; W may be
    larger than it was there, when a class is new (see `widened`).
    """

    text: str
    image_ids: NDArray[np.int64]
    class_ids: NDArray[np.int32]
    marks: NDArray[np.uint8]
    classes_changed: bool = False
    class_bits: NDArray[np.uint64] = field(default_factory=lambda: no_class_bits(0))
    noted: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, np.bool_))
    mode_changed: bool = False
    accepted: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, np.bool_))
    refused_bits: NDArray[np.uint64] = field(default_factory=lambda: no_class_bits(0))

    def __post_init__(self) -> None:
        for name in ("class_bits", "refused_bits"):
            if len(getattr(self, name)) != len(self.image_ids):
                object.__setattr__(self, name, no_class_bits(len(self.image_ids)))
        if len(self.accepted) != len(self.image_ids):
            object.__setattr__(self, "accepted", np.zeros(len(self.image_ids), np.bool_))
        if len(self.noted) != len(self.image_ids):
            object.__setattr__(self, "noted", np.zeros(len(self.image_ids), np.bool_))


def merged(changes: Sequence[Change]) -> Change:
    """Returns several changes, made one after the other, as one: for each image what the last of them says."""
    newest_first = list(reversed(changes))
    if len(newest_first) == 1:
        return newest_first[0]
    num_words = max(change.class_bits.shape[1] for change in newest_first)
    num_refused = max(change.refused_bits.shape[1] for change in newest_first)
    image_ids, kept = np.unique(np.concatenate([change.image_ids for change in newest_first]), return_index=True)
    return Change(
        newest_first[0].text,
        image_ids,
        np.concatenate([change.class_ids for change in newest_first])[kept],
        np.concatenate([change.marks for change in newest_first])[kept],
        any(change.classes_changed for change in newest_first),
        np.concatenate([widened(change.class_bits, num_words) for change in newest_first])[kept],
        np.concatenate([change.noted for change in newest_first])[kept],
        any(change.mode_changed for change in newest_first),
        np.concatenate([change.accepted for change in newest_first])[kept],
        np.concatenate([widened(change.refused_bits, num_refused) for change in newest_first])[kept],
    )


@dataclass(frozen=True, slots=True)
class LabelSnapshot:
    """The labels that a training sees; immutable. Only readable images with a class, in filing order.

    `targets` index into `classes` (0..K-1); classes without an example are left out. `last_step` is the newest step of
    the history that is part of it, so that "n new labels since" can be counted.
    Where images have several classes (`mode`), confirmed images without a class are part of it as well: their target is
    -1. `targets_matrix` (N, K) then holds every class of each image, and `confirmed` (N,) tells where it is complete,
    so that a class which is not there is certainly absent. With one class per image both say what `targets` says.

    `accepted` (N,) tells which classes are accepted suggestions, `unseen` (N,) which of these nobody looked at,
    `together` (N,) the step in which images got their first class by hand (0: alone), `refused` (R, 2) ids without a
    class, each with a class id that it is not.
    """

    image_ids: NDArray[np.int64]
    content_hashes: list[str]
    targets: NDArray[np.int64]
    classes: Sequence[ImageClass]
    last_step: int
    mode: LabelMode = LabelMode.ONE
    targets_matrix: NDArray[np.bool_] = field(default_factory=lambda: np.zeros((0, 0), np.bool_))
    confirmed: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, np.bool_))
    accepted: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, np.bool_))
    unseen: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, np.bool_))
    refused: NDArray[np.int64] = field(default_factory=lambda: np.zeros((0, 2), np.int64))
    together: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))

    def __post_init__(self) -> None:
        for name in ("accepted", "unseen", "together"):
            if len(old := getattr(self, name)) != len(self.targets):
                object.__setattr__(self, name, np.zeros(len(self.targets), old.dtype))
        if len(self.targets_matrix) != len(self.targets):
            object.__setattr__(self, "targets_matrix", self.targets[:, None] == np.arange(len(self.classes)))
        if len(self.confirmed) != len(self.targets):
            object.__setattr__(self, "confirmed", np.ones(len(self.targets), np.bool_))


@dataclass(frozen=True, slots=True)
class Validation:
    """Figures measured on images the scored model had not seen. Fractions in 0..1; the intervals are 95 %.

    `num_confident` counts the predictions that were at least CONFIDENT sure, `num_confident_wrong` the wrong ones.
    `num_measured` is how many images they were measured on, 0 in runs of earlier versions.

    Where images may have several classes, `accuracy` is the share of images with exactly the right classes, the table
    of confusions is empty, and `mean_average_precision` and `micro_f1` are known.
    """

    method: str
    accuracy: float
    accuracy_interval: tuple[float, float]
    macro_f1: float
    log_loss: float
    ece: float
    per_class: list[dict[str, Any]] = field(default_factory=list)
    confusion: list[list[int]] = field(default_factory=list)
    num_confident: int = 0
    num_confident_wrong: int = 0
    mean_average_precision: float | None = None
    mean_average_precision_interval: tuple[float, float] | None = None
    micro_f1: float | None = None
    num_measured: int = 0


@dataclass(frozen=True, slots=True)
class Run:
    """One finished training with its settings and the labels it saw.

    `folder` (inside the project's models folder) holds head.safetensors, labels.npz, predictions.npz and run.json.
    `class_names` and `class_ids` are in target order (K entries). `mode` says how many classes it gives an image; with
    several, those whose probability reaches their entry of `thresholds` (K entries, else none). `labels_hash` tells
    whether two runs saw the same labels, and `made_with` says on what: versions of libraries, platform, device; both
    are empty in runs of before they were noted. `unknown` says how well
    its unknown score was borne out (`engine.evaluation.unknown`); None in runs older than the score.
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
    mode: LabelMode = LabelMode.ONE
    thresholds: list[float] = field(default_factory=list)
    labels_hash: str = ""
    made_with: dict[str, str] = field(default_factory=dict)
    unknown: dict[str, Any] | None = None
