"""Suspected label errors: planted ones come first, and the definition is that of confident learning."""

from __future__ import annotations

import numpy as np
import pytest

from engine.suggestions.label_errors import are_likely, evidence, find_label_errors


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
    assert (np.diff(found.given_probabilities) >= 0).all()


def test_likely_are_those_of_which_the_model_is_sure_and_the_neighbours_do_not_object() -> None:
    probabilities = np.array([[0.05, 0.95], [0.02, 0.98], [0.02, 0.98], [0.02, 0.98], [0.45, 0.55]])
    given = np.zeros(5, np.int64)
    found = find_label_errors(probabilities, given)
    agreeing = {0: 6, 1: 5, 2: 1, 3: 0, 4: 8}  # of eight neighbours, by row
    own = {0: 0, 1: 1, 2: 3, 3: 0, 4: 0}
    pair = np.array([agreeing[row] for row in found.rows.tolist()]), np.array([own[row] for row in found.rows.tolist()])
    likely = dict(zip(found.rows.tolist(), are_likely(found, *pair).tolist(), strict=True))
    assert likely == {0: True, 1: True, 2: False, 3: True, 4: False}


def test_more_neighbours_that_agree_are_more_evidence_and_those_that_object_less() -> None:
    found = find_label_errors(np.tile([[0.03, 0.97]], (9, 1)), np.zeros(9, np.int64))
    assert (np.diff(evidence(found, np.arange(9), np.zeros(9, np.int64))) > 0).all()
    assert (np.diff(evidence(found, np.zeros(9, np.int64), np.arange(9))) < 0).all()
    without = evidence(found, np.zeros(9, np.int64), np.zeros(9, np.int64))
    assert without == pytest.approx(np.log(0.97 / 0.03))


def test_nothing_is_suspected_where_all_agree() -> None:
    found = find_label_errors(np.eye(3), np.arange(3))
    assert len(found.rows) == len(found.suggested) == len(found.probabilities) == 0
