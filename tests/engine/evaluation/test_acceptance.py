"""What is promised before many suggestions are accepted at once."""

from __future__ import annotations

import numpy as np
import pytest

from engine.domain import CONFIDENT
from engine.evaluation.acceptance import FEWEST_MEASURED, expected_mistakes
from engine.evaluation.metrics import measure


def test_nothing_is_promised_on_few_labels() -> None:
    """Ten labels gave a model that was wrong half of the time and 99 % sure: no promise rests on that."""
    assert expected_mistakes(np.full(346, 0.99), FEWEST_MEASURED - 1, 0) is None


def test_confidence_is_believed_only_as_far_as_it_was_borne_out() -> None:
    confidences = np.full(1000, 0.99)
    borne_out = expected_mistakes(confidences, 400, 4)
    overconfident = expected_mistakes(confidences, 400, 40)
    assert borne_out is not None
    assert overconfident is not None
    assert borne_out.expected == pytest.approx(10)
    assert overconfident.expected == pytest.approx(100)


def test_the_upper_bound_narrows_with_what_was_measured() -> None:
    few = expected_mistakes(np.full(100, 0.98), 20, 0)
    many = expected_mistakes(np.full(100, 0.98), 2000, 0)
    assert few is not None
    assert many is not None
    assert few.at_most == pytest.approx(16.1, abs=0.1)  # Wilson: 0 of 20
    assert many.at_most == pytest.approx(2.0)  # what the confidence itself says


def test_the_promise_holds_where_the_measured_images_are_like_the_rest() -> None:
    generator = np.random.default_rng(3)
    num_broken = 0
    for _ in range(200):
        true_rate = generator.uniform(0, 0.2)
        num_wrong = int(generator.binomial(60, true_rate))
        found = expected_mistakes(np.full(500, 0.99), 60, num_wrong)
        assert found is not None
        num_broken += true_rate * 500 > found.at_most
    assert num_broken <= 12


def test_confident_predictions_on_unseen_images_are_counted() -> None:
    sure = np.array([[0.97, 0.03], [CONFIDENT, 1 - CONFIDENT], [0.94, 0.06], [0.02, 0.98]])
    metrics = measure(sure, np.array([0, 1, 1, 1]))
    assert (metrics.num_confident, metrics.num_confident_wrong) == (3, 1)
