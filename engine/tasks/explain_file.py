"""ExplainFile: where a run or an exported model looks in one picture file, inside or outside the project."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from engine.domain import Run
from engine.job import Job, JobContext, Priority
from engine.language import tr
from engine.nn.run_model import RUN_FILE
from engine.project import Project
from engine.settings import num_threads
from engine.tasks.predict import RunPlace, open_classifier, place_of

if TYPE_CHECKING:  # these bring ONNX Runtime, which the window's process has no need of
    from engine.importers.model import ExportedModel
    from engine.nn.view_maps import HeatMap

_LEAST_SHARE = 1e-6
_Explain = Callable[[NDArray[np.uint8], int], "HeatMap"]


@dataclass(frozen=True, slots=True)
class FileExplanation:
    """`heat` (rows, columns) float32 in 0..1 and `method` are as in `engine.tasks.explain.Explanation`."""

    heat: NDArray[np.float32]
    method: str


@dataclass(frozen=True, slots=True)
class ExplainFileSnapshot:
    model: RunPlace | ExportedModel
    path: Path
    class_index: int


class ExplainFile(Job[ExplainFileSnapshot, FileExplanation, FileExplanation]):
    """Explains one file for the class at `class_index` of the model. The network stays loaded for the next one."""

    title: ClassVar[str] = tr("Looking")
    in_worker: ClassVar[bool] = True
    priority = Priority.INTERACTIVE

    def __init__(self, model: Project | ExportedModel, path: Path, class_index: int, run: Run | None = None) -> None:
        self.model, self.path, self.class_index, self.run = model, path, class_index, run

    def prepare(self) -> ExplainFileSnapshot:
        return ExplainFileSnapshot(place_of(self.model, self.run), self.path, self.class_index)

    @staticmethod
    def work(snapshot: ExplainFileSnapshot, context: JobContext) -> FileExplanation:
        """Raises:
        ImageError: the file is gone or no picture.
        AppError: the model cannot be loaded.
        """
        from engine.images.decode import decode_rgb

        pixels = decode_rgb(snapshot.path)
        context.checkpoint()
        found = _explain_with(snapshot.model)(pixels, snapshot.class_index)
        return FileExplanation(found.heat(), found.method)

    def finish(self, result: FileExplanation) -> FileExplanation:
        return result


def _explain_with(place: RunPlace | ExportedModel) -> _Explain:
    file = place.run_folder / RUN_FILE if isinstance(place, RunPlace) else place.file
    return _loaded(place, file.stat().st_mtime_ns if file.is_file() else 0)


@lru_cache(maxsize=1)
def _loaded(place: RunPlace | ExportedModel, _changed_at: int) -> _Explain:
    from engine.nn.classifier import GraphClassifier, RunClassifier
    from engine.nn.explain import Explainer, occlusion_map

    classifier = open_classifier(place)
    if isinstance(classifier, RunClassifier):
        return Explainer(classifier.model, num_threads(has_window=True)).explain
    assert isinstance(classifier, GraphClassifier)
    graph = classifier

    def explain(pixels: NDArray[np.uint8], class_index: int) -> HeatMap:
        """A graph says nothing of its inside: places are covered one after the other."""

        def logits(pictures: list[NDArray[np.uint8]]) -> NDArray[np.float32]:
            shares = np.array([graph.ask(picture)[0][class_index] for picture in pictures], np.float64)
            shares = shares.clip(_LEAST_SHARE, 1 - _LEAST_SHARE)
            return np.asarray(np.log(shares / (1 - shares)), np.float32)

        return occlusion_map(pixels, logits)

    return explain
