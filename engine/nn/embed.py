"""Images to embeddings: decode threads feed a forward pass on what this machine has; failures are collected.

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
from engine.language import tr
from engine.nn.device import Device, choose_device
from engine.nn.forward import Floats, Forward
from engine.nn.preprocess_graph import Preprocessor
from engine.nn.preprocessing import Preprocessing, default_preprocessing
from engine.settings import num_threads as usable_threads

BATCH_SIZE = 16
GPU_BATCH_SIZE = 128
NOT_FINITE = tr("The network gives no finite embedding for it.")


@dataclass(frozen=True, slots=True)
class EmbeddedBlock:
    """What became of a run of consecutive images.

    `kept` and `failed` hold positions in the sequence that was given to `Embedder.blocks`; `features` (len(kept), D)
    float32 belongs to `kept`; `reasons` belongs to `failed`.
    """

    kept: list[int]
    features: Floats
    failed: list[int]
    reasons: list[str]


@dataclass(slots=True)
class _Batch:
    """Positions of consecutive images, with the views or the error of each on their way, then those that are good."""

    positions: list[int]
    decoded: list[Future[Floats | ImageError]] = field(default_factory=list)
    good: list[int] = field(default_factory=list)
    failed: list[int] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    collect: Callable[[], Floats] | None = None


class Embedder:
    """Turns image files into embeddings with one backbone. For one thread at a time; close it when done."""

    def __init__(
        self,
        spec: BackboneSpec,
        weights: Path,
        preprocessing: Preprocessing | None = None,
        num_threads: int = 0,
        device: Device | None = None,
    ) -> None:
        """Loads the backbone, making its graph first when this machine has not used it yet.

        Args:
            spec: the backbone.
            weights: its weights file, hash checked (see `engine.weights.find_weights`).
            preprocessing: None = what new runs of this backbone use.
            num_threads: 0 = as many as the program's settings allow.
            device: None = the best one that is here. The processor gives embeddings that are exact to the last digit
                on every machine; a GPU's differ by about 1e-3.

        Raises:
            BackboneError: the weights cannot be used.
        """
        self.preprocessing = preprocessing or default_preprocessing(spec)
        self.embedding_size = spec.embedding_size
        threads = num_threads or usable_threads(has_window=False)
        self._forward_pass = Forward(spec, weights, threads, choose_device() if device is None else device)
        self._preprocess = Preprocessor(self.preprocessing)
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="decode")

    @property
    def device(self) -> Device:
        """Where the network runs now."""
        return self._forward_pass.device

    @property
    def notes(self) -> list[str]:
        """Sentences about what did not go as planned, such as a GPU that failed."""
        return self._forward_pass.notes

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
        features: list[Floats] = []
        failed: list[int] = []
        reasons: list[str] = []
        for batch in self._computed(paths, checkpoint):
            failed += batch.failed
            reasons += batch.reasons
            if batch.collect is not None:
                rows = self._embeddings_of(batch.collect())
                is_finite: NDArray[np.bool_] = np.logical_and.reduce(np.isfinite(rows), axis=1)
                features.append(rows[is_finite])
                for position, is_good in zip(batch.good, is_finite, strict=True):
                    (kept if is_good else failed).append(position)
                    if not is_good:
                        reasons.append(NOT_FINITE)
            if len(kept) + len(failed) >= block_size or batch.positions[-1] == len(paths) - 1:
                yield EmbeddedBlock(kept, self._stacked(features), failed, reasons)
                kept, features, failed, reasons = [], [], [], []

    def embed(self, pixels: NDArray[np.uint8]) -> Floats:
        """Returns the embedding (D,) of one decoded image uint8 (H, W, 3)."""
        embedding: Floats = self._forward(self._preprocess(pixels))[0]
        return embedding

    def close(self) -> None:
        """Ends the decode threads. Safe to call twice."""
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._forward_pass.close()

    def __enter__(self) -> Embedder:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _computed(self, paths: Sequence[Path], checkpoint: Callable[[], None]) -> Iterator[_Batch]:
        """Yields batches in order, their embeddings started; on a GPU one is computed while the next one is sent."""
        started: deque[_Batch] = deque()
        for batch in self._decoded_ahead(paths):
            checkpoint()
            views = []
            for position, future in zip(batch.positions, batch.decoded, strict=True):
                outcome = future.result()
                if isinstance(outcome, ImageError):
                    batch.failed.append(position)
                    batch.reasons.append(str(outcome))
                else:
                    batch.good.append(position)
                    views.append(outcome)
            batch.decoded = []
            if views:
                batch.collect = self._forward_pass.start(np.concatenate(views))
            started.append(batch)
            if len(started) > self._forward_pass.device.is_gpu:
                yield started.popleft()
        yield from started

    def _decoded_ahead(self, paths: Sequence[Path]) -> Iterator[_Batch]:
        """Yields batches in order while the next one is being decoded."""
        waiting: deque[_Batch] = deque()
        start = 0
        try:
            while start < len(paths):
                positions = list(range(start, min(start + self._batch_size(), len(paths))))
                start = positions[-1] + 1
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

    def _batch_size(self) -> int:
        """Images at a time: more on a GPU, fewer where memory is short."""
        fitting = max(1, self._forward_pass.max_views // self.preprocessing.num_views)
        return min(fitting, GPU_BATCH_SIZE if self._forward_pass.device.is_gpu else BATCH_SIZE)

    def _decode(self, path: Path) -> Floats | ImageError:
        try:
            return self._preprocess(decode_rgb(path))
        except ImageError as err:
            return err

    def _forward(self, views: Floats) -> Floats:
        """Returns the embeddings (B, D) of images from all their views (B * V, 3, S, S)."""
        return self._embeddings_of(self._forward_pass(views))

    def _embeddings_of(self, outputs: Floats) -> Floats:
        """Returns the mean over the views of each image, scaled to length 1: (B * V, D) to (B, D)."""
        means = outputs.reshape(-1, self.preprocessing.num_views, outputs.shape[1]).mean(axis=1)
        # An embedding of zeros (a network that sees nothing) stays zero.
        lengths = np.linalg.norm(means, axis=1, keepdims=True)
        embeddings: Floats = means / np.where(lengths > 0, lengths, 1)
        return embeddings

    def _stacked(self, features: list[Floats]) -> Floats:
        return np.concatenate(features) if features else np.empty((0, self.embedding_size), np.float32)
