"""Which images are in the grid, in which order: takes the wishes of bar, lists and palette, and shows counts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Qt, QTimer, Signal
from PySide6.QtGui import QGuiApplication

from engine.domain import ImageColumns
from engine.project import Project
from gui.memory import give_memory_back
from gui.models.day_span import extent
from gui.models.filter_chips import chips_of
from gui.models.image_filter import NO_FLAW, Flaw, ImageFilter, Order, Show, Trait, matches
from gui.models.image_index import ImageIndex
from gui.models.image_list import LATE_ORDERS
from gui.models.image_quality import flaw_tree
from gui.models.name_index import KEPT_NAMES
from gui.panels.arranging import Arranging
from gui.panels.label_frame import LabelFrame
from gui.panels.list_place import ListPlace

INDEX_DELAY_MS = 400
"""Longer than what lies between two reloads while a folder is being read in: the index is made once it is quiet."""
COUNT_DELAY_MS = 250


class Filtering(QObject):
    """Owns what is filtered. The list of images changes here only."""

    changed = Signal()
    """Other images are in the list, or in another order."""

    def __init__(self, frame: LabelFrame, place: ListPlace) -> None:
        super().__init__(frame)
        self._frame = frame
        self._session = frame.session
        self._list = frame.images
        self._place = place
        self._is_model_newer = False
        self._order_before = Order.FILED
        self._index_timer = QTimer(self, singleShot=True, interval=INDEX_DELAY_MS)
        self._index_timer.timeout.connect(self._renew_index)
        self._count_timer = QTimer(self, singleShot=True, interval=COUNT_DELAY_MS)
        self._count_timer.timeout.connect(self._count_branches)
        bar, show_list = frame.filter_bar, frame.show_list
        bar.filter_wanted.connect(self.apply)
        bar.refresh_wanted.connect(self.refresh)
        show_list.show_chosen.connect(self._show)
        show_list.trait_toggled.connect(self._toggle_trait)
        show_list.text_changed.connect(lambda text: self.apply(replace(self.wanted, text=text)))
        show_list.search_begun.connect(self._prepare_search)
        frame.palette_panel.show_class_wanted.connect(self._show_class)
        frame.folders.keys_chosen.connect(lambda keys: self.apply(replace(self.wanted, folders=keys)))
        frame.dates.keys_chosen.connect(lambda keys: self.apply(replace(self.wanted, dates=keys)))
        frame.days.span_chosen.connect(lambda span: self.apply(replace(self.wanted, days=span)))
        frame.flaws.keys_chosen.connect(self._show_flaws)
        frame.section_opened.connect(self._count_timer.start)
        self._session.quality.changed.connect(self._take_quality)
        self.arranging = Arranging(frame, self)

    @property
    def wanted(self) -> ImageFilter:
        """The filter in force."""
        return self._list.filter

    def apply(self, wanted: ImageFilter) -> None:
        """Shows other images; the current one stays current when it is among them."""
        if wanted.scope != self.wanted.scope:
            self._set_scope(wanted)
        order = self._order_for(wanted)
        self._keep_place(lambda: self._list.set_filter(wanted, order))
        self._frame.filter_bar.set_order(self.arranging.order_title)
        if not wanted.text:
            self._list.image_index.names.end_search()
        self._frame.show_list.set_filter(wanted)
        self._frame.palette_panel.show_filtered(wanted.class_ids)
        self._frame.folders.set_chosen(wanted.folders)
        self._frame.dates.set_chosen(wanted.dates)
        self._frame.days.set_span(wanted.days)
        self._frame.flaws.set_chosen(frozenset(str(int(flaw)) for flaw in Flaw if wanted.flaws & flaw))
        self.show_chips()
        self._count_timer.start()

    def set_order(self, order: Order) -> None:
        """Shows the same images in another order."""
        self.arranging.forget()
        if order.depends_on_quality:
            self._use_quality()
        self._keep_place(lambda: self._list.set_filter(self.wanted, order))
        self._frame.filter_bar.set_order(self.arranging.order_title)
        if order in LATE_ORDERS and not self._list.image_index.can_order:
            self._index_timer.start(0)

    def refresh(self) -> None:
        """Applies filter and order to the labels and suggestions as they are now; shows what waits to be shown."""
        if not self.arranging.refresh(self._is_model_newer):
            self.apply(self.wanted)

    def clear(self) -> None:
        """Shows all images."""
        self.apply(ImageFilter())

    def _order_for(self, wanted: ImageFilter) -> Order:
        """Picked images come in the order of the picking, and with the next filter the order is what it was before."""
        now = self._list.order
        if wanted.picked is not None and wanted.picked is not self.wanted.picked:
            self._order_before = now if now is not Order.PICKED else self._order_before
            return Order.PICKED
        return self._order_before if wanted.picked is None and now is Order.PICKED else now

    # ------------------------------------------------------------------------------------------------ what happened

    def take_columns(self) -> None:
        """Images came or went."""
        columns, old = self._session.columns, self._list.image_index
        self._frame.counts.reset(columns)
        index = old if old.names_list is columns.names and len(old) else ImageIndex(columns, old.root_names)
        if self.wanted.flaws or self._list.order.depends_on_quality:
            index.quality = self._session.quality.now(columns)
        self._keep_place(lambda: self._list.set_columns(columns, index), scrolls=False)
        self._set_scope(self.wanted)
        self._show_live_counts()
        self._index_timer.start()

    def take_rows(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Labels, marks or suggestions of these rows changed; returns those that the user labelled or marked."""
        relabelled = self._frame.counts.update(self._session.columns, rows)
        self._list.note_changes(rows)
        if not len(self._list.rows):
            self.refresh()  # nothing is on screen that could move
        self._show_live_counts()
        self.show_counts()
        self._count_timer.start()
        if self._session.columns.names is not self._list.image_index.names_list:
            self._index_timer.start()
        return relabelled

    def take_classes(self) -> None:
        """Classes came, went or look different."""
        known = self.wanted.class_ids & {each.id for each in self._session.classes}
        if known != self.wanted.class_ids:
            self.apply(replace(self.wanted, class_ids=known))
        else:
            self.show_chips()
        self._frame.palette_panel.refresh()

    def take_mode(self) -> None:
        """Images may have several classes now, or only one."""
        self._frame.show_list.set_has_several_classes(self._session.has_several_classes)

    def take_run(self) -> None:
        """Another model suggests. The list does not move; what would be shown now is a click away."""
        depends = self.wanted.show is Show.SUGGESTED or self._list.order.depends_on_model or self.arranging.is_on
        self._is_model_newer = depends and len(self._list.rows) > 0
        self.show_counts()

    def _take_quality(self) -> None:
        """More is known of the pictures. The list does not move."""
        columns = self._session.columns
        self._list.image_index.quality = self._session.quality.of(columns)
        counts = self._list.image_index.quality.counts()
        shown = [flaw for flaw, count in counts.items() if count or self.wanted.flaws & flaw]
        self._frame.sections["quality"].setVisible(bool(shown))
        self._frame.flaws.set_tree(flaw_tree(shown))
        self._count_timer.start()

    def _use_quality(self) -> None:
        """Sees to it that what is known of the pictures is that of the images that are there."""
        if len(self._list.image_index.quality) != len(self._session.columns):
            self._list.image_index.quality = self._session.quality.now(self._session.columns)

    # ------------------------------------------------------------------------------------------------------- wishes

    def _show(self, show: Show) -> None:
        traits = frozenset() if show is Show.ALL else self.wanted.traits
        self.apply(replace(self.wanted, show=show, traits=traits))

    def _toggle_trait(self, trait: Trait) -> None:
        """Adds or takes away one trait; where nothing has both it and what is shown, all that have it are shown."""
        now = self.wanted
        has_both = self._frame.counts.of_both(now.show, trait) > 0
        show = now.show if trait in now.traits or has_both else Show.ALL
        self.apply(replace(now, show=show, traits=now.traits ^ {trait}))

    def _show_flaws(self, keys: frozenset[str]) -> None:
        self._use_quality()
        wanted = NO_FLAW
        for key in keys:
            wanted |= Flaw(int(key))
        self.apply(replace(self.wanted, flaws=wanted))

    def _show_class(self, class_id: int) -> None:
        """Shows only the images of a class; with Ctrl those of one class more, or of one less."""
        now = self.wanted
        if QGuiApplication.keyboardModifiers() & Qt.KeyboardModifier.ControlModifier:
            class_ids = now.class_ids ^ {class_id}
        else:
            class_ids = frozenset() if now.class_ids == {class_id} else frozenset({class_id})
        show = Show.ALL if class_ids and now.show is Show.UNLABELLED else now.show
        self.apply(replace(now, show=show, class_ids=class_ids))

    # ------------------------------------------------------------------------------------------------------ showing

    def show_counts(self) -> None:
        """Shows how many images there are and how many of them do not belong there any more."""
        num_gone, waiting = self._list.num_gone(), self.arranging.waiting_title
        self._frame.filter_bar.set_counts(len(self._list.rows), num_gone, self._is_model_newer, waiting)

    def show_chips(self) -> None:
        """Shows the filter as chips."""
        names = {each.id: each.name for each in self._session.classes}
        self._frame.filter_bar.set_filter(chips_of(self.wanted, names, self._list.image_index))

    def _keep_place(self, change: Callable[[], object], scrolls: bool = True) -> None:
        self._place.keep(change, scrolls)
        self._is_model_newer = False
        self.changed.emit()
        self.show_counts()

    def _show_live_counts(self) -> None:
        self._frame.show_list.refresh_counts()
        self._frame.palette_panel.refresh_counts()

    def _set_scope(self, wanted: ImageFilter) -> None:
        scope = wanted.scope
        mask = matches(self._session.columns, scope, self._list.image_index) if scope.is_active else None
        self._frame.counts.set_scope(mask)
        self._frame.show_list.refresh_counts()

    def _count_branches(self) -> None:
        """Counts per branch what all the other filters let through."""
        columns, index = self._session.columns, self._list.image_index
        if not index.is_ready or len(index) != len(columns):
            return
        self._count_flaws()
        for view, tree, others in (
            (self._frame.folders, index.folders, replace(self.wanted, folders=frozenset())),
            (self._frame.dates, index.dates, replace(self.wanted, dates=frozenset())),
        ):
            if view.isVisible():
                mask = matches(columns, others, index) if others.is_active else None
                view.set_counts(tree.counts(mask))
        if len(columns) > KEPT_NAMES:
            self._session.read_without_answer(give_memory_back)

    def _count_flaws(self) -> None:
        columns, index, view = self._session.columns, self._list.image_index, self._frame.flaws
        if view.isVisible() and len(index.quality) == len(columns):
            others = replace(self.wanted, flaws=NO_FLAW)
            counts = index.quality.counts(matches(columns, others, index) if others.is_active else None)
            view.set_counts(np.array([counts[Flaw(int(key))] for key in view.facets.tree.keys], np.int64))

    # ----------------------------------------------------------------------------------------- made in the background

    def _renew_index(self) -> None:
        columns, index = self._session.columns, self._list.image_index
        if self._session.project is None:
            self._show_trees()
        elif not index.is_ready:
            if index.names_list is not columns.names:  # read anew before it was made
                quality, index = index.quality, ImageIndex(columns, index.root_names)
                index.quality, self._list.image_index = quality, index
            self._prepare(index, [partial(_read_roots, self._session.project, index), *index.steps()])
        elif columns.names is not index.names_list:  # read anew, hardly ever with other names
            self._session.read_in_background(partial(index.is_of, columns), partial(self._take_answer, index, columns))

    def _prepare_search(self) -> None:
        """The cursor is in the field: what a search needs is made while the first letters are typed."""
        if self._session.project is not None:
            self._session.read_in_background(self._list.image_index.names.prepare_search, lambda _made: None)

    def _take_answer(self, index: ImageIndex, columns: ImageColumns, is_same: bool) -> None:
        if is_same:
            index.adopt(columns)
        elif (project := self._session.project) is not None:
            fresh = ImageIndex(columns, index.root_names)
            self._prepare(fresh, [partial(_read_roots, project, fresh), *fresh.steps()])

    def _prepare(self, index: ImageIndex, steps: Sequence[Callable[[], object]]) -> None:
        """Takes one step after the other, so that other reads of the window come in between."""
        if index.names_list is not self._session.columns.names:
            return
        if steps:
            self._session.read_in_background(steps[0], lambda _made: self._prepare(index, steps[1:]))
            return
        index.is_ready = True
        is_other = index is not self._list.image_index
        index.quality = self._list.image_index.quality
        self._list.image_index = index
        self._show_trees()
        self.show_chips()
        if (is_other and self.wanted.scope.is_active) or self._list.order in LATE_ORDERS:
            self.refresh()

    def _show_trees(self) -> None:
        index = self._list.image_index
        self._frame.folders.set_tree(index.folders)
        self._frame.dates.set_tree(index.dates)
        self._frame.days.set_extent(extent(index.dates))
        self._frame.show_facets(has_folders=len(index.folders) > 1, has_dates=len(index.dates) > 1)
        self._count_timer.start()


def _read_roots(project: Project, index: ImageIndex) -> None:
    index.root_names = {root.id: str(root.path) for root in project.roots()}
