"""Which images stand behind a figure of a review, the worst first, and what the model said of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from engine.tasks.review import Review

Ids = NDArray[np.int64]


def of_cell(review: Review, true: int, said: int) -> Ids:
    """Returns the images of class `true` that were called `said`: the surest mistakes, or the least sure right ones."""
    return review.images_of_cell(true, said)


def of_class(review: Review, index: int) -> Ids:
    """Returns the images of a class: those that were missed, those taken for it, then the least sure right ones."""
    if review.present is not None and review.suggested is not None:
        return _of_one_of_several(review, review.present[:, index], review.suggested[:, index], index)
    said = review.probabilities.argmax(axis=1)
    is_of_class, is_called_so = review.targets == index, said == index
    missed = np.flatnonzero(is_of_class & ~is_called_so)
    taken = np.flatnonzero(~is_of_class & is_called_so)
    right = np.flatnonzero(is_of_class & is_called_so)
    parts = [_surest_first(review, missed), _surest_first(review, taken), _surest_first(review, right)[::-1]]
    return np.asarray(review.image_ids[np.concatenate(parts)])


def of_answer(review: Review, index: int, has_it: bool, was_said: bool) -> Ids:
    """Returns the images that have a class or not, and were said to or not, where images have several classes.

    Of mistakes the surest come first, of right ones the least sure.
    """
    assert review.present is not None
    assert review.suggested is not None
    rows = np.flatnonzero((review.present[:, index] == has_it) & (review.suggested[:, index] == was_said))
    keys = review.probabilities[rows, index] * (1 if has_it else -1)
    return np.asarray(review.image_ids[rows[np.argsort(keys, kind="stable")]])


def of_mixed(review: Review, missed: int, said: int) -> Ids:
    """Returns the images on which one class was missed and another wrongly said, the surest of that first."""
    assert review.present is not None
    assert review.suggested is not None
    is_missed = review.present[:, missed] & ~review.suggested[:, missed]
    rows = np.flatnonzero(is_missed & ~review.present[:, said] & review.suggested[:, said])
    sureness = review.probabilities[rows, said] - review.probabilities[rows, missed]
    return np.asarray(review.image_ids[rows[np.argsort(-sureness, kind="stable")]])


def of_together(review: Review, first: int, second: int) -> Ids:
    """Returns the images that have both classes: first those on which one was missed, the surest of that before."""
    assert review.present is not None
    assert review.suggested is not None
    rows = np.flatnonzero(review.present[:, first] & review.present[:, second])
    is_found = review.suggested[rows, first] & review.suggested[rows, second]
    sureness = np.minimum(review.probabilities[rows, first], review.probabilities[rows, second])
    return np.asarray(review.image_ids[rows[np.lexsort((sureness, is_found))]])


def of_bin(review: Review, place: int) -> Ids:
    """Returns the images of a point of the reliability diagram: mistakes first, the surest of them before."""
    rows = review.reliability[place].rows
    if review.present is not None and review.suggested is not None:
        is_wrong = (review.present[rows] != review.suggested[rows]).any(axis=1)
    else:
        is_wrong = review.probabilities[rows].argmax(axis=1) != review.targets[rows]
    wrong, right = rows[is_wrong], rows[~is_wrong]
    parts = [_surest_first(review, wrong), _surest_first(review, right)[::-1]]
    return np.asarray(review.image_ids[np.concatenate(parts)])


def opinions(review: Review, image_ids: Ids) -> dict[int, tuple[int, float]]:
    """Returns by image id the class id that the model said when it had not seen the image, and how sure it was.

    Empty where images have several classes: one chip could not say it.
    """
    if review.present is not None:
        return {}
    order = np.argsort(review.image_ids)
    rows = order[np.searchsorted(review.image_ids, image_ids, sorter=order)]
    said = np.asarray(review.run.class_ids)[review.probabilities[rows].argmax(axis=1)]
    return {
        image_id: (class_id, confidence)
        for image_id, class_id, confidence in zip(
            image_ids.tolist(), said.tolist(), review.confidences[rows].tolist(), strict=True
        )
    }


def _of_one_of_several(
    review: Review, has_it: NDArray[np.bool_], was_said: NDArray[np.bool_], index: int
) -> NDArray[np.int64]:
    sureness = review.probabilities[:, index]
    missed, taken, right = (
        np.flatnonzero(each) for each in (has_it & ~was_said, ~has_it & was_said, has_it & was_said)
    )
    parts = [
        missed[np.argsort(sureness[missed])],
        taken[np.argsort(-sureness[taken])],
        right[np.argsort(sureness[right])],
    ]
    return np.asarray(review.image_ids[np.concatenate(parts)])


def _surest_first(review: Review, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    return rows[np.argsort(-review.confidences[rows], kind="stable")]
