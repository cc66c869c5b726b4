"""The small panel over the viewer in which the brightness of the shown pictures is set."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QToolButton, QVBoxLayout, QWidget

from engine.language import decimal, tr
from gui.display_levels import DisplayLevels, LevelMode
from gui.screen_images import Picture
from gui.theme import icon, theme
from gui.widgets.buttons import button
from gui.widgets.range_slider import NUM_BINS, RangeSlider
from gui.widgets.text import text_label

WIDTH_PX = 272


class LevelsPanel(QFrame):
    """Shows the levels of one picture and changes them."""

    closed = Signal()

    def __init__(self, levels: DisplayLevels, parent: QWidget) -> None:
        super().__init__(parent)
        self._levels = levels
        self._picture: Picture | None = None
        self.setAccessibleName(tr("Brightness"))
        self.setFixedWidth(WIDTH_PX)
        self.slider = RangeSlider()
        self._black = text_label("", "dim")
        self._white = text_label("", "dim")
        self._depth = text_label("", "faint")
        self.automatic = button(
            tr("Auto"), "chip", tooltip=tr("Each picture with its own darkest and brightest pixels (Ctrl+Shift+B)")
        )
        self.automatic.setCheckable(True)
        self.back = button(tr("Reset"), "chip", tooltip=tr("As the program and the model see the pictures"))
        self._close = QToolButton()
        self._close.setIcon(icon("close"))
        self._close.setToolTip(tr("Close (Esc)"))
        self._close.setAccessibleName(tr("Close the brightness panel"))
        self._build()
        self.slider.range_changed.connect(self._on_range_changed)
        self.automatic.clicked.connect(lambda on: levels.set_automatic(on))
        self.back.clicked.connect(lambda _checked=False: levels.reset())
        self._close.clicked.connect(lambda _checked=False: self.closed.emit())
        levels.changed.connect(self.refresh)
        self.hide()

    def set_picture(self, picture: Picture | None) -> None:
        """Shows the levels of another picture; None: there is none yet."""
        if picture is not self._picture:
            self._picture = picture
            self.refresh()

    def refresh(self) -> None:
        """Shows the levels as they are now."""
        if not self.isVisible():
            return
        mode, picture = self._levels.mode, self._picture
        self.automatic.setChecked(mode is LevelMode.AUTO)
        self.back.setEnabled(mode is not LevelMode.PLAIN)
        self.slider.setEnabled(picture is not None)
        if picture is None:
            return
        low, high = self._levels.range_of(picture)
        shown = self._levels.shown(picture)
        self.slider.set_histogram(self._levels.histogram_of(picture, NUM_BINS))
        self.slider.set_range((shown.black - low) / (high - low), (shown.white - low) / (high - low))
        self._black.setText(tr("Black {value}", value=_number(shown.black, high - low)))
        self._white.setText(tr("White {value}", value=_number(shown.white, high - low)))
        self._depth.setText(tr("16-bit grey") if picture.is_deep else tr("8-bit"))

    def showEvent(self, event: object) -> None:
        super().showEvent(event)  # type: ignore[arg-type]
        self.refresh()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.closed.emit()
        else:
            super().keyPressEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        event.accept()  # not through to the picture

    def paintEvent(self, event: QPaintEvent) -> None:
        colors = theme()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setBrush(colors.color("card"))
        painter.setPen(colors.color("border"))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 10, 10)

    def _build(self) -> None:
        title = QHBoxLayout()
        title.setSpacing(8)
        title.addWidget(text_label(tr("Brightness"), "caption"))
        title.addWidget(self._depth)
        title.addStretch(1)
        title.addWidget(self._close)
        numbers = QHBoxLayout()
        numbers.addWidget(self._black)
        numbers.addStretch(1)
        numbers.addWidget(self._white)
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        buttons.addWidget(self.automatic)
        buttons.addWidget(self.back)
        buttons.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(14, 8, 14, 14)
        layout.setSpacing(8)
        layout.addLayout(title)
        layout.addWidget(self.slider)
        layout.addLayout(numbers)
        layout.addLayout(buttons)
        layout.addWidget(text_label(tr("Only what you see changes, never what the model sees."), "faint", wrap=True))

    def _on_range_changed(self, low: float, high: float) -> None:
        if self._picture is not None:
            first, last = self._levels.range_of(self._picture)
            span = last - first
            self._levels.set_fixed(self._picture, first + low * span, first + high * span)


def _number(value: float, span: float) -> str:
    """Returns a value with as many digits as make sense in a range of this width."""
    return decimal(value, ",.0f" if span >= 50 else ".3g")
