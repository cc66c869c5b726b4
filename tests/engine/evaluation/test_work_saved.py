"""What is accepted without looking is as precise as was promised, and nothing is promised on few labels."""

from __future__ import annotations

import numpy as np
import pytest

from engine.evaluation.work_saved import work_saved


def predictions(rng: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns calibrated confidences and whether each is right."""
    confidences = 1 - 0.5 * rng.random(count) ** 3
    return confidences, rng.random(count) < confidences


def test_the_promise_is_kept_in_nineteen_of_twenty_draws() -> None:
    rng = np.random.default_rng(0)
    kept = trials = 0
    for _ in range(200):
        confidences, is_right = predictions(rng, 800)
        others, others_right = predictions(rng, 5000)
        found = work_saved(confidences, is_right, others).at(0.97)
        if found.is_accepted.any():
            trials += 1
            kept += others_right[found.is_accepted].mean() >= 0.97
    assert trials > 150
    assert kept >= 0.9 * trials


def test_few_labels_promise_nothing_and_say_what_they_can() -> None:
    confidences = np.linspace(0.9, 1, 60)
    saved = work_saved(confidences, np.ones(60, np.bool_), np.full(5, 0.99))
    nothing = saved.at(0.99)
    assert nothing.share == 0
    assert not nothing.is_accepted.any()
    assert saved.best_precision() == 0.95
    assert saved.at(0.95).share == 1.0


def test_what_has_no_suggestion_is_never_accepted_and_counts_as_work() -> None:
    confidences = np.where(np.arange(400) % 10 == 0, 0.0, 0.99)  # 0: it looks unknown
    saved = work_saved(confidences, np.ones(400, np.bool_), np.array([0.99, 0.0, 0.99]))
    found = saved.at(0.9)
    assert found.share == 0.9
    assert found.is_accepted.tolist() == [True, False, True]


def test_more_precision_accepts_less() -> None:
    rng = np.random.default_rng(3)
    confidences, is_right = predictions(rng, 2000)
    saved = work_saved(confidences, is_right, confidences)
    shares = [saved.at(precision).share for precision in (0.8, 0.9, 0.95, 0.98, 0.99)]
    assert shares == sorted(shares, reverse=True)
    for precision in (0.9, 0.95, 0.98):
        found = saved.at(precision)
        assert found.at_least >= precision
        assert found.precision >= found.at_least
        assert found.share_interval[0] <= found.share <= found.share_interval[1]


def test_each_class_keeps_the_promise_for_itself() -> None:
    rng = np.random.default_rng(1)
    predicted = np.repeat([0, 1], 600)
    confidences = rng.uniform(0.6, 1, 1200)
    is_right = np.where(predicted == 0, True, rng.random(1200) < 0.7)
    saved = work_saved(
        confidences, is_right, confidences, predicted=predicted, other_predicted=predicted, num_classes=2
    )
    found = saved.at(0.98, per_class=True)
    assert found.thresholds[0] < 1 < found.thresholds[1]
    assert found.is_accepted[predicted == 0].all()
    assert not found.is_accepted[predicted == 1].any()


def test_copies_of_an_image_are_no_more_evidence() -> None:
    is_right = np.ones(400, np.bool_)
    confidences = np.linspace(0.9, 1, 400)
    others = np.full(3, 0.99)
    alone = work_saved(confidences, is_right, others).at(0.99)
    copies = work_saved(confidences, is_right, others, np.arange(400) // 8).at(0.99)
    assert alone.share == pytest.approx(1)
    assert copies.share == 0


def test_without_predictions_there_is_nothing_to_accept() -> None:
    found = work_saved(np.ones(0), np.ones(0, np.bool_), np.ones(0)).at(0.9)
    assert found.share == 0
    assert len(found.is_accepted) == 0
