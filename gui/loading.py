"""What is read from a project off the GUI thread, in one go, before the window shows it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from engine.domain import ImageClass, ImageColumns, LabelMode, Run
from engine.errors import ProjectError, StoreError

if TYPE_CHECKING:
    from engine.project import Project


@dataclass(frozen=True, slots=True)
class Facts:
    """Small things that change with every step: texts of undo and redo, and the labels newer than the run.

    `problem` says why the second copy of the labels (journal, backup) is behind; the labels themselves are saved.
    """

    undo_text: str | None = None
    redo_text: str | None = None
    num_labels_since: int = 0
    problem: StoreError | None = None


@dataclass(frozen=True, slots=True)
class Loaded:
    """A project with everything that the window needs to show it."""

    project: Project
    columns: ImageColumns
    classes: list[ImageClass]
    run: Run | None
    facts: Facts
    label_mode: LabelMode = LabelMode.ONE
    run_problem: ProjectError | None = None
    """Set where the files of the run are gone: its figures are known, and it cannot be used."""


def empty_columns() -> ImageColumns:
    """Returns the columns of a window without a project."""
    return ImageColumns(
        image_ids=np.zeros(0, np.int64),
        names=[],
        class_ids=np.zeros(0, np.int32),
        marks=np.zeros(0, np.uint8),
        statuses=np.zeros(0, np.uint8),
        taken_at=np.zeros(0, np.float64),
        widths_px=np.zeros(0, np.int32),
        heights_px=np.zeros(0, np.int32),
        predicted_ids=np.zeros(0, np.int32),
        confidences=np.zeros(0, np.float32),
    )


def load(make: Callable[[], Project]) -> Loaded:
    """Opens a project with `make` and reads what the window needs. Closes it again when the reading fails.

    Raises:
        AppError: the project cannot be opened or read.
    """
    project = make()
    try:
        return read(project)
    except BaseException:
        project.close()
        raise


def read(project: Project) -> Loaded:
    """Reads an open project anew."""
    columns, run = project.columns(), project.active_run()
    return Loaded(
        project=project,
        columns=columns,
        classes=project.classes(),
        run=run,
        run_problem=project.problem_of_run(run) if run is not None else None,
        facts=read_facts(project),
        # Not asked of the project: it may have changed since the columns were read, and the two must fit together.
        label_mode=LabelMode.SEVERAL if columns.class_bits.shape[1] else LabelMode.ONE,
    )


def read_facts(project: Project) -> Facts:
    """Reads the small things that change with every step."""
    run = project.active_run()
    return Facts(
        undo_text=project.can_undo(),
        redo_text=project.can_redo(),
        num_labels_since=project.num_labels_since(run.last_step if run else 0),
        problem=project.store.problem,
    )
