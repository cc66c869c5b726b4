"""Groups: images that are held out together because of where they come from.

Near-duplicates and bursts are found by themselves; the user may add a rule. A rule is "folder" (the folder that an
image lies in), a regular expression, whose first group, or else whole match, names the group, or "column", for groups
from a table. An image that the rule does not fit is a group of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import PurePosixPath
from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.errors import TrainingError
from engine.evaluation.splits import assign_folds
from engine.language import tr

BY_FOLDER: Final = "folder"
BY_COLUMN: Final = "column"
BURST_PAUSE_S: Final = 2.0
"""Pictures of one camera that follow each other this closely are a burst..."""
LONGEST_BURST_S: Final = 30.0
"""...unless that goes on for longer: then it is a machine that takes a picture of one thing after the other."""
_MAX_TRIED_UNITS: Final = 16


def rule_error(rule: str) -> str | None:
    """Returns why a rule cannot be used, as the end of a sentence, or None."""
    if not rule:
        return tr("an empty pattern fits everything")
    try:
        re.compile(rule)
    except (re.error, OverflowError, RecursionError) as err:
        return tr("“{rule}” is not a regular expression: {err}", rule=rule, err=err)
    return None


def rule_words(rule: str) -> str:
    """Returns the rule as it is called in sentences and in the method of a validation."""
    if rule == BY_COLUMN:
        return tr("groups from a table")
    return tr("groups by folder") if rule == BY_FOLDER else tr("groups by name pattern")


def groups_of(names: Sequence[str], rule: str) -> list[str | None]:
    """Returns the group of each image by its name below the imported folder; None where the rule does not fit."""
    if rule == BY_FOLDER:
        parents = (str(PurePosixPath(name).parent) for name in names)
        return [parent if parent != "." else None for parent in parents]
    pattern = re.compile(rule)
    return [_group_of(pattern.search(name)) for name in names]


def bursts(taken_at: Sequence[float | None], cameras: Sequence[str]) -> list[tuple[int, int]]:
    """Returns pairs of images, by position, that follow each other within a burst.

    Args:
        taken_at: POSIX seconds of each image, or None.
        cameras: the camera of each; images of cameras with different names are never one burst.
    """
    by_camera: dict[str, list[tuple[float, int]]] = {}
    for index, (seconds, camera) in enumerate(zip(taken_at, cameras, strict=True)):
        if seconds is not None:
            by_camera.setdefault(camera, []).append((seconds, index))
    pairs: list[tuple[int, int]] = []
    for shots in by_camera.values():
        shots.sort()
        burst = shots[:1]
        for shot in [*shots[1:], (np.inf, -1)]:
            if shot[0] - burst[-1][0] <= BURST_PAUSE_S:
                burst.append(shot)
                continue
            if burst[-1][0] - burst[0][0] <= LONGEST_BURST_S:
                pairs += [(one[1], next_one[1]) for one, next_one in pairwise(burst)]
            burst = [shot]
    return pairs


def held_together(
    content_hashes: Sequence[str], groups: Sequence[str | None], alike: Iterable[tuple[str, str]] = ()
) -> list[str]:
    """Returns for each image the name of the unit that is never split.

    That is its group, joined with those of equal content, and with those that `alike` pairs with it by content. The
    name does not depend on the order of the images.
    """
    parents: dict[str, str] = {}

    def root_of(node: str) -> str:
        while (parent := parents.setdefault(node, node)) != node:
            parents[node] = node = parents[parent]
        return node

    def join(one: str, other: str) -> None:
        first, second = root_of(one), root_of(other)
        parents[min(first, second)] = parents[max(first, second)] = max(first, second)  # Named after a group.

    nodes = [f"content {content}" for content in content_hashes]
    for node, group in zip(nodes, groups, strict=True):
        join(node, node if group is None else f"group {group}")
    for one, other in alike:
        join(f"content {one}", f"content {other}")
    return [root_of(node) for node in nodes]


def assign_group_folds(
    targets: NDArray[np.int64], content_hashes: Sequence[str], units: Sequence[str], num_folds: int, seed: int
) -> NDArray[np.int64]:
    """As `assign_folds` for units with images of several classes: no class lies in one fold with all of its images.

    A class all of which is held out at once could not be learned, and every figure on it would be nonsense.

    Raises:
        TrainingError: the units do not allow it.
    """
    folds = assign_folds(targets, content_hashes, units, num_folds, seed)
    return in_two_folds(folds, units, targets[:, None] == np.arange(int(targets.max()) + 1), num_folds)


def in_two_folds(
    folds: NDArray[np.int64], units: Sequence[str], needed: NDArray[np.bool_], num_folds: int
) -> NDArray[np.int64]:
    """Returns folds (N,) that differ as little as may be, with no column of `needed` (N, C) true in one fold only.

    Raises:
        TrainingError: the units do not allow it.
    """
    names = np.array(units)
    while len(stuck := _in_one_fold(needed, folds)):
        better = None
        for unit in np.unique(names[needed[:, stuck[0]]])[:_MAX_TRIED_UNITS]:
            for fold in range(num_folds):
                trial = np.where(names == unit, fold, folds)
                rank = (len(_in_one_fold(needed, trial)), int((trial == fold).sum()))
                if rank[0] < len(stuck) and (better is None or rank < better[0]):
                    better = rank, trial
        if better is None:
            raise TrainingError(
                tr("The groups cannot be held out in turn: some classes share all of theirs."),
                tr("Label images of more groups, or choose another rule for the groups."),
            )
        folds = better[1]
    return folds


def _group_of(match: re.Match[str] | None) -> str | None:
    if match is None:
        return None
    return (match[1] if match.re.groups else match[0]) or None


def _in_one_fold(needed: NDArray[np.bool_], folds: NDArray[np.int64]) -> NDArray[np.int64]:
    """Returns the columns of `needed` (N, C) that are true in exactly one fold."""
    lowest = np.where(needed, folds[:, None], np.iinfo(np.int64).max).min(axis=0)
    highest = np.where(needed, folds[:, None], -1).max(axis=0)
    return np.flatnonzero(lowest == highest)
