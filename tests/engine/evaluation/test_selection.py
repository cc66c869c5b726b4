"""The accuracy of all images from labels that a model partly chose: near the truth where plain counting is not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from engine.evaluation.selection import COUNTED, accuracy_of_all, words_on

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
