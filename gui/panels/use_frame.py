"""The widgets of the Use workspace and where they lie. No behaviour: that is `use_workspace`."""

from __future__ import annotations

from itertools import pairwise

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QFocusEvent, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from engine.language import tr, trc
from gui.models.image_list import ImageListModel
from gui.panels.use_details import UseDetails
from gui.panels.use_drop import UseDropPage
from gui.panels.use_faces import UseFaces
from gui.panels.use_lists import UseListView
from gui.panels.use_strip import UseStrip
from gui.panels.use_work import UseWorkRows
from gui.screen_images import ScreenImages
from gui.session import Session
from gui.theme import theme
from gui.thumbnails import Thumbnails
from gui.use_corrections import UseCorrections
from gui.use_files import UseOrder
from gui.use_heat import UseHeatMaps
from gui.use_session import UseSession
from gui.widgets.buttons import button
from gui.widgets.class_finder import ClassFinder
from gui.widgets.grid_layout import MAX_CARD_PX, MIN_CARD_PX
from gui.widgets.hint_line import HintLine
from gui.widgets.image_grid import ImageGrid
from gui.widgets.image_viewer import ImageViewer
from gui.widgets.panes import focus_pane
from gui.widgets.size_slider import SizeSlider
from gui.widgets.text import text_label

NARROW_PX = 1240
LEFT_PX, NARROW_LEFT_PX = 248, 208
RIGHT_PX, NARROW_RIGHT_PX = 288, 236
FINDER_TOP_PX = 72


class UseFrame(QWidget):
    """The model above; lists on the left, files in the middle, details on the right, keys below."""

    def __init__(self, session: Session, use: UseSession, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.session, self.use = session, use
        self.corrections = UseCorrections(session, use)
        self.thumbnails = Thumbnails(self)
        self.screens = ScreenImages(self.thumbnails.folders, self)
        self.images = ImageListModel(self)
        self.faces = UseFaces(session, use, self.images, self.thumbnails)
        self.grid = ImageGrid(self.images, self.thumbnails, self.faces.at)
        self.grid.setObjectName("useGrid")
        self.grid.is_drag_source = False
        self.grid.setAccessibleName(tr("Classified files"))
        self.viewer = ImageViewer(self.images, self.thumbnails, self.screens, self.faces.at, self.grid.current_position)
        self.viewer.bar.set_has_unlabelled(False)
        self.heat_maps = UseHeatMaps(use)
        self.viewer.set_heat_maps(self.heat_maps)
        self.strip = UseStrip(session, use)
        self.lists = UseListView()
        self.drop_page = UseDropPage()
        self.details = UseDetails(session, use, self.corrections, self.thumbnails, self.faces.of_row)
        self.work_rows = UseWorkRows()
        self.hints = HintLine()
        self.stack = QStackedWidget()
        self.centre = QWidget()
        self._left = QWidget()
        self._build()
        self.finder = ClassFinder(self.centre)

    @property
    def is_viewing(self) -> bool:
        """Whether a single picture is shown."""
        return self.stack.currentWidget() is self.viewer

    def focus_images(self) -> None:
        """Gives the keyboard to what is in the middle."""
        shown = self.stack.currentWidget()
        target = self.drop_page.first_button if shown is self.drop_page else shown
        if target is not None:
            target.setFocus(Qt.FocusReason.OtherFocusReason)

    def focus_next_pane(self, step: int = 1) -> None:
        """Moves the keyboard focus between files, details and lists."""
        shown = self.stack.currentWidget()
        middle = self.drop_page.first_button if shown is self.drop_page else shown
        panes: list[QWidget] = [each for each in (middle, self.details.bars, self.lists) if each is not None]
        panes += [self.folder_button, self.strip.model_button]
        focus_pane(panes, step)

    def focusInEvent(self, event: QFocusEvent) -> None:
        self.focus_images()

    def paintEvent(self, event: QPaintEvent) -> None:
        QPainter(self).fillRect(event.rect(), QColor(theme().border))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        is_narrow = self.width() < NARROW_PX
        self._left.setFixedWidth(NARROW_LEFT_PX if is_narrow else LEFT_PX)
        self.details.setFixedWidth(NARROW_RIGHT_PX if is_narrow else RIGHT_PX)
        self.place_finder()

    def place_finder(self) -> None:
        """Puts the type-ahead in the middle above the files."""
        self.finder.move((self.centre.width() - self.finder.width()) // 2, FINDER_TOP_PX)

    def _build(self) -> None:
        self.setAccessibleName(trc("workspace", "Use"))
        columns = QHBoxLayout()
        columns.setSpacing(1)  # through which the workspace's own colour shows as a line
        columns.addWidget(self._build_left())
        columns.addWidget(self._build_centre(), 1)
        columns.addWidget(self.details)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(1)
        layout.addWidget(self.strip)
        layout.addLayout(columns, 1)
        order = [self.strip.leave_button, self.strip.newer_button, self.strip.model_button, self.lists]
        order += [
            self.folder_button,
            self.watch_button,
            self.server_button,
            self.order,
            self.size_slider,
            self.clear_button,
            self.grid,
        ]
        for first, second in pairwise(order):
            self.setTabOrder(first, second)

    def _build_left(self) -> QWidget:
        self.folder_button = button(
            trc("under Whole folders", "Classify a folder…"),
            "",
            "folder",
            tr("To a table, and sorted into folders (Ctrl+D)"),
        )
        self.watch_button = button(
            trc("under Whole folders", "Watch a folder…"),
            "",
            "eye",
            tr("New files are classified as they come (Ctrl+Shift+W)"),
        )
        self._left.setProperty("role", "panel")
        self._left.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        column = QVBoxLayout(self._left)
        column.setContentsMargins(8, 14, 8, 12)
        column.setSpacing(6)
        caption = text_label(tr("Show"), "caption")
        caption.setContentsMargins(8, 0, 0, 0)
        column.addWidget(caption)
        column.addWidget(self.lists, 1)
        folders = text_label(tr("Whole folders"), "caption")
        folders.setContentsMargins(8, 0, 0, 0)
        column.addWidget(folders)
        tools = QVBoxLayout()
        tools.setContentsMargins(8, 0, 8, 0)
        tools.setSpacing(6)
        for each in (self.folder_button, self.watch_button):
            tools.addWidget(each)
        column.addLayout(tools)
        others = text_label(tr("Other programs"), "caption")
        others.setContentsMargins(8, 8, 0, 0)
        column.addWidget(others)
        self.server_button = button(
            tr("Local server…"), "", "external", tr("Lets programs on this computer ask the model")
        )
        server = QVBoxLayout()
        server.setContentsMargins(8, 0, 8, 0)
        server.addWidget(self.server_button)
        column.addLayout(server)
        return self._left

    def _build_centre(self) -> QWidget:
        self.count = text_label("", "dim")
        self.order = QComboBox()
        self.order.addItems([each.value for each in UseOrder])
        self.order.setAccessibleName(tr("Order of the files"))
        self.order.setToolTip(tr("Order of the files"))
        self.size_slider = SizeSlider(MIN_CARD_PX, MAX_CARD_PX, self.grid.card_px, 96)
        self.clear_button = button(
            tr("Empty the list"), "chip", "close", tr("Nothing happens to the files (Ctrl+Shift+Del)")
        )
        for widget in (self.order, self.clear_button):
            widget.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._bar = QWidget()
        self._bar.setProperty("role", "window")
        self._bar.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        row = QHBoxLayout(self._bar)
        row.setContentsMargins(16, 8, 16, 4)
        row.setSpacing(8)
        row.addWidget(self.count)
        row.addStretch(1)
        row.addWidget(self.clear_button)
        row.addSpacing(8)
        row.addWidget(self.order)
        row.addWidget(self.size_slider)
        for page in (self.drop_page, self.grid, self.viewer):
            self.stack.addWidget(page)
        self.centre.setProperty("role", "window")
        self.centre.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        column = QVBoxLayout(self.centre)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self._bar)
        column.addWidget(self.stack, 1)
        column.addWidget(self.work_rows)
        column.addWidget(self.hints)
        return self.centre

    def show_bar(self, on: bool) -> None:
        """Shows count, order and size above the files, or not."""
        self._bar.setVisible(on)
