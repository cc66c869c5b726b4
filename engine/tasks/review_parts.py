"""Parts of a review that need the embeddings: suspects with their neighbours, random splits, folders, the test set.

Letters: N labelled images, M of them measured, K classes, D embedding size.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.errors import TrainingError
from engine.evaluation.groups import assign_group_folds
from engine.evaluation.intervals import grouped
from engine.evaluation.splits import assign_folds
from engine.language import tr
from engine.nn.head import fit_head
from engine.suggestions.label_errors import LabelErrors, are_likely, evidence, find_label_errors

NUM_NEIGHBOURS: Final = 8
_MAX_SUSPECTS: Final = 500
_NOTICEABLE: Final = 0.01
_MOST: Final = 2 / 3
_COLLAPSE: Final = 0.1
"""So much less right when whole folders are held out says that the folder is recognised, not the thing."""

Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Suspect:
    """An image whose class looks wrong: the model gives `given_probability` to the class that it has, and
    `probability` to the suggested one.

    `is_likely` marks those that the model and the images most like it together call errors; the others are merely less
    like their class than like another. `neighbour_ids` are the labelled images most like it, nearest first, and
    `neighbour_class_ids` their classes; `num_agreeing` of them have the suggested class, `num_given` the given one.
    """

    image_id: int
    given_id: int
    suggested_id: int
    given_probability: float
    probability: float
    is_likely: bool
    neighbour_ids: list[int]
    neighbour_class_ids: list[int]
    num_agreeing: int
    num_given: int


@dataclass(frozen=True, slots=True)
class Gap:
    """What a random split would have claimed beside what holds for new groups. `sentence` says it to the user.

    `matters`: they differ by a point or more.
    """

    random_accuracy: float
    grouped_accuracy: float
    matters: bool
    sentence: str


def find_suspects(
    probabilities: Array,
    targets: NDArray[np.int64],
    image_ids: NDArray[np.int64],
    class_ids: Sequence[int],
    features: Array | None,
    units: NDArray[np.int64],
    dismissed: set[int],
) -> list[Suspect]:
    """Returns the images (of M) that another class fits better, most suspect first, without the dismissed ones.

    Neighbours are of other groups: that an image's own near-duplicates have its class says nothing.
    """
    errors = find_label_errors(probabilities, targets)
    is_open = ~np.isin(image_ids[errors.rows], sorted(dismissed))
    errors = _part(errors, np.flatnonzero(is_open)[:_MAX_SUSPECTS])
    nearest = _neighbours(features, errors.rows, units)
    num_agreeing = (targets[nearest] == errors.suggested[:, None]).sum(axis=1)
    num_given = (targets[nearest] == targets[errors.rows][:, None]).sum(axis=1)
    likely = are_likely(errors, num_agreeing, num_given)
    suspects = []
    for place in np.argsort(-evidence(errors, num_agreeing, num_given), kind="stable").tolist():
        row, neighbours = int(errors.rows[place]), nearest[place]
        suspects.append(
            Suspect(
                image_id=int(image_ids[row]),
                given_id=class_ids[int(targets[row])],
                suggested_id=class_ids[int(errors.suggested[place])],
                given_probability=float(errors.given_probabilities[place]),
                probability=float(errors.probabilities[place]),
                is_likely=bool(likely[place]),
                neighbour_ids=image_ids[neighbours].tolist(),
                neighbour_class_ids=[class_ids[target] for target in targets[neighbours].tolist()],
                num_agreeing=int(num_agreeing[place]),
                num_given=int(num_given[place]),
            )
        )
    return suspects


def _part(errors: LabelErrors, places: NDArray[np.int64]) -> LabelErrors:
    return LabelErrors(
        errors.rows[places],
        errors.suggested[places],
        errors.given_probabilities[places],
        errors.probabilities[places],
    )


def _neighbours(features: Array | None, rows: NDArray[np.int64], units: NDArray[np.int64]) -> NDArray[np.int64]:
    """Returns the images of other groups that are most like each of `rows` (S,), nearest first (S, up to 8)."""
    if features is None or not len(rows) or len(features) < 2:
        return np.empty((len(rows), 0), np.int64)
    likeness = features[rows] @ features.T
    likeness /= np.maximum(np.sqrt(np.einsum("nd,nd->n", features, features)), 1e-12)
    likeness[units[rows][:, None] == units[None, :]] = -np.inf
    num = min(NUM_NEIGHBOURS, len(features) - 1)
    nearest = np.argpartition(-likeness, num - 1, axis=1)[:, :num]
    order = np.argsort(-np.take_along_axis(likeness, nearest, axis=1), axis=1)
    return np.asarray(np.take_along_axis(nearest, order, axis=1))


@dataclass(frozen=True, slots=True)
class Refit:
    """Fits the head once more, as a run did, on other folds; returns which images it gets right."""

    features: Array
    targets: NDArray[np.int64]
    num_classes: int
    strength: float
    is_class_balanced: bool
    checkpoint: Callable[[], None]

    def is_right(self, folds: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Returns for each image (N,) whether a head that had not seen its fold gives its class."""
        fit = fit_head(
            self.features,
            self.targets,
            self.num_classes,
            folds,
            is_class_balanced=self.is_class_balanced,
            strength=self.strength,
            checkpoint=self.checkpoint,
        )
        return np.asarray(fit.out_of_fold_logits.argmax(axis=1) == self.targets)


def gap_of(
    refit: Refit,
    hashes: Sequence[str],
    folds: NDArray[np.int64],
    is_right: NDArray[np.bool_],
    weights: NDArray[np.float64] | None = None,
) -> Gap:
    """Returns what a random split (equal content kept together) would say beside what held-out groups said.

    `weights` (N,) say how often each image counts, None = once.
    """
    num_folds = int(np.unique(folds).size)
    random_split = refit.is_right(assign_folds(refit.targets, hashes, None, num_folds))
    random, honest = (float(np.average(each, weights=weights)) for each in (random_split, is_right))
    matters = random - honest >= _NOTICEABLE
    shown = f"{100 * honest:.0f} %"
    sentence = (
        tr(
            "A random split would say {random:.0f} %. With what belongs together kept on one side it is {shown}: that "
            "is the figure shown everywhere.",
            random=100 * random,
            shown=shown,
        )
        if matters
        else tr(
            "Groups make no difference here: {shown} with them kept together, {random:.0f} % without.",
            shown=shown,
            random=100 * random,
        )
    )
    return Gap(random, honest, matters, sentence)


def folder_warning(
    refit: Refit, names: Sequence[str], class_names: Sequence[str], is_right: NDArray[np.bool_]
) -> str | None:
    """Returns a sentence where accuracy follows the folder that images lie in and not what is in them.

    That is so when it falls by ten points or more, and beyond chance, once whole folders are held out. Where most of a
    class lies in one folder that cannot be measured; where each class has a folder of its own it is said, unless the
    folders are named after the classes.
    """
    folders = [str(PurePosixPath(name).parent) for name in names]
    classes_of: dict[str, set[int]] = {}
    for folder, target in zip(folders, refit.targets.tolist(), strict=True):
        classes_of.setdefault(folder, set()).add(target)
    if len(classes_of) < 2:
        return None
    codes = np.unique(folders, return_inverse=True)[1]
    counts = np.zeros((refit.num_classes, codes.max() + 1), np.int64)
    np.add.at(counts, (refit.targets, codes), 1)
    if (counts.max(axis=1) <= _MOST * counts.sum(axis=1)).all():
        try:
            folds = assign_group_folds(refit.targets, folders, folders, min(10, len(classes_of)), 0)
        except TrainingError:
            return None
        by_folder = refit.is_right(folds)
        _, high = grouped(by_folder, np.array(folders)).interval(by_folder)
        if is_right.mean() - by_folder.mean() < _COLLAPSE or is_right.mean() <= high:
            return None
        return tr(
            "With whole folders held out only {by_folder:.0f} % are right, not {as_it_is:.0f} %: the model seems to "
            "know the folders (their light, background or camera) rather than the things in the pictures. Keep folders "
            "together to measure what new ones will give.",
            by_folder=100 * by_folder.mean(),
            as_it_is=100 * is_right.mean(),
        )
    is_one_class = all(len(found) == 1 for found in classes_of.values())
    is_named_so = all(
        is_same_name(PurePosixPath(folder).name, class_names[next(iter(found))]) for folder, found in classes_of.items()
    )
    if is_one_class and not is_named_so and (counts > 0).sum(axis=1).max() == 1:
        return tr(
            "Each class comes from a folder of its own. If the folders differ in light, background or camera, the "
            "model may have learned that instead of the classes, and no figure here can tell. Add pictures of a class "
            "from a second folder to find out."
        )
    return None


def is_same_name(folder: str, class_name: str) -> bool:
    """Tells whether a folder is named after a class: "missing_hole" or "03 Missing hole" after "missing hole"."""
    one, other = (re.sub(r"[\W_]+", " ", name).strip().casefold() for name in (folder, class_name))
    return bool(one and other) and (one in other or other in one)
