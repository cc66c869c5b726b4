"""Sets of classes, for images that may have several: as bits in arrays, and how probable a suggested set is.

Letters: N images, K classes, W words of 64 bits.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray


def set_confidences(probabilities: NDArray[np.floating[Any]], suggested: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Returns for each image (N,) how probable it is that exactly the suggested classes (N, K) are there.

    As if the classes came and went on their own, each with its own probability (N, K).
    """
    product = np.ones(len(probabilities))
    for of_class, is_suggested in zip(probabilities.T, suggested.T, strict=True):  # there may be a million images
        product *= np.where(is_suggested, of_class, 1 - of_class)
    return product.astype(np.float32)


def no_class_bits(num_images: int) -> NDArray[np.uint64]:
    """Returns the class bits (N, 0) of a project with one class per image."""
    return np.zeros((num_images, 0), np.uint64)


def num_class_words(last_class_id: int) -> int:
    """Returns how many words W hold the bits of all classes up to that id."""
    return last_class_id // 64 + 1


def widened(class_bits: NDArray[np.uint64], num_words: int) -> NDArray[np.uint64]:
    """Returns class bits (N, W) with at least `num_words` words: the newest of 64 classes needs one more."""
    missing = num_words - class_bits.shape[1]
    return np.pad(class_bits, ((0, 0), (0, missing))) if missing > 0 else class_bits


def has_class(class_bits: NDArray[np.uint64], class_id: int) -> NDArray[np.bool_]:
    """Returns for each image (N,) whether it has a class, by its bits (N, W)."""
    word, bit = divmod(class_id, 64)
    if word >= class_bits.shape[1]:
        return np.zeros(len(class_bits), np.bool_)
    return np.asarray(class_bits[:, word] & np.uint64(1 << bit), np.bool_)


def class_ids_of(bits: Iterable[int]) -> list[int]:
    """Returns the ids of the classes that one image's bits (W,) stand for, in ascending order."""
    return [word * 64 + bit for word, value in enumerate(bits) for bit in range(64) if int(value) >> bit & 1]
