"""What a run was measured on: labels and out-of-fold predictions, as they lie in its folder."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.domain import LabelMode, Run
from engine.errors import TrainingError
from engine.evaluation.acceptance import BorneOut
from engine.evaluation.intervals import CROSS_VALIDATED, grouped
from engine.evaluation.representation import unlike_of
from engine.evaluation.selection import NOTHING_REFUSED, Refused
from engine.language import tr
from engine.nn.run_model import LABELS_FILE, OUT_OF_FOLD_FILE
from engine.project import Project


@dataclass(frozen=True, slots=True)
class Measured:
    """M images that were held out, and what the model said of them. K classes, in the order of the run's class ids.

    `image_ids`, `targets`, `folds` and `units` (number of the group that each was held out with) are (M,);
    `probabilities` (M, K). Where images have several classes, `present` and `suggested` (M, K) say which ones an image
    has and which ones it was given, and `logits` (M, K) rank the images before any calibration. `unknown_scores` (M,)
    say how strange each looked while it was held out. `trained_ids` are all images that the run learned from, measured
    or not. `refused` are predictions on further images without a class, of which suggestions had been refused.
    `weights` (M,) say how often each image counts, where a model had a say in which ones have a class; None = once.
    """

    image_ids: NDArray[np.int64]
    targets: NDArray[np.int64]
    probabilities: NDArray[np.float32]
    folds: NDArray[np.int64]
    units: NDArray[np.int64]
    trained_ids: NDArray[np.int64]
    present: NDArray[np.bool_] | None = None
    suggested: NDArray[np.bool_] | None = None
    logits: NDArray[np.float32] | None = None
    unknown_scores: NDArray[np.float32] | None = None
    refused: Refused = NOTHING_REFUSED
    weights: NDArray[np.float64] | None = None

    def part(self, is_kept: NDArray[np.bool_]) -> Measured:
        """Returns some of the images."""
        if is_kept.all():
            return self
        return replace(
            self,
            image_ids=self.image_ids[is_kept],
            targets=self.targets[is_kept],
            probabilities=self.probabilities[is_kept],
            folds=self.folds[is_kept],
            units=self.units[is_kept],
            present=None if self.present is None else self.present[is_kept],
            suggested=None if self.suggested is None else self.suggested[is_kept],
            logits=None if self.logits is None else self.logits[is_kept],
            unknown_scores=None if self.unknown_scores is None else self.unknown_scores[is_kept],
            weights=None if self.weights is None else self.weights[is_kept],
        )


@dataclass(frozen=True, slots=True)
class Judged:
    """All J predictions on unseen images that are known to be right or wrong, (J,) each: the M measured ones first.

    Behind them those on refused images that still say what was refused; where they say something else nobody knows.
    """

    confidences: NDArray[np.float64]
    predicted: NDArray[np.int64]
    is_right: NDArray[np.bool_]
    units: NDArray[np.int64]


NOTHING_JUDGED: Final = Judged(np.zeros(0), np.zeros(0, np.int64), np.zeros(0, np.bool_), np.zeros(0, np.int64))


def judged_of(measured: Measured) -> Judged:
    """Returns what is known of a run's predictions on unseen images (one class per image)."""
    refused = measured.refused.probabilities[measured.refused.is_wrong]
    predicted = measured.probabilities.argmax(axis=1)
    return Judged(
        np.concatenate([measured.probabilities.max(axis=1), refused.max(axis=1, initial=0)]).astype(np.float64),
        np.concatenate([predicted, refused.argmax(axis=1) if len(refused) else np.zeros(0, np.int64)]),
        np.concatenate([predicted == measured.targets, np.zeros(len(refused), np.bool_)]),
        np.concatenate([measured.units, measured.units.max(initial=-1) + 1 + np.arange(len(refused))]),
    )


def read_borne_out(project: Project, run: Run) -> BorneOut:
    """Returns how a run's predictions on images that it had not seen turned out (one class per image).

    Raises:
        TrainingError: a file of the run is missing or damaged.
    """
    judged = judged_of(read_measured(project, run))
    if unlike_of(run.settings) is not None:
        judged = NOTHING_JUDGED  # says nothing of images that are like none of these
    return BorneOut(
        judged.confidences,
        np.array(run.class_ids, np.int64)[judged.predicted],
        judged.is_right,
        grouped(judged.is_right, judged.units, CROSS_VALIDATED),
    )


def read_measured(project: Project, run: Run) -> Measured:
    """Returns what a run was measured on. Runs of earlier versions know no units: then each image is one of its own.

    Raises:
        TrainingError: a file of the run is missing or damaged.
    """
    folder = project.run_dir(run)
    try:
        with np.load(folder / LABELS_FILE) as labels, np.load(folder / OUT_OF_FOLD_FILE) as out_of_fold:
            image_ids = out_of_fold["image_ids"].astype(np.int64)
            trained_ids = labels["image_ids"].astype(np.int64)
            # Of a network only a part of the images may have been held out.
            order = np.argsort(trained_ids)
            rows = order[np.searchsorted(trained_ids, image_ids, sorter=order)]
            is_several = run.mode is LabelMode.SEVERAL
            return Measured(
                image_ids=image_ids,
                targets=labels["targets"][rows].astype(np.int64),
                probabilities=out_of_fold["probabilities"].astype(np.float32),
                folds=labels["folds"][rows].astype(np.int64),
                units=(labels["units"][rows] if "units" in labels else np.arange(len(rows))).astype(np.int64),
                trained_ids=trained_ids,
                present=labels["targets_matrix"][rows].astype(np.bool_) if is_several else None,
                suggested=out_of_fold["suggested"].astype(np.bool_) if is_several else None,
                logits=out_of_fold["logits"] if is_several else None,
                unknown_scores=out_of_fold.get("unknown_scores"),
                refused=Refused(out_of_fold["refused_probabilities"], out_of_fold["refused_classes"])
                if "refused_ids" in out_of_fold
                else NOTHING_REFUSED,
                weights=out_of_fold.get("weights"),
            )
    except (OSError, ValueError, KeyError, IndexError) as err:
        raise TrainingError(
            tr("The model in {folder} is damaged or incomplete.", folder=folder),
            tr("Choose another version, or retrain."),
        ) from err
