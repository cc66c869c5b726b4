"""The same picture is found again however it was saved; another picture is not taken for it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from engine.images.fingerprint import FINGERPRINT_SIDE, fingerprint_of_pixels
from engine.suggestions.alignment import aligned_likeness
from engine.suggestions.near_duplicates import SAME_DETAIL, near_duplicates, similar_pairs


def unit_rows(rng: np.random.Generator, count: int, size: int) -> np.ndarray:
    rows = rng.standard_normal((count, size)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@settings(max_examples=30, deadline=None)
@given(
    count=st.integers(2, 60),
    size=st.integers(2, 90),
    limit=st.floats(0.2, 0.99),
    first_new=st.integers(0, 30),
    seed=st.integers(0, 5),
)
def test_every_pair_above_the_limit_is_found_and_no_other(
    count: int, size: int, limit: float, first_new: int, seed: int
) -> None:
    rows = unit_rows(np.random.default_rng(seed), count, size)
    pairs, cosines = similar_pairs(rows, limit, first_new)
    likeness = np.triu(rows @ rows.T, 1)
    wanted = {(one, other) for one, other in np.argwhere(likeness >= limit + 1e-5).tolist() if other >= first_new}
    allowed = {(one, other) for one, other in np.argwhere(likeness >= limit - 1e-5).tolist() if other >= first_new}
    found = {(one, other) for one, other in pairs.tolist()}
    assert wanted <= found <= allowed
    np.testing.assert_allclose(cosines, [likeness[one, other] for one, other in pairs], atol=1e-5)


def test_pairs_are_found_across_blocks() -> None:
    rng = np.random.default_rng(0)
    rows = unit_rows(rng, 2500, 64)
    rows[2400] = rows[3]
    rows[1500] = rows[1100]
    pairs, _ = similar_pairs(rows, 0.99)
    assert sorted(map(tuple, pairs.tolist())) == [(3, 2400), (1100, 1500)]


def scene(seed: int) -> np.ndarray:
    """A picture with broad shapes and fine detail, uint8 (240, 320, 3)."""
    rng = np.random.default_rng(seed)
    small = Image.fromarray(rng.integers(0, 255, (9, 12, 3), np.uint8)).resize((320, 240), Image.Resampling.BICUBIC)
    fine = Image.fromarray(rng.integers(0, 255, (60, 80, 3), np.uint8)).resize((320, 240), Image.Resampling.BICUBIC)
    return np.asarray(Image.blend(small, fine, 0.4))


def variants(pixels: np.ndarray) -> list[np.ndarray]:
    image = Image.fromarray(pixels)
    shifted = np.pad(pixels, ((9, 0), (12, 0), (0, 0)), mode="reflect")[: pixels.shape[0], : pixels.shape[1]]
    return [
        np.asarray(image.resize((160, 120), Image.Resampling.LANCZOS)),
        np.asarray(image.crop((8, 6, 312, 234))),
        shifted,
    ]


def test_a_picture_resized_cut_or_moved_shows_the_same_detail() -> None:
    side = FINGERPRINT_SIDE
    prints = {
        seed: [fingerprint_of_pixels(each).reshape(side, side) for each in (scene(seed), *variants(scene(seed)))]
        for seed in range(6)
    }
    first = np.stack([each[0] for each in prints.values() for _ in each[1:]])
    second = np.stack([changed for each in prints.values() for changed in each[1:]])
    assert aligned_likeness(first, second).min() >= SAME_DETAIL
    others = np.stack([prints[(seed + 1) % 6][index] for seed in range(6) for index in (1, 2, 3)])
    assert aligned_likeness(first, others).max() < 0.6


def test_pictures_without_any_detail_are_like_nothing() -> None:
    flat = np.zeros((2, FINGERPRINT_SIDE, FINGERPRINT_SIDE), np.float32)
    assert (aligned_likeness(flat, flat) < SAME_DETAIL).all()
    assert len(near_duplicates(np.eye(2, 8, dtype=np.float32), flat.reshape(2, -1))) == 0


def test_only_pairs_with_something_new_are_looked_at() -> None:
    pixels = [scene(0), variants(scene(0))[0], scene(1), variants(scene(1))[1]]
    prints = np.stack([fingerprint_of_pixels(each) for each in pixels])
    features = np.repeat(np.eye(2, 8, dtype=np.float32), 2, axis=0)
    assert near_duplicates(features, prints).tolist() == [[0, 1], [2, 3]]
    assert near_duplicates(features, prints, first_new=2).tolist() == [[2, 3]]
    assert near_duplicates(features, prints, first_new=4).tolist() == []


@pytest.mark.parametrize("set_name", ["steel_neu", "blood_cells"])
def test_real_look_alikes_are_not_taken_for_the_same_picture(shared_data: Path, set_name: str) -> None:
    """Judged by fingerprints alone, with every pair looked at: the strictest case there is."""
    from engine.images.fingerprint import fingerprint

    files = [file for folder in sorted((shared_data / set_name).iterdir()) for file in sorted(folder.iterdir())[:8]]
    prints = np.stack([fingerprint(file) for file in files])
    alike = np.ones((len(files), 4), np.float32) / 2
    assert len(near_duplicates(alike, prints)) <= 1
