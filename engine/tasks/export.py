"""ExportModel: a run as a folder that works without this program, checked against it before it appears."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from engine.domain import ImageRecord, ImageStatus, Run
from engine.errors import ExportError
from engine.exporters.parity import MAX_PARITY_IMAGES, Parity, ParityImage
from engine.exporters.protocol import ModelFacts
from engine.exporters.registry import FORMATS
from engine.files import PendingFolder, disk_error, sync_folder_tree
from engine.job import Job, JobContext
from engine.nn.run_model import LABELS_FILE, load_run_model
from engine.project import Project


@dataclass(frozen=True, slots=True)
class ExportSnapshot:
    """What the worker needs: where the run lies, what to say of it, and the images to check on."""

    format: str
    run_folder: Path
    project_folder: Path
    facts: ModelFacts
    images: list[ParityImage]
    work_folder: Path


@dataclass(frozen=True, slots=True)
class ExportReport:
    """What lies in `folder` now; `files` are its file names."""

    format: str
    folder: Path
    files: list[str]
    parity: Parity

    def document(self) -> dict[str, Any]:
        """Returns the JSON document of `graft export` (DESIGN section 6)."""
        return {
            "format": self.format,
            "folder": str(self.folder),
            "files": self.files,
            "parity": self.parity.document(),
        }


class ExportModel(Job[ExportSnapshot, Parity, ExportReport]):
    """Exports a run (the active one unless another is named) to a folder that must be new or empty."""

    title: ClassVar[str] = "Exporting"
    in_worker: ClassVar[bool] = True

    def __init__(self, project: Project, format: str, to_folder: Path, run: Run | None = None) -> None:
        self.project, self.format, self.to_folder, self.run = project, format, to_folder, run
        self._pending: PendingFolder | None = None

    def prepare(self) -> ExportSnapshot:
        if self.format not in FORMATS:
            raise ExportError(
                f"There is no export format called “{self.format}”.", f"Choose one of: {', '.join(FORMATS)}."
            )
        run = self.run or self.project.active_run()
        if run is None:
            raise ExportError("This project has no trained model yet.", "Label some images and retrain first.")
        self.project.keep_run(run, f"Exported to {self.to_folder.name}")
        run_folder = self.project.run_dir(run)
        facts = _facts_of(self.project.name, run, run_folder, self.project.false_alarm_rate())
        images = self._parity_images(run)
        self._pending = PendingFolder(self.to_folder.absolute())
        return ExportSnapshot(self.format, run_folder, self.project.folder, facts, images, self._pending.work_path)

    def _parity_images(self, run: Run) -> list[ParityImage]:
        """Returns images from all over the project, with what the run says of them in the order of its classes."""
        readable = [image for image in self.project.images() if image.status == ImageStatus.READABLE]
        predictions = self.project.predictions(run)
        shown: dict[int, NDArray[np.floating[Any]]] = {}
        if predictions is not None and sorted(predictions.class_ids) == sorted(run.class_ids):
            columns = [predictions.class_ids.tolist().index(class_id) for class_id in run.class_ids]
            rows = predictions.probabilities[:, columns]
            shown = dict(zip(predictions.image_ids.tolist(), rows, strict=True))
        return [
            ParityImage(image.path, image.size_bytes, image.mtime_ns, shown.get(image.id))
            for image in _spread(readable)
        ]

    @staticmethod
    def work(snapshot: ExportSnapshot, context: JobContext) -> Parity:
        # Here and not above: it brings torch and onnxruntime, which the engine thread has no need of.
        from engine.exporters.package import write_package

        context.progress(0, 0, "loading the model")
        model = load_run_model(snapshot.run_folder, snapshot.project_folder)
        folder = snapshot.work_folder
        try:
            parity = write_package(snapshot.format, model, snapshot.facts, snapshot.images, folder, context)
            sync_folder_tree(folder)
        except OSError as err:
            raise disk_error(err, folder) from err
        return parity

    def finish(self, result: Parity) -> ExportReport:
        assert self._pending is not None
        self._pending.commit()
        files = sorted(file.name for file in self._pending.path.iterdir())
        return ExportReport(self.format, self._pending.path, files, result)

    def clean_up(self) -> None:
        if self._pending is not None:
            self._pending.discard()


def _facts_of(project_name: str, run: Run, run_folder: Path, false_alarm_rate: float) -> ModelFacts:
    return ModelFacts(
        project_name=project_name,
        run_id=run.id,
        made_at=datetime.fromtimestamp(run.created_at, UTC).isoformat(timespec="seconds"),
        depth=run.depth,
        seed=run.seed,
        num_images=run.num_images,
        labels_hash=_labels_hash(run_folder / LABELS_FILE),
        validation=run.validation,
        false_alarm_rate=false_alarm_rate,
        unknown=run.unknown,
    )


def _labels_hash(file: Path) -> str:
    """Returns a SHA-256 over the arrays in the file; the file's own bytes hold the time it was written."""
    digest = hashlib.sha256()
    try:
        with np.load(file, allow_pickle=False) as arrays:
            for name in sorted(arrays.files):
                array = np.ascontiguousarray(arrays[name])
                digest.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
                digest.update(array.tobytes())
    except (OSError, ValueError) as err:
        raise ExportError(
            f"The model in {file.parent} is damaged or incomplete.", "Choose another version, or retrain."
        ) from err
    return digest.hexdigest()


def _spread(images: list[ImageRecord]) -> list[ImageRecord]:
    """Returns at most MAX_PARITY_IMAGES of the images, evenly over the whole list, always the same ones."""
    if len(images) <= MAX_PARITY_IMAGES:
        return images
    positions = np.linspace(0, len(images) - 1, MAX_PARITY_IMAGES).round().astype(int)
    return [images[position] for position in positions]
