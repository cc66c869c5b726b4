"""The head: multinomial logistic regression on standardised embeddings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Head:
    """A linear classifier on standardised embeddings, float32 throughout.

    logits = ((embedding - mean) / scale) @ weight.T + bias; probabilities = softmax(logits / temperature).
    Shapes: mean (D,), scale (D,), weight (K, D), bias (K,).
    """

    mean: NDArray[np.float32]
    scale: NDArray[np.float32]
    weight: NDArray[np.float32]
    bias: NDArray[np.float32]
    temperature: float = 1.0

    def logits(self, features: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
        """Returns raw logits (N, K), before the temperature, for embeddings (N, D)."""
        standardised = (features.astype(np.float32) - self.mean) / self.scale
        return standardised @ self.weight.T + self.bias


def probabilities_of(logits: NDArray[np.float32], temperature: float = 1.0) -> NDArray[np.float32]:
    """Returns softmax(logits / temperature) along the last axis."""
    scaled = logits / np.float32(temperature)
    scaled = scaled - scaled.max(axis=-1, keepdims=True)
    exponentials = np.exp(scaled)
    result: NDArray[np.float32] = exponentials / exponentials.sum(axis=-1, keepdims=True)
    return result
