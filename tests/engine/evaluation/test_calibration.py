"""One temperature makes confidence mean what it says, and is never judged on what it was fitted on."""

from __future__ import annotations

import numpy as np
import pytest

from engine.evaluation.calibration import (
    LARGEST_TEMPERATURE,
    SMALLEST_TEMPERATURE,
    RefusedLogits,
    cross_fitted_temperatures,
    fit_temperature,
)
from engine.evaluation.metrics import expected_calibration_error, log_loss
from engine.nn.head import probabilities_of


def calibrated_logits(num_images: int, num_classes: int = 4, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Returns logits whose softmax is exactly the chance of each class, and targets drawn with that chance."""
    rng = np.random.default_rng(seed)
    logits = (2 * rng.standard_normal((num_images, num_classes))).astype(np.float32)
    chances = probabilities_of(logits)
    targets = np.array([rng.choice(num_classes, p=row / row.sum()) for row in chances.astype(float)])
    return logits, targets


@pytest.mark.parametrize("factor", [0.4, 1.0, 3.0])
def test_the_factor_that_spoilt_the_logits_is_found(factor: float) -> None:
    logits, targets = calibrated_logits(4000)
    assert fit_temperature(logits * np.float32(factor), targets) == pytest.approx(factor, rel=0.08)


def test_calibration_lowers_log_loss_and_calibration_error() -> None:
    logits, targets = calibrated_logits(2000)
    fresh_logits, fresh_targets = calibrated_logits(6000, seed=1)
    temperature = fit_temperature(logits * 3, targets)

    plain, better = probabilities_of(fresh_logits * 3), probabilities_of(fresh_logits * 3, temperature)
    assert log_loss(better, fresh_targets) < log_loss(plain, fresh_targets)

    def error(probabilities: np.ndarray) -> float:
        return expected_calibration_error(probabilities.max(axis=1), probabilities.argmax(axis=1) == fresh_targets)

    assert error(better) < 0.03 < error(plain)


def test_a_handful_of_images_cannot_make_the_model_boundlessly_sure() -> None:
    logits = np.array([[2.0, 0.0], [0.0, 2.0], [2.0, 0.0], [0.0, 2.0]], np.float32)
    temperature = fit_temperature(logits, np.array([0, 1, 0, 1]))
    assert 4 * SMALLEST_TEMPERATURE < temperature < 1
    assert 1 < fit_temperature(logits, np.array([1, 0, 1, 0])) <= LARGEST_TEMPERATURE


def test_the_temperature_of_an_image_does_not_depend_on_its_own_fold() -> None:
    logits, targets = calibrated_logits(200)
    folds = np.arange(200) % 5
    before = cross_fitted_temperatures(logits, targets, folds)
    changed = targets.copy()
    changed[folds == 2] = (changed[folds == 2] + 1) % 4
    after = cross_fitted_temperatures(logits, changed, folds)

    np.testing.assert_array_equal(after[folds == 2], before[folds == 2])
    assert (after[folds != 2] != before[folds != 2]).all()


def test_refused_images_tell_that_the_model_is_too_sure() -> None:
    """Only images that the model is right on are labelled; the others are known not to be what it says."""
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, (3000, 4)).astype(np.float32)
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    targets = (shares.cumsum(axis=1) > rng.random(3000)[:, None]).argmax(axis=1)
    called = logits.argmax(axis=1)
    is_right = called == targets
    refused = RefusedLogits(3 * logits[~is_right], np.eye(4, dtype=bool)[called[~is_right]])
    assert fit_temperature(3 * logits[is_right], targets[is_right]) < 1
    assert fit_temperature(3 * logits[is_right], targets[is_right], refused) == pytest.approx(3, rel=0.1)
    nothing = RefusedLogits(logits[:0], refused.refused[:0])
    assert fit_temperature(logits, targets, nothing) == fit_temperature(logits, targets)
