"""The Use workspace: pictures from anywhere, what the model says of them, corrections by key."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPoint, Qt, QTimer, Signal
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QWidget

from engine.language import trn
from gui import wording
from gui.panels.key_repeats import KeyRepeats
from gui.panels.label_keys import LabelKeys
from gui.panels.use_frame import UseFrame
from gui.panels.use_hints import hints_for
from gui.panels.use_listing import UseListing
from gui.panels.use_menu import open_file_menu
from gui.panels.use_work import FILES, files_row
from gui.session import Session
from gui.theme import notifier
from gui.use_files import FileRecords, Kind, Rows, UseFiles
from gui.use_session import UseSession

LIST_DELAY_MS, SHOW_DELAY_MS = 250, 40


class UseWorkspace(UseFrame):
    """Connects the parts. The grid's selection model is the truth of what is current and selected."""

    files_wanted = Signal()
    folder_wanted = Signal()
    model_wanted = Signal()
    label_wanted = Signal()
    leave_wanted = Signal()
    notice_wanted = Signal(str, str)

    def __init__(self, session: Session, use: UseSession, parent: QWidget | None = None) -> None:
        super().__init__(session, use, parent)
        self._files: UseFiles | None = None
        self._message = ""
        repeats = KeyRepeats(self)
        self._keys = LabelKeys(self, repeats, self.correct)
        self._listing = UseListing(self)
        self._list_timer = QTimer(self, singleShot=True, interval=LIST_DELAY_MS)
        self._list_timer.timeout.connect(self.apply_list)
        self._show_timer = QTimer(self, singleShot=True, interval=SHOW_DELAY_MS)
        self._show_timer.timeout.connect(self._show_counts)
        self._bind_keys()
        self._connect()
        self._on_files_changed()
        self._on_model_changed()
        self._on_classes_changed()

    # ------------------------------------------------------------------------------------------ for menus and bars

    def targets(self) -> Rows:
        """Returns the rows that keys act on: the selected ones, in the single picture the one that is seen."""
        current = self.grid.current_position()
        positions = self.grid.selected_positions()
        if self.is_viewing or not len(positions):
            positions = np.array([current] if current >= 0 else [], np.int64)
        return self.images.rows[positions]

    def correct(self, class_id: int) -> None:
        """Says that the chosen files are of a class of the project."""
        rows = self.targets()
        if not len(rows):
            return
        self.corrections.correct(rows, class_id)
        if len(rows) == 1 and not self.corrections.why_not and self.session.has_auto_advance:
            self._go_on()

    def confirm(self) -> None:
        """Says that the predictions of the chosen files are right."""
        if self.stack.currentWidget() is self.drop_page:
            self.drop_page.press_focused()  # the same key presses a button there
            return
        rows = self.targets()
        if len(rows):
            self.corrections.confirm(rows)
            if len(rows) == 1 and not self.corrections.why_not and self.session.has_auto_advance:
                self._go_on()

    def find_class(self) -> None:
        """Opens the type-ahead over the project's classes."""
        count = len(self.targets())
        if not count:
            return
        if self.corrections.why_not:
            self.say(self.corrections.why_not)
            return
        title = trn("It is", "These {number:,} files are", count)
        self.finder.open(self.session.classes, [], title, self.correct)
        self.place_finder()

    def toggle_viewer(self) -> None:
        """Changes between the grid and the single picture."""
        self.close_viewer() if self.is_viewing else self.open_viewer()

    def open_viewer(self) -> None:
        """Shows the current file alone."""
        position = max(0, self.grid.current_position())
        if position < len(self.images.rows):
            self.grid.go_to(position)
            self.viewer.set_position(position)
            self.stack.setCurrentWidget(self.viewer)
            self.viewer.setFocus()
            self._show_hints()

    def close_viewer(self) -> None:
        """Goes back to the grid."""
        if self.is_viewing:
            self.stack.setCurrentWidget(self.grid)
            self._show_page()
            self.grid.scrollTo(self.grid.currentIndex())
            self.grid.setFocus()
            self._show_hints()

    def toggle_heat(self) -> None:
        """Shows where the model looks, or no longer; from the grid, the current file is shown alone for that."""
        if self.heat_maps.why_not:
            self.say(self.heat_maps.why_not)
        elif self.is_viewing:
            self.heat_maps.toggle()
        elif len(self.images.rows):
            self.open_viewer()
            if not self.heat_maps.is_on:
                self.heat_maps.toggle()

    def zoom_by(self, factor: float) -> None:
        """Makes the pictures of the grid, or the single picture, larger or smaller."""
        if self.is_viewing:
            self.viewer.canvas.zoom_by(factor)
        else:
            self.grid.set_card_px(round(self.grid.card_px * factor))

    def say(self, message: str) -> None:
        """Shows a sentence before the keys."""
        self._message = message
        self._show_hints()

    def set_is_drop_target(self, on: bool) -> None:
        """Shows that something is held over the window."""
        self.drop_page.set_is_target(on)

    def shutdown(self) -> None:
        """Stops the loader threads. The last call."""
        self._list_timer.stop()
        self._show_timer.stop()
        self.thumbnails.close()
        self.screens.close()

    # ------------------------------------------------------------------------------------------------------- set-up

    def _bind_keys(self) -> None:
        handlers: dict[str, Callable[[], object]] = {
            "find": self.find_class,
            "accept": self.confirm,
            "confirm": self.confirm,
            "next_pane": self.focus_next_pane,
            "previous_pane": partial(self.focus_next_pane, -1),
            "leave": self.focus_images,
            "toggle_viewer": self.toggle_viewer,
            "heat": self.toggle_heat,
        }
        self._keys.bind_table(handlers, images=self.stack, left=self._left)
        self._keys.listen_to_mouse(self.grid.viewport(), self.viewer.canvas)
        self._keys.set_mode(self.session.label_mode)
        shortcut = QShortcut(QKeySequence("Ctrl+Shift+Del"), self)
        shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        shortcut.activated.connect(self.use.clear)

    def _connect(self) -> None:
        session, use = self.session, self.use
        use.model_changed.connect(self._on_model_changed)
        use.files_changed.connect(self._on_files_changed)
        use.files_grew.connect(self._on_files_grew)
        use.rows_changed.connect(self._on_rows_changed)
        use.progress_changed.connect(self._show_progress)
        self.corrections.corrected.connect(self.say)
        session.classes_changed.connect(self._on_classes_changed)
        session.mode_changed.connect(lambda: self._keys.set_mode(session.label_mode))
        session.project_opened.connect(self._show_hints)
        session.project_closed.connect(self._on_classes_changed)
        notifier().theme_changed.connect(self.grid.viewport().update)
        self.grid.positions_changed.connect(self._on_positions_changed)
        self.grid.position_activated.connect(lambda _position: self.open_viewer())
        self.grid.card_size_changed.connect(self.size_slider.setValue)
        self.grid.verticalScrollBar().valueChanged.connect(lambda _value: self._note_visible())
        for view in (self.grid, self.viewer):
            view.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
            view.customContextMenuRequested.connect(partial(self._open_menu, view))
        self.size_slider.valueChanged.connect(self.grid.set_card_px)
        self.viewer.position_wanted.connect(self.grid.go_to)
        self.viewer.closed.connect(self.close_viewer)
        self.order.activated.connect(lambda _at: self.apply_list())
        self.lists.chosen.connect(lambda _entry: self.apply_list(goes_to_top=True))
        self.clear_button.clicked.connect(use.clear)
        self.details.class_pressed.connect(self._look_for_class)
        self.details.class_wanted.connect(self.correct)
        self.details.facts_read.connect(self._take_facts)
        self.heat_maps.changed.connect(self._show_looked_at)
        self.finder.closed.connect(self.focus_images)
        self.drop_page.files_wanted.connect(self.files_wanted)
        self.drop_page.folder_wanted.connect(self.folder_wanted)
        self.drop_page.model_wanted.connect(self.model_wanted)
        self.drop_page.label_wanted.connect(self.label_wanted)
        self.strip.open_wanted.connect(self.model_wanted)
        self.strip.leave_wanted.connect(self.leave_wanted)
        self.work_rows.acted.connect(self._on_acted)

    # ------------------------------------------------------------------------------------------------------- events

    def _on_model_changed(self) -> None:
        focused = self.focusWidget()
        is_free = focused is None or not focused.isVisible() or not self.lists.hasFocus()
        self._show_drop_page()
        if is_free and self.stack.currentWidget() is self.drop_page and self.isVisible():
            self.focus_images()
        self._show_counts()
        self.grid.viewport().update()
        self.details.refresh()
        self._show_hints()

    def _on_files_changed(self) -> None:
        files = self.use.files
        if files is not self._files:
            self._files = files
            records = FileRecords(files)
            self.thumbnails.open_files(records)
            self.screens.open(records)
            self.grid.forget_pictures()
            self.viewer.forget_pictures()
            self.details.forget()
            self.lists.choose(Kind.ALL)
            self._message = ""
        self.apply_list()
        self._show_progress()

    def _on_rows_changed(self, rows: NDArray[np.int64]) -> None:
        self.grid.update_rows(rows)
        if self._message:
            self.say("")  # what it spoke of may be taken back now
        current = self.current_row()
        if current >= 0 and current in rows:
            self.details.refresh()
            self.viewer.refresh()
        self._show_timer.start()
        # A list that the user works in must not lose the file under the eyes: it follows when the burst is over.
        if self._listing.depends_on_answers and not self._list_timer.isActive():
            self._list_timer.start()

    def _on_files_grew(self) -> None:
        if self.images.columns is None or not len(self.images.columns):
            self.apply_list()
        elif not self._list_timer.isActive():
            self._list_timer.start()

    def _on_classes_changed(self) -> None:
        classes = self.session.classes if self.session.project is not None else []
        self._keys.bind_classes(classes)
        self.images.set_classes(self.use.model.classes if self.use.model is not None else [])
        self.grid.viewport().update()
        self._show_hints()

    def apply_list(self, goes_to_top: bool = False) -> None:
        """Shows what belongs in the list now; the same file stays current."""
        if self._listing.apply(goes_to_top):
            self._show_page()
            self._on_positions_changed()
        self._show_counts()

    def _show_page(self) -> None:
        """Shows the drop page while there are no files, else the grid; the single picture stays while it can."""
        has_files = bool(len(self.use.files))
        self.show_bar(has_files)
        if not has_files:
            self._show_drop_page()
            shown = self.stack.currentWidget()
            self.stack.setCurrentWidget(self.drop_page)
            if shown is not self.drop_page and self.isVisible():
                self.focus_images()
        elif self.stack.currentWidget() is self.drop_page or not len(self.images.rows):
            had_focus = self.drop_page.isAncestorOf(self.focusWidget()) if self.focusWidget() else True
            self.stack.setCurrentWidget(self.grid)
            if had_focus and self.isVisible():
                self.grid.setFocus()

    def _show_drop_page(self) -> None:
        use = self.use
        self.drop_page.set_state(use.model is not None, self.session.project is not None, use.is_opening_model)

    def _show_counts(self) -> None:
        files = self.use.files
        self.lists.set_counts(self.use.model, files.counts())
        number = len(self.images.rows)
        self.count.setText(wording.count(number, "picture"))
        self.folder_button.setEnabled(self.use.model is not None)
        self.watch_button.setEnabled(self.use.model is not None)
        self.server_button.setEnabled(self.use.model is not None)
        self._note_visible()

    def _show_progress(self) -> None:
        self.work_rows.set_state(FILES, files_row(self.use))

    def _on_acted(self, row: str, action: str) -> None:
        if row == FILES:
            self.use.cancel() if action == "stop" else self.use.go_on()

    def _on_positions_changed(self) -> None:
        position = self.grid.current_position()
        self.details.show_row(self.current_row())
        self.heat_maps.look_at_another()
        if self.is_viewing:
            self.viewer.set_position(position)
        self._message = ""
        self._show_hints()

    def _take_facts(self, row: int, width_px: int, height_px: int) -> None:
        columns = self.use.files.columns
        if row < len(columns) and columns.widths_px[row] != width_px:
            columns.widths_px[row], columns.heights_px[row] = width_px, height_px
            if row == self.current_row():
                self.viewer.refresh()

    def _look_for_class(self, class_id: int) -> None:
        self.open_viewer()
        self.heat_maps.choose_class(class_id)

    def _show_looked_at(self) -> None:
        row = self.current_row()
        is_seen = self.heat_maps.is_on and self.is_viewing and row >= 0
        self.details.show_looked_at(self.heat_maps.class_for(row + 1) if is_seen else 0)

    def _open_menu(self, view: QWidget, point: QPoint) -> None:
        open_file_menu(self, view.mapToGlobal(point))

    def _show_hints(self) -> None:
        self.hints.set_hints(hints_for(self), self._message)

    def _go_on(self) -> None:
        position = self.grid.current_position() + 1
        if position < len(self.images.rows):
            self.grid.go_to(position)

    def _note_visible(self) -> None:
        visible = self.grid.visible_positions()
        self.use.set_visible(self.images.rows[visible.start : visible.stop])

    def current_row(self) -> int:
        """Returns the row of the file that is current, -1 where there is none."""
        position = self.grid.current_position()
        return int(self.images.rows[position]) if 0 <= position < len(self.images.rows) else -1

    def current_path(self) -> Path | None:
        """Returns the file that is current."""
        row = self.current_row()
        return self.use.files.paths[row] if row >= 0 else None
