"""The Label workspace: palette and filters on the left, grid or single image in the middle, details on the right."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPoint, Qt, QTimer, Signal
from PySide6.QtWidgets import QWidget

from engine.domain import NO_CLASS
from engine.tasks.scan import ScanReport
from gui.image_records import RecordReader
from gui.models.image_filter import ImageFilter, Order, Show
from gui.panels.image_menu import open_image_menu
from gui.panels.label_frame import LabelFrame
from gui.panels.label_hints import hints_for
from gui.panels.label_keys import LabelKeys
from gui.panels.label_pages import NO_IMAGES, nothing_found
from gui.panels.labelling import Labelling
from gui.panels.list_place import ListPlace
from gui.session import Session
from gui.theme import notifier


class LabelWorkspace(LabelFrame):
    """Connects the parts. The grid's selection model is the truth of what is current and selected."""

    add_folder_wanted = Signal()

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(session, parent)
        self._records: RecordReader | None = None
        self._message = ""
        self._is_model_newer = False
        self._place = ListPlace(session, self.images, self.grid)
        self.labelling = Labelling(session, self.images, self.grid, self)
        self._keys = LabelKeys(self, self.labelling.label)
        self._bind_keys()
        self._thumbnail_timer = QTimer(self, singleShot=True, interval=1500)
        self._thumbnail_timer.timeout.connect(self._make_thumbnails)
        # The hints count suggestions over the whole list: once per burst of keys is enough.
        self._hint_timer = QTimer(self, singleShot=True, interval=25)
        self._hint_timer.timeout.connect(self._show_hints_now)
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
        self.close_viewer() if self.is_viewing else self.open_viewer()

    def open_viewer(self) -> None:
        """Shows the current image alone."""
        position = max(0, self.grid.current_position())
        if position < len(self.images.rows):
            self.grid.go_to(position)  # keys act on the image that is seen, not on a selection that is hidden
            self.viewer.set_position(position)
            self.stack.setCurrentWidget(self.viewer)
            self.filter_bar.set_viewer_shown(True)
            self.viewer.setFocus()
            self._show_hints()

    def close_viewer(self) -> None:
        """Goes back to the grid."""
        if self.is_viewing:
            self.stack.setCurrentWidget(self.grid if len(self.images.rows) else self.empty)
            self.filter_bar.set_viewer_shown(False)
            self.grid.scrollTo(self.grid.currentIndex())
            self.grid.setFocus()
            self._show_hints()

    def zoom_by(self, factor: float) -> None:
        """Makes the pictures of the grid, or the single image, larger or smaller."""
        if self.is_viewing:
            self.viewer.canvas.zoom_by(factor)
        else:
            self.grid.set_card_px(round(self.grid.card_px * factor))

    def next_unlabelled(self) -> None:
        """Goes to the next image without a class."""
        self.labelling.next_unlabelled()

    def find_class(self) -> None:
        """Opens the type-ahead."""
        count = len(self.labelling.targets())
        if not self.session.project or not count:
            return
        title = "Label this image" if count == 1 else f"Label {count:,} images"
        self.finder.open(self.session.classes, self.labelling.recent, title)
        self.place_finder()

    def search(self) -> None:
        """Puts the cursor into the search in file names."""
        self.show_list.search.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.show_list.search.selectAll()

    def set_filter(self, wanted: ImageFilter) -> None:
        """Shows other images; the current one stays current when it is among them."""
        self._message = ""
        self._keep_place(lambda: self.images.set_filter(wanted))
        item = self.session.class_by_id(wanted.class_id)
        self.filter_bar.set_filter(wanted, item.name if item is not None else "")
        self.show_list.set_show(wanted.show)
        self.show_list.set_text(wanted.text)
        self.palette_panel.show_filtered(wanted.class_id)

    def set_order(self, order: Order) -> None:
        """Shows the same images in another order."""
        self._keep_place(lambda: self.images.set_filter(self.images.filter, order))
        self.filter_bar.set_order(order)

    def refresh(self) -> None:
        """Applies filter and order to the labels and suggestions as they are now."""
        self.set_filter(self.images.filter)

    def shutdown(self) -> None:
        """Stops the loader threads and waits for them. The last call."""
        self._thumbnail_timer.stop()
        self.thumbnails.close()
        self.screens.close()

    # ------------------------------------------------------------------------------------------------------- set-up

    def _bind_keys(self) -> None:
        keys, labelling, images = self._keys, self.labelling, self.stack
        keys.bind("X", labelling.skip)
        keys.bind("?", labelling.toggle_unsure)
        keys.bind("/", self.find_class)
        keys.bind(Qt.Key.Key_Backspace, labelling.clear)
        keys.bind("Ctrl+L", self.refresh)
        keys.bind("Ctrl+F", self.search)
        keys.bind("F6", self.focus_next_pane)
        keys.bind(Qt.Key.Key_Escape, self._leave_fields, self._left)
        # Elsewhere these press buttons and move the focus.
        keys.bind(Qt.Key.Key_Space, labelling.accept, images)
        keys.bind("Shift+Space", labelling.accept_confident, images)
        keys.bind(Qt.Key.Key_Tab, labelling.next_unlabelled, images)

    def _connect(self) -> None:
        session = self.session
        session.project_opened.connect(self._on_project_opened)
        session.project_closed.connect(self._on_project_closed)
        session.columns_reset.connect(self._on_columns_reset)
        session.rows_changed.connect(self._on_rows_changed)
        session.classes_changed.connect(self._on_classes_changed)
        session.run_changed.connect(self._on_run_changed)
        session.work.scan_ended.connect(self._on_scan_ended)
        notifier().theme_changed.connect(self._repaint)
        self.grid.positions_changed.connect(self._on_positions_changed)
        self.grid.position_activated.connect(lambda _position: self.open_viewer())
        self.grid.card_size_changed.connect(self.filter_bar.set_card_px)
        for view in (self.grid, self.viewer):
            view.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
            view.customContextMenuRequested.connect(partial(self._open_menu, view))
        self.viewer.position_wanted.connect(self.grid.go_to)
        self.viewer.closed.connect(self.close_viewer)
        self.filter_bar.filter_wanted.connect(self.set_filter)
        self.filter_bar.order_wanted.connect(self.set_order)
        self.filter_bar.card_size_wanted.connect(self.grid.set_card_px)
        self.filter_bar.refresh_wanted.connect(self.refresh)
        self.filter_bar.viewer_toggled.connect(self.toggle_viewer)
        self.show_list.show_chosen.connect(lambda show: self.set_filter(replace(self.images.filter, show=show)))
        self.show_list.left.connect(self.focus_images)
        self.palette_panel.left.connect(self.focus_images)
        self.show_list.text_changed.connect(lambda text: self.set_filter(replace(self.images.filter, text=text)))
        self.palette_panel.label_wanted.connect(self.labelling.label)
        self.palette_panel.show_class_wanted.connect(self._show_class)
        self.finder.class_chosen.connect(self.labelling.label)
        self.finder.new_class_chosen.connect(self.labelling.label_new_class)
        self.finder.closed.connect(self.focus_images)
        self.labelling.advanced_past_end.connect(self._on_advanced_past_end)
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
        self.grid.forget_pictures()
        self.viewer.forget_pictures()
        self.details.forget_pictures()

    def _on_project_closed(self) -> None:
        self._thumbnail_timer.stop()
        self.thumbnails.close()
        self.screens.close()
        self.close_viewer()
        self.finder.close_finder()

    def _on_columns_reset(self) -> None:
        self.counts.reset(self.session.columns)
        self.thumbnails.images_changed()
        self.screens.images_changed()
        self._keep_place(lambda: self.images.set_columns(self.session.columns), scrolls=False)
        self.show_list.refresh_counts()
        self.palette_panel.refresh_counts()
        if self.session.project is not None and len(self.session.columns):
            self._thumbnail_timer.start()

    def _on_rows_changed(self, rows: NDArray[np.int64]) -> None:
        relabelled = self.counts.update(self.session.columns, rows)
        self.images.note_changes(rows)
        self.show_list.refresh_counts()
        self.palette_panel.refresh_counts()
        self._message = ""
        if not len(self.images.rows):
            self.refresh()  # nothing is on screen that could move
        elif not self.labelling.is_acting:
            self._place.show_changed(relabelled, self.is_viewing)
        self.grid.viewport().update()
        self.viewer.refresh()
        self._show_counts()
        self._show_hints()

    def _on_classes_changed(self) -> None:
        self.faces.classes_changed()
        self._keys.bind_classes(self.session.classes)
        wanted = self.images.filter
        item = self.session.class_by_id(wanted.class_id)
        if wanted.class_id != NO_CLASS and item is None:
            self.set_filter(wanted.without_class())
        else:
            self.filter_bar.set_filter(wanted, item.name if item is not None else "")
        self.palette_panel.refresh()
        self._repaint()
        self._show_hints()

    def _on_run_changed(self) -> None:
        depends = self.images.filter.show is Show.SUGGESTED or self.images.order in (
            Order.MOST_CONFIDENT,
            Order.LEAST_CONFIDENT,
        )
        # The list does not move under the user's eyes; what would be shown now is a click away.
        self._is_model_newer = depends and len(self.images.rows) > 0
        self._show_counts()
        self._show_hints()

    def _on_positions_changed(self) -> None:
        position = self.grid.current_position()
        self.session.set_current(self.images.image_id(position))
        self.session.set_selection(self.images.image_ids(self.grid.selected_positions()))
        if self.is_viewing:
            self.viewer.set_position(position)
        self._show_hints()

    def _on_advanced_past_end(self) -> None:
        show = self.images.filter.show
        kind = show.value.lower() if show is not Show.ALL else "unlabelled"
        self._message = f"Nothing {kind} left here."
        self._show_hints()

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

    def _show_class(self, class_id: int) -> None:
        now = self.images.filter
        if now.class_id == class_id:
            self.set_filter(now.without_class())
        else:
            keeps = now.show in (Show.LABELLED, Show.SUGGESTED)
            self.set_filter(ImageFilter(now.show if keeps else Show.ALL, class_id, now.text))

    # ------------------------------------------------------------------------------------------------------ showing

    def _keep_place(self, change: Callable[[], object], scrolls: bool = True) -> None:
        self._place.keep(change, scrolls)
        self._is_model_newer = False
        self._show_page()
        self._show_counts()

    def _show_page(self) -> None:
        if len(self.images.rows):
            if self.stack.currentWidget() is self.empty:
                self.stack.setCurrentWidget(self.grid)
            return
        self.filter_bar.set_viewer_shown(False)
        self.stack.setCurrentWidget(self.empty)
        page = nothing_found(self.images.filter) if len(self.session.columns) else NO_IMAGES
        self.empty.set_state(page.icon, page.title, page.text, page.action)

    def _show_counts(self) -> None:
        self.filter_bar.set_counts(len(self.images.rows), self.images.num_gone(), self._is_model_newer)

    def _show_hints(self) -> None:
        self._hint_timer.start()

    def _show_hints_now(self) -> None:
        self.hint_line.set_hints(hints_for(self.session, self.labelling, self.is_viewing), self._message)

    def _repaint(self) -> None:
        self.grid.viewport().update()
        self.viewer.refresh()
        self.details.refresh()
        self.update()

    def _make_thumbnails(self) -> None:
        self.thumbnails.make_all_when_idle(self.session.columns.image_ids.copy())
