"""What a run predicts for every image: arrays in the run's folder, never rows of the database."""

from __future__ import annotations

import logging
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np

from engine.domain import Predictions

PREDICTIONS_FILE: Final = "predictions.npz"


def read(run_folder: Path) -> Predictions | None:
    """Returns a run's predictions, or None when the file is not there or not readable (they can be computed again)."""
    file = run_folder / PREDICTIONS_FILE
    try:
        with np.load(file, allow_pickle=False) as arrays:
            found = Predictions(
                arrays["image_ids"].astype(np.int64),
                arrays["class_ids"].astype(np.int32),
                arrays["probabilities"],
                thresholds=arrays["thresholds"].astype(np.float32) if "thresholds" in arrays else None,
                unknown_scores=arrays["unknown_scores"].astype(np.float32) if "unknown_scores" in arrays else None,
            )
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as err:
        logging.getLogger(__name__).warning("Predictions in %s cannot be read: %s", file, err)
        return None
    is_whole = found.probabilities.shape == (len(found.image_ids), len(found.class_ids))
    is_whole &= found.thresholds is None or found.thresholds.shape == found.class_ids.shape
    if not is_whole or (found.unknown_scores is not None and found.unknown_scores.shape != found.image_ids.shape):
        logging.getLogger(__name__).warning("Predictions in %s have the wrong shape", file)
        return None
    return found


def with_merged(found: Predictions, into: Mapping[int, int]) -> Predictions:
    """Returns predictions in which classes that were merged since speak for the class they were merged into.

    With one class per image their probabilities add up. With several the highest counts, against the lowest of their
    thresholds: an image that got any of them gets the class.

    Args:
        into: the target of each merged class.
    """
    targets = [into.get(class_id, class_id) for class_id in found.class_ids.tolist()]
    if targets == found.class_ids.tolist():
        return found
    class_ids = list(dict.fromkeys(targets))
    probabilities = np.zeros((len(found.image_ids), len(class_ids)), np.float32)
    if found.thresholds is not None:
        thresholds = np.ones(len(class_ids), np.float32)
        for column, target in enumerate(targets):
            at = class_ids.index(target)
            np.maximum(probabilities[:, at], found.probabilities[:, column], out=probabilities[:, at])
            thresholds[at] = min(thresholds[at], found.thresholds[column])
        return replace(
            found, class_ids=np.array(class_ids, np.int32), probabilities=probabilities, thresholds=thresholds
        )
    for column, target in enumerate(targets):
        probabilities[:, class_ids.index(target)] += found.probabilities[:, column]
    return replace(found, class_ids=np.array(class_ids, np.int32), probabilities=np.minimum(probabilities, 1.0))
