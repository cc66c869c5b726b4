"""The orders of the images: opens their menu, asks the engine where an order needs it, and shows what it answers."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from gui.assistance import Answer
from gui.models.image_filter import ImageFilter, Order, matches
from gui.orders import BY_SORT, DUPLICATES, ORDERS, menu_columns
from gui.panels.label_frame import LabelFrame
from gui.widgets.order_menu import OrderMenu

if TYPE_CHECKING:
    from gui.panels.filtering import Filtering


class Arranging(QObject):
    """Never pulls away an image that the user went on to while the engine was thinking: the answer then waits."""

    acted = Signal()
    """The user wants to see images, in whatever order: a page that stands in their place gives way."""

    def __init__(self, frame: LabelFrame, filtering: Filtering) -> None:
        super().__init__(frame)
        self._frame = frame
        self._session = frame.session
        self._list = frame.images
        self._filtering = filtering
        self._waiting: Answer | None = None
        assistance = self._session.assistance
        assistance.arranged.connect(self._take_answer)
        assistance.changed.connect(self._show_question)
        assistance.order_wanted.connect(self.choose)
        assistance.menu_wanted.connect(lambda: self.open_menu(None))
        frame.filter_bar.orders_wanted.connect(self.open_menu)
        frame.viewer.bar.similar_wanted.connect(assistance.show_similar)
        frame.viewer.bar.offer_similar()

    @property
    def is_on(self) -> bool:
        """Whether images are shown that an order of the engine's picked."""
        picked = self._list.filter.picked
        return picked is not None and bool(picked.order)

    @property
    def order_name(self) -> str:
        """The name of the order in force in the table of orders, "" for that of picked images."""
        if self._list.order is Order.PICKED:
            picked = self._list.filter.picked
            return picked.order if picked is not None else ""
        return BY_SORT[self._list.order].name

    @property
    def order_title(self) -> str:
        """The order in force in words."""
        name = self.order_name
        return ORDERS[name].title if name else self._list.order.value

    @property
    def waiting_title(self) -> str:
        """The title of an answer that is ready and not shown yet, "" for none."""
        return self._waiting.picked.title if self._waiting is not None else ""

    def open_menu(self, anchor: QWidget | None) -> None:
        """Opens the menu of orders below a widget, or below the button that is on the screen."""
        self.acted.emit()
        menu = OrderMenu(menu_columns(self._session, self.order_name), self._frame)
        menu.chosen.connect(self.choose)
        menu.open_below(anchor or self._frame.filter_bar.order_anchor)

    def choose(self, name: str) -> None:
        """Shows the images in an order of the table, by its name; the engine may have to be asked first."""
        choice, wanted = ORDERS[name], self._filtering.wanted
        others = replace(wanted, picked=None) if self.is_on else wanted
        self._session.assistance.give_up()
        if name == DUPLICATES:
            self._session.assistance.show_duplicates()  # they have a page of their own
            return
        self.acted.emit()
        if choice.sorts is None:
            columns = self._session.columns
            among = columns.image_ids[matches(columns, others, self._list.image_index)] if others.is_active else None
            self._session.assistance.ask_for_order(name, among)
        else:
            if self.is_on:  # picked by an order, which this one replaces
                self._filtering.apply(others)
            self._filtering.set_order(choice.sorts)

    def refresh(self, is_model_newer: bool) -> bool:
        """Shows what waits to be shown, or asks again where there is a newer model; tells whether it did either."""
        picked = self._filtering.wanted.picked
        if self._waiting is not None:
            self._show(self._waiting)
            return True
        if is_model_newer and picked is not None and picked.order:
            self.choose(picked.order)
            return True
        return False

    def forget(self) -> None:
        """Drops an answer that was not shown: the user chose something else."""
        self._waiting = None

    def _show_question(self) -> None:
        """Says on the button of the orders what the engine is looking for; how far it is stands in the model bar."""
        question = self._session.assistance.question
        self._frame.filter_bar.set_order(f"{question} …" if question else self.order_title)

    def _take_answer(self, answer: Answer) -> None:
        has_gone_on = self._session.current_image_id != answer.asked_at
        if has_gone_on or self._session.assistance.num_labelled != answer.num_labelled:
            self._waiting = answer
            self._filtering.show_counts()
        else:
            self._show(answer)

    def _show(self, answer: Answer) -> None:
        self._waiting = None
        picked = answer.picked
        if not picked.order:
            self._session.images_wanted.emit(picked)
            return
        wanted = replace(self._filtering.wanted, picked=picked)
        if not matches(self._session.columns, wanted, self._list.image_index).any():
            wanted = ImageFilter(picked=picked)  # labelled images are wanted, say, and unlabelled ones were shown
        self._filtering.apply(wanted)
        if not self._frame.is_viewing and len(self._list.rows):
            self._frame.grid.go_to(0)
