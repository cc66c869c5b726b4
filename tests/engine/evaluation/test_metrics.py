"""Figures are those of scikit-learn and of the papers they come from."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics as reference

from engine.evaluation.intervals import wilson_interval
from engine.evaluation.metrics import expected_calibration_error, measure


def random_predictions(num_images: int = 300, num_classes: int = 5) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    targets = rng.integers(0, num_classes, num_images)
    logits = rng.standard_normal((num_images, num_classes)) + 1.5 * np.eye(num_classes)[targets]
    exponentials = np.exp(logits)
    return exponentials / exponentials.sum(axis=1, keepdims=True), targets


def test_figures_agree_with_scikit_learn() -> None:
    probabilities, targets = random_predictions()
    predicted = probabilities.argmax(axis=1)
    found = measure(probabilities, targets)

    assert found.accuracy == pytest.approx(reference.accuracy_score(targets, predicted))
    assert found.macro_f1 == pytest.approx(reference.f1_score(targets, predicted, average="macro"))
    assert found.log_loss == pytest.approx(reference.log_loss(targets, probabilities))
    np.testing.assert_array_equal(found.confusion, reference.confusion_matrix(targets, predicted))
    precision, recall, f1, support = reference.precision_recall_fscore_support(targets, predicted)
    for index, figures in enumerate(found.per_class):
        assert figures["precision"] == pytest.approx(precision[index])
        assert figures["recall"] == pytest.approx(recall[index])
        assert figures["f1"] == pytest.approx(f1[index])
        assert figures["support"] == support[index]


def test_weights_count_images_as_often_as_scikit_learn_does_and_widen_intervals() -> None:
    probabilities, targets = random_predictions()
    weights = np.random.default_rng(1).uniform(0.1, 5, len(targets))
    found, plain = measure(probabilities, targets, weights=weights), measure(probabilities, targets)
    predicted = probabilities.argmax(axis=1)
    assert found.accuracy == pytest.approx(reference.accuracy_score(targets, predicted, sample_weight=weights))
    scores = reference.precision_recall_fscore_support(targets, predicted, sample_weight=weights)
    for figures, (precision, recall, f1, _) in zip(found.per_class, zip(*scores, strict=True), strict=True):
        assert (figures["precision"], figures["recall"], figures["f1"]) == pytest.approx((precision, recall, f1))
        low, high = figures["recall_interval"]
        assert low <= recall <= high
        plain_low, plain_high = plain.per_class[figures["class"]]["recall_interval"]
        assert high - low > plain_high - plain_low
    assert [each["support"] for each in found.per_class] == [each["support"] for each in plain.per_class]
    same = measure(probabilities, targets, weights=np.full(len(targets), 3.0))
    assert same.accuracy_interval == pytest.approx(plain.accuracy_interval)


@pytest.mark.parametrize(
    ("num_right", "total", "low", "high"),
    [(0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0), (81, 263, 0.2553, 0.3662), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_interval_matches_published_values(num_right: int, total: int, low: float, high: float) -> None:
    assert wilson_interval(num_right, total) == pytest.approx((low, high), abs=2e-4)


def test_no_trials_say_nothing() -> None:
    assert wilson_interval(0, 0) == (0.0, 1.0)


def test_an_unknown_class_counts_as_wrong() -> None:
    probabilities = np.array([[0.9, 0.1], [0.2, 0.8], [0.7, 0.3]])
    found = measure(probabilities, np.array([0, 1, 2]))

    assert found.accuracy == pytest.approx(2 / 3)
    assert found.confusion.tolist() == [[1, 0, 0], [0, 1, 0], [1, 0, 0]]
    assert found.per_class[2]["recall"] == 0.0
    assert np.isfinite(found.log_loss)


def test_ece_is_the_gap_between_confidence_and_accuracy() -> None:
    assert expected_calibration_error(np.full(10, 0.9), np.arange(10) < 9) == pytest.approx(0.0)
    assert expected_calibration_error(np.full(10, 0.9), np.arange(10) < 5) == pytest.approx(0.4)
    assert expected_calibration_error(np.ones(4), np.ones(4, bool)) == pytest.approx(0.0)
