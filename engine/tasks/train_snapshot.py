"""What a training is asked to do, and what it sees of the project: immutable, and made before it starts."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.domain import LabelMode
from engine.nn.head import Head
from engine.tasks.embed import FeatureSource
from engine.tasks.grouping import Grouping


@dataclass(frozen=True, slots=True)
class TrainSettings:
    """What the user may choose. `backbone` None = that of the active run, else the best one available.

    `depth` says how much of the network is trained: "head", "partial" (its upper half), "full", or "auto", which
    measures what pays. `time_budget_s` plays no part for the head, which takes about a second; None = as long as it
    takes, and two minutes for "auto". `augmentation` is one of `engine.nn.augmentation.AUGMENTATIONS`. `device` says
    where the network is trained ("auto", "cpu", "cuda:0", "mps"), `num_devices` on how many of that kind at once.
    `is_automatic`: nobody asked for it, and the next training takes its place. Without `with_accepted`, labels that are
    accepted suggestions are neither learned from nor measured on.
    """

    backbone: str | None = None
    depth: str = "head"
    time_budget_s: float | None = None
    seed: int = 0
    is_class_balanced: bool = True
    augmentation: str = "mirror"
    device: str = "auto"
    num_devices: int = 1
    is_automatic: bool = False
    with_accepted: bool = True


@dataclass(frozen=True, slots=True)
class TrainSnapshot:
    """The labels and rows that a training sees; immutable.

    `targets` index into `class_ids`. `rows` are rows of the feature file, in the order of `image_ids`; `all_rows` and
    `all_image_ids` are every embedded image of the project. `start` and `strength` come from the last run, or are None;
    `strength_chosen_at` is the number of images it was chosen on. `grouping` is of these images.
    `folder` becomes the run's, called `folder_name`.

    Where images have several classes (`mode`), `present` (N, K) holds those of each image, and `confirmed` (N,) says
    where that is all of them; `targets` is the first, -1 where an image has none. Else both are empty.

    `accepted` (N,) are labels that are accepted suggestions, `unseen` (N,) those of them that nobody looked at.
    `refused_ids` (R,) are images without a class of which suggestions were refused, at `refused_rows` (R,) of the
    feature file; `refused` (R, K) tells which of the classes. `in_stacks` (N,) were chosen together with others and
    are held out with them.
    """

    source: FeatureSource
    settings: TrainSettings
    folder: Path
    folder_name: str
    run_id: int
    image_ids: NDArray[np.int64]
    content_hashes: list[str]
    grouping: Grouping
    targets: NDArray[np.int64]
    rows: NDArray[np.int64]
    class_ids: list[int]
    class_names: list[str]
    last_step: int
    all_image_ids: NDArray[np.int64]
    all_rows: NDArray[np.int64]
    start: Head | None
    strength: float | None
    strength_chosen_at: int
    notes: list[str]
    embed_seconds: float
    mode: LabelMode = LabelMode.ONE
    present: NDArray[np.bool_] = field(default_factory=lambda: np.zeros((0, 0), np.bool_))
    confirmed: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, np.bool_))
    accepted: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, np.bool_))
    unseen: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, np.bool_))
    refused_ids: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    refused_rows: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    refused: NDArray[np.bool_] = field(default_factory=lambda: np.zeros((0, 0), np.bool_))
    in_stacks: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, np.bool_))

    def __post_init__(self) -> None:
        for name in ("accepted", "unseen", "in_stacks"):
            if len(getattr(self, name)) != len(self.targets):
                object.__setattr__(self, name, np.zeros(len(self.targets), np.bool_))
