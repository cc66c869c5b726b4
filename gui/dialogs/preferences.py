"""The user's own settings, and what the program keeps on this machine. What is changed holds at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QCheckBox, QComboBox, QGridLayout, QHBoxLayout, QLabel, QWidget
from shiboken6 import isValid

from engine.settings import num_usable_cores, user_data_folder, usual_num_threads
from gui import wording
from gui.dialogs.frame import FramedDialog
from gui.folders import open_in_system
from gui.session import Session
from gui.widgets.buttons import button
from gui.widgets.segments import Segment, Segments
from gui.widgets.text import ElidedLabel, text_label

if TYPE_CHECKING:
    from engine.tasks.storage import Storage
    from gui.commands import Commands

THEMES = (
    Segment("system", "As the system", "Dark or light, as the system is"),
    Segment("light", "Light"),
    Segment("dark", "Dark"),
)
WIDTH_PX, NAME_PX = 600, 150


class PreferencesDialog(FramedDialog):
    """Four groups: look, labelling, this machine, storage."""

    def __init__(self, session: Session, commands: Commands, parent: QWidget | None = None) -> None:
        super().__init__("Preferences", "For all projects. Changes hold at once.", parent)
        self.setFixedWidth(WIDTH_PX)
        self._session = session
        self._grid = QGridLayout()
        self._grid.setHorizontalSpacing(16)
        self._grid.setVerticalSpacing(10)
        self._grid.setColumnMinimumWidth(0, NAME_PX)
        self._grid.setColumnStretch(1, 1)
        self.body.addLayout(self._grid)
        preferences = session.preferences

        self._add_heading("Look")
        self.themes = Segments("Theme", THEMES)
        self.themes.set_current(preferences.theme)
        self.themes.chosen.connect(commands.use_theme)
        self._add_row("Theme", self.themes)

        self._add_heading("Labelling")
        self.auto_advance = QCheckBox("On to the next image after a label")
        self.auto_advance.setChecked(preferences.has_auto_advance)
        self.auto_advance.toggled.connect(session.set_auto_advance)
        self._add_row("After a key", self.auto_advance)
        self.auto_retrain = QCheckBox("Refit the model by itself a second after the last label")
        self.auto_retrain.setChecked(session.auto_retrain.is_on)
        self.auto_retrain.toggled.connect(session.auto_retrain.set_on)
        self._add_row("Model", self.auto_retrain)

        self._add_heading("This machine")
        self.threads = self._threads_box()
        self._add_row("Cores for computing", self.threads)
        self._add_row("", text_label("Holds from the next start on.", "faint"))

        self._add_heading("Storage")
        self.user_folder = ElidedLabel("…")
        self._add_row("Backbones, settings", self._with_button(self.user_folder, self._open_user_folder))
        self.project_use = ElidedLabel("…")
        self.backups = ElidedLabel("…")
        if session.project is not None:
            self._add_row("This project", self._with_button(self.project_use, self._open_project_folder))
            self.project_use.setToolTip("What is in the cache can be computed again: it may be deleted at any time")
            self._add_row("Backups of it", self.backups)
        close = self.add_button(button("Close", "primary"))
        close.clicked.connect(self.accept)
        self._measure()

    def _add_heading(self, text: str) -> None:
        row = self._grid.rowCount()
        if row > 1:
            self._grid.setRowMinimumHeight(row, 10)
        self._grid.addWidget(text_label(text, "caption"), row + 1, 0, 1, 2)

    def _add_row(self, name: str, widget: QWidget) -> None:
        row = self._grid.rowCount()
        label = QLabel(name)
        label.setBuddy(widget)
        self._grid.addWidget(label, row, 0)
        self._grid.addWidget(widget, row, 1)

    def _with_button(self, label: ElidedLabel, act: object) -> QWidget:
        made = button("Open folder", "chip")
        made.clicked.connect(act)
        holder = QWidget()
        row = QHBoxLayout(holder)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        row.addWidget(label, 1)
        row.addWidget(made)
        return holder

    # ---- this machine

    def _threads_box(self) -> QComboBox:
        box = QComboBox()
        box.setAccessibleName("Cores for computing")
        cores = num_usable_cores()
        box.addItem(f"As the machine has ({usual_num_threads(has_window=True)} of {cores}; the window keeps one)", 0)
        for number in range(1, cores + 1):
            box.addItem(wording.count(number, "core"), number)
        box.setCurrentIndex(max(0, box.findData(self._session.preferences.num_threads)))
        box.setToolTip("More cores compute faster; with all of them the window can become slow meanwhile")
        box.currentIndexChanged.connect(lambda at: self._session.preferences.set_num_threads(int(box.itemData(at))))
        return box

    # ---- storage

    def _measure(self) -> None:
        from engine.tasks.storage import measure_storage

        project = self._session.project
        self._session.read_in_background(lambda: measure_storage(project), self._show_storage)

    def _show_storage(self, storage: Storage) -> None:
        if not isValid(self):  # closed meanwhile
            return
        self.user_folder.setText(f"{wording.size(storage.user_bytes)} in {storage.user_folder}")
        models, cache = wording.size(storage.models_bytes), wording.size(storage.cache_bytes)
        self.project_use.setText(f"models {models}, cache {cache}")
        if storage.last_backup_at is None:
            self.backups.setText("none yet; one is made when the project is closed")
        else:
            self.backups.setText(f"{storage.num_backups:,}, the last {wording.moment(storage.last_backup_at)}")

    def _open_user_folder(self) -> None:
        open_in_system(user_data_folder())

    def _open_project_folder(self) -> None:
        if self._session.project is not None:
            open_in_system(self._session.project.folder)
