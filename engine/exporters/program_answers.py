"""The program's own side of the parity check: what a version says of pixels, by the processor, anew from the file."""

from __future__ import annotations

from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from engine.nn.device import CPU
from engine.nn.embed import Embedder
from engine.nn.run_model import RunModel

Answer = tuple[NDArray[np.float32], float]
"""Probabilities (K,) and unknown score of one picture."""


class ProgramAnswers:
    """Asks a version of the model. On the processor, whose digits are the same everywhere.

    What it has said is kept by the pixels themselves (a cached feature may belong to what a file held before), so that
    several formats of one version, exported one after the other in the worker process, are compared with the same.
    """

    def __init__(self, model: RunModel) -> None:
        self._model = model
        self._kept: dict[bytes, Answer] = {}
        self._embedder: Embedder | None = None

    def __call__(self, pixels: NDArray[np.uint8]) -> Answer:
        key = blake2b(np.ascontiguousarray(pixels).data, digest_size=16, salt=_salt(pixels)).digest()
        if key not in self._kept:
            if self._embedder is None:
                model = self._model
                self._embedder = Embedder(model.spec, model.weights, model.preprocessing, device=CPU)
            features = self._embedder.embed(pixels)[None]
            probabilities = self._model.probabilities(features)[0]
            self._kept[key] = probabilities, float(self._model.unknown_scores(features)[0])
        return self._kept[key]

    def close(self) -> None:
        """Gives back the network's memory; what was said is kept."""
        if self._embedder is not None:
            self._embedder.close()
            self._embedder = None


_latest: tuple[bytes, ProgramAnswers] | None = None


def answers_of(model: RunModel) -> ProgramAnswers:
    """Returns the answers of a version; those that were asked for before while it is the same one as last time."""
    global _latest
    fingerprint = _fingerprint(model)
    if _latest is None or _latest[0] != fingerprint:
        _latest = fingerprint, ProgramAnswers(model)
    return _latest[1]


def _fingerprint(model: RunModel) -> bytes:
    head, digest = model.head, blake2b(digest_size=16)
    words = (model.weights_hash, model.spec.file_stem, model.preprocessing.key, model.mode.value, head.temperature)
    digest.update(repr(words).encode())
    for array in (head.mean, head.scale, head.weight, head.bias):
        digest.update(np.ascontiguousarray(array).data)
    if model.unknown is not None:
        for name, array in sorted(model.unknown.arrays().items()):
            digest.update(name.encode())
            digest.update(np.ascontiguousarray(array).data)
    return digest.digest()


def _salt(pixels: NDArray[np.uint8]) -> bytes:
    """Tells apart pictures of different shapes with the same bytes."""
    height, width = (int(side) for side in pixels.shape[:2])
    return height.to_bytes(8, "little") + width.to_bytes(8, "little")
