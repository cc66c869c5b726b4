"""A plan fits the time there is, tells what it needs, and measures honestly when to stop."""

from __future__ import annotations

import numpy as np
import pytest

from engine.nn.deep_training import calibrated_at_best_point
from engine.nn.training_plan import (
    NUM_POINTS,
    Pace,
    choose_plan,
    duration_words,
    least_seconds,
    point_epochs,
)

PACE = Pace(lower_s=0.01, step_s=0.01, look_s=0.003, embed_s=0.01, view_bytes=25_000, memory_bytes=10**9)


@pytest.mark.parametrize("budget_s", [60.0, 120.0, 300.0, 600.0, 3600.0])
def test_a_plan_fits_the_budget_and_more_time_buys_a_more_thorough_one(budget_s: float) -> None:
    plan = choose_plan(PACE, 300, 4, 300, 2, budget_s)
    assert plan is not None
    assert plan.seconds <= budget_s
    longest = choose_plan(PACE, 300, 4, 300, 2, None)
    assert longest is not None
    assert (longest.num_epochs, longest.num_measured) == (30, 5)
    assert plan.seconds <= longest.seconds
    assert plan.disk_bytes == 300 * 4 * PACE.view_bytes


def test_too_little_time_is_no_plan_and_the_least_time_is_one() -> None:
    assert choose_plan(PACE, 300, 4, 300, 2, 20.0) is None
    least = least_seconds(PACE, 300, 4, 300, 2)
    assert choose_plan(PACE, 300, 4, 300, 2, least) is not None
    assert choose_plan(PACE, 300, 4, 300, 2, least - 1) is None


def test_few_images_are_measured_on_all_their_parts_before_rounds_are_added() -> None:
    plan = choose_plan(PACE, 50, 4, 50, 2, 60.0)
    assert plan is not None
    assert plan.num_measured * 50 / 5 >= 40


@pytest.mark.parametrize("num_epochs", [1, 6, 10, 30])
def test_layers_are_judged_at_the_end_and_evenly_before(num_epochs: int) -> None:
    points = point_epochs(num_epochs)
    assert points[-1] == num_epochs
    assert len(points) == min(NUM_POINTS, num_epochs)
    assert points[0] > 0


def test_when_to_stop_is_told_by_other_images_than_those_measured() -> None:
    """The first part is best at the first point, the second at the second: each is judged by the other's choice."""
    targets = np.array([0, 1] * 20)
    parts = np.repeat([0, 1], 20)
    right = np.where(targets[:, None] == np.arange(2), 3.0, -3.0).astype(np.float32)
    noise = np.random.default_rng(0).standard_normal((40, 2)).astype(np.float32)
    logits = np.stack([np.where(parts[:, None] == 0, right, noise), np.where(parts[:, None] == 0, noise, right)])
    probabilities, _, _ = calibrated_at_best_point(logits, targets, parts)
    accuracy = (probabilities.argmax(axis=1) == targets).mean()
    assert accuracy < 0.8  # choosing for each part by itself would give 1


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.2, "1 second"), (40, "40 seconds"), (100, "2 minutes"), (600, "10 minutes"), (9000, "2 hours")],
)
def test_times_are_told_as_people_say_them(seconds: float, words: str) -> None:
    assert duration_words(seconds) == words
