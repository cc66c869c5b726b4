"""Figures where an image may have several classes: right, with intervals that hold, and not flattering."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score

from engine.evaluation.multi_label import average_precision, mean_interval, measure_several

HALVES = np.full(3, 0.5, np.float32)


def drawn(rng: np.random.Generator, num_images: int, num_classes: int = 4) -> tuple[NDArray, NDArray]:
    """Returns scores and classes of images some of which are harder than others for all their classes."""
    present = rng.random((num_images, num_classes)) < np.linspace(0.4, 0.15, num_classes)
    noise = 0.7 * rng.normal(size=(num_images, 1)) + 0.7 * rng.normal(size=(num_images, num_classes))
    return 1 / (1 + np.exp(-(noise + 2 * present - 1))), present


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 1000), num_images=st.integers(2, 60), num_steps=st.sampled_from([2, 5, 1000]))
def test_average_precision_is_that_of_scikit_learn_also_with_equal_scores(
    seed: int, num_images: int, num_steps: int
) -> None:
    rng = np.random.default_rng(seed)
    scores = rng.integers(0, num_steps, (num_images, 3)) / num_steps
    present = rng.random((num_images, 3)) < 0.4
    present[0] = True
    expected = [average_precision_score(present[:, at], scores[:, at]) for at in range(3)]
    np.testing.assert_allclose(average_precision(scores, present), expected)


def test_every_figure_of_a_small_example_is_the_one_counted_by_hand() -> None:
    present = np.array([[1, 1, 0], [1, 0, 0], [0, 0, 0], [0, 1, 0]], bool)
    probabilities = np.array([[0.9, 0.4, 0.1], [0.8, 0.1, 0.1], [0.7, 0.1, 0.2], [0.2, 0.8, 0.1]])
    metrics = measure_several(probabilities, present, probabilities >= 0.5, HALVES)
    first, second, nobody = metrics.per_class
    assert (first["precision"], first["recall"], first["f1"], first["support"]) == (2 / 3, 1.0, 0.8, 2)
    assert (second["precision"], second["recall"], second["f1"], second["support"]) == (1.0, 0.5, 2 / 3, 2)
    assert (first["average_precision"], second["average_precision"]) == (1.0, 1.0)
    assert metrics.mean_average_precision == 1.0
    assert metrics.macro_f1 == pytest.approx((0.8 + 2 / 3) / 2)
    assert metrics.micro_f1 == pytest.approx(2 * 3 / (4 + 4))
    assert metrics.accuracy == 2 / 4
    assert np.isnan(nobody["average_precision"])
    assert nobody["support"] == 0


def test_few_images_of_a_class_do_not_make_a_perfect_figure_certain() -> None:
    present = np.zeros((30, 3), bool)
    present[:4] = True
    metrics = measure_several(present * 0.8 + 0.1, present, present, HALVES)
    assert metrics.mean_average_precision == 1.0
    assert metrics.per_class[0]["average_precision_interval"][0] < 0.6
    assert metrics.per_class[0]["recall_interval"][0] < 0.6
    assert metrics.mean_average_precision_interval[0] < 0.9


def test_the_interval_of_the_mean_holds_what_is_true_of_all_images() -> None:
    scores, present = drawn(np.random.default_rng(0), 100_000)
    truth = average_precision(scores, present).mean()
    held = 0
    for seed in range(60):
        scores, present = drawn(np.random.default_rng(seed + 1), 120)
        low, high = measure_several(scores, present, scores >= 0.5, np.full(4, 0.5)).mean_average_precision_interval
        held += low <= truth <= high
    assert held >= 54


def test_images_of_one_group_say_less_than_as_many_of_different_groups() -> None:
    rng = np.random.default_rng(0)
    scores, present = (np.repeat(each, 5, axis=0) for each in drawn(rng, 30))
    apart = measure_several(scores, present, scores >= 0.5, np.full(4, 0.5))
    together = measure_several(scores, present, scores >= 0.5, np.full(4, 0.5), np.repeat(np.arange(30), 5))
    for name in ("average_precision_interval", "precision_interval", "recall_interval", "f1_interval"):
        for one, other in zip(apart.per_class, together.per_class, strict=True):
            assert other[name][1] - other[name][0] > one[name][1] - one[name][0]
    assert np.ptp(together.accuracy_interval) > np.ptp(apart.accuracy_interval)


def test_a_set_counts_as_confident_only_if_all_of_it_is() -> None:
    probabilities = np.array([[0.99, 0.02, 0.01], [0.99, 0.3, 0.01], [0.01, 0.01, 0.01]])
    present = np.array([[1, 0, 0], [1, 0, 0], [0, 0, 1]], bool)
    metrics = measure_several(probabilities, present, probabilities >= 0.5, HALVES)
    assert (metrics.num_confident, metrics.num_confident_wrong) == (2, 1)


def test_mean_of_independent_figures_is_surer_than_any_of_them() -> None:
    values, limits = np.array([0.8, 0.8, 0.8, 0.8]), np.array([[0.7, 0.9]] * 4)
    assert mean_interval(values, limits) == pytest.approx((0.75, 0.85))
    assert mean_interval(values, limits, togetherness=4.0) == pytest.approx((0.7, 0.9))
