"""The table of versions: rows are chosen by mouse or keys, a note is written in its cell."""

from __future__ import annotations

from PySide6.QtCore import QItemSelectionModel, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView, QWidget

from engine.language import tr
from gui.models.version_list import LABELS, MADE, NETWORK, NOTE, NUMBER, RIGHT, VersionListModel

ROW_PX = 34
WIDEST_PX = 260
WIDTHS = {NUMBER: 128, MADE: 104, RIGHT: 164, LABELS: 168, NETWORK: 176}


class VersionTable(QTableView):
    """Tells which versions are chosen, by number."""

    chosen = Signal()
    """Other rows are chosen."""
    delete_wanted = Signal()

    def __init__(self, model: VersionListModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows = model
        self.setModel(model)
        self.setAccessibleName(tr("Versions of the model"))
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        triggers = QAbstractItemView.EditTrigger
        self.setEditTriggers(triggers.DoubleClicked | triggers.EditKeyPressed)
        self.setShowGrid(False)
        self.setTabKeyNavigation(False)
        self.setWordWrap(False)
        self.setStyleSheet("QTableView::item { padding-left: 5px; }")  # as far in as the titles
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(ROW_PX)
        header = self.horizontalHeader()
        header.setHighlightSections(False)
        header.setSectionResizeMode(NOTE, QHeaderView.ResizeMode.Stretch)
        for column, width in WIDTHS.items():
            self.setColumnWidth(column, width)
        self.selectionModel().selectionChanged.connect(lambda _new, _old: self.chosen.emit())
        model.modelReset.connect(self._fit_columns)
        model.dataChanged.connect(lambda *_: self._fit_columns())

    def chosen_ids(self) -> list[int]:
        """Returns the numbers of the chosen versions, in ascending order."""
        rows = {index.row() for index in self.selectionModel().selectedRows()}
        return sorted(self._rows.rows[row].run.id for row in rows if row < len(self._rows.rows))

    def choose(self, run_ids: list[int]) -> None:
        """Chooses versions, as far as they are there; the last of them becomes the current one."""
        flags = QItemSelectionModel.SelectionFlag
        selection = self.selectionModel()
        selection.clearSelection()
        for row, version in enumerate(self._rows.rows):
            if version.run.id in run_ids:
                index = self._rows.index(row, NUMBER)
                selection.select(index, flags.Select | flags.Rows)
                selection.setCurrentIndex(index, flags.NoUpdate)

    def edit_note(self) -> None:
        """Opens the note of the current version for writing."""
        row = self.currentIndex().row()
        if row >= 0:
            index = self._rows.index(row, NOTE)
            self.setCurrentIndex(index)
            self.edit(index)

    def _fit_columns(self) -> None:
        """Widens the columns whose words need it."""
        for column in WIDTHS:
            needed = max(self.sizeHintForColumn(column), self.horizontalHeader().sectionSizeHint(column))
            self.setColumnWidth(column, max(self.columnWidth(column), min(needed, WIDEST_PX)))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_F2 and self.state() is not QAbstractItemView.State.EditingState:
            self.edit_note()
        elif event.key() == Qt.Key.Key_Delete:
            self.delete_wanted.emit()
        else:
            super().keyPressEvent(event)
