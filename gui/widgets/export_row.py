"""One format in the export dialog: a box to choose it, what it is for, what it needs, and how its export goes."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from engine.language import tr
from gui.theme import paint_icon, theme
from gui.widgets.buttons import button
from gui.widgets.progress import SlimProgress
from gui.widgets.text import ElidedLabel, set_role, text_label

WAITING = tr("waiting")
ICON_PX = 18
INDENT_PX = 24


class Sign(QWidget):
    """A small icon in one of the theme's colours."""

    def __init__(self) -> None:
        super().__init__()
        self._icon, self._color = "check-circle", "success"
        self.setFixedSize(ICON_PX, ICON_PX)

    def show_icon(self, icon: str, color: str) -> None:
        self._icon, self._color = icon, color
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(ICON_PX, ICON_PX)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        paint_icon(painter, self._icon, QRectF(0, 0, ICON_PX, ICON_PX), self._color)


class ExportRowView(QWidget):
    """Shows one format; knows nothing of exports."""

    toggled = Signal()
    cancel_asked = Signal()
    open_asked = Signal()

    def __init__(self, title: str, description: str, caution: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.box = QCheckBox(title)
        self.box.setProperty("role", "heading")
        self.box.setToolTip(caution)
        self.box.setAccessibleDescription(f"{description} {caution}".strip())
        self.box.toggled.connect(lambda _on: self.toggled.emit())
        self.size_label = text_label(role="dim")
        self.size_label.setToolTip(tr("About how large the export is"))
        first = QHBoxLayout()
        first.setSpacing(12)
        first.addWidget(self.box)
        first.addStretch(1)
        first.addWidget(self.size_label)
        self.description = text_label(description, "dim", wrap=True)
        self.needs = text_label(role="faint", wrap=True)
        self.needs.hide()
        column = QVBoxLayout(self)
        column.setContentsMargins(14, 10, 14, 10)
        column.setSpacing(2)
        column.addLayout(first)
        for widget in (self.description, self.needs, self._make_progress(), self._make_outcome()):
            row = QHBoxLayout()
            row.setContentsMargins(INDENT_PX, 0, 0, 0)
            row.addWidget(widget)
            column.addLayout(row)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)

    def _make_progress(self) -> QWidget:
        self.running = QWidget()
        row = QHBoxLayout(self.running)
        row.setContentsMargins(0, 4, 0, 0)
        row.setSpacing(12)
        self.note = ElidedLabel(role="dim")
        self.note.setFixedWidth(210)
        self.progress = SlimProgress()
        self.cancel_button = button(tr("Cancel"), "chip", tooltip=tr("Cancel this format; the others go on"))
        self.cancel_button.setAccessibleName(tr("Cancel {format}", format=self.box.text()))
        self.cancel_button.clicked.connect(self.cancel_asked)
        row.addWidget(self.note)
        row.addWidget(self.progress, 1)
        row.addStretch()
        row.addWidget(self.cancel_button)
        self.running.hide()
        return self.running

    def _make_outcome(self) -> QWidget:
        self.ended = QWidget()
        row = QHBoxLayout(self.ended)
        row.setContentsMargins(0, 4, 0, 0)
        row.setSpacing(8)
        self.sign = Sign()
        self.outcome = text_label(wrap=True)
        self.open_button = button(tr("Open folder"), "chip", "folder-open", tr("Show the exported files"))
        self.open_button.setAccessibleName(tr("Open the folder of {format}", format=self.box.text()))
        self.open_button.clicked.connect(self.open_asked)
        row.addWidget(self.sign, 0, Qt.AlignmentFlag.AlignTop)
        row.addWidget(self.outcome, 1)
        row.addWidget(self.open_button, 0, Qt.AlignmentFlag.AlignTop)
        self.ended.hide()
        return self.ended

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self.rect().contains(event.position().toPoint()):
            self.box.click()

    def show_needs(self, sentence: str, can_be_chosen: bool) -> None:
        """Says what has to be installed first, or why the format cannot be made here."""
        self.needs.setText(sentence)
        self.needs.setVisible(bool(sentence))
        self.box.setEnabled(can_be_chosen)

    def show_progress(self, done: int, total: int, note: str) -> None:
        """Shows how far it is; while nothing is known of that but a note, only the note."""
        self.progress.setVisible(total > 0 or note != WAITING)
        self.note.setText(note[:1].upper() + note[1:])
        self.progress.set_progress(done, total)
        self.running.show()
        self.ended.hide()

    def show_outcome(self, icon: str, color: str, sentence: str, has_folder: bool) -> None:
        """Shows how it ended."""
        self.sign.show_icon(icon, color)
        set_role(self.outcome, {"success": "", "warning": "warning", "danger": "danger"}.get(color, "dim"))
        self.outcome.setText(sentence)
        self.open_button.setVisible(has_folder)
        self.running.hide()
        self.ended.show()

    def show_ready(self) -> None:
        """Shows nothing of an export."""
        self.running.hide()
        self.ended.hide()

    def paintEvent(self, event: QPaintEvent) -> None:
        colors = theme()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setBrush(colors.color("card"))
        pen = painter.pen()
        pen.setColor(colors.color("accent" if self.box.isChecked() else "border"))
        painter.setPen(pen)
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 10, 10)
