"""What a training of the network will cost, and how much of it fits into the time there is. Arithmetic only; no torch.

Letters: N images, V views, F folds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from engine.language import count, tr

HEAD: Final = "head"
PARTIAL: Final = "partial"
FULL: Final = "full"
AUTO: Final = "auto"
DEPTHS: Final = (AUTO, HEAD, PARTIAL, FULL)
ONLY_THE_HEAD: Final = tr("Where images may have several classes, only the head is trained in this version.")
SCRATCH_FOLDER: Final = "training"
"""In the project's cache folder: what a training that is not over yet has done."""

DEFAULT_BUDGET_S: Final = 120.0
"""What Auto may take when nobody says otherwise."""

NUM_FOLDS: Final = 5
NUM_POINTS: Final = 8
"""So often during a training its layers are judged on the images held out, to find out when to stop."""

_CHOICES: Final = ((30, 5), (30, 3), (24, 2), (16, 2), (12, 5), (16, 1), (10, 1), (6, 1))
"""Rounds and folds measured, most thorough first. One fold with enough rounds tells more than five with too few."""

_FEW_HELD_OUT: Final = 40
"""Plans that measure on fewer images than that come last."""

_OVERHEAD_S: Final = 6.0


@dataclass(frozen=True, slots=True)
class Pace:
    """Measured on this machine: seconds for one view through the lower part, for one image of a training step and of
    a look at a held-out image, and for one image through the whole network; bytes that are kept of a view, and what
    the training needs of memory."""

    lower_s: float
    step_s: float
    look_s: float
    embed_s: float
    view_bytes: int
    memory_bytes: int


@dataclass(frozen=True, slots=True)
class Plan:
    """`num_epochs` rounds over the images, measured on `num_measured` of the folds; what that takes."""

    num_epochs: int
    num_measured: int
    seconds: float
    disk_bytes: int
    memory_bytes: int


def plan_of(
    pace: Pace, num_images: int, num_views: int, num_predicted: int, num_test_views: int, choice: tuple[int, int]
) -> Plan:
    """Returns what a choice of (rounds, folds measured) costs."""
    num_epochs, num_measured = choice
    learned = num_images * (1 + num_measured * (NUM_FOLDS - 1) / NUM_FOLDS)
    looked = NUM_POINTS * num_measured * num_images / NUM_FOLDS * num_test_views
    seconds = _OVERHEAD_S + num_images * num_views * pace.lower_s + num_epochs * learned * pace.step_s
    seconds += looked * pace.look_s + num_predicted * num_test_views * pace.embed_s
    return Plan(num_epochs, num_measured, seconds, num_images * num_views * pace.view_bytes, pace.memory_bytes)


def choose_plan(
    pace: Pace, num_images: int, num_views: int, num_predicted: int, num_test_views: int, budget_s: float | None
) -> Plan | None:
    """Returns the most thorough plan within the budget (None = the most thorough of all), or None where none fits."""
    has_few = [num_images * choice[1] < _FEW_HELD_OUT * NUM_FOLDS for choice in _CHOICES]
    choices = [choice for _, choice in sorted(zip(has_few, _CHOICES, strict=True), key=lambda pair: pair[0])]
    plans = [plan_of(pace, num_images, num_views, num_predicted, num_test_views, choice) for choice in choices]
    return next((plan for plan in plans if budget_s is None or plan.seconds <= budget_s), None)


def least_seconds(pace: Pace, num_images: int, num_views: int, num_predicted: int, num_test_views: int) -> float:
    """Returns what the quickest plan takes."""
    return plan_of(pace, num_images, num_views, num_predicted, num_test_views, _CHOICES[-1]).seconds


def point_epochs(num_epochs: int) -> list[int]:
    """Returns after which rounds the layers are judged, the last one among them."""
    return sorted({round(num_epochs * (index + 1) / NUM_POINTS) for index in range(NUM_POINTS)} - {0})


def duration_words(seconds: float) -> str:
    """Returns a time as people say it: "40 seconds", "3 minutes", "2 hours"."""
    if seconds >= 1.5 * 3600:
        return count(round(seconds / 3600), "hour")
    if seconds >= 1.5 * 60:
        return count(round(seconds / 60), "minute")
    return count(max(1, round(seconds)), "second")
