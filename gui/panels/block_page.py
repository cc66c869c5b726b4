"""The block page: a page full of suggestions of one class; what is wrong is taken out, one key accepts the rest."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from engine.domain import NO_CLASS, ImageClass, Mark
from engine.language import tr
from gui import blocks
from gui.block_records import Tally
from gui.models.image_filter import ImageFilter, Order
from gui.models.image_index import ImageIndex
from gui.models.image_list import ImageListModel
from gui.models.picked_images import PickedImages
from gui.panels import block_words
from gui.panels.block_bar import BlockBar
from gui.panels.block_classes import OpenClassList
from gui.panels.block_grid import BlockGrid
from gui.panels.block_head import BlockHead
from gui.panels.card_faces import CardFaces
from gui.panels.label_page import LabelPage
from gui.panels.workspace_keys import class_key_text
from gui.session import Session
from gui.theme import notifier
from gui.thumbnails import Thumbnails
from gui.widgets.empty_state import EmptyState
from gui.widgets.hint_line import Hint
from gui.widgets.image_card import CardFace
from gui.widgets.text import text_label

SIDE_PX, NARROW_SIDE_PX, NARROW_PX = 216, 172, 900


class BlockPage(LabelPage):
    """Shows `session.blocks` and hands it what the user does."""

    has_details = False
    images_wanted = Signal(object, str)
    """Ids and title of images to be shown in the grid."""

    def __init__(self, session: Session, thumbnails: Thumbnails, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._blocks = session.blocks
        self._shown: tuple[object, ...] = ()
        self.images = ImageListModel(self)
        self._faces = CardFaces(session, self.images, thumbnails)
        self.grid = BlockGrid(self.images, thumbnails, self._face_at)
        self.head = BlockHead()
        self.bar = BlockBar(session)
        self.classes = OpenClassList()
        self.empty = EmptyState()
        self.stack = QStackedWidget()
        self._side = QWidget()
        self._build()
        self._connect()

    # ---- what the workspace asks

    @property
    def pane(self) -> QWidget:
        return self.grid if self.stack.currentWidget() is not self.empty else self.empty.button

    def on_opened(self) -> None:
        self._take_columns()
        self.on_classes_changed()
        self._blocks.set_page_size(self.grid.capacity)
        self._blocks.start()

    def on_left(self) -> None:
        self._blocks.end()

    def on_classes_changed(self) -> None:
        self._faces.classes_changed()
        self._refresh()

    def forget_pictures(self) -> None:
        self.grid.forget_pictures()

    def zoom_by(self, factor: float) -> None:
        self.grid.set_card_px(round(self.grid.wanted_px * factor))

    def hints(self) -> tuple[Sequence[Hint], str]:
        if self._blocks.class_id == NO_CLASS:
            return [Hint(tr("Esc"), tr("back to the images"))], ""
        is_out = int(self.images.image_id(self.grid.current_position()) or 0) in self._blocks.page.out
        other = self._other_class()
        hints = [
            Hint(tr("Enter"), tr("accept and go on") if len(self._blocks.to_accept()) else tr("go on")),
            Hint(tr("Space"), tr("put this one back") if is_out else tr("take this one out")),
        ]
        if other is not None:
            hints.append(Hint(class_key_text(other.key), tr("this one is"), other.name, other.color))
        hints += [
            Hint("/", tr("find class")),
            Hint(tr("Page Down"), tr("next class")),
            Hint(tr("Esc"), tr("back to the images")),
        ]
        return hints, ""

    def target_ids(self) -> NDArray[np.int64]:
        image_id = self.images.image_id(self.grid.current_position())
        return np.array([image_id] if image_id is not None else [], np.int64)

    def label(self, class_id: int) -> bool:
        ids = self.target_ids()
        if not len(ids) or self._session.is_read_only:
            return False
        self._blocks.give(ids, class_id)
        self._point_on()
        return True

    def label_new_class(self, name: str) -> None:
        ids = self.target_ids()
        self._session.add_class(name, lambda made: self._blocks.give(ids, made.id))

    def key_handlers(self) -> Mapping[str, Callable[[], object]]:
        return {
            "accept": self._toggle_pointed,
            "accept_confident": self._accept,
            "skip": lambda: self._mark(Mark.SKIPPED),
            "unsure": lambda: self._mark(Mark.UNSURE),
            "clear": lambda: self._blocks.put_back(self.target_ids()),
            "next_unlabelled": self.classes.setFocus,
        }

    # ---- set-up

    def _build(self) -> None:
        side = QVBoxLayout(self._side)
        side.setContentsMargins(0, 14, 8, 8)
        side.setSpacing(6)
        side.addWidget(text_label(tr("Open suggestions"), "caption"))
        side.addWidget(self.classes, 1)
        row = QHBoxLayout()
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        row.addWidget(self.grid, 1)
        row.addWidget(self._side)
        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.head)
        column.addLayout(row, 1)
        column.addWidget(self.bar)
        self.stack.addWidget(page)
        self.stack.addWidget(self.empty)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(self.stack)
        self._page = page
        self.setProperty("role", "window")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)

    def _connect(self) -> None:
        session = self._session
        self._blocks.changed.connect(self._refresh)
        session.columns_reset.connect(self._on_columns_reset)
        session.rows_changed.connect(self.grid.update_rows)
        notifier().theme_changed.connect(self.grid.viewport().update)
        self.grid.capacity_changed.connect(self._on_capacity_changed)
        self.grid.toggle_wanted.connect(self._toggle_at)
        self.grid.accept_wanted.connect(self._accept)
        self.grid.class_wanted.connect(self._step_class)
        self.grid.closed.connect(self.closed)
        self.grid.positions_changed.connect(self._on_pointed)
        self.classes.class_chosen.connect(self._blocks.go_to_class)
        self.classes.left.connect(self.focus_images)
        self.head.close_wanted.connect(self.closed)
        self.head.renew_wanted.connect(self._blocks.renew)
        self.bar.accept_wanted.connect(self._accept)
        self.bar.accept_above_wanted.connect(self._accept_above)
        self.empty.action_wanted.connect(self._on_empty_action)

    # ---- what the user does

    def _accept(self) -> None:
        if self._blocks.class_id != NO_CLASS and not self._session.is_read_only:
            self._blocks.accept()
            self._blocks.next_page()
            self.focus_images()

    def _accept_above(self, confidence: float) -> None:
        if not self._session.is_read_only:
            self._blocks.accept_above(confidence)
            self._blocks.next_page()
            self.focus_images()

    def _toggle_at(self, position: int) -> None:
        image_id = self.images.image_id(position)
        if image_id is not None:
            self._toggle(np.array([image_id], np.int64))

    def _toggle_pointed(self) -> None:
        self._toggle(self.target_ids())
        self._point_on()

    def _toggle(self, ids: NDArray[np.int64]) -> None:
        """Takes a picture out, or puts it back; one that got another class loses that."""
        rows = self._session.rows_of(ids)
        if (self._session.columns.class_ids[rows] != NO_CLASS).any():
            self._blocks.put_back(ids)
        else:
            self._blocks.toggle(ids)

    def _mark(self, mark: Mark) -> None:
        """Marks the pointed image; one that is skipped is taken out."""
        ids = self.target_ids()
        if mark is Mark.SKIPPED and int(ids[0] if len(ids) else 0) not in self._blocks.page.out:
            self._blocks.toggle(ids)
        rows = self._session.rows_of(ids)
        is_on = not bool((self._session.columns.marks[rows] & mark != 0).all())
        self._session.mark(ids, mark, is_on)
        self._point_on()

    def _point_on(self) -> None:
        """Goes on to the next picture of the page."""
        position = self.grid.current_position() + 1
        if self._session.has_auto_advance and 0 < position < len(self.images.rows):
            self.grid.point_at(position)

    def _step_class(self, step: int) -> None:
        """Goes to the next class with something open, or to the one before."""
        now, counts = self._blocks.class_id, self._blocks.open_classes()
        ids = [item.id for item, count in counts if count > 1 or item.id == now]
        if len(ids) < 2:  # only classes with a single suggestion are left
            ids = [item.id for item, count in counts if count or item.id == now]
        if self._blocks.class_id in ids and len(ids) > 1:
            self._blocks.go_to_class(ids[(ids.index(self._blocks.class_id) + step) % len(ids)])

    def _on_empty_action(self) -> None:
        if self._num_new():
            self._blocks.next_page()
            return
        left = self._blocks.set_aside() if self._blocks.is_on else np.zeros(0, np.int64)
        if len(left):
            self._session.show_images(left, tr("Taken out of the blocks"))
        else:
            self.closed.emit()

    # ---- what is shown

    def _on_columns_reset(self) -> None:
        if self.isVisible():
            self._take_columns()
            self._refresh()

    def _take_columns(self) -> None:
        self.images.set_columns(self._session.columns, ImageIndex())
        self._shown = ()

    def _on_capacity_changed(self, capacity: int) -> None:
        if self.stack.currentWidget() is self._page or not self._blocks.is_on:
            self._blocks.set_page_size(capacity)

    def _on_pointed(self) -> None:
        if self.isVisible():
            self._session.set_current(self.images.image_id(self.grid.current_position()))
            self.hints_changed.emit()

    def _refresh(self) -> None:
        if not self._blocks.is_on:
            return
        if self._blocks.class_id == NO_CLASS:
            self._show_empty()
            return
        self._show_page()
        item = self._session.class_by_id(self._blocks.class_id)
        if item is not None:
            self.head.show_blocks(self._blocks, item)
        self.bar.show_blocks()
        self.classes.show_classes(self._blocks.open_classes(), self._blocks.class_id)
        self.grid.viewport().update()
        self.hints_changed.emit()

    def _show_page(self) -> None:
        if self.stack.currentWidget() is not self._page:
            self.stack.setCurrentWidget(self._page)
            self.grid.setFocus()
        shown = (self._blocks.class_id, self._blocks.page_ids.tobytes())
        if shown == self._shown:
            return
        is_same_place = bool(self._shown) and self._shown[0] == shown[0] and len(self.images.rows)
        pointed = self.grid.current_position() if is_same_place and self._begins_alike() else 0
        self._shown = shown
        self.images.set_filter(ImageFilter(picked=PickedImages("", self._blocks.page_ids)), Order.PICKED)
        self.grid.point_at(min(max(pointed, 0), len(self.images.rows) - 1))

    def _begins_alike(self) -> bool:
        """Tells whether the page only became longer or shorter."""
        return self.images.image_id(0) == int(self._blocks.page_ids[0]) if len(self._blocks.page_ids) else False

    def _show_empty(self) -> None:
        why_not, tally = self._blocks.why_not, self._blocks.tally
        left = len(self._blocks.set_aside())
        back = tr("Back to the images")
        if tally != Tally():
            new = self._num_new()
            action = (
                tr("Show the {number:,} taken out", number=left)
                if left > 1
                else tr("Show the one taken out")
                if left
                else back
            )
            text = block_words.summary(tally, self._blocks.num_refused(), new)
            action = tr("Check {number:,} more", number=new) if new else action
            self.empty.set_state("check-circle", tr("All suggestions are checked"), text, action)
        elif why_not == blocks.SEVERAL:
            self.empty.set_state(
                "tag", tr("Not with several classes per image"), f"{why_not} {tr('Space does that.')}", back
            )
        elif why_not == blocks.NO_MODEL:
            text = f"{why_not} {tr('Label some images of two classes or more, then press Retrain.')}"
            self.empty.set_state("sparkle", tr("No model yet"), text, back)
        else:
            text = tr(
                "Every image that the model suggests a class for has one. Retrain to see what it thinks of the others."
            )
            self.empty.set_state("check-circle", tr("Nothing to check"), text, back)
        self._shown = ()
        self.stack.setCurrentWidget(self.empty)
        if self.isVisible():
            self.empty.button.setFocus()
        self.hints_changed.emit()

    def _num_new(self) -> int:
        """Returns how many suggestions a newer model brought after the pass was over."""
        return sum(count for _, count in self._blocks.open_classes()) if self._blocks.is_over else 0

    def _face_at(self, position: int) -> CardFace:
        """Returns a card with the suggestion that the page was made of, whatever a newer model says."""
        face = self._faces.at(position)
        page = self._blocks.page
        is_out = face.image_id in page.out
        item = self._session.class_by_id(page.class_id)
        columns = self._session.columns
        row = int(self.images.rows[position])
        if item is None or columns.class_ids[row] != NO_CLASS or position >= len(page.confidences):
            return face
        confidence = float(page.confidences[position])
        return replace(
            face, class_name=item.name, class_color=item.color, is_suggestion=True, is_unknown=False,
            confidence=confidence, is_out=is_out,
        )  # fmt: skip

    def _other_class(self) -> ImageClass | None:
        """Returns the class with a key that the hints name: the most probable one that is not the page's."""
        pointed = self.images.image_id(self.grid.current_position()) or 0
        probable = [item for item, _ in self._session.predictions(pointed)] or self._session.classes
        return next((item for item in probable if item.key and item.id != self._blocks.class_id), None)

    def resizeEvent(self, event: object) -> None:
        super().resizeEvent(event)  # type: ignore[arg-type]
        self._side.setFixedWidth(NARROW_SIDE_PX if self.width() < NARROW_PX else SIDE_PX)
