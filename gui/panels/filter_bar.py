"""The bar above the grid: what is filtered, as chips to remove, how many images, their order and their size."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QSignalBlocker, QSize, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QMenu,
    QPushButton,
    QSizePolicy,
    QSlider,
    QToolButton,
    QWidget,
)

from engine.domain import NO_CLASS
from gui import wording
from gui.models.image_filter import ImageFilter, Order, Show
from gui.theme import icon, theme
from gui.widgets.grid_layout import DEFAULT_CARD_PX, MAX_CARD_PX, MIN_CARD_PX
from gui.widgets.text import text_label

LONG, SHORT = 24, 10
"""Letters of a chip, where there is room and where there is none."""
NUM_STEPS = 4


class FilterBar(QWidget):
    """Shows a filter; every change is asked for by signal. In a narrow window it gives up words before controls."""

    filter_wanted = Signal(object)
    """An ImageFilter."""
    order_wanted = Signal(object)
    """An Order."""
    card_size_wanted = Signal(int)
    refresh_wanted = Signal()
    viewer_toggled = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._filter = ImageFilter()
        self._is_viewing = False
        self.chips: list[QPushButton] = []
        self._count = text_label("", "dim")
        self._refresh = QPushButton()
        self._refresh.setProperty("role", "chip")
        self._refresh.setIcon(icon("retrain"))
        self._refresh.setToolTip("Take out of the list what no longer belongs to it (Ctrl+L)")
        self._refresh.clicked.connect(self.refresh_wanted)
        self._refresh.hide()
        self.order = QComboBox()
        self.order.addItems([order.value for order in Order])
        self.order.setAccessibleName("Order of the images")
        self.order.setToolTip("Order of the images")
        self.order.activated.connect(lambda at: self.order_wanted.emit(list(Order)[at]))
        self._order_label = text_label("Order", "dim")
        self.order_button = QToolButton()
        self.order_button.setIcon(icon("sort"))
        self.order_button.setAccessibleName("Order of the images")
        self.order_button.clicked.connect(self._open_orders)
        self.size_slider = QSlider(Qt.Orientation.Horizontal)
        self.size_slider.setRange(MIN_CARD_PX, MAX_CARD_PX)
        self.size_slider.setValue(DEFAULT_CARD_PX)
        self.size_slider.setAccessibleName("Size of the pictures")
        self.size_slider.setToolTip("Size of the pictures (Ctrl+wheel)")
        self.size_slider.valueChanged.connect(self.card_size_wanted)
        self._size_label = text_label("Size", "dim")
        self.viewer_button = QToolButton()
        self.viewer_button.clicked.connect(self.viewer_toggled)
        for widget in (self.order, self.order_button, self.size_slider, self.viewer_button):
            widget.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._build()
        self.set_order(Order.FILED)
        self.set_viewer_shown(False)

    def set_filter(self, wanted: ImageFilter, class_name: str) -> None:
        """Shows a filter as chips; a click on a chip takes that part of it away."""
        self._filter = wanted
        for chip in self.chips:
            self._chip_row.removeWidget(chip)
            chip.hide()
            chip.deleteLater()
        self.chips = []
        if wanted.show is not Show.ALL:
            self._add_chip(wanted.show.value, ImageFilter(Show.ALL, wanted.class_id, wanted.text))
        if wanted.class_id != NO_CLASS:
            self._add_chip(class_name, wanted.without_class())
        if wanted.text:
            self._add_chip(f"“{wanted.text}”", ImageFilter(wanted.show, wanted.class_id))
        self._fit()

    def set_counts(self, num_shown: int, num_gone: int, is_model_newer: bool = False) -> None:
        """Shows how many images there are, how many of them no longer pass the filter, and whether a newer model
        would order them differently."""
        self._count.setText(wording.count(num_shown, "image"))
        self._refresh.setText("New model" if is_model_newer else f"{num_gone:,} done")
        self._refresh.setAccessibleName("Refresh the list")
        self._refresh.setVisible(num_gone > 0 or is_model_newer)
        self._fit()

    def set_order(self, order: Order) -> None:
        self.order.setCurrentIndex(list(Order).index(order))
        self.order_button.setToolTip(f"Order of the images: {order.value}")

    def set_card_px(self, size: int) -> None:
        blocker = QSignalBlocker(self.size_slider)
        self.size_slider.setValue(size)
        blocker.unblock()

    def set_viewer_shown(self, is_shown: bool) -> None:
        """Shows what makes sense for the grid or for the viewer."""
        self._is_viewing = is_shown
        self.viewer_button.setIcon(icon("grid" if is_shown else "single"))
        self.viewer_button.setToolTip("Back to the grid (Esc)" if is_shown else "One image at a time (Enter)")
        self.viewer_button.setAccessibleName("Back to the grid" if is_shown else "One image at a time")
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
        """Leaves out words, then the slider, until nothing is cut off."""
        for step in range(NUM_STEPS):
            self._order_label.setVisible(step < 1)
            self._size_label.setVisible(step < 1 and not self._is_viewing)
            self.order.setVisible(step < 2)
            self.order_button.setVisible(step >= 2)
            self.size_slider.setVisible(step < 3 and not self._is_viewing)
            self.size_slider.setFixedWidth(96 if step < 1 else 64)
            for chip in self.chips:
                chip.setText(_shortened(str(chip.property("whole")), LONG if step < 3 else SHORT) + "  ×")
            self._row.invalidate()
            if self._row.sizeHint().width() <= self.width():
                return

    def _open_orders(self) -> None:
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        for order in Order:
            action = menu.addAction(order.value, partial(self.order_wanted.emit, order))
            action.setCheckable(True)
            action.setChecked(order.value == self.order.currentText())
        menu.popup(self.order_button.mapToGlobal(self.order_button.rect().bottomLeft()))

    def _add_chip(self, text: str, without: ImageFilter) -> None:
        chip = QPushButton(self)
        chip.setProperty("role", "chip")
        chip.setProperty("whole", text)
        chip.setToolTip(f"Remove the filter {text}")
        chip.setAccessibleName(f"Filter {text}, remove")
        chip.clicked.connect(lambda: self.filter_wanted.emit(without))
        self._chip_row.addWidget(chip)
        chip.show()
        self.chips.append(chip)


def _shortened(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"
