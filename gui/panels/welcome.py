"""The page that greets: start a project, open one, go on with a recent one, try the sample, or drop a folder."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from engine.language import tr, trc
from gui.preferences import Preferences, RecentProject
from gui.theme import font, paint_icon, theme
from gui.widgets.buttons import button
from gui.widgets.card_button import CardButton
from gui.widgets.drop_frame import paint_drop_frame
from gui.widgets.recent_row import RecentRow
from gui.widgets.text import text_label

COLUMN_WIDTH_PX = 760
NUM_RECENT = 6


class DropZone(QWidget):
    """Says that a folder can be dropped, and shows when one is above it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._is_target = False
        self.setFixedHeight(120)
        self.setAccessibleName(tr("Drop a folder of images here to start"))

    def set_is_target(self, on: bool) -> None:
        self._is_target = on
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        colors = theme()
        painter = QPainter(self)
        paint_drop_frame(painter, self.rect(), self._is_target, 12)
        middle = QPointF(self.rect().center())
        name = "accent" if self._is_target else "text_faint"
        paint_icon(painter, "images", QRectF(middle.x() - 14, middle.y() - 34, 28, 28), name)
        painter.setPen(colors.color("text" if self._is_target else "text_dim"))
        painter.setFont(font(1.0))
        line = QRectF(0, middle.y() + 2, self.width(), 28)
        text = tr("Let go to start") if self._is_target else tr("Drop a folder of images here to start")
        painter.drawText(line, int(Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop), text)


class WelcomePanel(QScrollArea):
    """What there is to see while no project is open."""

    new_asked = Signal()
    open_asked = Signal()
    sample_asked = Signal()
    recent_asked = Signal(Path)
    model_asked = Signal()
    """An exported model is to be used, without a project."""

    def __init__(self, preferences: Preferences, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._preferences = preferences
        self.setProperty("role", "window")
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        body = QWidget()
        body.setProperty("role", "window")
        body.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setWidget(body)
        outer = QHBoxLayout(body)
        outer.setContentsMargins(24, 24, 24, 24)
        column_widget = QWidget()
        column_widget.setMaximumWidth(COLUMN_WIDTH_PX)
        outer.addStretch(1)
        outer.addWidget(column_widget, 100)
        outer.addStretch(1)
        column = QVBoxLayout(column_widget)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addStretch(2)
        headline = text_label(tr("Teach it with a few pictures."))
        headline.setFont(font(2.1, bold=True))
        column.addWidget(headline)
        column.addSpacing(8)
        promise = text_label(
            tr(
                "Label some images with single keys, press Retrain, and see seconds later how good it is. "
                "Everything stays on this machine, and your pictures are never changed."
            ),
            "dim",
            wrap=True,
        )
        promise.setFont(font(1.08))
        column.addWidget(promise)
        column.addSpacing(24)
        column.addLayout(self._make_cards())
        column.addSpacing(12)
        self._drop_zone = DropZone()
        column.addWidget(self._drop_zone)
        column.addSpacing(8)
        self.model_button = button(
            tr("Use an exported model…"), "link", tooltip=tr("Classify pictures with it, no project needed")
        )
        self.model_button.clicked.connect(self.model_asked)
        column.addWidget(self.model_button, 0, Qt.AlignmentFlag.AlignLeft)
        column.addSpacing(16)
        self._recent_caption = text_label(tr("Recent"), "caption")
        column.addWidget(self._recent_caption)
        column.addSpacing(8)
        self._recent = QVBoxLayout()
        self._recent.setSpacing(4)
        column.addLayout(self._recent)
        column.addStretch(3)
        self.refresh()

    def set_is_drop_target(self, on: bool) -> None:
        """Shows that a folder is held over the window."""
        self._drop_zone.set_is_target(on)

    def refresh(self) -> None:
        """Reads the recent projects anew."""
        self.setEnabled(True)
        while (item := self._recent.takeAt(0)) is not None:
            if (old := item.widget()) is not None:
                old.setParent(None)
                old.deleteLater()
        recent = [each for each in self._preferences.recent_projects() if each.is_there][:NUM_RECENT]
        self._recent_caption.setVisible(bool(recent))
        for each in recent:
            row = RecentRow(each)
            row.clicked.connect(lambda _checked=False, chosen=each: self.recent_asked.emit(Path(chosen.folder)))
            row.forget_asked.connect(self._forget)
            self._recent.addWidget(row)

    def recent_rows(self) -> list[RecentRow]:
        """Returns the rows of recent projects, newest first."""
        items = (self._recent.itemAt(place) for place in range(self._recent.count()))
        widgets = [item.widget() for item in items if item is not None]
        return [row for row in widgets if isinstance(row, RecentRow)]

    def _forget(self, recent: RecentProject) -> None:
        self._preferences.forget_project(recent.folder)
        self.refresh()

    def show_opening(self, _name: str) -> None:
        """Takes no clicks while a project is being opened."""
        self.setEnabled(False)

    def _make_cards(self) -> QGridLayout:
        grid = QGridLayout()
        grid.setSpacing(12)
        self.new_button = CardButton(
            "plus", tr("New project"), tr("Choose a folder of images. They stay where they are.")
        )
        self.new_button.set_is_primary(True)
        self.new_button.setToolTip(tr("Ctrl+N"))
        self.new_button.clicked.connect(self.new_asked)
        self.open_button = CardButton("folder-open", trc("verb", "Open"), tr("Go on with a project that you have."))
        self.open_button.setToolTip(tr("Ctrl+O"))
        self.open_button.clicked.connect(self.open_asked)
        self.sample_button = CardButton("leaf", tr("Try the sample"), tr("A small set of pictures, ready to label."))
        self.sample_button.clicked.connect(self.sample_asked)
        for place, card in enumerate((self.new_button, self.open_button, self.sample_button)):
            grid.addWidget(card, 0, place)
            grid.setColumnStretch(place, 1)
        return grid
