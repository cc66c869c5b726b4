"""The accuracy of all images from labels that a model partly chose: near the truth where plain counting is not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from engine.evaluation.selection import (
    COUNTED,
    Refused,
    accuracy_of_all,
    calibration_error_of_all,
    num_refused,
    words_on,
)

SHARES = npst.arrays(np.float64, st.integers(1, 60), elements=st.floats(0.1, 1.0))


def planted(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns calibrated confidences of 4,000 images and which predictions are right."""
    rng = np.random.default_rng(seed)
    confidences = rng.uniform(0.3, 1.0, 4000)
    return confidences, rng.random(4000) < confidences


def test_labels_of_the_surest_images_say_what_all_are_worth() -> None:
    errors, num_covered = [], 0
    for seed in range(40):
        confidences, is_right = planted(seed)
        is_labelled = np.random.default_rng(seed + 100).random(4000) < confidences**4
        known = confidences[is_labelled], is_right[is_labelled]
        found, (low, high) = accuracy_of_all(*known, confidences[~is_labelled])
        truth = is_right.mean()
        errors.append(found - truth)
        num_covered += low < truth < high
        assert known[1].mean() > truth + 0.1
    assert abs(np.mean(errors)) < 0.02
    assert num_covered >= 34


@given(SHARES, st.data())
def test_without_other_images_it_is_the_plain_share(confidences: np.ndarray, data: st.DataObject) -> None:
    is_right = data.draw(npst.arrays(np.bool_, len(confidences)))
    found, (low, high) = accuracy_of_all(confidences, is_right, np.zeros(0))
    assert found == pytest.approx(is_right.mean())
    assert -1e-9 <= low - 1e-9 <= found <= high + 1e-9 <= 1 + 1e-9


@settings(max_examples=200)
@given(SHARES, npst.arrays(np.float64, st.integers(0, 60), elements=st.floats(0.0, 1.0)), st.data())
def test_the_result_is_a_share_within_its_interval(
    confidences: np.ndarray, others: np.ndarray, data: st.DataObject
) -> None:
    is_right = data.draw(npst.arrays(np.bool_, len(confidences)))
    found, (low, high) = accuracy_of_all(confidences, is_right, others)
    assert 0 <= low <= found + 1e-9
    assert found <= high + 1e-9 <= 1 + 1e-9


def test_the_words_name_the_accepted_and_what_plain_counting_would_say() -> None:
    assert words_on({}) == ""
    words = words_on({COUNTED: {"num_measured": 1200, "accuracy_one_by_one": 0.86}})
    assert "1,200 labels are accepted suggestions" in words
    assert "86.0 %" in words
    assert "left out" in words_on({"with_accepted": False})


def suggestions(rng: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns calibrated probabilities of three classes (N, 3), and true classes drawn from them."""
    probabilities = rng.dirichlet([0.5, 0.5, 0.5], count)
    return probabilities, (probabilities.cumsum(axis=1) > rng.random(count)[:, None]).argmax(axis=1)


@pytest.mark.parametrize("share_looked_at", [0.3, 0.6, 1.0])
def test_refused_images_keep_the_estimate_from_flattering(share_looked_at: float) -> None:
    """The surest suggestions are looked at, and only the right ones get a class: what is wrong is known as refused."""
    rng = np.random.default_rng(3)
    found, flattering, calibration = [], [], []
    for _ in range(20):
        probabilities, classes = suggestions(rng, 2000)
        confidences, is_right = probabilities.max(axis=1), probabilities.argmax(axis=1) == classes
        is_looked_at = confidences >= np.quantile(confidences, 1 - share_looked_at)
        is_looked_at |= rng.random(2000) < 0.05
        is_refused = is_looked_at & ~is_right
        said = np.eye(3, dtype=bool)[probabilities.argmax(axis=1)]
        refused = Refused(probabilities[is_refused], said[is_refused])
        known = (confidences[is_looked_at & is_right], np.ones((is_looked_at & is_right).sum(), np.bool_))
        others = confidences[~is_looked_at]
        truth = is_right.mean()
        share, (low, high) = accuracy_of_all(*known, others, None, refused)
        found.append(share - truth)
        assert low < share < high
        flattering.append(accuracy_of_all(*known, confidences[~is_looked_at | is_refused])[0] - truth)
        calibration.append(calibration_error_of_all(*known, others, refused))
    assert abs(np.mean(found)) < 0.01
    assert np.mean(flattering) > 0.25
    assert np.mean(calibration) < 0.1


def test_a_refused_image_that_is_called_something_else_counts_with_the_probability_of_that() -> None:
    refused = Refused(np.array([[0.6, 0.3, 0.1], [0.2, 0.5, 0.3]]), np.array([[True, False, False]] * 2))
    assert refused.is_wrong.tolist() == [True, False]
    assert refused.chances == pytest.approx([0, 0.5 / 0.8])
    confidences, is_right = np.array([0.9, 0.8]), np.ones(2, np.bool_)
    share, (low, high) = accuracy_of_all(confidences, is_right, np.zeros(0), None, refused)
    assert share == pytest.approx((2 + 0.625) / 4)
    worst = accuracy_of_all(np.append(confidences, [0.6, 0.5]), np.array([True, True, False, False]), np.zeros(0))
    best = accuracy_of_all(np.append(confidences, [0.6, 0.5]), np.array([True, True, False, True]), np.zeros(0))
    assert low < worst[0] < share < best[0] < high


def test_words_name_the_refused_images_that_are_counted() -> None:
    settings = {COUNTED: {"num_measured": 30, "accuracy_one_by_one": 0.9, "num_refused": 4}}
    assert num_refused(settings) == 4
    assert "30 labels are accepted suggestions" in words_on(settings)
    assert "4 images whose suggestions you took out" in words_on(settings)
    assert "flatters" not in words_on(settings)
    assert words_on({COUNTED: {"num_measured": 0, "accuracy_one_by_one": 0.9, "num_refused": 1}}).startswith("1 image")
    assert num_refused({}) == num_refused({COUNTED: {"num_measured": 3, "accuracy_one_by_one": 0.9}}) == 0
