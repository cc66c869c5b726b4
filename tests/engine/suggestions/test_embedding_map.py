"""The map: look-alikes together, the same every time, and what comes later moves nothing."""

from __future__ import annotations

import numpy as np
import pytest

from engine.suggestions.embedding_map import lay_out, place


def clusters(num_each: int, num_clusters: int = 4, size: int = 64, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    centres = np.random.default_rng(9).normal(size=(num_clusters, size))
    names = np.repeat(np.arange(num_clusters), num_each)
    return (centres[names] + 0.2 * rng.normal(size=(len(names), size))).astype(np.float32), names


def reader(embeddings: np.ndarray):
    return lambda rows: embeddings[rows]


@pytest.fixture(scope="module")
def made():
    embeddings, names = clusters(60)
    return lay_out(reader(embeddings), len(embeddings)), embeddings, names


def test_look_alikes_lie_together(made) -> None:
    found, _, names = made
    middles = np.stack([found.places[names == name].mean(axis=0) for name in range(4)])
    far = np.linalg.norm(found.places[:, None] - middles, axis=2)
    assert (far.argmin(axis=1) == names).all()


def test_all_places_are_in_the_unit_square(made) -> None:
    assert made[0].places.min() >= 0
    assert made[0].places.max() <= 1
    assert np.ptp(made[0].places, axis=0).max() == pytest.approx(1, abs=1e-5)


def test_the_same_embeddings_and_seed_give_the_same_map(made) -> None:
    found, embeddings, _ = made
    np.testing.assert_array_equal(lay_out(reader(embeddings), len(embeddings)).places, found.places)


def test_others_are_placed_among_their_look_alikes(made) -> None:
    found, _, names = made
    new, new_names = clusters(10, seed=5)
    places = place(found, new)
    middles = np.stack([found.places[names == name].mean(axis=0) for name in range(4)])
    assert (np.linalg.norm(places[:, None] - middles, axis=2).argmin(axis=1) == new_names).all()


@pytest.mark.parametrize("count", [1, 2, 3, 5, 6, 10, 40])
def test_few_images_have_a_map_too(count: int) -> None:
    embeddings = np.random.default_rng(0).normal(size=(count, 16)).astype(np.float32)
    found = lay_out(reader(embeddings), count)
    assert found.places.shape == (count, 2)
    assert np.isfinite(found.places).all()
    assert place(found, embeddings[:1]).shape == (1, 2)


def test_equal_images_have_a_map_too() -> None:
    embeddings = np.ones((30, 16), np.float32)
    assert np.isfinite(lay_out(reader(embeddings), 30).places).all()


def test_it_can_be_cancelled_at_any_time() -> None:
    class StopError(Exception):
        pass

    embeddings, _ = clusters(40)
    told: list[int] = []

    def tell(done: int, total: int, note: str) -> None:
        told.append(done)
        if done > 50:
            raise StopError

    with pytest.raises(StopError):
        lay_out(reader(embeddings), len(embeddings), 0, tell)
    assert told == sorted(told)
