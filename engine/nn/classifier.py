"""What turns image files into probabilities: a run's backbone and head, or an exported graph as a whole."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray
from onnxruntime.capi import onnxruntime_pybind11_state as ort_state

from engine.domain import DEFAULT_FALSE_ALARM_RATE, LabelMode
from engine.errors import ImageError, ImportFormatError
from engine.images.decode import decode_rgb
from engine.language import tr
from engine.nn.onnx_graph import ask_classifier
from engine.nn.run_model import RunModel
from engine.settings import num_threads as usable_threads

if TYPE_CHECKING:  # it brings torch
    from engine.nn.embed import Embedder

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

_Answer = tuple[NDArray[np.float32], float]
"""Probabilities (K,) and the unknown score of one image."""

_BLOCK_SIZE: Final = 64
_LOG_NOTHING: Final = 4


@dataclass(frozen=True, slots=True)
class ClassifiedBlock:
    """What became of some images, in the words of `engine.nn.embed.EmbeddedBlock`.

    Shapes: `probabilities` (len(kept), K), `unknown_scores` (len(kept),), NaN where the model cannot tell.
    """

    kept: list[int]
    probabilities: NDArray[np.float32]
    unknown_scores: NDArray[np.float32]
    failed: list[int]
    reasons: list[str]


class Classifier(Protocol):
    """A model ready to be asked. `class_names` has K names, in the order of the probabilities.

    `mode` and `thresholds` (K,) say how many classes an image has, as in `engine.nn.run_model.RunModel`; unknown scores
    of at least `unknown_threshold` belong to images that look like none of the classes.
    """

    @property
    def class_names(self) -> Sequence[str]: ...
    @property
    def mode(self) -> LabelMode: ...
    @property
    def thresholds(self) -> NDArray[np.float32] | None: ...
    @property
    def unknown_threshold(self) -> float: ...

    def blocks(self, paths: Sequence[Path], checkpoint: Callable[[], None]) -> Iterator[ClassifiedBlock]:
        """Yields the probabilities of `paths` block by block, in order; images that cannot be read are in `failed`."""

    def ask(self, pixels: NDArray[np.uint8]) -> tuple[NDArray[np.float32], float]:
        """Returns the probabilities (K,) of one decoded image (H, W, 3), and its unknown score (NaN: cannot tell)."""

    def close(self) -> None:
        """Ends what it keeps running. Safe to call twice; asking again begins anew."""


class RunClassifier:
    """A run, or a model made of the same parts: embeds in batches, then asks the head. For one thread at a time."""

    def __init__(self, model: RunModel) -> None:
        self.model = model
        self._embedder: Embedder | None = None

    @property
    def class_names(self) -> Sequence[str]:
        return self.model.class_names

    @property
    def mode(self) -> LabelMode:
        return self.model.mode

    @property
    def thresholds(self) -> NDArray[np.float32] | None:
        return self.model.thresholds

    @property
    def unknown_threshold(self) -> float:
        return self.model.unknown_threshold

    def blocks(self, paths: Sequence[Path], checkpoint: Callable[[], None]) -> Iterator[ClassifiedBlock]:
        for block in self._opened().blocks(paths, checkpoint=checkpoint):
            probabilities = self.model.probabilities(block.features)
            scores = self.model.unknown_scores(block.features)
            yield ClassifiedBlock(block.kept, probabilities, scores, block.failed, block.reasons)

    def ask(self, pixels: NDArray[np.uint8]) -> tuple[NDArray[np.float32], float]:
        features = self._opened().embed(pixels)[None]
        return self.model.probabilities(features)[0], float(self.model.unknown_scores(features)[0])

    def close(self) -> None:
        if self._embedder is not None:
            self._embedder.close()
            self._embedder = None

    def _opened(self) -> Embedder:
        """Loads the network when it is first needed; it stays loaded."""
        from engine.nn.embed import Embedder

        if self._embedder is None:
            self._embedder = Embedder(self.model.spec, self.model.weights, self.model.preprocessing)
        return self._embedder


class GraphClassifier:
    """An exported graph, asked as it is: pixels in, probabilities out, one image at a time in several threads."""

    def __init__(
        self,
        graph: bytes,
        class_names: Sequence[str],
        mode: LabelMode = LabelMode.ONE,
        thresholds: NDArray[np.float32] | None = None,
        unknown_threshold: float = 1 - DEFAULT_FALSE_ALARM_RATE,
    ) -> None:
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
        self.mode, self.thresholds, self.unknown_threshold = mode, thresholds, unknown_threshold

    def blocks(self, paths: Sequence[Path], checkpoint: Callable[[], None]) -> Iterator[ClassifiedBlock]:
        """As `Classifier.blocks`.

        Raises:
            ImportFormatError: the graph does not run, or gives no probabilities.
        """
        threads = usable_threads(has_window=False)
        pool = ThreadPoolExecutor(threads, thread_name_prefix="classify")
        try:
            waiting: deque[Future[_Answer | ImageError]] = deque()
            rest = iter(paths)
            kept, answers, failed, reasons = [], list[_Answer](), [], []
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
                    answers.append(outcome)
                if len(kept) + len(failed) >= _BLOCK_SIZE or position == len(paths) - 1:
                    yield self._block(kept, answers, failed, reasons)
                    kept, answers, failed, reasons = [], [], [], []
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    def close(self) -> None:
        """Nothing is kept running."""

    def _block(
        self, kept: list[int], answers: Sequence[_Answer], failed: list[int], reasons: list[str]
    ) -> ClassifiedBlock:
        rows = [np.empty((0, len(self.class_names)), np.float32), *(row[None] for row, _score in answers)]
        scores = np.array([score for _row, score in answers], np.float32)
        return ClassifiedBlock(kept, np.concatenate(rows), scores, failed, reasons)

    def _classify(self, path: Path) -> _Answer | ImageError:
        try:
            pixels = decode_rgb(path)
        except ImageError as err:
            return err
        return self.ask(pixels)

    def ask(self, pixels: NDArray[np.uint8]) -> tuple[NDArray[np.float32], float]:
        """Returns probabilities (K,) and the unknown score (NaN where it has none) of a picture uint8 (H, W, 3).

        Raises:
            ImportFormatError: the graph does not run, or gives no probabilities.
        """
        try:
            probabilities, score = ask_classifier(self._session, pixels)
        except GRAPH_ERRORS as err:
            raise ImportFormatError(tr("The exported model does not run."), tr("Export it again.")) from err
        is_right = probabilities.shape == (len(self.class_names),) and bool(np.isfinite(probabilities).all())
        if is_right and self.mode is LabelMode.ONE:
            is_right = abs(probabilities.sum() - 1) <= 1e-3
        if not is_right or not (math.isnan(score) or 0 <= score <= 1):
            raise ImportFormatError(tr("The exported model gives no probabilities."), tr("Export it again."))
        return probabilities, score
