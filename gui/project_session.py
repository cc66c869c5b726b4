"""Opens and closes the project of the window, and keeps what was read from it in step with the store."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal

from engine.domain import Change, ImageClass, ImageColumns, LabelMode
from engine.jobs import JobHandle
from engine.project import Project
from gui import loading, saving
from gui.columns import RowIndex, apply_change, same_images, take_values
from gui.engine_bridge import EngineBridge
from gui.label_effects import Effect
from gui.open_project import OpenProject

FACTS_DELAY_MS = 60
RELOAD_DELAY_MS = 300
CLOSE_TIMEOUT_S = 5.0


class ProjectSession(OpenProject):
    """Opens, reads and closes."""

    guided_changed = Signal()

    def __init__(self, bridge: EngineBridge, parent: QObject | None = None) -> None:
        super().__init__(bridge, parent)
        self.is_guided = False
        """Whether a tour asks for the first labels and the first model: nothing trains or offers itself meanwhile."""
        self._opening = False
        self._closing_after: list[JobHandle] = []
        """Jobs that must have ended before the project may be closed."""
        self._saves = saving.SaveQueue(bridge, self)
        self._saves.state_changed.connect(self.save_state_changed)
        self._saves.failed.connect(self.error_raised)
        self._saves.refused.connect(self._on_write_refused)
        self._saves.drained.connect(self._on_drained)
        self._when_saved: list[Callable[[], None]] = []
        self._reloading = False
        self._reload_again = False
        self._saved_meanwhile: list[Change] = []
        self._facts_timer = self._make_timer(FACTS_DELAY_MS, self._read_facts)
        self._reload_timer = self._make_timer(RELOAD_DELAY_MS, self.reload)
        bridge.images_added.connect(self._on_images_added)

    def set_guided(self, on: bool) -> None:
        """Says whether a tour asks for the first labels and the first model."""
        if on != self.is_guided:
            self.is_guided = on
            self.guided_changed.emit()

    # ---- opening and closing

    @property
    def is_opening(self) -> bool:
        return self._opening

    @property
    def is_reloading(self) -> bool:
        """Whether the columns are being read anew, or will be in a moment."""
        return self._reloading or self._reload_timer.isActive()

    def open_project(self, folder: Path, read_only: bool = False) -> None:
        """Opens a project in the background; `project_opened` or `error_raised` follows."""
        self._load(folder.name, lambda: Project.open(folder, read_only=read_only))

    def create_project(self, folder: Path, name: str | None = None, then: Callable[[], None] | None = None) -> None:
        """Makes a project and opens it; `project_opened`, then `then`, or `error_raised` follows."""
        self._load(name or folder.name, lambda: Project.create(folder, name), then)

    def restore_project(self, folder: Path, then: Callable[[], None] | None = None) -> None:
        """Brings a damaged project back from its backup and journal, and opens it."""
        self._load(folder.name, lambda: Project.restore(folder), then)

    def close_project(self) -> None:
        """Closes the project. What is not saved by then is forgotten: look at `num_unsaved` and ask before."""
        project = self.project
        if project is None:
            return
        self.project_closing.emit()
        self.project = None
        self._saves.drop_all()
        self._when_saved.clear()
        self._facts_timer.stop()
        self._reload_timer.stop()
        self._reloading = self._reload_again = False
        self.classes, self.run, self.facts = [], None, loading.Facts()
        self.label_mode = LabelMode.ONE
        self._show(loading.empty_columns())
        self._reader.submit(_close, project, self._closing_after)
        self._closing_after = []
        self.project_closed.emit()

    def shutdown(self) -> None:
        """Closes the project and waits until it is closed. The last call."""
        self.close_project()
        self._reader.shutdown(wait=True)

    def _load(self, name: str, make: Callable[[], Project], then: Callable[[], None] | None = None) -> None:
        if self._opening:
            return

        def loaded(result: loading.Loaded) -> None:
            self._on_loaded(result)
            if then is not None:
                then()

        self.close_project()
        self._opening = True
        self.project_opening.emit(name)
        self.bridge.when_done(self._reader.submit(loading.load, make), loaded, self._on_load_failed)

    def _on_loaded(self, loaded: loading.Loaded) -> None:
        self._opening = False
        self.project = loaded.project
        self.classes, self.run, self.facts = loaded.classes, loaded.run, loaded.facts
        self.label_mode = loaded.label_mode
        self._show(loaded.columns)
        self.project_opened.emit()
        self.mode_changed.emit()
        self.classes_changed.emit()
        self.run_changed.emit()
        self.undo_changed.emit()
        if loaded.run_problem is not None:
            self.error_raised.emit(loaded.run_problem)

    def _on_load_failed(self, error: BaseException) -> None:
        self._opening = False
        self.project_closed.emit()
        self.error_raised.emit(error)

    # ---- keeping up with the store

    @property
    def save_state(self) -> str:
        return self._saves.state

    @property
    def num_unsaved(self) -> int:
        """Returns how many steps of the user's are not durable yet."""
        return self._saves.num_unsaved

    def when_saved(self, act: Callable[[], None]) -> None:
        """Calls `act` as soon as everything is durable: now, if it is. Forgotten when the project is closed."""
        if self.num_unsaved == 0:
            act()
        else:
            self._when_saved.append(act)

    def _on_drained(self) -> None:
        waiting, self._when_saved = self._when_saved, []
        for act in waiting:
            act()

    def retry_saving(self) -> None:
        """Tries at once to save what could not be saved."""
        self._saves.retry()

    def reload(self) -> None:
        """Reads everything anew in the background; what was labelled meanwhile stays as the user sees it."""
        project = self.project
        if project is None:
            return
        if self._reloading:
            self._reload_again = True
            return
        self._reloading = True
        self._saved_meanwhile.clear()
        self.read_in_background(lambda: loading.read(project), self._on_reloaded, self._on_reload_failed)

    def _on_reloaded(self, loaded: loading.Loaded) -> None:
        columns, index = loaded.columns, RowIndex(loaded.columns.image_ids)
        for change in self._saved_meanwhile:
            apply_change(columns, index, change)
        for write in self._saves.pending():
            write.apply(columns, index)
        run_is_new = loaded.run != self.run
        classes_are_new = loaded.classes != self.classes
        mode_is_new = loaded.label_mode is not self.label_mode
        self.classes, self.run, self.facts = loaded.classes, loaded.run, loaded.facts
        self.label_mode = loaded.label_mode
        if mode_is_new:
            self.mode_changed.emit()
        if classes_are_new:
            self.classes_changed.emit()
        if same_images(columns, self.columns):
            self._records.clear()
            # Also when no card looks different: names may be others.
            self.rows_changed.emit(take_values(self.columns, columns))
        else:
            self._show(columns)
        if run_is_new:
            self.run_changed.emit()
        self.undo_changed.emit()
        self._end_reload()

    def _on_reload_failed(self, error: BaseException) -> None:
        self._end_reload()
        self.error_raised.emit(error)

    def _end_reload(self) -> None:
        self._reloading = False
        self._saved_meanwhile.clear()
        if self._reload_again:
            self._reload_again = False
            self._reload_timer.start()

    def _show(self, columns: ImageColumns) -> None:
        self.columns = columns
        self._index = RowIndex(columns.image_ids)
        self._records.clear()
        if self.current_image_id is not None and self.row_of(self.current_image_id) < 0:
            self.set_current(None)
        self.set_selection(columns.image_ids[self.rows_of(self.selected_ids)])
        self.columns_reset.emit()

    def _note_saved(self, change: Change | None) -> None:
        """Takes over what the store answered to a write."""
        if change is None:
            return
        if self._reloading:
            self._saved_meanwhile.append(change)
        self._show_saved(lambda columns, index: apply_change(columns, index, change))
        if change.mode_changed:
            self.reload()
        if change.classes_changed:
            self._read_classes()
        self._facts_timer.start()

    def _show_saved(self, effect: Effect) -> None:
        """Makes what the store has done be seen, below what the user has done since."""
        rows = effect(self.columns, self._index)
        for write in self._saves.pending():
            write.apply(self.columns, self._index)
        if len(rows):
            self.rows_changed.emit(rows)

    def _read_classes(self) -> None:
        project = self.project
        if project is not None:
            self.read_in_background(project.classes, self._take_classes)

    def _take_classes(self, classes: list[ImageClass]) -> None:
        if classes != self.classes:
            others_are_there = {each.id for each in classes} != {each.id for each in self.classes}
            self.classes = classes
            self.classes_changed.emit()
            if others_are_there and self.run is not None:
                self.reload()  # suggestions of a deleted class are none; they are back with the class

    def _read_facts(self) -> None:
        project = self.project
        if project is not None:
            self.read_in_background(lambda: loading.read_facts(project), self._take_facts)

    def _take_facts(self, facts: loading.Facts) -> None:
        if facts != self.facts:
            self.facts = facts
            self.undo_changed.emit()

    def _on_write_refused(self, error: BaseException) -> None:
        self.error_raised.emit(error)
        self.reload()

    def _on_images_added(self, _num_images: int) -> None:
        if not self._reload_timer.isActive():
            self._reload_timer.start()

    def _make_timer(self, delay_ms: int, act: Callable[[], None]) -> QTimer:
        timer = QTimer(self)
        timer.setSingleShot(True)
        timer.setInterval(delay_ms)
        timer.timeout.connect(act)
        return timer


def _close(project: Project, after: list[JobHandle]) -> None:
    for handle in after:
        handle.wait(CLOSE_TIMEOUT_S)
    project.close()
