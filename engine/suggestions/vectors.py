"""Embeddings as directions: what cosine and Euclidean distance agree on."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

_SHORTEST: Final = np.float32(1e-12)


def unit_vectors(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Returns vectors (n, D) divided by their lengths; those of length 0 stay as they are."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    result: NDArray[np.float32] = vectors / np.maximum(lengths, _SHORTEST)
    return result
