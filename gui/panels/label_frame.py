"""The widgets of the Label workspace and where they lie. No behaviour: that is `label_workspace`."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import pairwise

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtGui import QColor, QFocusEvent, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QScrollArea, QStackedWidget, QVBoxLayout, QWidget

from engine.language import tr
from gui.heat_maps import HeatMaps
from gui.models.image_list import ImageListModel
from gui.models.label_counts import LabelCounts
from gui.panels.card_faces import CardFaces
from gui.panels.class_palette import ClassPalettePanel
from gui.panels.details_panel import DetailsPanel
from gui.panels.facet_view import FacetView
from gui.panels.filter_bar import FilterBar
from gui.panels.label_footer import LabelFooter
from gui.panels.label_page import LabelPage
from gui.panels.show_list import ShowListPanel
from gui.panels.stacks_offer import StacksOffer
from gui.screen_images import ScreenImages
from gui.session import Session
from gui.theme import theme
from gui.thumbnails import Thumbnails
from gui.widgets.class_finder import ClassFinder
from gui.widgets.day_span_fields import DaySpanFields
from gui.widgets.empty_state import EmptyState
from gui.widgets.image_grid import ImageGrid
from gui.widgets.image_viewer import ImageViewer
from gui.widgets.offline_bar import OfflineBar
from gui.widgets.panes import focus_pane
from gui.widgets.section import Section

NARROW_PX = 1240
LEFT_PX, NARROW_LEFT_PX = 248, 208
RIGHT_PX, NARROW_RIGHT_PX = 288, 228
FINDER_TOP_PX = 72
MIN_FILTERS_PX = 160


class LabelFrame(QWidget):
    """Palette and filters on the left, grid or single image in the middle, details on the right, keys below."""

    section_opened = Signal()

    def __init__(self, session: Session, parent: QWidget | None = None, *, is_filled: bool = True) -> None:
        """Makes it with its parts, or without: then `fill` is to be gone through before it is shown."""
        super().__init__(parent)
        self.session = session
        if is_filled:
            for _ in self.fill():
                pass

    def fill(self) -> Iterator[None]:
        """Makes the parts, in steps of some milliseconds: keys, mouse and paints may have their turn between two."""
        session = self.session
        self.thumbnails = Thumbnails(self)
        self.screens = ScreenImages(self.thumbnails.folders, self)
        self.counts = LabelCounts()
        self.images = ImageListModel(self)
        self.faces = CardFaces(session, self.images, self.thumbnails)
        self.grid = ImageGrid(self.images, self.thumbnails, self.faces.at)
        self.viewer = ImageViewer(self.images, self.thumbnails, self.screens, self.faces.at, self.grid.current_position)
        self.heat_maps = HeatMaps(session)
        self.viewer.set_heat_maps(self.heat_maps)
        yield
        self.empty = EmptyState()
        self.offline_bar = OfflineBar()
        self.offer = StacksOffer(session)
        self.palette_panel = ClassPalettePanel(session, self.counts)
        self.show_list = ShowListPanel(self.counts)
        yield
        self.folders = FacetView(tr("Folders"))
        self.dates = FacetView(tr("Dates"))
        self.days = DaySpanFields()
        self.flaws = FacetView(tr("Picture quality"))
        self.sections = {
            "show": Section(tr("Show"), self.show_list),
            "folders": Section(tr("Folders"), _indented(self.folders)),
            "dates": Section(tr("Dates"), _indented(self.days, self.dates)),
            "quality": Section(tr("Picture quality"), _indented(self.flaws)),
        }
        self.filter_bar = FilterBar()
        yield
        self.details = DetailsPanel(session, self.thumbnails, self.faces.of_row)
        self.footer = LabelFooter(session)
        # Each in its place before it gets what is in it: a move has the style sheet looked up for all that is moved.
        # Its role comes first: a style sheet does not look at it again.
        self._left, self.centre = QWidget(self), QWidget(self)
        self._left.setProperty("role", "panel")
        self.centre.setProperty("role", "window")
        self.stack = QStackedWidget(self.centre)
        yield
        self._build()
        self.finder = ClassFinder(self.centre)

    @property
    def is_viewing(self) -> bool:
        """Whether a single image is shown."""
        return self.stack.currentWidget() is self.viewer

    @property
    def page(self) -> LabelPage | None:
        """The page that stands in the place of the images; None while they are shown."""
        shown = self.stack.currentWidget()
        return shown if isinstance(shown, LabelPage) else None

    def focus_images(self) -> None:
        """Gives the keyboard to the grid, to the single image or to the page that is shown."""
        if self.page is not None:
            self.page.focus_images()
        else:
            (self.viewer if self.is_viewing else self.grid).setFocus(Qt.FocusReason.OtherFocusReason)

    def focus_next_pane(self, step: int = 1) -> None:
        """Moves the keyboard focus between images, details, palette and filters."""
        images = self.page.pane if self.page is not None else self.viewer if self.is_viewing else self.grid
        panes = [images, self.details.first_field]
        panes += [self.palette_panel.view if self.session.classes else self.palette_panel.new_name, self.show_list.view]
        panes += [self.folders, self.dates, self.flaws]
        focus_pane(panes, step)

    def focus_previous_pane(self) -> None:
        """The other way round."""
        self.focus_next_pane(-1)

    def show_facets(self, has_folders: bool, has_dates: bool) -> None:
        """Offers the trees that there is something to choose in."""
        self.sections["folders"].setVisible(has_folders)
        self.sections["dates"].setVisible(has_dates)

    def place_finder(self, at: QPoint | None = None) -> None:
        """Puts the type-ahead over the upper middle of the images, or to a place that a page wants."""
        room = self.centre.size() - self.finder.size()
        wanted = at or QPoint(room.width() // 2, FINDER_TOP_PX)
        self.finder.move(max(0, min(wanted.x(), room.width())), max(0, min(wanted.y(), room.height())))

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
        left.addWidget(self._make_filters(), 1)
        for page in (self.grid, self.viewer, self.empty):
            self.stack.addWidget(page)
        centre = QVBoxLayout(self.centre)
        centre.setContentsMargins(0, 0, 0, 0)
        centre.setSpacing(0)
        centre.addWidget(self.filter_bar)
        centre.addWidget(self.offline_bar)
        centre.addWidget(self.offer)
        centre.addWidget(self.stack, 1)
        centre.addWidget(self.footer)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(1)  # through which the workspace's own colour shows as a line
        layout.addWidget(self._left)
        layout.addWidget(self.centre, 1)
        layout.addWidget(self.details)
        self.show_facets(False, False)
        self.sections["quality"].hide()
        show, folders, dates, quality = (section.header for section in self.sections.values())
        order = [self.palette_panel.view, self.palette_panel.new_name, show, self.show_list.view, self.show_list.search]
        order += [folders, self.folders, dates, self.days.first, self.days.last, self.dates, quality, self.flaws]
        order += [self.filter_bar.order, self.filter_bar.size_slider, self.filter_bar.viewer_button, self.grid]
        order += [self.details.note, self.footer.auto_advance]
        for first, second in pairwise(order):
            self.setTabOrder(first, second)

    def _make_filters(self) -> QScrollArea:
        """Returns the sections in a column that scrolls where the window is too low for them."""
        area, column = QScrollArea(), QWidget()
        area.setProperty("role", "thin")
        area.setParent(self._left)  # after its role: its bars take their looks from both
        area.setWidget(column)
        layout = QVBoxLayout(column)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(10)
        for name, section in self.sections.items():
            section.set_open(self.session.preferences.is_open(name))
            section.toggled.connect(partial(self._on_section_toggled, name))
            layout.addWidget(section)
        layout.addStretch(1)
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setMinimumHeight(MIN_FILTERS_PX)
        return area

    def _on_section_toggled(self, name: str, is_open: bool) -> None:
        self.session.preferences.set_open(name, is_open)
        if is_open:
            self.section_opened.emit()


def _indented(*contents: QWidget) -> QWidget:
    made = QWidget()
    layout = QVBoxLayout(made)
    layout.setContentsMargins(8, 0, 8, 0)
    layout.setSpacing(2)
    for each in contents:
        layout.addWidget(each)
    return made
