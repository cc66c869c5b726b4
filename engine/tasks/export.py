"""ExportModel: a run as a folder that works without this program, checked against it before it appears."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from engine.domain import ImageStatus, Run
from engine.errors import ExportError
from engine.exporters.parity import MAX_PARITY_IMAGES, Parity
from engine.exporters.protocol import ModelFacts
from engine.exporters.registry import FORMATS
from engine.files import PendingFolder, sync_folder_tree
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
    files: list[Path]
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
        run_folder = self.project.run_dir(run)
        facts = _facts_of(self.project.name, run, run_folder)
        readable = [image.path for image in self.project.images() if image.status == ImageStatus.READABLE]
        self._pending = PendingFolder(self.to_folder.absolute())
        return ExportSnapshot(
            self.format, run_folder, self.project.folder, facts, _spread(readable), self._pending.work_path
        )

    @staticmethod
    def work(snapshot: ExportSnapshot, context: JobContext) -> Parity:
        # Here and not above: it brings torch and onnxruntime, which the engine thread has no need of.
        from engine.exporters.package import write_package

        context.progress(0, 0, "loading the model")
        model = load_run_model(snapshot.run_folder, snapshot.project_folder)
        parity = write_package(snapshot.format, model, snapshot.facts, snapshot.files, snapshot.work_folder, context)
        sync_folder_tree(snapshot.work_folder)
        return parity

    def finish(self, result: Parity) -> ExportReport:
        assert self._pending is not None
        self._pending.commit()
        files = sorted(file.name for file in self._pending.path.iterdir())
        return ExportReport(self.format, self._pending.path, files, result)

    def clean_up(self) -> None:
        if self._pending is not None:
            self._pending.discard()


def _facts_of(project_name: str, run: Run, run_folder: Path) -> ModelFacts:
    return ModelFacts(
        project_name=project_name,
        run_id=run.id,
        made_at=datetime.fromtimestamp(run.created_at, UTC).isoformat(timespec="seconds"),
        depth=run.depth,
        seed=run.seed,
        num_images=run.num_images,
        labels_hash=_labels_hash(run_folder / LABELS_FILE),
        validation=run.validation,
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


def _spread(paths: list[Path]) -> list[Path]:
    """Returns at most MAX_PARITY_IMAGES of the paths, evenly over the whole list, always the same ones."""
    if len(paths) <= MAX_PARITY_IMAGES:
        return paths
    positions = np.linspace(0, len(paths) - 1, MAX_PARITY_IMAGES).round().astype(int)
    return [paths[position] for position in positions]
