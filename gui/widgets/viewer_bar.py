"""The line above the large image: name and place, the way to the neighbours, zoom, brightness."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QToolButton, QWidget

from engine.language import tr
from gui.theme import icon
from gui.widgets.text import ElidedLabel, text_label

WIDE_PX, NARROW_PX = 680, 600
HEAT_TIP = tr("Where the model looks (H)")


class ViewerBar(QWidget):
    """Tells by signal what was pressed."""

    closed = Signal()
    step_wanted = Signal(int)
    next_unlabelled_wanted = Signal()
    zoom_wanted = Signal(int)
    """In steps, negative: smaller."""
    fit_wanted = Signal()
    fill_wanted = Signal()
    pixels_wanted = Signal()
    levels_toggled = Signal()
    heat_toggled = Signal()
    similar_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._name = ElidedLabel("", mode=Qt.TextElideMode.ElideMiddle)
        self._name.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self._place = text_label("", "faint")
        self._zoom = text_label("", "dim")
        self._zoom.setMinimumWidth(48)
        self._zoom.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._previous = _button("chevron-left", tr("Previous image (←)"))
        self._next = _button("chevron-right", tr("Next image (→)"))
        self._unlabelled = _button("next", tr("Next unlabelled image (Tab)"))
        self._fit = _button("fit", tr("Whole image (Ctrl+0)"), is_checkable=True)
        self._fill = _button("fill", tr("Fill the view (Ctrl+2)"), is_checkable=True)
        self._pixels = _button("pixels", tr("Every pixel, 100 % (Ctrl+1, double click)"), is_checkable=True)
        self._levels = _button("contrast", tr("Brightness (Ctrl+B, Ctrl+drag)"), is_checkable=True)
        self._heat = _button("eye", HEAT_TIP, is_checkable=True)
        self._similar = _button("images", tr("Similar images (Ctrl+Shift+S)"))
        self._similar.hide()
        self._zoom_steps = _button("zoom-out", tr("Zoom out (-)")), _button("zoom-in", tr("Zoom in (+)"))
        self._offers_similar = False
        self._build()

    def offer_similar(self) -> None:
        """Shows the button for similar images: there is somebody to look for them."""
        self._offers_similar = True

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._similar.setVisible(self._offers_similar and self.width() >= WIDE_PX)  # the menu of the image has it too
        for step in self._zoom_steps:  # the wheel does that too, and + and -
            step.setVisible(self.width() >= NARROW_PX)

    @property
    def image_name(self) -> str:
        """The name that is shown."""
        return self._name.text()

    def show_image(self, name: str, position: int, num_images: int) -> None:
        """Shows which image is on screen; a negative position: none."""
        self._name.setText(name)
        self._place.setText(
            tr("{number:,} of {total:,}", number=position + 1, total=num_images) if position >= 0 else ""
        )
        self._previous.setEnabled(position > 0)
        self._next.setEnabled(0 <= position < num_images - 1)
        self._similar.setEnabled(position >= 0)
        self._unlabelled.setEnabled(position >= 0)

    def set_has_unlabelled(self, on: bool) -> None:
        """Offers the way to the next unlabelled image, or not."""
        self._unlabelled.setVisible(on)

    def show_zoom(self, zoom: float, is_fitted: bool, is_filling: bool, is_loading: bool) -> None:
        """Shows the zoom, and whether the pixels for it are still on their way."""
        text = f"{zoom * 100:.0f} %"
        self._zoom.setText(f"{text} …" if is_loading else text)
        self._zoom.setToolTip(tr("The picture is being read in full.") if is_loading else tr("Zoom"))
        self._fit.setChecked(is_fitted)
        self._fill.setChecked(is_filling)
        self._pixels.setChecked(not is_fitted and not is_filling and abs(zoom - 1) < 1e-6)

    def show_levels(self, are_changed: bool) -> None:
        """Marks that the brightness on screen is not that of the file."""
        self._levels.setChecked(are_changed)

    def show_heat(self, is_on: bool, why_not: str, how: str = "") -> None:
        """Shows whether the heat map is on; or why there is none, or how the one that is shown was found."""
        self._heat.setChecked(is_on)
        self._heat.setEnabled(not why_not)
        self._heat.setToolTip(". ".join(part for part in (HEAT_TIP, why_not or how) if part))

    def _build(self) -> None:
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 6, 12, 6)
        row.setSpacing(4)
        back = _button("grid", tr("Back to the grid (Esc)"))
        back.clicked.connect(lambda _checked=False: self.closed.emit())
        smaller, larger = self._zoom_steps
        smaller.clicked.connect(lambda _checked=False: self.zoom_wanted.emit(-1))
        larger.clicked.connect(lambda _checked=False: self.zoom_wanted.emit(1))
        self._previous.clicked.connect(lambda _checked=False: self.step_wanted.emit(-1))
        self._next.clicked.connect(lambda _checked=False: self.step_wanted.emit(1))
        self._unlabelled.clicked.connect(lambda _checked=False: self.next_unlabelled_wanted.emit())
        self._fit.clicked.connect(lambda _checked=False: self.fit_wanted.emit())
        self._fill.clicked.connect(lambda _checked=False: self.fill_wanted.emit())
        self._pixels.clicked.connect(lambda _checked=False: self.pixels_wanted.emit())
        self._levels.clicked.connect(lambda _checked=False: self.levels_toggled.emit())
        self._heat.clicked.connect(lambda _checked=False: self.heat_toggled.emit())
        self._similar.clicked.connect(lambda _checked=False: self.similar_wanted.emit())
        row.addWidget(back)
        row.addSpacing(4)
        row.addWidget(self._name, 1)
        row.addSpacing(4)
        groups: tuple[tuple[QLabel | QToolButton, ...], ...] = (
            (self._previous, self._place, self._next, self._unlabelled),
            (smaller, self._zoom, larger),
            (self._fit, self._fill, self._pixels, self._levels, self._heat, self._similar),
        )
        for group in groups:
            row.addSpacing(4)
            for widget in group:
                row.addWidget(widget)


def _button(icon_name: str, tip: str, is_checkable: bool = False) -> QToolButton:
    button = QToolButton()
    button.setIcon(icon(icon_name))
    button.setToolTip(tip)
    button.setAccessibleName(tip.partition(" (")[0])
    button.setCheckable(is_checkable)
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    return button
