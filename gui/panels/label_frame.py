"""The widgets of the Label workspace and where they lie. No behaviour: that is `label_workspace`."""

from __future__ import annotations

from itertools import pairwise

from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QColor, QFocusEvent, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from gui.models.image_list import ImageListModel
from gui.models.label_counts import LabelCounts
from gui.panels.card_faces import CardFaces
from gui.panels.class_palette import ClassPalettePanel
from gui.panels.details_panel import DetailsPanel
from gui.panels.filter_bar import FilterBar
from gui.panels.show_list import ShowListPanel
from gui.screen_images import ScreenImages
from gui.session import Session
from gui.theme import theme
from gui.thumbnails import Thumbnails
from gui.widgets.class_finder import ClassFinder
from gui.widgets.empty_state import EmptyState
from gui.widgets.hint_line import HintLine
from gui.widgets.image_grid import ImageGrid
from gui.widgets.image_viewer import ImageViewer

NARROW_PX = 1240
LEFT_PX, NARROW_LEFT_PX = 248, 208
RIGHT_PX, NARROW_RIGHT_PX = 288, 228
FINDER_TOP_PX = 72


class LabelFrame(QWidget):
    """Palette and filters on the left, grid or single image in the middle, details on the right, keys below."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.session = session
        self.thumbnails = Thumbnails(self)
        self.screens = ScreenImages(self.thumbnails.folders, self)
        self.counts = LabelCounts()
        self.images = ImageListModel(self)
        self.faces = CardFaces(session, self.images, self.thumbnails)
        self.grid = ImageGrid(self.images, self.thumbnails, self.faces.at)
        self.viewer = ImageViewer(self.images, self.thumbnails, self.screens, self.faces.at, self.grid.current_position)
        self.empty = EmptyState()
        self.palette_panel = ClassPalettePanel(session, self.counts)
        self.show_list = ShowListPanel(self.counts)
        self.filter_bar = FilterBar()
        self.details = DetailsPanel(session, self.thumbnails, self.faces.of_row)
        self.hint_line = HintLine()
        self.stack = QStackedWidget()
        self._left = QWidget()
        self._centre = QWidget()
        self._build()
        self.finder = ClassFinder(self._centre)

    @property
    def is_viewing(self) -> bool:
        """Whether a single image is shown."""
        return self.stack.currentWidget() is self.viewer

    def focus_images(self) -> None:
        """Gives the keyboard to the grid or to the single image."""
        (self.viewer if self.is_viewing else self.grid).setFocus(Qt.FocusReason.OtherFocusReason)

    def focus_next_pane(self) -> None:
        """Moves the keyboard focus between palette, list of filters and images."""
        panes = [self.palette_panel.view, self.show_list.view, self.viewer if self.is_viewing else self.grid]
        panes = [pane for pane in panes if pane.isVisible()]
        at = next((at for at, pane in enumerate(panes) if pane.hasFocus()), -1)
        panes[(at + 1) % len(panes)].setFocus(Qt.FocusReason.ShortcutFocusReason)

    def place_finder(self) -> None:
        """Puts the type-ahead over the upper middle of the images."""
        self.finder.move(QPoint((self._centre.width() - self.finder.width()) // 2, FINDER_TOP_PX))

    def focusInEvent(self, event: QFocusEvent) -> None:
        self.focus_images()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        is_narrow = self.width() < NARROW_PX
        self._left.setFixedWidth(NARROW_LEFT_PX if is_narrow else LEFT_PX)
        self.details.setFixedWidth(NARROW_RIGHT_PX if is_narrow else RIGHT_PX)
        self.place_finder()

    def paintEvent(self, event: QPaintEvent) -> None:
        QPainter(self).fillRect(self.rect(), QColor(theme().border))

    def _build(self) -> None:
        left = QVBoxLayout(self._left)
        left.setContentsMargins(0, 14, 0, 14)
        left.setSpacing(14)
        left.addWidget(self.palette_panel)
        left.addWidget(self.show_list)
        left.addStretch(1)
        self._left.setProperty("role", "panel")
        for page in (self.grid, self.viewer, self.empty):
            self.stack.addWidget(page)
        centre = QVBoxLayout(self._centre)
        centre.setContentsMargins(0, 0, 0, 0)
        centre.setSpacing(0)
        centre.addWidget(self.filter_bar)
        centre.addWidget(self.stack, 1)
        centre.addWidget(self.hint_line)
        self._centre.setProperty("role", "window")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(1)  # through which the workspace's own colour shows as a line
        layout.addWidget(self._left)
        layout.addWidget(self._centre, 1)
        layout.addWidget(self.details)
        order = [self.palette_panel.view, self.palette_panel.new_name, self.show_list.view, self.show_list.search]
        order += [self.filter_bar.order, self.filter_bar.size_slider, self.filter_bar.viewer_button, self.grid]
        for first, second in pairwise(order):
            self.setTabOrder(first, second)
