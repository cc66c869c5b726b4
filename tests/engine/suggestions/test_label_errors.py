"""Suspected label errors: planted ones come first, and the definition is that of confident learning."""

from __future__ import annotations

import numpy as np

from engine.suggestions.label_errors import find_label_errors


def test_planted_errors_come_first() -> None:
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 4, 400)
    logits = 4 * np.eye(4)[truth] + rng.standard_normal((400, 4))
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    given = truth.copy()
    wrong = rng.choice(400, 20, replace=False)
    given[wrong] = (given[wrong] + 1 + rng.integers(0, 3, 20)) % 4
    found = find_label_errors(probabilities, given)
    assert np.isin(wrong, found.rows[:40]).mean() >= 0.95
    place = {row: index for index, row in enumerate(found.rows.tolist())}
    suggested = found.suggested[[place[row] for row in wrong.tolist() if row in place]]
    assert (suggested == truth[[row for row in wrong.tolist() if row in place]]).mean() >= 0.9
    assert (np.diff(found.scores) <= 0).all()


def test_likely_are_those_as_probable_as_the_other_class_usually_is() -> None:
    probabilities = np.array([[0.9, 0.1], [0.8, 0.2], [0.1, 0.9], [0.2, 0.8], [0.05, 0.95], [0.45, 0.55]])
    given = np.array([0, 0, 1, 1, 0, 0])  # class 1 has 0.85 on average for its images
    found = find_label_errors(probabilities, given)
    assert found.rows.tolist() == [4, 5]
    assert found.is_likely.tolist() == [True, False]


def test_nothing_is_suspected_where_all_agree() -> None:
    found = find_label_errors(np.eye(3), np.arange(3))
    assert len(found.rows) == len(found.suggested) == len(found.scores) == 0
