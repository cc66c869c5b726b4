"""What turns image files into probabilities: a run's backbone and head, or an exported graph as a whole."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray
from onnxruntime.capi import onnxruntime_pybind11_state as ort_state

from engine.errors import ImageError, ImportFormatError
from engine.images.decode import decode_rgb
from engine.nn.onnx_graph import pixels_to_probabilities
from engine.nn.run_model import RunModel
from engine.settings import num_threads as usable_threads

GRAPH_ERRORS: Final = (
    ort_state.EngineError,
    ort_state.EPFail,
    ort_state.Fail,
    ort_state.InvalidArgument,
    ort_state.InvalidGraph,
    ort_state.InvalidProtobuf,
    ort_state.NotImplemented,
    ort_state.RuntimeException,
    RuntimeError,
    ValueError,
)
"""What ONNX Runtime raises for a graph that it cannot load or run; these have no common base."""

_BLOCK_SIZE: Final = 64
_LOG_NOTHING: Final = 4


@dataclass(frozen=True, slots=True)
class ClassifiedBlock:
    """What became of some images, in the words of `engine.nn.embed.EmbeddedBlock`; `probabilities` (len(kept), K)."""

    kept: list[int]
    probabilities: NDArray[np.float32]
    failed: list[int]
    reasons: list[str]


class Classifier(Protocol):
    """A model ready to be asked. `class_names` has K names, in the order of the probabilities."""

    @property
    def class_names(self) -> Sequence[str]: ...

    def blocks(self, paths: Sequence[Path], checkpoint: Callable[[], None]) -> Iterator[ClassifiedBlock]:
        """Yields the probabilities of `paths` block by block, in order; images that cannot be read are in `failed`."""


@dataclass(frozen=True, slots=True)
class RunClassifier:
    """A run, or a model made of the same parts: embeds in batches, then asks the head."""

    model: RunModel

    @property
    def class_names(self) -> Sequence[str]:
        return self.model.class_names

    def blocks(self, paths: Sequence[Path], checkpoint: Callable[[], None]) -> Iterator[ClassifiedBlock]:
        from engine.nn.embed import Embedder

        with Embedder(self.model.spec, self.model.weights, self.model.preprocessing) as embedder:
            for block in embedder.blocks(paths, checkpoint=checkpoint):
                probabilities = self.model.probabilities(block.features)
                yield ClassifiedBlock(block.kept, probabilities, block.failed, block.reasons)


class GraphClassifier:
    """An exported graph, asked as it is: pixels in, probabilities out, one image at a time in several threads."""

    def __init__(self, graph: bytes, class_names: Sequence[str]) -> None:
        """Loads the graph, whose form the caller has checked.

        Raises:
            one of GRAPH_ERRORS: ONNX Runtime cannot load it.
        """
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1  # The callers are several threads already.
        options.inter_op_num_threads = 1
        options.enable_mem_pattern = False  # Shapes change with every picture.
        options.log_severity_level = _LOG_NOTHING  # What goes wrong is raised; stderr belongs to the command line.
        self._session = ort.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        self.class_names = class_names

    def blocks(self, paths: Sequence[Path], checkpoint: Callable[[], None]) -> Iterator[ClassifiedBlock]:
        """As `Classifier.blocks`.

        Raises:
            ImportFormatError: the graph does not run, or gives no probabilities.
        """
        threads = usable_threads(has_window=False)
        pool = ThreadPoolExecutor(threads, thread_name_prefix="classify")
        try:
            waiting: deque[Future[NDArray[np.float32] | ImageError]] = deque()
            rest = iter(paths)
            kept, rows, failed, reasons = [], [np.empty((0, len(self.class_names)), np.float32)], [], []
            for position in range(len(paths)):
                while len(waiting) <= 2 * threads and (path := next(rest, None)) is not None:
                    waiting.append(pool.submit(self._classify, path))
                checkpoint()
                outcome = waiting.popleft().result()
                if isinstance(outcome, ImageError):
                    failed.append(position)
                    reasons.append(str(outcome))
                else:
                    kept.append(position)
                    rows.append(outcome[None])
                if len(kept) + len(failed) >= _BLOCK_SIZE or position == len(paths) - 1:
                    yield ClassifiedBlock(kept, np.concatenate(rows), failed, reasons)
                    kept, rows, failed, reasons = [], rows[:1], [], []
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    def _classify(self, path: Path) -> NDArray[np.float32] | ImageError:
        try:
            pixels = decode_rgb(path)
        except ImageError as err:
            return err
        try:
            probabilities = pixels_to_probabilities(self._session, pixels)
        except GRAPH_ERRORS as err:
            raise ImportFormatError("The exported model does not run.", "Export it again.") from err
        is_right_shape = probabilities.shape == (len(self.class_names),)
        if not is_right_shape or not np.isfinite(probabilities).all() or abs(probabilities.sum() - 1) > 1e-3:
            raise ImportFormatError("The exported model gives no probabilities.", "Export it again.")
        return probabilities
