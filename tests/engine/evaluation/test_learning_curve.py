"""The forecast of the learning curve, on curves whose truth is known."""

from __future__ import annotations

import numpy as np
import pytest

from engine.evaluation.learning_curve import LearningForecast, Level, forecast_learning, num_levels, parts_of


def levels_of(targets: np.ndarray, errors_at: object, count: int = 4) -> list[Level]:
    """Returns levels whose images are wrong as often as `errors_at(num_images, target)` says."""
    chance = np.random.default_rng(0).random(len(targets))
    found = []
    for depth in range(count):
        size = 0.8 * len(targets) / 2**depth
        wrong = np.array([errors_at(size, target) for target in targets])  # type: ignore[operator]
        found.append(Level(size, 1 / 2**depth, chance >= wrong))
    return found


def forecast(targets: np.ndarray, levels: list[Level]) -> LearningForecast:
    classes = int(targets.max()) + 1
    names = [f"class {index}" for index in range(classes)]
    return forecast_learning(
        7, levels, targets, np.arange(len(targets)), [10 + index for index in range(classes)], names
    )


def test_a_power_law_is_continued() -> None:
    targets = np.arange(2000) % 4
    found = forecast(targets, levels_of(targets, lambda size, _: 0.02 + 3 * size**-0.5))
    expected = 1 - (0.02 + 3 * (2 * 1600) ** -0.5)
    assert float(np.interp(4000, found.sizes, found.curve)) == pytest.approx(expected, abs=0.015)
    low, high = (float(np.interp(4000, found.sizes, line)) for line in found.band.T)
    assert low < expected < high
    assert [point.num_images for point in found.points] == [250, 500, 1000, 2000]
    assert found.points[0].accuracy < found.points[-1].accuracy


def test_the_class_that_still_learns_is_named_and_the_others_are_not() -> None:
    targets = np.arange(160) % 2
    found = forecast(targets, levels_of(targets, lambda size, target: 4 * size**-0.6 if target == 1 else 0.01))
    assert found.classes[0].class_id == 11
    assert found.classes[0].is_worth_it
    assert not found.classes[1].is_worth_it
    assert "“class 1”" in found.sentence
    assert "More of “class 0” will hardly help." in found.sentence


def test_where_nothing_is_left_to_gain_it_says_so() -> None:
    targets = np.arange(600) % 3
    found = forecast(targets, levels_of(targets, lambda _size, _target: 0.05))
    assert found.sentence.startswith("You are about done")
    assert found.next_gain < 0.005


def test_an_accuracy_never_leaves_what_is_possible() -> None:
    targets = np.arange(120) % 3
    found = forecast(targets, levels_of(targets, lambda _size, _target: 0.0, count=3))
    assert found.band.min() >= 0
    assert found.band.max() <= 1
    assert found.curve[-1] == pytest.approx(1)
    assert found.band[-1, 0] < 1  # no mistake in 120 is not no mistake ever


def test_parts_are_nested_equal_and_keep_units_whole() -> None:
    units = np.arange(400) // 2
    targets = (units % 5).astype(np.int64)
    parts = parts_of(targets, units, 4)
    assert set(parts.tolist()) == set(range(8))
    assert (parts[::2] == parts[1::2]).all()
    counts = np.bincount(parts)
    assert counts.max() - counts.min() <= 10
    for target in range(5):
        assert np.ptp(np.bincount(parts[targets == target] % 2)) <= 4


@pytest.mark.parametrize(("per_class", "expected"), [(2, 1), (6, 2), (12, 3), (24, 4), (1000, 4)])
def test_few_labels_are_halved_seldom(per_class: int, expected: int) -> None:
    assert num_levels(np.repeat(np.arange(4), per_class)) == expected
