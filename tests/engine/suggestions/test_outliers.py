"""Outliers: what lies far from everything comes first, also in two copies, also among more than are compared."""

from __future__ import annotations

import numpy as np
import pytest

from engine.suggestions import outliers
from engine.suggestions.outliers import strangeness_of


def planted(num: int, num_odd: int, seed: int = 0) -> np.ndarray:
    """Returns embeddings in a few kinds, then odd ones each in a direction of its own."""
    generator = np.random.default_rng(seed)
    kinds = generator.standard_normal((5, 64))
    rows = kinds[generator.integers(0, 5, num)] + 0.2 * generator.standard_normal((num, 64))
    return np.concatenate([rows, 2 * generator.standard_normal((num_odd, 64))]).astype(np.float32)


def test_what_is_like_nothing_else_is_strangest() -> None:
    rows = planted(300, 6)
    strangeness = strangeness_of(lambda some: rows[some], len(rows))
    assert set(np.argsort(-strangeness)[:6].tolist()) == set(range(300, 306))


def test_two_copies_of_an_odd_picture_do_not_hide_each_other() -> None:
    rows = planted(300, 3)
    rows = np.concatenate([rows, rows[-1:]])
    strangeness = strangeness_of(lambda some: rows[some], len(rows))
    assert {302, 303} <= set(np.argsort(-strangeness)[:4].tolist())


def test_among_more_images_than_are_compared_the_same_ones_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = planted(900, 5)
    exact = strangeness_of(lambda some: rows[some], len(rows))
    monkeypatch.setattr(outliers, "_MOST_COMPARED", 300)
    sampled = strangeness_of(lambda some: rows[some], len(rows))
    assert set(np.argsort(-sampled)[:5].tolist()) == set(np.argsort(-exact)[:5].tolist()) == set(range(900, 905))


@pytest.mark.parametrize("num", [0, 1])
def test_fewer_than_two_images_are_not_strange(num: int) -> None:
    rows = np.ones((num, 4), np.float32)
    assert strangeness_of(lambda some: rows[some], num).tolist() == [0] * num


def test_identical_images_are_not_strange_at_all() -> None:
    rows = np.ones((20, 4), np.float32)
    assert strangeness_of(lambda some: rows[some], 20) == pytest.approx(0, abs=1e-6)
