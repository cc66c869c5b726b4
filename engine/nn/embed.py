"""Images to embeddings: decode threads feed an ONNX Runtime session; failures are collected, never raised.

The embedding of an image is the mean of its views' pooled features, scaled to length 1: the length says more about
contrast than about what is seen, and dropping it gained half a point on the development sets.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from engine.backbones import BackboneSpec
from engine.errors import ImageError
from engine.images.decode import decode_rgb
from engine.nn.onnx_graph import BACKBONE_INPUT, BACKBONE_OUTPUT, backbone_graph, make_session
from engine.nn.preprocess_graph import Preprocessor
from engine.nn.preprocessing import Preprocessing, default_preprocessing
from engine.settings import num_threads as usable_threads

BATCH_SIZE = 16
NOT_FINITE = "The network gives no finite embedding for it."


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


@dataclass(slots=True)
class _Batch:
    """Positions of consecutive images, with the views or the error of each on their way."""

    positions: list[int]
    decoded: list[Future[NDArray[np.float32] | ImageError]] = field(default_factory=list)


class Embedder:
    """Turns image files into embeddings with one backbone. For one thread at a time; close it when done."""

    def __init__(
        self, spec: BackboneSpec, weights: Path, preprocessing: Preprocessing | None = None, num_threads: int = 0
    ) -> None:
        """Loads the backbone's graph, making it first when this machine has not used it yet.

        Args:
            spec: the backbone.
            weights: its weights file, hash checked (see `engine.weights.find_weights`).
            preprocessing: None = what new runs of this backbone use.
            num_threads: 0 = as many as the program's settings allow.

        Raises:
            BackboneError: the weights cannot be used.
        """
        self.preprocessing = preprocessing or default_preprocessing(spec)
        self.embedding_size = spec.embedding_size
        threads = num_threads or usable_threads(has_window=False)
        self._session = make_session(backbone_graph(spec, weights), threads)
        self._preprocess = Preprocessor(self.preprocessing)
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="decode")

    def blocks(
        self, paths: Sequence[Path], block_size: int = 64, checkpoint: Callable[[], None] = lambda: None
    ) -> Iterator[EmbeddedBlock]:
        """Yields the embeddings of `paths` block by block, in order, decoding ahead in other threads.

        Args:
            paths: image files.
            block_size: about how many images a block has (rounded up to whole batches).
            checkpoint: called between batches; what it raises ends the iteration.
        """
        kept: list[int] = []
        features: list[NDArray[np.float32]] = []
        failed: list[int] = []
        reasons: list[str] = []
        for batch in self._decoded_ahead(paths):
            checkpoint()
            views = []
            positions = []
            for position, future in zip(batch.positions, batch.decoded, strict=True):
                outcome = future.result()
                if isinstance(outcome, ImageError):
                    failed.append(position)
                    reasons.append(str(outcome))
                else:
                    positions.append(position)
                    views.append(outcome)
            if views:
                rows = self._forward(np.concatenate(views))
                is_finite: NDArray[np.bool_] = np.logical_and.reduce(np.isfinite(rows), axis=1)
                features.append(rows[is_finite])
                for position, is_good in zip(positions, is_finite, strict=True):
                    (kept if is_good else failed).append(position)
                    if not is_good:
                        reasons.append(NOT_FINITE)
            if len(kept) + len(failed) >= block_size or batch.positions[-1] == len(paths) - 1:
                yield EmbeddedBlock(kept, self._stacked(features), failed, reasons)
                kept, features, failed, reasons = [], [], [], []

    def embed(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Returns the embedding (D,) of one decoded image uint8 (H, W, 3)."""
        embedding: NDArray[np.float32] = self._forward(self._preprocess(pixels))[0]
        return embedding

    def close(self) -> None:
        """Ends the decode threads. Safe to call twice."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def __enter__(self) -> Embedder:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _decoded_ahead(self, paths: Sequence[Path]) -> Iterator[_Batch]:
        """Yields batches in order while the next one is being decoded."""
        waiting: deque[_Batch] = deque()
        try:
            for start in range(0, len(paths), BATCH_SIZE):
                positions = list(range(start, min(start + BATCH_SIZE, len(paths))))
                waiting.append(
                    _Batch(positions, [self._pool.submit(self._decode, paths[index]) for index in positions])
                )
                if len(waiting) > 1:
                    yield waiting.popleft()
            while waiting:
                yield waiting.popleft()
        finally:
            for batch in waiting:  # The reader stopped early: do not decode what nobody will look at.
                for future in batch.decoded:
                    future.cancel()

    def _decode(self, path: Path) -> NDArray[np.float32] | ImageError:
        try:
            return self._preprocess(decode_rgb(path))
        except ImageError as err:
            return err

    def _forward(self, views: NDArray[np.float32]) -> NDArray[np.float32]:
        """Returns the mean over the views of each image, scaled to length 1: (B * V, 3, S, S) to (B, D)."""
        outputs: NDArray[np.float32] = self._session.run([BACKBONE_OUTPUT], {BACKBONE_INPUT: views})[0]
        means = outputs.reshape(-1, self.preprocessing.num_views, outputs.shape[1]).mean(axis=1)
        # An embedding of zeros (a network that sees nothing) stays zero.
        lengths = np.linalg.norm(means, axis=1, keepdims=True)
        embeddings: NDArray[np.float32] = means / np.where(lengths > 0, lengths, 1)
        return embeddings

    def _stacked(self, features: list[NDArray[np.float32]]) -> NDArray[np.float32]:
        return np.concatenate(features) if features else np.empty((0, self.embedding_size), np.float32)
