"""Which versions of the model a tidying keeps, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from engine.domain import Run
from engine.language import tr
from engine.own_backbones import RUN_PREFIX


@dataclass(frozen=True, slots=True)
class PrunePlan:
    """Which versions a tidying would delete, and what that frees. `reasons` say of each other one why it stays."""

    run_ids: list[int]
    size_bytes: int
    reasons: dict[int, str]


def heirs_of(run: Run, listed: Sequence[Run]) -> list[Run]:
    """Returns the runs that began with the network of a run."""
    return [other for other in listed if other.backbone == f"{RUN_PREFIX}{run.id}"]


def reasons_to_keep(listed: Sequence[Run], notes: Mapping[int, str], num_newest: int) -> dict[int, str]:
    """Returns which runs a tidying keeps and why: in use, noted, best, among the newest, or another kept run's origin.

    Args:
        listed: oldest first.
    """
    reasons: dict[int, str] = {}
    for run in reversed(listed):
        if run.is_active:
            reasons[run.id] = tr("in use")
        elif run.id in notes:
            reasons[run.id] = tr("has a note")
    if listed:
        best = max(listed, key=lambda run: (run.validation.accuracy, run.id))
        reasons.setdefault(best.id, tr("best score"))
    for run in listed[max(0, len(listed) - num_newest) :]:
        reasons.setdefault(run.id, tr("one of the newest"))
    for run in reversed(listed):  # an origin is older than what came of it
        if any(heir.id in reasons for heir in heirs_of(run, listed)):
            reasons.setdefault(run.id, tr("another version began with it"))
    return reasons
