"""The page of stacks in the Label workspace: rows of look-alikes, each named with one key."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtGui import QKeyEvent, QKeySequence, QShortcut, QShowEvent
from PySide6.QtWidgets import QStackedWidget, QVBoxLayout, QWidget

from engine.domain import Mark, Source
from engine.language import ENGLISH, current, tr, trn
from gui import wording
from gui.models.arrangement import ShownStacks
from gui.models.stack_list import StackListModel
from gui.panels.label_page import LabelPage
from gui.panels.stack_bar import StackBar
from gui.panels.stack_faces import StackFaces
from gui.panels.stack_menu import open_stack_menu
from gui.panels.stacks_head import StacksHead
from gui.panels.stacks_words import Step, first_words, looking, page_without_stacks, rest_words, stack_hints
from gui.panels.workspace_keys import WORKSPACE_KEYS
from gui.session import Session
from gui.stacks import StackState
from gui.theme import notifier
from gui.thumbnails import Thumbnails
from gui.widgets.empty_state import EmptyState
from gui.widgets.hint_line import Hint
from gui.widgets.progress import SlimProgress
from gui.widgets.stacks_view import StacksView

FINDER_ROOM_PX = 180


class StacksPage(LabelPage):
    """Shows `session.stacks`. It asks for stacks when it is opened and there are none to name."""

    way_back = tr("Ctrl+Shift+G goes back to the stacks.")
    look_wanted = Signal(object, str, int, bool)
    """Ids and title of images to see in the grid, the position to go to, and whether to look at that one alone."""

    def __init__(self, session: Session, thumbnails: Thumbnails, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.session, self._stacks = session, session.stacks
        self._step = Step.NONE
        self.model = StackListModel(self)
        self.faces = StackFaces(session, self.model, thumbnails)
        self.view = StacksView(self.model, thumbnails, self.faces.at, self.faces.head, self.faces.other)
        self.bar = StackBar(self.view.viewport())
        self.view.bar = self.bar
        self.head = StacksHead()
        self.empty = EmptyState()
        self._line = SlimProgress()
        self._line.setFixedHeight(3)
        self._shown = QStackedWidget()
        self._build()
        self._connect()

    # ------------------------------------------------------------------------------------------------------ the page

    @property
    def has_stacks(self) -> bool:
        """Whether there are stacks to be seen."""
        return self._shown.currentWidget() is self.view

    @property
    def pane(self) -> QWidget:
        return self.view if self.has_stacks else self

    def on_opened(self) -> None:
        is_done = self._stacks.state is StackState.READY and not self._stacks.num_open
        if not self._stacks.is_asking and (is_done or self._stacks.state is not StackState.READY):
            self._stacks.ask()
        self.faces.classes_changed()
        self._refresh()

    def on_left(self) -> None:
        self._stacks.forget_steps()

    def on_classes_changed(self) -> None:
        self.faces.classes_changed()
        self.view.viewport().update()
        self.hints_changed.emit()

    def forget_pictures(self) -> None:
        self.view.forget_pictures()

    def zoom_by(self, factor: float) -> None:
        self.view.set_card_px(round(self.view.card_px * factor))

    def hints(self) -> tuple[Sequence[Hint], str]:
        if not self.has_stacks:
            act = self.empty.button.text()
            if current() == ENGLISH:
                act = act[:1].lower() + act[1:]
            return [*([Hint(tr("Enter"), act)] if act else []), Hint(tr("Esc"), tr("grid"))], ""
        position = self.view.current_position()
        is_aside = position >= 0 and bool(self.model.stacks.are_aside[position])
        return stack_hints(self.session, self.view.selected_stacks, is_aside), first_words(self.session)

    def target_ids(self) -> NDArray[np.int64]:
        return self._stacks.named_ids(self.view.selected_stacks)

    def find_title(self) -> str:
        number, num_stacks = len(self.target_ids()), len(self.view.selected_stacks)
        if not number:
            return ""
        if num_stacks == 1:
            return trn("Name {number:,} image", "Name {number:,} images", number)
        return tr("Name {num_stacks} stacks, {images}", num_stacks=num_stacks, images=wording.count(number, "image"))

    def finder_place(self) -> QPoint | None:
        return self.view.viewport().mapTo(self, self.view.naming_point(FINDER_ROOM_PX))

    def label(self, class_id: int) -> bool:
        if self.session.class_by_id(class_id) is None or not self.has_stacks:
            return False
        return self._stacks.name_several(self.view.selected_stacks, class_id)

    def label_new_class(self, name: str) -> None:
        self._stacks.name_new(self.view.selected_stacks, name)

    def take_back(self) -> bool:
        return self._stacks.take_back()

    def key_handlers(self) -> Mapping[str, Callable[[], object]]:
        if not self.has_stacks:
            return {"refresh": self._stacks.ask, "confirm": self._on_step}
        return {
            "accept": self._toggle_current,
            "clear": self._toggle_current,
            "clear_all": self._toggle_current,
            "confirm": self._name,
            "skip": self.skip,
            "unsure": self._mark_unsure,
            "next_unlabelled": lambda: self.view.go_to_stack(self.view.current_stack + 1),
            "toggle_viewer": lambda: self.look(is_alone=False),
            "refresh": self._stacks.ask,
        }

    # ----------------------------------------------------------------------------------------------- what is shown

    def _refresh(self) -> None:
        """Shows the stacks as they are; where they change, the user stays at the same picture, or at the same place."""
        stacks, shown = self._stacks, self._stacks.shown
        had_focus = self.pane.hasFocus() or self.empty.button.hasFocus()
        self.faces.forget()
        if len(shown):
            self._show_stacks(shown)
            self._shown.setCurrentWidget(self.view)
        else:
            self.model.show(self.session.columns, shown)
            self.view.place_bar()
            page, self._step = page_without_stacks(self.session)
            self.empty.set_state(page.icon, page.title, page.text, page.action)
            self._shown.setCurrentWidget(self.empty)
        self._show_asking()
        num_named = stacks.num_stacks - stacks.num_open
        self.head.show_progress(num_named, stacks.num_stacks, rest_words(self.session) if stacks.num_stacks else "")
        self._leave_key.setEnabled(not self.has_stacks)
        if had_focus:
            self.focus_images()
        self.hints_changed.emit()

    def _show_stacks(self, shown: ShownStacks) -> None:
        before = self.model.stacks
        is_same = np.array_equal(before.image_ids, shown.image_ids) and np.array_equal(before.starts, shown.starts)
        if is_same and self.model.columns is self.session.columns:
            self.model.change_aside(shown)
            self.view.viewport().update()
            self._show_bar()
            return
        position = self._position_in(shown, before)
        self.model.columns = self.session.columns
        self.view.show_stacks(shown, position)
        self._show_bar()

    def _position_in(self, shown: ShownStacks, before: ShownStacks) -> int:
        """Returns the picture to be current: one that came back, or the same as before, or the next stack's first."""
        if not len(before):
            return 0
        if len(shown.image_ids) > len(before.image_ids):
            came_back = np.flatnonzero(~np.isin(shown.image_ids, before.image_ids))
            if len(came_back):
                return int(shown.starts[shown.index_of(int(came_back[0]))])
        now = max(0, self.view.current_position())
        same = np.flatnonzero(shown.image_ids == before.image_ids[min(now, len(before.image_ids) - 1)])
        if len(same):
            return int(same[0])
        return int(shown.starts[min(before.index_of(now), len(shown) - 1)])

    def _show_asking(self) -> None:
        stacks = self._stacks
        self.head.show_asking(stacks.is_asking)
        self._line.setVisible(stacks.is_asking)
        activity = looking(self.session) if stacks.state is StackState.WAITING else None
        self._line.set_progress(activity.done if activity else 0, activity.total if activity else 0)

    def _show_bar(self) -> None:
        chosen = self.view.selected_stacks
        if not chosen or chosen[-1] >= self._stacks.num_open:
            return
        span = self.model.stacks.span(chosen[0])
        can_join = len(chosen) > 1 or chosen[0] + 1 < self._stacks.num_open
        can_wait = chosen[0] + len(chosen) < self._stacks.num_open
        self.bar.show_for(len(chosen), span.stop - span.start, can_join, can_wait, not self.session.is_read_only)

    # ------------------------------------------------------------------------------------------- what the user does

    def _name(self) -> None:
        """Enter: the suggested class where there is one, or else the type-ahead."""
        chosen = self.view.selected_stacks
        suggested = self._stacks.suggestion(chosen[0]) if len(chosen) == 1 else None
        if suggested is not None:
            self._stacks.name(chosen[0], suggested.item.id, Source.SUGGESTION)
        else:
            self.find_wanted.emit()

    def _toggle(self, position: int) -> None:
        shown = self.model.stacks
        ids = shown.image_ids[position : position + 1]
        self._stacks.set_aside(shown.index_of(position), ids, not shown.are_aside[position])

    def _toggle_current(self) -> None:
        if self.view.current_position() >= 0:
            self._toggle(self.view.current_position())

    def take_all_in(self) -> None:
        """Takes in what is set aside of the selected stacks."""
        for index in self.view.selected_stacks:
            stack = self._stacks.stack(index)
            if stack.is_aside.any():
                self._stacks.set_aside(index, stack.image_ids, False)

    def join(self) -> None:
        """Makes one stack of those selected, or of the current one and the next."""
        chosen = self.view.selected_stacks
        if len(chosen) == 1 and chosen[0] + 1 < self._stacks.num_open:
            chosen = [chosen[0], chosen[0] + 1]
        self._stacks.merge(chosen)

    def split(self) -> None:
        """Makes two stacks of the current one."""
        if len(self.view.selected_stacks) == 1:
            self._stacks.split(self.view.current_stack)

    def later(self) -> None:
        """Puts the selected stacks at the end, and goes on to what comes next."""
        chosen = self.view.selected_stacks
        if chosen:
            self._stacks.postpone(chosen)
            self.view.go_to_stack(chosen[0])

    def skip(self) -> None:
        """Marks what naming would label as skipped."""
        self.session.mark(self.target_ids(), Mark.SKIPPED, True)

    def _mark_unsure(self) -> None:
        position = self.view.current_position()
        if position >= 0:
            is_on = bool(self.session.columns.marks[self.model.rows[position]] & Mark.UNSURE)
            self.session.mark(self.model.image_ids(np.array([position])), Mark.UNSURE, not is_on)

    def look(self, is_alone: bool) -> None:
        """Shows the pictures of the current stack in the grid, or the current one alone."""
        shown, stack = self.model.stacks, self.view.current_stack
        if stack >= 0:
            span = shown.span(stack)
            number = span.stop - span.start
            title = trn("Stack of {number:,} look-alike", "Stack of {number:,} look-alikes", number)
            self.look_wanted.emit(shown.image_ids[span], title, self.view.current_position() - span.start, is_alone)

    def _on_step(self) -> None:
        step = self._step
        if step is Step.LEAVE:
            self.closed.emit()
        elif step is Step.ASK_NOW:
            self._stacks.ask_now()
        elif step is Step.LOOK:
            self._stacks.look_and_ask()
        elif step is Step.ASK:
            self._stacks.ask()

    def _on_asked(self) -> None:
        self._stacks.cancel() if self._stacks.is_asking else self._stacks.ask()

    def _on_work_changed(self) -> None:
        if self.isVisible() and self._stacks.state is StackState.WAITING:
            self._refresh()

    def _on_position_changed(self) -> None:
        if self.isVisible():
            image_id = self.model.image_id(self.view.current_position())
            self.session.set_current(image_id)
            self.session.set_selection([image_id] if image_id is not None else [])
            self.hints_changed.emit()

    def _on_stacks_selected(self) -> None:
        self._show_bar()
        self.hints_changed.emit()

    def _on_rows_changed(self, rows: NDArray[np.int64]) -> None:
        if self.isVisible():
            self.faces.forget()
            self.view.update_rows(rows)
            self.hints_changed.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if not self.has_stacks and event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._on_step()
        else:
            super().keyPressEvent(event)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._refresh()  # labels may have been given in another workspace

    # ------------------------------------------------------------------------------------------------------ set-up

    def _build(self) -> None:
        self._shown.addWidget(self.empty)
        self._shown.addWidget(self.view)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        for widget in (self.head, self._line):
            column.addWidget(widget)
        column.addWidget(self._shown, 1)
        self.setAccessibleName(tr("Stacks of look-alikes"))
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._line.hide()

    def _connect(self) -> None:
        view, bar, head = self.view, self.bar, self.head
        self._stacks.changed.connect(self._on_changed)
        self.session.rows_changed.connect(self._on_rows_changed)
        self.session.work.changed.connect(self._on_work_changed)
        notifier().theme_changed.connect(view.viewport().update)
        view.positions_changed.connect(self._on_position_changed)
        view.stacks_selected.connect(self._on_stacks_selected)
        view.toggled.connect(self._toggle)
        view.activated_at.connect(lambda _position: self.look(is_alone=True))
        view.naming_wanted.connect(self._name)
        view.taking_in_wanted.connect(self.take_all_in)
        view.left.connect(self.closed)
        view.card_size_changed.connect(head.set_card_px)
        view.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        view.customContextMenuRequested.connect(lambda point: open_stack_menu(self, view.viewport().mapToGlobal(point)))
        bar.name_wanted.connect(self.find_wanted)
        bar.later_wanted.connect(self.later)
        bar.join_wanted.connect(self.join)
        bar.split_wanted.connect(self.split)
        bar.open_wanted.connect(lambda: self.look(is_alone=False))
        head.size_wanted.connect(view.set_card_px)
        head.asked.connect(self._on_asked)
        head.closed.connect(self.closed)
        self.empty.action_wanted.connect(self._on_step)
        self._leave_key = self._add_key("Escape", self.closed.emit)  # the view, while it is shown, has its own
        own = {"stack_join": self.join, "stack_split": self.split, "stack_later": self.later}
        for spec in WORKSPACE_KEYS:
            if spec.id in own:
                self._add_key(spec.keys[0], own[spec.id])

    def _add_key(self, keys: str, act: Callable[[], object]) -> QShortcut:
        shortcut = QShortcut(QKeySequence(keys), self)
        shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        shortcut.setAutoRepeat(False)
        shortcut.activated.connect(act)
        return shortcut

    def _on_changed(self) -> None:
        if self.isVisible():
            self._refresh()
        elif not len(self._stacks.shown):
            self.model.show(self.session.columns, self._stacks.shown)  # keeps nothing of a project that was closed
