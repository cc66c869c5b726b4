"""Probabilities of several classes mean what they say, and thresholds are no accident of a handful of images."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.evaluation.multi_label_calibration import (
    HIGHEST_THRESHOLD,
    LOWEST_THRESHOLD,
    calibrate,
    choose_thresholds,
    cross_fitted,
    fit_scaling,
)


def sigmoid(values: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-values))


def test_each_class_gets_back_the_scale_that_it_was_blown_up_by() -> None:
    rng = np.random.default_rng(0)
    honest = rng.normal(size=(20_000, 3)) * 2 - 1
    present = rng.random(honest.shape) < sigmoid(honest)
    slopes, offsets = fit_scaling(((honest - [0.5, 0, -1]) * [3, 1, 0.5]).astype(np.float32), present)
    np.testing.assert_allclose(slopes, [1 / 3, 1, 2], rtol=0.06)
    np.testing.assert_allclose(offsets, [0.5, 0, -1], atol=0.06)


def test_a_handful_of_images_hardly_moves_what_the_head_says() -> None:
    logits = np.array([[2.0], [1.5], [-1.0], [-2.0]], np.float32)
    slopes, offsets = fit_scaling(logits, logits > 0)
    assert 1 <= slopes[0] < 1.6
    assert abs(offsets[0]) < 0.3


def test_a_class_that_the_head_gets_backwards_is_not_turned_round() -> None:
    logits = np.linspace(-3, 3, 200).astype(np.float32)[:, None]
    slopes, _ = fit_scaling(logits, logits < 0)
    assert slopes[0] > 0


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 1000), num_images=st.integers(1, 200), base=st.floats(0.02, 0.9))
def test_threshold_has_the_best_f1_that_the_probabilities_lead_to_expect(
    seed: int, num_images: int, base: float
) -> None:
    rng = np.random.default_rng(seed)
    probabilities = rng.beta(base * 2, (1 - base) * 2, num_images).astype(np.float32)
    (threshold,) = choose_thresholds(probabilities[:, None])
    assert LOWEST_THRESHOLD <= threshold <= HIGHEST_THRESHOLD

    def expected_f1(limit: float) -> float:
        chosen = probabilities >= limit
        return float(2 * probabilities[chosen].sum() / max(chosen.sum() + probabilities.sum(), 1e-9))

    others = [expected_f1(limit) for limit in np.linspace(LOWEST_THRESHOLD, HIGHEST_THRESHOLD, 50)]
    assert expected_f1(float(threshold)) >= max(others) - 1e-5


def test_what_an_image_is_measured_by_has_not_seen_its_fold() -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(60, 2)).astype(np.float32)
    present = rng.random((60, 2)) < sigmoid(logits)
    folds = np.arange(60) % 3
    probabilities, suggested = cross_fitted(logits, present, folds)
    changed = present.copy()
    changed[folds == 1] = ~changed[folds == 1]
    again, suggested_again = cross_fitted(logits, changed, folds)
    np.testing.assert_array_equal(again[folds == 1], probabilities[folds == 1])
    np.testing.assert_array_equal(suggested_again[folds == 1], suggested[folds == 1])
    assert (again[folds == 0] != probabilities[folds == 0]).any()


def test_logits_beyond_all_bounds_give_finite_results() -> None:
    logits = np.array([[1e4, -1e4], [-1e4, 1e4], [0, 0], [1e4, 1e4]], np.float32)
    found = calibrate(logits, np.array([[1, 0], [0, 1], [1, 1], [0, 0]], bool))
    assert np.isfinite(found.slopes).all()
    assert np.isfinite(found.offsets).all()
    assert np.isfinite(found.probabilities(logits)).all()
