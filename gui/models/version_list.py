"""The versions of the model as a table: one row each, the newest first, the note editable."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt, Signal
from PySide6.QtGui import QIcon, QPixmap

from engine.language import tr, trc
from engine.tasks.run_settings import backbone_words
from gui import wording
from gui.theme import font, icon
from gui.versions import Version

AnyIndex = QModelIndex | QPersistentModelIndex
NUMBER, MADE, RIGHT, LABELS, NETWORK, NOTE = range(6)
TITLES = (tr("Version"), tr("Made"), trc("figure", "Right"), tr("Learned from"), tr("Network"), tr("Note"))
TIPS = (
    tr("Number of the version; the one with the tick is in use"),
    tr("When it was trained"),
    tr("Share of unseen images that got their right class, with its 95 % interval, each measured on its own images"),
    tr("How many labelled images it saw, of how many classes"),
    tr("The network that looks at the images, and how much of it was trained"),
    tr("Your own words (F2). A version with a note is never tidied up"),
)
DEPTH_WORDS = {"partial": trc("depth", "partial"), "full": trc("depth", "full")}
MAX_NOTE = 1000


class VersionListModel(QAbstractTableModel):
    """Rows of the table."""

    note_changed = Signal(int, str)
    """Number of a version and the user's new note."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[Version] = []

    def set_rows(self, rows: Sequence[Version]) -> None:
        """Shows other versions, or what is new about them."""
        if [each.run.id for each in rows] == [each.run.id for each in self.rows]:
            self.rows = list(rows)
            if rows:
                self.dataChanged.emit(self.index(0, 0), self.index(len(rows) - 1, NOTE))
            return
        self.beginResetModel()
        self.rows = list(rows)
        self.endResetModel()

    def rowCount(self, parent: AnyIndex = QModelIndex()) -> int:  # noqa: B008 (Qt's signature)
        return 0 if parent.isValid() else len(self.rows)

    def columnCount(self, parent: AnyIndex = QModelIndex()) -> int:  # noqa: B008 (Qt's signature)
        return 0 if parent.isValid() else len(TITLES)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return TITLES[section]
        if role == Qt.ItemDataRole.ToolTipRole:
            return TIPS[section]
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        return None

    def flags(self, index: AnyIndex) -> Qt.ItemFlag:
        found = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
        return found | Qt.ItemFlag.ItemIsEditable if index.column() == NOTE else found

    def data(self, index: AnyIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        version, column = self.rows[index.row()], index.column()
        run = version.run
        if role == Qt.ItemDataRole.DisplayRole:
            return _texts(version)[column]
        if role == Qt.ItemDataRole.EditRole and column == NOTE:
            return version.note
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return f"{TITLES[column]} {_texts(version)[column] or trc('note', 'none')}"
        if role == Qt.ItemDataRole.ToolTipRole:
            return _tooltip(version, column)
        if role == Qt.ItemDataRole.DecorationRole and column == NUMBER:
            if version.is_missing:
                return icon("broken", "warning")
            return icon("check-circle", "success") if run.is_active else _no_icon()
        if role == Qt.ItemDataRole.FontRole and run.is_active and column in (NUMBER, RIGHT):
            return font(bold=True)
        return None

    def setData(self, index: AnyIndex, value: Any, role: int = Qt.ItemDataRole.EditRole) -> bool:
        if role != Qt.ItemDataRole.EditRole or index.column() != NOTE:
            return False
        version, note = self.rows[index.row()], str(value).strip()[:MAX_NOTE]
        if note != version.note:
            self.note_changed.emit(version.run.id, note)
        return True


@lru_cache(maxsize=1)
def _no_icon() -> QIcon:
    """Returns what keeps the numbers below each other where one of them has an icon."""
    nothing = QPixmap(16, 16)
    nothing.fill(Qt.GlobalColor.transparent)
    return QIcon(nothing)


def _texts(version: Version) -> tuple[str, ...]:
    run = version.run
    number = tr("{number}  ·  in use", number=run.id) if run.is_active else str(run.id)
    depth = "" if run.depth == "head" else f", {DEPTH_WORDS.get(run.depth, run.depth)}"
    return (
        tr("{number}  ·  files missing", number=run.id) if version.is_missing else number,
        wording.moment(run.created_at),
        f"{wording.percent(run.validation.accuracy)}  {wording.interval(run.validation.accuracy_interval)}",
        f"{wording.count(run.num_images, 'image')}, {wording.classes(len(run.class_names))}",
        f"{backbone_words(run.backbone)}{depth}",
        version.note,
    )


def _tooltip(version: Version, column: int) -> str:
    run = version.run
    if version.is_missing:
        return tr("The files of this version are not in the project. Its figures are kept, but it cannot be used.")
    if column == MADE:
        return wording.day_and_time(run.created_at)
    if column == RIGHT:
        return tr("Measured by {method}", method=run.validation.method)
    if column == NOTE:
        return version.note or tr("Double-click or F2 to write a note")
    return _texts(version)[column]
