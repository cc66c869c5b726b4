"""What the user does to the open project: label, undo, arrange classes, bring images in, retrain.

Panels read the attributes, react to the signals and change things only through these methods. A change of labels is
seen in the columns at once, the store follows (`gui.saving`), and `save_state_changed` tells when it is durable.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from engine.domain import NO_CLASS, Change, ImageClass, ImageColumns, Mark, Predictions, Source
from engine.errors import ProjectError
from engine.project import Project
from gui.backbone_choice import BackboneChoice
from gui.columns import RowIndex
from gui.engine_bridge import EngineBridge
from gui.engine_work import EngineWork
from gui.labelling_rate import LabellingRate
from gui.preferences import Preferences
from gui.project_session import Ids, ProjectSession, as_array
from gui.saving import Write


class Session(ProjectSession):
    """The one model behind the window."""

    labelled = Signal()
    """Images got a class just now (for the rate in the top bar)."""

    def __init__(
        self, bridge: EngineBridge, parent: QObject | None = None, preferences: Preferences | None = None
    ) -> None:
        super().__init__(bridge, parent)
        self.preferences = preferences or Preferences()
        self.rate = LabellingRate()
        self.backbones = BackboneChoice(self)
        self.work = EngineWork(self)
        self._predictions: Predictions | None = None
        self._prediction_rows = RowIndex(np.zeros(0, np.int64))
        self.run_changed.connect(self._read_predictions)

    def close_project(self) -> None:
        if self.project is not None:
            self._closing_after = self.work.cancel_all()
            self.rate.clear()
        super().close_project()

    # ---- images

    def add_folder(self, folder: Path, classes_from_folders: bool = False) -> None:
        """Brings a folder's images in, where they are; `work.scan_ended` or `error_raised` follows."""
        self.work.add_folder(folder, classes_from_folders)

    def rescan(self) -> None:
        """Looks for new, changed, moved and missing files in all folders of the project."""
        self.work.rescan()

    # ---- labels

    def label(self, image_ids: Ids, class_id: int, source: Source = Source.HUMAN) -> None:
        """Gives images a class, one undo step."""
        ids = as_array(image_ids)
        values = np.full(len(ids), class_id, np.int32)
        self._set_classes(ids, values, lambda project: project.label(ids.tolist(), class_id, source))

    def clear(self, image_ids: Ids) -> None:
        """Takes the class away."""
        ids = as_array(image_ids)
        self._set_classes(ids, np.full(len(ids), NO_CLASS, np.int32), lambda project: project.clear(ids.tolist()))

    def accept_suggestions(self, image_ids: Ids) -> None:
        """Makes the model's suggestion the class of those images that have one, one undo step."""
        rows = self.rows_of(image_ids)
        rows = rows[self.columns.predicted_ids[rows] != NO_CLASS]
        ids, suggested = self.columns.image_ids[rows], self.columns.predicted_ids[rows].copy()
        pairs = list(zip(ids.tolist(), suggested.tolist(), strict=True))
        text = "accept a suggestion" if len(pairs) == 1 else f"accept {len(pairs):,} suggestions"
        self._set_classes(ids, suggested, lambda project: project.label_many(pairs, Source.SUGGESTION, text))

    def mark(self, image_ids: Ids, mark: Mark, on: bool) -> None:
        """Sets or takes away a mark (skipped, unsure)."""
        ids = as_array(image_ids)

        def apply(columns: ImageColumns, index: RowIndex) -> NDArray[np.int64]:
            rows = index.rows(ids)
            old = columns.marks[rows]
            columns.marks[rows] = (old | np.uint8(mark)) if on else (old & ~np.uint8(mark))
            return np.asarray(rows[columns.marks[rows] != old])

        self._write(ids, apply, lambda project: project.mark(ids.tolist(), mark, on))

    def undo(self) -> None:
        """Takes the last step back, also one from before a restart."""
        self._write(None, None, lambda project: project.undo())

    def redo(self) -> None:
        """Does again what was undone last."""
        self._write(None, None, lambda project: project.redo())

    @property
    def can_undo(self) -> bool:
        return self.facts.undo_text is not None or self.num_unsaved > 0

    @property
    def can_redo(self) -> bool:
        return self.facts.redo_text is not None

    # ---- classes

    def add_class(self, name: str, on_added: Callable[[ImageClass], None] | None = None) -> None:
        """Adds a class; `on_added` gets it as soon as it is saved (to label with it at once)."""

        def added(made: ImageClass) -> None:
            if self.class_by_id(made.id) is None:
                self.classes = [*self.classes, made]
                self.classes_changed.emit()
            self._facts_timer.start()
            if on_added is not None:
                on_added(made)

        self._write(None, None, lambda project: project.add_class(name), added)

    def rename_class(self, class_id: int, name: str) -> None:
        self._change_classes(lambda project: project.rename_class(class_id, name))

    def merge_class(self, class_id: int, into_id: int) -> None:
        """Gives all images of a class another class and deletes the first, one undo step."""
        self._change_classes(lambda project: project.merge_class(class_id, into_id))

    def delete_class(self, class_id: int) -> None:
        """Deletes a class; its images have none afterwards. Undo brings both back."""
        self._change_classes(lambda project: project.delete_class(class_id))

    def set_class_key(self, class_id: int, key: str | None) -> None:
        self._change_classes(lambda project: project.set_class_key(class_id, key))

    def set_class_color(self, class_id: int, color: str) -> None:
        self._change_classes(lambda project: project.set_class_color(class_id, color))

    def move_class(self, class_id: int, position: int) -> None:
        self._change_classes(lambda project: project.move_class(class_id, position))

    # ---- model

    def class_counts(self) -> NDArray[np.int64]:
        """Returns how many images have each class id; index NO_CLASS counts those without a class."""
        return np.bincount(self.columns.class_ids, minlength=1)

    def why_no_retrain(self) -> str:
        """Returns the sentence that says why Retrain cannot be pressed, empty when it can."""
        if self.project is None:
            return "Open a project first."
        if self.is_read_only:
            return "This project is open for reading only."
        if self.work.is_running("train"):
            return "A training is under way."
        if np.count_nonzero(self.class_counts()[1:]) < 2:
            return "Label some images of two classes or more first."
        if self.backbones.is_known and self.backbones.chosen is None:
            return "There is no backbone on this machine yet. Choose one in the corner on the right."
        return ""

    def retrain(self) -> None:
        """Trains on the labels of this moment, as soon as all of them are saved; `run_changed` follows."""
        self.work.retrain()

    def cancel_job(self) -> None:
        """Cancels what the engine is doing for this project."""
        self.work.cancel()

    def export(self, format_name: str, folder: Path) -> None:
        """Exports the active run in the background; `work.ended` follows."""
        self.work.export(format_name, folder)

    def predictions(self, image_id: int) -> list[tuple[ImageClass, float]]:
        """Returns the active run's calibrated probabilities for an image, highest first; empty when there are none."""
        found = self._predictions
        row = self._prediction_rows.row(image_id)
        if found is None or row < 0:
            return []
        named = {each.id: each for each in self.classes}
        pairs = zip(found.class_ids.tolist(), found.probabilities[row].tolist(), strict=True)
        known = [(named[class_id], float(share)) for class_id, share in pairs if class_id in named]
        return sorted(known, key=lambda pair: -pair[1])

    def refresh_predictions(self) -> None:
        """Reads suggestions and probabilities anew; the same run may know more images now."""
        if self.run is not None:
            self.reload()
            self._read_predictions()

    def _read_predictions(self) -> None:
        project = self.project
        if self.run is None:
            self._take_predictions(None)
        if project is not None and self.run is not None:
            self.read_in_background(project.predictions, self._take_predictions)

    def _take_predictions(self, found: Predictions | None) -> None:
        self._predictions = found
        self._prediction_rows = RowIndex(found.image_ids if found is not None else np.zeros(0, np.int64))
        self.current_changed.emit(self.current_image_id or 0)

    # ---- writing

    def _set_classes(
        self, ids: NDArray[np.int64], class_ids: NDArray[np.int32], start: Callable[[Project], Future[Any]]
    ) -> None:
        if not len(ids):
            return

        def apply(columns: ImageColumns, index: RowIndex) -> NDArray[np.int64]:
            known = index.has(ids)
            rows = index.rows(ids)
            old = columns.class_ids[rows]
            columns.class_ids[rows] = class_ids[known]
            return np.asarray(rows[columns.class_ids[rows] != old])

        if self._write(ids, apply, start) and class_ids[0] != NO_CLASS:
            self.rate.add(len(ids))
            self.labelled.emit()

    def _change_classes(self, start: Callable[[Project], Future[Any]]) -> None:
        def changed(answer: object) -> None:
            if isinstance(answer, Change):
                self._note_saved(answer)
            self._read_classes()
            self._facts_timer.start()

        self._write(None, None, start, changed)

    def _write(
        self,
        ids: NDArray[np.int64] | None,
        apply: Callable[[ImageColumns, RowIndex], NDArray[np.int64]] | None,
        start: Callable[[Project], Future[Any]],
        on_saved: Callable[[Any], None] | None = None,
    ) -> bool:
        project = self.project
        if project is None:
            return False
        if project.read_only:
            self.error_raised.emit(
                ProjectError("This project is open for reading only.", "Close it elsewhere and open it again to label.")
            )
            return False
        if apply is not None:
            rows = apply(self.columns, self._index)
            if len(rows):
                self.rows_changed.emit(rows)
        touched = np.zeros(0, np.int64) if ids is None else ids
        self._saves.push(Write(lambda: start(project), apply or _touch_nothing, on_saved or self._note_saved, touched))
        return True


def _touch_nothing(_columns: ImageColumns, _index: RowIndex) -> NDArray[np.int64]:
    return np.zeros(0, np.int64)
