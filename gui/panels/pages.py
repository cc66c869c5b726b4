"""The further pages of the Label workspace: opens and closes them, and sends them the keys meant for images."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QAbstractItemView

from gui.models.picked_images import PickedImages
from gui.panels.key_repeats import KeyRepeats
from gui.panels.label_page import LabelPage
from gui.panels.labelling import MAX_RECENT
from gui.panels.stacks_page import StacksPage

if TYPE_CHECKING:
    from gui.panels.label_workspace import LabelWorkspace

NEVER_ROUTED: Final = frozenset({"search", "clear_filters", "next_pane", "previous_pane", "leave"})
"""Keys that mean the workspace. All others act on images: a page that is shown gets them, or nobody."""


ONCE: Final = (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space, Qt.Key.Key_Delete)


class Pages(QObject):
    """At most one page is shown. The grid keeps its place below it."""

    changed = Signal()
    """Another page is shown, or none."""

    def __init__(self, workspace: LabelWorkspace, repeats: KeyRepeats) -> None:
        super().__init__(workspace)
        self._workspace = workspace
        self._repeats = repeats
        self._session = workspace.session
        self._has_labelled = False
        self.stacks = StacksPage(self._session, workspace.thumbnails)
        self.stacks.look_wanted.connect(self.look_at)
        self.add(self.stacks)
        workspace.offer.begun.connect(self.show_stacks)
        # Who chooses what to see in the left column wants to see images.
        workspace.show_list.show_chosen.connect(self.close)
        workspace.show_list.trait_toggled.connect(self.close)
        workspace.show_list.text_changed.connect(self.close)
        workspace.palette_panel.show_class_wanted.connect(self.close)
        workspace.folders.keys_chosen.connect(self.close)
        workspace.dates.keys_chosen.connect(self.close)
        workspace.days.span_chosen.connect(self.close)
        workspace.flaws.keys_chosen.connect(self.close)
        workspace.filtering.arranging.acted.connect(self.close)
        self._session.project_closed.connect(self.close)
        self._session.classes_changed.connect(self._on_classes_changed)

    def add(self, page: LabelPage) -> None:
        """Makes a page known; it is shown by `open`."""
        self._workspace.stack.addWidget(page)
        page.closed.connect(self.close)
        page.hints_changed.connect(self._workspace.show_hints)
        page.find_wanted.connect(partial(self.open_finder, page))
        for view in page.findChildren(QAbstractItemView):
            view.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """A key that is held down must not label stack after stack, or page after page."""
        is_press = event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent)
        return is_press and self._repeats.is_repeat and event.key() in ONCE  # type: ignore[attr-defined]

    @property
    def current(self) -> LabelPage | None:
        """The page that is shown."""
        return self._workspace.page

    def open(self, page: LabelPage) -> None:
        """Shows a page in the place of the images."""
        workspace = self._workspace
        before = self.current
        if before is page:
            page.focus_images()
            return
        if before is not None:
            before.on_left()
        workspace.close_viewer()
        workspace.finder.close_finder()
        workspace.stack.setCurrentWidget(page)
        workspace.filter_bar.hide()
        workspace.offer.hide()
        workspace.details.setVisible(page.has_details)
        page.on_opened()
        page.focus_images()
        workspace.show_hints()
        self.changed.emit()

    def show_stacks(self) -> None:
        """Shows the stacks of look-alikes, or the images again."""
        if self.current is self.stacks:
            self.close()
        elif len(self._session.columns):
            self.open(self.stacks)

    def close(self, *_news: object) -> None:
        """Shows the images again."""
        page, workspace = self.current, self._workspace
        if page is None:
            return
        had_focus = page.isAncestorOf(page.window().focusWidget() or page)
        workspace.finder.close_finder()
        workspace.stack.setCurrentWidget(workspace.grid)
        workspace.filter_bar.show()
        workspace.offer.refresh()
        workspace.details.show()
        page.on_left()
        workspace.show_images_page()
        if had_focus:
            workspace.focus_images()
        self.changed.emit()

    def route(self, key_id: str, otherwise: Callable[[], object]) -> Callable[[], object]:
        """Returns what a key does: what the page that is shown says, or `otherwise` while none is."""
        if key_id in NEVER_ROUTED:
            return otherwise
        return lambda: self.takes(key_id) or otherwise()

    def takes(self, key_id: str) -> bool:
        """Lets the page that is shown do what a key means there, if anything; tells whether there is a page."""
        page = self.current
        if page is None:
            return False
        if key_id == "find":
            self.open_finder(page)
        elif (act := page.key_handlers().get(key_id)) is not None:
            act()
        return True

    def label(self, class_id: int, otherwise: Callable[[int], object]) -> None:
        """A class key, or a click on a class."""
        page = self.current
        if page is None:
            otherwise(class_id)
            return
        self._has_labelled = page.label(class_id)
        if self._has_labelled:
            labelling = self._workspace.labelling
            labelling.recent = [class_id, *(each for each in labelling.recent if each != class_id)][:MAX_RECENT]

    def take_back(self, otherwise: Callable[[], object]) -> None:
        """The last click on a class was the first half of a double click, and meant no label."""
        if self.current is None:
            otherwise()
        elif self._has_labelled:
            self._has_labelled = False
            self._session.undo()

    def look_at(self, image_ids: NDArray[np.int64], title: str, position: int, is_alone: bool) -> None:
        """Shows images of a page in the grid, or one of them alone."""
        page, workspace = self.current, self._workspace
        workspace.show_picked(PickedImages(title, image_ids))
        workspace.grid.go_to(position)
        if is_alone:
            workspace.open_viewer()
        if page is not None and page.way_back:
            workspace.say(page.way_back)

    def target_ids(self) -> NDArray[np.int64]:
        """Returns the images that keys act on: those of the page, or else those selected in the grid."""
        workspace, page = self._workspace, self.current
        if page is not None:
            return page.target_ids()
        # Asked of the grid: the session may learn of a selection only after the keys that follow it.
        return workspace.images.image_ids(workspace.labelling.targets())

    def open_finder(self, page: LabelPage) -> None:
        """Opens the type-ahead for what the page would label."""
        workspace, title = self._workspace, page.find_title()
        if self._session.project is None or not title or self._session.is_read_only:
            return
        first, label = workspace.labelling.likely_classes(page.target_ids()), partial(self.label, otherwise=page.label)
        workspace.finder.open(self._session.classes, first, title, label, page.label_new_class)
        place = page.finder_place()
        workspace.place_finder(page.mapTo(workspace.centre, place) if place is not None else None)

    def _on_classes_changed(self) -> None:
        if self.current is not None:
            self.current.on_classes_changed()
