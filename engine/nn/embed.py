"""Images to embeddings: decode threads feed an ONNX Runtime session; failures are collected, never raised."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.backbones import BackboneSpec
from engine.nn.preprocess import Preprocessing


@dataclass(frozen=True, slots=True)
class EmbeddedBlock:
    """What became of a run of consecutive images.

    `kept` and `failed` hold positions in the sequence that was given to `Embedder.blocks`; `features` (len(kept), D)
    float32 belongs to `kept`; `reasons` belongs to `failed`.
    """

    kept: list[int]
    features: NDArray[np.float32]
    failed: list[int]
    reasons: list[str]


class Embedder:
    """Turns image files into embeddings with one backbone. Not for several threads at once; close it when done."""

    def __init__(
        self, spec: BackboneSpec, weights: Path, preprocessing: Preprocessing | None = None, num_threads: int = 0
    ) -> None:
        raise NotImplementedError

    def blocks(self, paths: Sequence[Path], block_size: int = 64) -> Iterator[EmbeddedBlock]:
        """Yields the embeddings of `paths` block by block, in order, decoding ahead in other threads."""
        raise NotImplementedError

    def embed(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Returns the embedding (D,) of one decoded image uint8 (H, W, 3)."""
        raise NotImplementedError

    def close(self) -> None:
        raise NotImplementedError
