"""Eigenvectors of symmetric matrices, while the interpreter is free for others."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest

from engine.nn.symmetric_eigen import symmetric_eigen


@pytest.mark.parametrize("size", [0, 1, 2, 37, 300])
def test_values_and_vectors_are_those_of_numpy(size: int) -> None:
    half = np.random.default_rng(size).standard_normal((size, size)).astype(np.float32)
    matrix = half @ half.T
    before = matrix.copy()
    values, vectors = symmetric_eigen(matrix)
    assert np.array_equal(matrix, before)
    np.testing.assert_allclose(values, np.linalg.eigvalsh(matrix.astype(np.float64)), atol=1e-4 * max(1, size))
    np.testing.assert_allclose((vectors * values) @ vectors.T, matrix, atol=1e-4 * max(1, size))
    np.testing.assert_allclose(vectors.T @ vectors, np.eye(size), atol=1e-4)


def test_what_is_no_number_is_an_error_and_no_crash() -> None:
    with pytest.raises(np.linalg.LinAlgError):
        symmetric_eigen(np.full((40, 40), np.nan, np.float32))


def test_other_threads_go_on_meanwhile() -> None:
    half = np.random.default_rng(0).standard_normal((1200, 1200)).astype(np.float32)
    matrix = half @ half.T
    worker = threading.Thread(target=symmetric_eigen, args=(matrix,))
    worker.start()
    turns = 0
    while worker.is_alive():
        time.sleep(0.001)
        turns += 1
    assert turns > 5  # one, if the lock were held
