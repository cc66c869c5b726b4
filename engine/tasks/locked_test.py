"""The locked test set: drawn at random from the labelled images, whole groups at a time, never trained on."""

from __future__ import annotations

from typing import Final

import numpy as np

from engine.domain import LabelMode
from engine.errors import TrainingError
from engine.evaluation.splits import draw_part
from engine.language import tr
from engine.project import Project
from engine.project.honesty import TestSet
from engine.tasks.embed import open_source
from engine.tasks.grouping import grouping_of

SMALLEST_SHARE: Final = 0.05
LARGEST_SHARE: Final = 0.5
_FEWEST_IMAGES: Final = 10


def lock_test_set(project: Project, share: float, seed: int = 0) -> TestSet:
    """Locks a share of the labelled images, spread over the classes, away from every later training.

    Raises:
        TrainingError: one is locked already, or there are too few images.
        BackboneError: no backbone has weights on this machine.
    """
    test = project.test_set()
    if test is not None and test.is_locked:
        raise TrainingError(
            tr("A test set is locked already."), tr("Unlock it first; what was measured on it stays with its model.")
        )
    if not SMALLEST_SHARE <= share <= LARGEST_SHARE:
        raise TrainingError(
            tr("A test set of {share:.0f} % makes no sense.", share=100 * share),
            tr(
                "Choose {smallest:.0f} to {largest:.0f} %.",
                smallest=100 * SMALLEST_SHARE,
                largest=100 * LARGEST_SHARE,
            ),
        )
    labels = project.snapshot()
    targets = labels.targets
    if labels.mode is LabelMode.SEVERAL:  # spread by the rarest class of each image; images without one by that
        rarity = np.where(labels.targets_matrix, labels.targets_matrix.sum(axis=0), len(targets) + 1)
        has_any = labels.targets_matrix.any(axis=1)
        targets = np.where(has_any, rarity.argmin(axis=1) if len(labels.classes) else 0, len(labels.classes))
    units = grouping_of(project, labels, open_source(project)).units if len(targets) else []
    chosen = draw_part(targets, units, share, seed)
    if chosen.sum() < _FEWEST_IMAGES:
        raise TrainingError(
            tr(
                "There are too few labelled images for a test set of {share:.0f} %: it would have {number}.",
                share=100 * share,
                number=int(chosen.sum()),
            ),
            tr(
                "Label more images, or choose a larger share; at least {fewest} are needed to say anything.",
                fewest=_FEWEST_IMAGES,
            ),
        )
    hashes = [content for content, is_in in zip(labels.content_hashes, chosen, strict=True) if is_in]
    return project.set_test_set(hashes, share, seed)
