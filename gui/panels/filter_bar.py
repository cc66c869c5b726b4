"""The bar above the grid: what is filtered, as chips to remove, how many images, their order and their size."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QPushButton, QSlider, QToolButton, QWidget

from engine.domain import NO_CLASS
from gui.models.image_filter import ImageFilter, Order, Show
from gui.theme import icon, theme
from gui.widgets.grid_layout import DEFAULT_CARD_PX, MAX_CARD_PX, MIN_CARD_PX

NARROW_PX = 720


class FilterBar(QWidget):
    """Shows a filter; every change is asked for by signal."""

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
        self._chips: list[QPushButton] = []
        self._count = QLabel()
        self._count.setProperty("role", "dim")
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
        self.order.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.order.activated.connect(lambda at: self.order_wanted.emit(list(Order)[at]))
        self._order_label = QLabel("Order")
        self._order_label.setProperty("role", "dim")
        self.size_slider = QSlider(Qt.Orientation.Horizontal)
        self.size_slider.setRange(MIN_CARD_PX, MAX_CARD_PX)
        self.size_slider.setValue(DEFAULT_CARD_PX)
        self.size_slider.setFixedWidth(96)
        self.size_slider.setAccessibleName("Size of the pictures")
        self.size_slider.setToolTip("Size of the pictures (Ctrl+wheel)")
        self.size_slider.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.size_slider.valueChanged.connect(self.card_size_wanted)
        self._size_label = QLabel("Size")
        self._size_label.setProperty("role", "dim")
        self.viewer_button = QToolButton()
        self.viewer_button.setIcon(icon("single"))
        self.viewer_button.setToolTip("One image at a time (Enter)")
        self.viewer_button.setAccessibleName("One image at a time")
        self.viewer_button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.viewer_button.clicked.connect(self.viewer_toggled)
        self._chip_row = QHBoxLayout()
        self._chip_row.setSpacing(8)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(16, 6, 12, 6)
        layout.setSpacing(8)
        layout.addLayout(self._chip_row)
        layout.addWidget(self._count)
        layout.addWidget(self._refresh)
        layout.addStretch(1)
        for widget in (self._order_label, self.order, self._size_label, self.size_slider, self.viewer_button):
            layout.addWidget(widget)
        self.setFixedHeight(46)

    def set_filter(self, wanted: ImageFilter, class_name: str) -> None:
        """Shows a filter as chips; a click on a chip takes that part of it away."""
        self._filter = wanted
        for chip in self._chips:
            self._chip_row.removeWidget(chip)
            chip.deleteLater()
        self._chips = []
        if wanted.show is not Show.ALL:
            self._add_chip(wanted.show.value, ImageFilter(Show.ALL, wanted.class_id, wanted.text))
        if wanted.class_id != NO_CLASS:
            self._add_chip(class_name, wanted.without_class())
        if wanted.text:
            self._add_chip(f"“{wanted.text}”", ImageFilter(wanted.show, wanted.class_id))

    def set_counts(self, num_shown: int, num_gone: int, is_model_newer: bool = False) -> None:
        """Shows how many images there are, how many of them no longer pass the filter, and whether a newer model
        would order them differently."""
        self._count.setText(f"{num_shown:,} image" + ("" if num_shown == 1 else "s"))
        self._refresh.setText("New model" if is_model_newer else f"{num_gone:,} done")
        self._refresh.setAccessibleName("Refresh the list")
        self._refresh.setVisible(num_gone > 0 or is_model_newer)

    def set_order(self, order: Order) -> None:
        self.order.setCurrentIndex(list(Order).index(order))

    def set_card_px(self, size: int) -> None:
        blocker = QSignalBlocker(self.size_slider)
        self.size_slider.setValue(size)
        blocker.unblock()

    def set_viewer_shown(self, is_shown: bool) -> None:
        """Shows what makes sense for the grid or for the viewer."""
        self.viewer_button.setIcon(icon("grid" if is_shown else "single"))
        self.viewer_button.setToolTip("Back to the grid (Esc)" if is_shown else "One image at a time (Enter)")
        self.viewer_button.setAccessibleName("Back to the grid" if is_shown else "One image at a time")
        self.size_slider.setEnabled(not is_shown)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        is_wide = self.width() >= NARROW_PX
        self._order_label.setVisible(is_wide)
        self._size_label.setVisible(is_wide)
        self.size_slider.setFixedWidth(96 if is_wide else 64)

    def paintEvent(self, event: QPaintEvent) -> None:
        QPainter(self).fillRect(0, self.height() - 1, self.width(), 1, QColor(theme().border))

    def _add_chip(self, text: str, without: ImageFilter) -> None:
        shown = text if len(text) <= 24 else text[:23] + "…"
        chip = QPushButton(shown + "  ×", self)
        chip.setProperty("role", "chip")
        chip.setToolTip(f"Remove the filter {text}")
        chip.setAccessibleName(f"Filter {text}, remove")
        chip.clicked.connect(lambda: self.filter_wanted.emit(without))
        self._chip_row.addWidget(chip)
        self._chips.append(chip)
