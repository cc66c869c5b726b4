"""ExportModel: a run as a folder that works without this program, checked against it before it appears."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from engine.domain import ImageRecord, ImageStatus, Run
from engine.errors import BackboneError, ExportError, TrainingError
from engine.exporters.parity import MAX_PARITY_IMAGES, Parity, ParityImage
from engine.exporters.protocol import ModelFacts, WriteContext
from engine.exporters.registry import model_format
from engine.extras import extra, is_installed, not_installed
from engine.files import PendingFolder, disk_error, sync_folder_tree
from engine.job import Job, JobContext
from engine.language import tr
from engine.nn.run_model import load_run_model, read_run
from engine.own_backbones import BACKBONE_FILE
from engine.project import Project
from engine.settings import user_data_folder
from engine.weights import find_weights

MAX_CALIBRATION_IMAGES: Final = 100
FEWEST_CALIBRATION_IMAGES: Final = 30
"""What reduced precision is set on."""


@dataclass(frozen=True, slots=True)
class ExportSnapshot:
    """What the worker needs: where the run lies, what to say of it, and the images to check on."""

    format: str
    run_folder: Path
    project_folder: Path
    facts: ModelFacts
    images: list[ParityImage]
    calibration_images: list[Path]
    work_folder: Path


@dataclass(frozen=True, slots=True)
class ExportReport:
    """What lies in `folder` now; `files` are the names in it, `size_bytes` is the size of all of it."""

    format: str
    folder: Path
    files: list[str]
    parity: Parity
    size_bytes: int = 0

    def document(self) -> dict[str, Any]:
        """Returns the JSON document of `graft export` (DESIGN section 6)."""
        return {
            "format": self.format,
            "folder": str(self.folder),
            "files": self.files,
            "size_bytes": self.size_bytes,
            "parity": self.parity.document(),
        }


class ExportModel(Job[ExportSnapshot, Parity, ExportReport]):
    """Exports a run (the active one unless another is named) to a folder that must be new or empty."""

    title: ClassVar[str] = tr("Exporting")
    in_worker: ClassVar[bool] = True

    def __init__(self, project: Project, format: str, to_folder: Path, run: Run | None = None) -> None:
        self.project, self.format, self.to_folder, self.run = project, format, to_folder, run
        self._pending: PendingFolder | None = None

    def prepare(self) -> ExportSnapshot:
        needed = model_format(self.format).extra
        if needed and not is_installed(extra(needed)):
            raise not_installed(extra(needed))
        run = self.run or self.project.active_run()
        if run is None:
            raise ExportError(tr("This project has no trained model yet."), tr("Label some images and retrain first."))
        self.project.keep_run(run, tr("Exported to {name}", name=self.to_folder.name))
        run_folder = self.project.run_dir(run)
        facts = _facts_of(self.project.name, run, self.project.false_alarm_rate())
        readable = [image for image in self.project.images() if image.status == ImageStatus.READABLE]
        chosen = _spread(readable, MAX_PARITY_IMAGES)
        images = self._with_predictions(chosen, run)
        taken = {image.id for image in chosen}
        others = [image for image in readable if image.id not in taken]
        # Other images than those that are compared, where there are enough to set the precision on.
        calibration = others if len(others) >= FEWEST_CALIBRATION_IMAGES else readable
        paths = [image.path for image in _spread(calibration, MAX_CALIBRATION_IMAGES)]
        self._pending = PendingFolder(self.to_folder.absolute())
        return ExportSnapshot(
            self.format, run_folder, self.project.folder, facts, images, paths, self._pending.work_path
        )

    def _with_predictions(self, images: Sequence[ImageRecord], run: Run) -> list[ParityImage]:
        """Returns images with what the run says of them, in the order of its classes."""
        predictions = self.project.predictions(run)
        shown: dict[int, NDArray[np.floating[Any]]] = {}
        if predictions is not None and sorted(predictions.class_ids) == sorted(run.class_ids):
            columns = [predictions.class_ids.tolist().index(class_id) for class_id in run.class_ids]
            rows = predictions.probabilities[:, columns]
            shown = dict(zip(predictions.image_ids.tolist(), rows, strict=True))
        return [ParityImage(image.path, image.size_bytes, image.mtime_ns, shown.get(image.id)) for image in images]

    @staticmethod
    def work(snapshot: ExportSnapshot, context: JobContext) -> Parity:
        # Here and not above: it brings torch and onnxruntime, which the engine thread has no need of.
        from engine.exporters.package import write_package

        context.progress(0, 0, tr("loading the model"))
        model = load_run_model(snapshot.run_folder, snapshot.project_folder)
        folder = snapshot.work_folder
        write_context = WriteContext(context, snapshot.run_folder, snapshot.project_folder, snapshot.calibration_images)
        try:
            parity = write_package(snapshot.format, model, snapshot.facts, snapshot.images, folder, write_context)
            sync_folder_tree(folder)
        except OSError as err:
            raise disk_error(err, folder) from err
        return parity

    def finish(self, result: Parity) -> ExportReport:
        assert self._pending is not None
        self._pending.commit()
        folder = self._pending.path
        files = sorted(file for file in folder.rglob("*") if file.is_file())
        size_bytes = sum(file.stat().st_size for file in files)
        names = sorted(file.name for file in folder.iterdir())
        return ExportReport(self.format, folder, names, result, size_bytes)

    def clean_up(self) -> None:
        if self._pending is not None:
            self._pending.discard()


def weights_bytes(project: Project, run: Run) -> int:
    """Returns about how large the weights of a version's network are; 0 where they are not on this machine.

    A file of weights may hold a classifier for classes of its own, which does not leave; the graph that the program
    computes with (see `engine.nn.onnx_graph`) is nearer to what does.
    """
    own = project.run_dir(run) / BACKBONE_FILE
    try:
        spec = read_run(project.run_dir(run), Path()).spec
        graphs = (user_data_folder() / "graphs").glob(f"{spec.file_stem}-{run.weights_hash[:16]}-*.onnx")
        weights = own if own.is_file() else find_weights(spec, project.folder)
        return next(graphs, weights).stat().st_size
    except (BackboneError, TrainingError, OSError):
        return 0


def _facts_of(project_name: str, run: Run, false_alarm_rate: float) -> ModelFacts:
    return ModelFacts(
        project_name=project_name,
        run_id=run.id,
        made_at=datetime.fromtimestamp(run.created_at, UTC).isoformat(timespec="seconds"),
        depth=run.depth,
        seed=run.seed,
        num_images=run.num_images,
        labels_hash=run.labels_hash,
        validation=run.validation,
        false_alarm_rate=false_alarm_rate,
        unknown=run.unknown,
    )


def _spread(images: list[ImageRecord], most: int) -> list[ImageRecord]:
    """Returns at most `most` of the images, evenly over the whole list, always the same ones."""
    if len(images) <= most:
        return images
    positions = np.linspace(0, len(images) - 1, most).round().astype(int)
    return [images[position] for position in positions]
