"""The Label workspace: palette and filters on the left, grid or single image in the middle, details on the right."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPoint, Qt, QTimer, Signal
from PySide6.QtWidgets import QWidget

from engine.language import tr
from engine.tasks.scan import ScanReport
from gui.image_records import RecordReader
from gui.models.image_filter import ImageFilter, Order
from gui.models.picked_images import PickedImages
from gui.panels.filtering import Filtering
from gui.panels.heat_care import HeatCare
from gui.panels.image_menu import open_image_menu
from gui.panels.key_repeats import KeyRepeats
from gui.panels.label_frame import LabelFrame
from gui.panels.label_hints import hints_for
from gui.panels.label_keys import LabelKeys
from gui.panels.label_page import LabelPage, finder_title
from gui.panels.label_pages import NO_IMAGES, PAST_END, nothing_found
from gui.panels.labelling import Labelling
from gui.panels.list_place import ListPlace
from gui.panels.offline_care import OfflineCare
from gui.panels.pages import Pages
from gui.panels.painting import Painting
from gui.theme import notifier
from gui.widgets.image_drag import drag_images


class LabelWorkspace(LabelFrame):
    """Connects the parts. The grid's selection model is the truth of what is current and selected."""

    add_folder_wanted = Signal()

    def fill(self) -> Iterator[None]:
        yield from super().fill()
        session = self.session
        self._records: RecordReader | None = None
        self._message = ""
        self._place = ListPlace(session, self.images, self.grid)
        self.filtering = Filtering(self, self._place)
        self.labelling = Labelling(session, self.images, self.grid, self)
        repeats = KeyRepeats(self)
        self._painting = Painting(self.labelling, repeats, self.grid, self.viewer)
        self._keys = LabelKeys(self, repeats, lambda class_id: self.pages.label(class_id, self._painting.press))
        yield
        self.pages = Pages(self, repeats)
        self.heat = HeatCare(self)
        self._bind_keys()
        self._thumbnail_timer = QTimer(self, singleShot=True, interval=1500)
        self._thumbnail_timer.timeout.connect(self._make_thumbnails)
        # The hints count suggestions over the whole list: once per burst of keys is enough.
        self._hint_timer = QTimer(self, singleShot=True, interval=25)
        self._hint_timer.timeout.connect(self._show_hints_now)
        self._offline = OfflineCare(self)
        self._connect()
        if session.project is not None:
            self._on_columns_reset()
            self._on_project_opened()
            self._on_classes_changed()
        else:
            self._show_page()

    # ------------------------------------------------------------------------------------------- for menus and bars

    def toggle_viewer(self) -> None:
        """Changes between the grid and the single image."""
        if not self.pages.takes("toggle_viewer"):
            self.close_viewer() if self.is_viewing else self.open_viewer()

    def open_viewer(self) -> None:
        """Shows the current image alone."""
        self.pages.close()
        position = max(0, self.grid.current_position())
        if position < len(self.images.rows):
            self.grid.go_to(position)  # keys act on the image that is seen, not on a selection that is hidden
            self.viewer.set_position(position)
            self.stack.setCurrentWidget(self.viewer)
            self.filter_bar.set_viewer_shown(True)
            self.viewer.setFocus()
            self.show_hints()

    def close_viewer(self) -> None:
        """Goes back to the grid."""
        if self.is_viewing:
            self.stack.setCurrentWidget(self.grid if len(self.images.rows) else self.empty)
            self.filter_bar.set_viewer_shown(False)
            self.grid.scrollTo(self.grid.currentIndex())
            self.grid.setFocus()
            self.show_hints()

    def say(self, message: str) -> None:
        """Shows a sentence before the keys, until something else happens."""
        self._message = message
        self.show_hints()

    def zoom_by(self, factor: float) -> None:
        """Makes the pictures of the grid or of a page, or the single image, larger or smaller."""
        if self.page is not None:
            self.page.zoom_by(factor)
        elif self.is_viewing:
            self.viewer.canvas.zoom_by(factor)
        else:
            self.grid.set_card_px(round(self.grid.card_px * factor))

    def next_unlabelled(self) -> None:
        """Goes to the next image without a class."""
        if not self.pages.takes("next_unlabelled"):
            self.labelling.next_unlabelled()

    def find_class(self) -> None:
        """Opens the type-ahead."""
        if self.pages.takes("find"):
            return
        count = len(self.labelling.targets())
        if not self.session.project or not count:
            return
        title, labelling = finder_title(count), self.labelling
        first = labelling.likely_classes(self.pages.target_ids())
        self.finder.open(self.session.classes, first, title, labelling.label, labelling.label_new_class)
        self.place_finder()

    def _find_merge_target(self, class_id: int) -> None:
        session, item = self.session, self.session.class_by_id(class_id)
        if item is not None:
            others = [each for each in session.classes if each.id != class_id]
            title = tr("Merge {name} into", name=item.name)
            self.finder.open(
                others, self.labelling.recent, title, lambda into: self.palette_panel.merge_class(class_id, into)
            )
            self.place_finder()

    def split_selection(self) -> None:
        """Asks for the name of a class that the selected images alone are to have."""
        self.palette_panel.ask_for_split(self.pages.target_ids())

    def search(self) -> None:
        """Puts the cursor into the search in file names."""
        self.show_list.search.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.show_list.search.selectAll()

    def set_filter(self, wanted: ImageFilter) -> None:
        """Shows other images; the current one stays current when it is among them."""
        self.filtering.apply(wanted)

    def show_picked(self, picked: PickedImages) -> None:
        """Shows exactly these images in the grid, in the order of their picking, and goes to the first."""
        self.pages.close()
        self.close_viewer()
        self.filtering.apply(ImageFilter(picked=picked))
        if len(self.images.rows):
            self.grid.go_to(0)
        self.focus_images()

    def set_order(self, order: Order) -> None:
        """Shows the same images in another order."""
        self.filtering.set_order(order)

    def refresh(self) -> None:
        """Applies filter and order to the labels and suggestions as they are now."""
        self.filtering.refresh()

    def make_thumbnails_soon(self) -> None:
        """Makes the missing thumbnails of all images in the background."""
        self._thumbnail_timer.start()

    def shutdown(self) -> None:
        """Stops the loader threads and waits for them. The last call."""
        self._thumbnail_timer.stop()
        self.thumbnails.close()
        self.screens.close()

    # ------------------------------------------------------------------------------------------------------- set-up

    def _bind_keys(self) -> None:
        labelling = self.labelling
        handlers: dict[str, Callable[[], object]] = {
            "confirm": labelling.confirm,
            "find": self.find_class,
            "accept": labelling.accept,
            "accept_confident": labelling.accept_confident,
            "copy_previous": labelling.copy_previous,
            "copy_burst": labelling.copy_to_burst,
            "skip": labelling.skip,
            "unsure": labelling.toggle_unsure,
            "clear": labelling.clear,
            "clear_all": labelling.clear,
            "next_unlabelled": labelling.next_unlabelled,
            "refresh": self.refresh,
            "clear_filters": self.filtering.clear,
            "search": self.search,
            "next_pane": self.focus_next_pane,
            "previous_pane": self.focus_previous_pane,
            "leave": self._leave_fields,
            "toggle_viewer": self.toggle_viewer,
            "heat": self.heat.toggle,
        }
        routed = {key_id: self.pages.route(key_id, handler) for key_id, handler in handlers.items()}
        self._keys.bind_table(routed, images=self.stack, left=self._left)
        self._keys.listen_to_mouse(self.grid.viewport(), self.viewer.canvas)
        self._keys.set_mode(self.session.label_mode)

    def _connect(self) -> None:
        session = self.session
        session.project_opened.connect(self._on_project_opened)
        session.project_closed.connect(self._on_project_closed)
        session.columns_reset.connect(self._on_columns_reset)
        session.rows_changed.connect(self._on_rows_changed)
        session.classes_changed.connect(self._on_classes_changed)
        session.mode_changed.connect(self._on_mode_changed)
        session.run_changed.connect(self._on_run_changed)
        session.work.scan_ended.connect(self._on_scan_ended)
        session.images_wanted.connect(self.show_picked)
        notifier().theme_changed.connect(self._repaint)
        self.grid.positions_changed.connect(self._on_positions_changed)
        self.grid.position_activated.connect(lambda _position: self.open_viewer())
        self.grid.card_size_changed.connect(self.filter_bar.set_card_px)
        for view in (self.grid, self.viewer):
            view.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
            view.customContextMenuRequested.connect(partial(self._open_menu, view))
        self.viewer.canvas.picture_dragged.connect(self._drag_picture)
        self.viewer.position_wanted.connect(self.grid.go_to)
        self.viewer.next_unlabelled_wanted.connect(self.labelling.next_unlabelled)
        self.viewer.closed.connect(self.close_viewer)
        self.filter_bar.card_size_wanted.connect(self.grid.set_card_px)
        self.filter_bar.viewer_toggled.connect(self.toggle_viewer)
        self.filtering.changed.connect(self._on_list_changed)
        self.show_list.left.connect(self.focus_images)
        self.days.left.connect(self.focus_images)
        self.palette_panel.left.connect(self.focus_images)
        self.details.left.connect(self.focus_images)
        self.palette_panel.label_wanted.connect(lambda each: self.pages.label(each, self.labelling.label))
        self.palette_panel.images_dropped.connect(lambda each: self.pages.label(each, self.labelling.give))
        self.palette_panel.label_taken_back.connect(lambda: self.pages.take_back(self.labelling.take_back))
        self.palette_panel.split_wanted.connect(self.split_selection)
        self.palette_panel.merge_target_wanted.connect(self._find_merge_target)
        self._painting.changed.connect(self.show_hints)
        self.finder.closed.connect(self.focus_images)
        self.labelling.advanced_past_end.connect(self._on_advanced_past_end)
        self.labelling.told.connect(self.say)
        self.pages.changed.connect(lambda: self.footer.set_is_page(self.page is not None))
        self.empty.action_wanted.connect(self._on_empty_action)

    # ------------------------------------------------------------------------------------------------------- events

    def _on_project_opened(self) -> None:
        project = self.session.project
        if project is None:
            return
        self.thumbnails.close()
        self.screens.close()
        self._records = RecordReader(project)
        self.thumbnails.open(project, self._records)
        self.screens.open(self._records)
        self._forget_pictures()
        self.viewer.levels.reset()
        self.set_order(Order.FILED)
        self.set_filter(ImageFilter())
        if len(self.images.rows):
            self.grid.go_to(0)
            self._thumbnail_timer.start()

    def _on_scan_ended(self, report: ScanReport) -> None:
        if report.num_changed or report.num_moved or report.num_missing or report.num_returned:
            self.thumbnails.forget()
            self.screens.forget()
            self._forget_pictures()
            self._thumbnail_timer.start()

    def _forget_pictures(self) -> None:
        for page in self.findChildren(LabelPage):
            page.forget_pictures()
        self.grid.forget_pictures()
        self.viewer.forget_pictures()
        self.details.forget_pictures()

    def _on_project_closed(self) -> None:
        self._thumbnail_timer.stop()
        self.thumbnails.close()
        self.screens.close()
        self.filtering.clear()
        self.close_viewer()
        self.finder.close_finder()

    def _on_columns_reset(self) -> None:
        self.thumbnails.images_changed()
        self.screens.images_changed()
        self.filtering.take_columns()
        if self.session.project is not None and len(self.session.columns):
            self._thumbnail_timer.start()

    def _on_rows_changed(self, rows: NDArray[np.int64]) -> None:
        relabelled = self.filtering.take_rows(rows)
        self._message = ""
        # Who works in another workspace, or on a page, finds the images as they were.
        if not self.labelling.is_acting and self.isVisible() and self.page is None:
            self._place.show_changed(relabelled, self.is_viewing)
        self.grid.update_rows(rows)
        self.viewer.refresh()
        self.show_hints()

    def _on_classes_changed(self) -> None:
        self.faces.classes_changed()
        self._keys.bind_classes(self.session.classes)
        self.filtering.take_classes()
        self._repaint()
        self.show_hints()

    def _on_mode_changed(self) -> None:
        self._keys.set_mode(self.session.label_mode)
        self.filtering.take_mode()
        self._repaint()
        self.show_hints()

    def _on_run_changed(self) -> None:
        self.filtering.take_run()
        self.show_hints()

    def _on_positions_changed(self) -> None:
        if self.page is not None:
            return  # it says itself what is looked at
        position = self.grid.current_position()
        self.session.set_current(self.images.image_id(position))
        self.session.set_selection(self.images.image_ids(self.grid.selected_positions()))
        if self.is_viewing:
            self.viewer.set_position(position)
        self.show_hints()

    def _drag_picture(self) -> None:
        """Lets the single image be dropped on a class."""
        drag_images(self.viewer, [self.thumbnails.get(self.session.current_image_id or 0)], 1)

    def _on_advanced_past_end(self) -> None:
        self._message = PAST_END[self.images.filter.show]
        self.show_hints()

    def _on_empty_action(self) -> None:
        if len(self.session.columns):
            self.set_filter(ImageFilter())
            self.focus_images()
        else:
            self.add_folder_wanted.emit()

    def _leave_fields(self) -> None:
        """Gives the keys back to the images; a name that was begun is given up."""
        self.palette_panel.give_up_name()
        self.focus_images()

    def _open_menu(self, view: QWidget, point: QPoint) -> None:
        open_image_menu(self, view.mapToGlobal(point))

    # ------------------------------------------------------------------------------------------------------ showing

    def _on_list_changed(self) -> None:
        self._message = ""
        self._show_page()

    def show_images_page(self) -> None:
        """Says what is looked at, after a page was closed."""
        self._show_page()
        self._on_positions_changed()
        self.show_hints()

    def _show_page(self) -> None:
        if self.page is not None:
            return
        if len(self.images.rows):
            if self.stack.currentWidget() is self.empty:
                self.stack.setCurrentWidget(self.grid)
            return
        self.filter_bar.set_viewer_shown(False)
        self.stack.setCurrentWidget(self.empty)
        page = nothing_found(self.images.filter) if len(self.session.columns) else NO_IMAGES
        self.empty.set_state(page.icon, page.title, page.text, page.action)

    def show_hints(self) -> None:
        """Names the keys that make sense now, in a moment."""
        self._hint_timer.start()

    def _show_hints_now(self) -> None:
        if self.page is not None:
            self.footer.hints.set_hints(*self.page.hints())
            return
        hints = hints_for(self.session, self.labelling, self.is_viewing, self._painting.is_on)
        self.footer.hints.set_hints(hints, "" if self._painting.is_on else self._message)

    def _repaint(self) -> None:
        self.grid.viewport().update()
        self.viewer.refresh()
        self.details.refresh()
        self.update()

    def _make_thumbnails(self) -> None:
        self.thumbnails.make_all_when_idle(self.session.columns.image_ids.copy())
