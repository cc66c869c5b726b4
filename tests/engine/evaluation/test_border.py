"""The warning about the edges of the pictures is given where they decide, and not by chance."""

from __future__ import annotations

import numpy as np

from engine.evaluation.border import FEWEST_IMAGES, border_warning

EVEN = 0.3


def test_evidence_on_the_border_is_told() -> None:
    shares = np.random.default_rng(0).uniform(0.6, 0.9, 40)
    warning = border_warning(shares, np.full(40, EVEN))
    assert warning is not None
    assert "edges" in warning
    assert "30 %" in warning


def test_evidence_in_the_middle_or_everywhere_is_not() -> None:
    rng = np.random.default_rng(1)
    assert border_warning(rng.uniform(0, 0.3, 40), np.full(40, EVEN)) is None
    assert border_warning(rng.uniform(0.2, 0.5, 40), np.full(40, EVEN)) is None


def test_a_few_pictures_prove_nothing() -> None:
    assert border_warning(np.ones(FEWEST_IMAGES - 1), np.full(FEWEST_IMAGES - 1, EVEN)) is None


def test_one_strange_picture_among_many_proves_nothing() -> None:
    shares = np.full(20, 0.2)
    shares[0] = 1.0
    assert border_warning(shares, np.full(20, EVEN)) is None
