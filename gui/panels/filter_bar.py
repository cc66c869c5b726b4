"""The bar above the grid: what is filtered, as chips to remove, how many images, their order and their size."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import (
    QHBoxLayout,
    QMenu,
    QPushButton,
    QSizePolicy,
    QToolButton,
    QWidget,
)

from engine.language import tr
from gui import wording
from gui.models.filter_chips import FilterChip
from gui.models.image_filter import ImageFilter
from gui.theme import icon, theme
from gui.widgets.grid_layout import DEFAULT_CARD_PX, MAX_CARD_PX, MIN_CARD_PX
from gui.widgets.order_button import OrderButton
from gui.widgets.size_slider import SizeSlider
from gui.widgets.text import text_label

LONG, SHORT = 32, 10
"""Letters of a chip, where there is room and where there is none."""
NUM_STEPS = 4


class FilterBar(QWidget):
    """Shows a filter; every change is asked for by signal. In a narrow window it gives up words before controls."""

    filter_wanted = Signal(object)
    """An ImageFilter."""
    orders_wanted = Signal(QWidget)
    """The menu of orders is to be shown below this widget."""
    card_size_wanted = Signal(int)
    refresh_wanted = Signal()
    viewer_toggled = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._parts: list[FilterChip] = []
        self._is_viewing = False
        self.chips: list[QPushButton] = []
        self.more_chips = _chip_button("", tr("More filters"))
        self.more_chips.clicked.connect(self._open_more)
        self.clear_all = _chip_button(tr("Clear all"), tr("Clear all filters"))
        self.clear_all.setToolTip(tr("Show all images (Ctrl+Shift+L)"))
        self.clear_all.clicked.connect(lambda: self.filter_wanted.emit(ImageFilter()))
        self._count = text_label("", "dim")
        self._refresh = QPushButton()
        self._refresh.setProperty("role", "chip")
        self._refresh.setIcon(icon("retrain"))
        self._refresh.setToolTip(tr("Take out of the list what no longer belongs to it (Ctrl+L)"))
        self._refresh.clicked.connect(self.refresh_wanted)
        self._refresh.hide()
        self.order = OrderButton()
        self.order.clicked.connect(lambda: self.orders_wanted.emit(self.order))
        self._order_label = text_label(tr("Order"), "dim")
        self.order_button = QToolButton()
        self.order_button.setIcon(icon("sort"))
        self.order_button.setAccessibleName(tr("Order of the images"))
        self.order_button.clicked.connect(lambda: self.orders_wanted.emit(self.order_button))
        self.size_slider = SizeSlider(MIN_CARD_PX, MAX_CARD_PX, DEFAULT_CARD_PX, 96)
        self.size_slider.valueChanged.connect(self.card_size_wanted)
        self._size_label = text_label(tr("Size"), "dim")
        self.viewer_button = QToolButton()
        self.viewer_button.clicked.connect(self.viewer_toggled)
        for widget in (self.order, self.order_button, self.viewer_button):
            widget.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._build()
        self.set_order(tr("As filed"))
        self.set_viewer_shown(False)

    def set_filter(self, parts: Sequence[FilterChip]) -> None:
        """Shows a filter as chips; a click on a chip takes that part of it away."""
        if list(parts) == self._parts:
            return
        self._parts = list(parts)
        for chip in self.chips:
            self._chip_row.removeWidget(chip)
            chip.hide()
            chip.deleteLater()
        self.chips = [self._add_chip(part) for part in parts]
        self._fit()

    def set_counts(self, num_shown: int, num_gone: int, is_model_newer: bool = False, waiting: str = "") -> None:
        """Shows how many images there are, how many of them no longer pass the filter, whether a newer model would
        order them differently, and the title of an order that is ready and waits to be shown."""
        self._count.setText(wording.count(num_shown, "image"))
        kept = _shortened(waiting, LONG)
        self._refresh.setText(
            tr("Show: {title}", title=kept)
            if waiting
            else tr("New model")
            if is_model_newer
            else tr("{number:,} done", number=num_gone)
        )
        self._refresh.setToolTip(
            tr("It is ready; you went on meanwhile, so it waits for you (Ctrl+L)")
            if waiting
            else tr("Take out of the list what no longer belongs to it (Ctrl+L)")
        )
        self._refresh.setAccessibleName(tr("Show {title}", title=waiting) if waiting else tr("Refresh the list"))
        self._refresh.setVisible(num_gone > 0 or is_model_newer or bool(waiting))
        self._fit()

    def set_order(self, title: str) -> None:
        """Shows the order in force."""
        self.order.set_title(title)
        self.order_button.setToolTip(tr("Order of the images: {title} (F4)", title=title))
        self._fit()

    @property
    def order_anchor(self) -> QWidget:
        """The one of the two buttons of the menu of orders that is on the screen."""
        return self.order if self.order.isVisible() else self.order_button

    def set_card_px(self, size: int) -> None:
        self.size_slider.set_card_px(size)

    def set_viewer_shown(self, is_shown: bool) -> None:
        """Shows what makes sense for the grid or for the viewer."""
        self._is_viewing = is_shown
        self.viewer_button.setIcon(icon("grid" if is_shown else "single"))
        self.viewer_button.setToolTip(tr("Back to the grid (Esc)") if is_shown else tr("One image at a time (Enter)"))
        self.viewer_button.setAccessibleName(tr("Back to the grid") if is_shown else tr("One image at a time"))
        self._fit()

    def sizeHint(self) -> QSize:
        return QSize(600, 46)

    def minimumSizeHint(self) -> QSize:
        return QSize(200, 46)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def paintEvent(self, event: QPaintEvent) -> None:
        QPainter(self).fillRect(0, self.height() - 1, self.width(), 1, QColor(theme().border))

    def _build(self) -> None:
        self._chip_row = QHBoxLayout()
        self._chip_row.setSpacing(8)
        self._row = QHBoxLayout(self)
        self._row.setSizeConstraint(QHBoxLayout.SizeConstraint.SetNoConstraint)
        self._row.setContentsMargins(16, 6, 12, 6)
        self._row.setSpacing(8)
        self._row.addLayout(self._chip_row)
        self._row.addWidget(self.more_chips)
        self._row.addWidget(self.clear_all)
        self._row.addWidget(self._count)
        self._row.addWidget(self._refresh)
        self._row.addStretch(1)
        right = (
            self._order_label,
            self.order,
            self.order_button,
            self._size_label,
            self.size_slider,
            self.viewer_button,
        )
        for widget in right:
            self._row.addWidget(widget)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def _fit(self) -> None:
        """Leaves out words, then the slider, then shortens the chips and puts the last ones away, until all fits."""
        for step in range(NUM_STEPS + len(self.chips)):
            self._order_label.setVisible(step < 1)
            self._size_label.setVisible(step < 1 and not self._is_viewing)
            self.order.setVisible(step < 2)
            self.order_button.setVisible(step >= 2)
            self.size_slider.setVisible(step < 3 and not self._is_viewing)
            self.size_slider.setFixedWidth(96 if step < 1 else 64)
            num_shown = len(self.chips) - max(0, step - NUM_STEPS + 1)
            for at, (chip, part) in enumerate(zip(self.chips, self._parts, strict=True)):
                chip.setText(_shortened(part.text, LONG if step < 3 else SHORT) + "  ×")
                chip.setVisible(at < num_shown)
            self.more_chips.setText(f"+{len(self.chips) - num_shown}")
            self.more_chips.setVisible(num_shown < len(self.chips))
            self.clear_all.setVisible(len(self.chips) > 1)
            self._chip_row.invalidate()
            self._row.invalidate()
            if self._row.sizeHint().width() <= self.width():
                break
        # What was asked for while the bar itself is being laid out would wait for the next time.
        self._row.activate()

    def _open_more(self) -> None:
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        for chip, part in zip(self.chips, self._parts, strict=True):
            if chip.isHidden():
                text = tr("Remove {title}", title=part.title).replace("&", "&&")
                menu.addAction(icon("close"), text, partial(self.filter_wanted.emit, part.without))
        menu.popup(self.more_chips.mapToGlobal(self.more_chips.rect().bottomLeft()))

    def _add_chip(self, part: FilterChip) -> QPushButton:
        chip = _chip_button(part.text, tr("Filter {title}, remove", title=part.title))
        chip.setToolTip(tr("Remove the filter {title}", title=part.title))
        chip.clicked.connect(lambda: self.filter_wanted.emit(part.without))
        self._chip_row.addWidget(chip)
        chip.ensurePolished()  # a chip that was never shown would say a width without its padding
        return chip


def _chip_button(text: str, name: str) -> QPushButton:
    made = QPushButton(text)
    made.setProperty("role", "chip")
    made.setAccessibleName(name)
    made.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    return made


def _shortened(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"
