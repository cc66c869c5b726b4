"""What is said of each class agrees with the table beside it, whatever the table is."""

from __future__ import annotations

import re

import numpy as np
import pytest

from engine.evaluation.learning_curve import LearningForecast, Level, forecast_learning
from engine.evaluation.learning_words import FEWEST_TO_GIVE_UP, FEWEST_TO_RULE_OUT, FEWEST_TO_TELL
from engine.evaluation.metrics import measure


def forecast_of(confusion: np.ndarray, seed: int = 0, worse: float = 0.15) -> LearningForecast:
    """Returns the forecast for a run with this confusion; trained on half, so many more images are wrong."""
    rng = np.random.default_rng(seed)
    targets, said = (np.repeat(places, confusion.ravel()) for places in map(np.ravel, np.indices(confusion.shape)))
    whole = said == targets
    half = whole & (rng.random(len(targets)) > worse)
    levels = [Level(0.9 * len(targets), 1.0, whole), Level(0.45 * len(targets), 0.5, half)]
    per_class = measure(np.eye(len(confusion))[said], targets).per_class
    names = [f"c{index}" for index in range(len(confusion))]
    return forecast_learning(1, levels, targets, np.arange(len(targets)), list(range(len(names))), names, per_class)


def named(sentence: str, pattern: str) -> list[int]:
    """Returns the classes that are named in the part of a sentence that the pattern finds."""
    found = re.search(pattern, sentence)
    return [int(each) for each in re.findall("“c(\\d+)”", found[0])] if found else []


def random_confusion(rng: np.random.Generator) -> np.ndarray:
    """Returns a matrix of two to nine classes with 1 to 80 images each, recalls from none to all."""
    num_classes = int(rng.integers(2, 10))
    confusion = np.zeros((num_classes, num_classes), np.int64)
    for index in range(num_classes):
        count = int(rng.choice([rng.integers(1, 12), rng.integers(8, 81)]))
        recall = rng.choice([0.0, 0.4, 0.9, 1.0, rng.random()])
        right = int(rng.binomial(count, recall))
        confusion[index, index] = right
        others = np.delete(np.arange(num_classes), index)
        np.add.at(confusion[index], rng.choice(others, count - right), 1)
    return confusion


@pytest.mark.parametrize("seed", range(120))
def test_words_agree_with_the_table(seed: int) -> None:
    rng = np.random.default_rng(seed)
    confusion = random_confusion(rng)
    found = forecast_of(confusion, seed, float(rng.choice([0.0, 0.02, 0.3])))
    counts, right = confusion.sum(axis=1), confusion.diagonal()
    recall, f1 = right / counts, 2 * right / (counts + confusion.sum(axis=0))
    asked = named(found.sentence, "Label more of .*? first: ")
    first = named(found.sentence, "About 20 more of .*?\\. ?")
    then = named(found.sentence, "Then [^.]*\\.")
    idle = named(found.sentence, "More of “.*? will hardly help")
    assert len(set(asked + first + then + idle)) == len(asked + first + then + idle), "each class in one part only"
    for each in found.classes:
        index = each.class_id
        assert (each.num_images, each.recall) == (counts[index], pytest.approx(recall[index]))
        assert each.recall_gain <= 1 - recall[index] + 1e-9
        assert each.gain <= (counts[index] - right[index]) / counts.sum() + 1e-9
        assert each.interval[0] <= each.gain + 1e-9
        assert each.is_worth_it + each.is_idle + each.is_asked_for <= 1
    for index in idle:
        assert counts[index] >= FEWEST_TO_RULE_OUT
        others = np.delete(np.arange(len(counts)), index)
        if recall[index] < recall[others].mean() - 0.1 or f1[index] < f1[others].mean() - 0.1:
            assert counts[index] >= FEWEST_TO_GIVE_UP
    for index in first + then:
        assert counts[index] >= FEWEST_TO_TELL
        assert recall[index] < 1
    for index in asked:
        assert f1[index] < 1
    weakest = int(np.lexsort((-counts, f1))[0])
    if f1[weakest] < 1 and counts[weakest] < FEWEST_TO_GIVE_UP:
        assert weakest not in idle
    if "You are about done" in found.sentence:
        far = [each for each in range(len(counts)) if recall[each] < np.delete(recall, each).mean() - 0.1]
        assert all(counts[each] >= FEWEST_TO_GIVE_UP for each in far)


def test_a_class_of_three_images_that_is_never_found_is_asked_for() -> None:
    """The table that a new user saw, with "more of hat, dress ... will hardly help" beside it."""
    right = np.array([41, 15, 10, 17, 19, 0, 2, 2, 3, 8])
    confusion = np.diag(right)
    for row, column, count in ((2, 3, 1), (5, 0, 3), (6, 3, 1), (6, 8, 1), (6, 9, 1), (7, 3, 1), (7, 4, 1), (7, 8, 1)):
        confusion[row, column] += count
    for row, column, count in ((7, 9, 2), (8, 4, 2), (8, 6, 1), (8, 7, 2), (9, 6, 1)):
        confusion[row, column] += count
    words = forecast_of(confusion, worse=0.1).sentence
    assert words.startswith("Label more of “c5” (3 images), “c7” (7 images), “c6” (5 images) and 1 other first: they")
    assert "cannot be told yet" in words
    assert not set(named(words, "More of “.*? will hardly help")) & {5, 6, 7, 8, 9}


def test_a_class_that_is_always_found_is_not_said_to_gain() -> None:
    """The sample: 20 more "intact" were to find 13 points more of a class whose recall is 100."""
    words = forecast_of(np.array([[10, 0, 0], [0, 10, 0], [1, 0, 9]]), worse=0.35).sentence
    found = re.match("About 20 more of “c2” should find about (\\d+) points more of them and gain about", words)
    assert found is not None
    assert 1 <= int(found[1]) <= 10, "nine of ten are found already"
    assert "c0" not in words
    assert "c1" not in words
