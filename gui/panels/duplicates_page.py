"""The page of near-duplicates: the same picture several times, side by side; one is kept, the others are skipped."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QHBoxLayout, QStackedWidget, QToolButton, QVBoxLayout, QWidget

from engine.language import tr, trn
from gui import wording
from gui.models.image_list import ImageListModel
from gui.panels.card_faces import CardFaces
from gui.panels.label_page import LabelPage
from gui.session import Session
from gui.theme import font, icon, notifier
from gui.thumbnails import Thumbnails
from gui.widgets.buttons import button
from gui.widgets.empty_state import EmptyState
from gui.widgets.group_rows import GroupFace, GroupRows
from gui.widgets.hint_line import Hint
from gui.widgets.text import ElidedLabel

LOOKING = tr("Comparing the pictures with each other. You can go on labelling meanwhile (Esc).")
NOTHING = tr("No picture is here twice, not resized, cut or compressed again either.")
ALL_TIP = tr("Skip all but the kept picture of every group; one undo takes it back")


class DuplicatesPage(LabelPage):
    """Shows `session.duplicates` and hands it what the user does."""

    images_wanted = Signal(object, str)
    """Ids and title of images to be shown in the grid."""

    def __init__(self, session: Session, thumbnails: Thumbnails, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._duplicates = session.duplicates
        self._images = ImageListModel(self)
        self._faces = CardFaces(session, self._images, thumbnails)
        self._open: NDArray[np.bool_] = np.zeros(0, np.bool_)
        self.rows = GroupRows(thumbnails, self._face_of)
        self.title = ElidedLabel(tr("Near-duplicates"))
        self.title.setFont(font(1.25, bold=True))
        self.words = ElidedLabel(role="dim")
        self.all_button = button("", "primary", tooltip=ALL_TIP)
        self.grid_button = button(
            tr("Show in the grid"), tooltip=tr("All of these pictures in the grid, group by group")
        )
        self.close_button = QToolButton()
        self.empty = EmptyState()
        self.stack = QStackedWidget()
        self._build()
        self._duplicates.changed.connect(self._refresh)
        session.columns_reset.connect(self._refresh)
        notifier().theme_changed.connect(self.rows.forget_pictures)

    # ---- what the workspace asks

    @property
    def pane(self) -> QWidget:
        return self.rows if self.stack.currentWidget() is self.rows else self.close_button

    def on_opened(self) -> None:
        self._faces.classes_changed()
        self._duplicates.ask()
        self._refresh()

    def on_left(self) -> None:
        self.rows.refresh()

    def on_classes_changed(self) -> None:
        self._faces.classes_changed()
        self.rows.refresh()

    def forget_pictures(self) -> None:
        self.rows.forget_pictures()

    def zoom_by(self, factor: float) -> None:
        self.rows.zoom_by(factor)

    def hints(self) -> tuple[Sequence[Hint], str]:
        if self.rows.current < 0:
            return [Hint(tr("Esc"), tr("back to the images"))], ""
        return [
            Hint(tr("Enter"), tr("keep this one, skip the others")),
            Hint("← →", tr("keep another one")),
            Hint("↑ ↓", tr("next group")),
            Hint(tr("Esc"), tr("back to the images")),
        ], ""

    def target_ids(self) -> NDArray[np.int64]:
        """Returns the kept image of the group: a class key labels that one."""
        group = self.rows.current
        return self._kept_id(group) if group >= 0 else np.zeros(0, np.int64)

    def label(self, class_id: int) -> bool:
        ids = self.target_ids()
        if len(ids) and not self._session.is_read_only:
            self._session.label(ids, class_id)
        return bool(len(ids))

    def label_new_class(self, name: str) -> None:
        ids = self.target_ids()
        self._session.add_class(name, lambda made: self._session.label(ids, made.id))

    def key_handlers(self) -> Mapping[str, Callable[[], object]]:
        return {"confirm": lambda: self._act(self.rows.current), "accept": lambda: self._act(self.rows.current)}

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.closed.emit()
        else:
            super().keyPressEvent(event)

    # ---- private

    def _build(self) -> None:
        self.close_button.setIcon(icon("close"))
        self.close_button.setToolTip(tr("Back to the images (Esc)"))
        self.close_button.setAccessibleName(tr("Back to the images"))
        self.close_button.clicked.connect(self.closed)
        self.all_button.clicked.connect(self._act_on_all)
        self.grid_button.clicked.connect(self._show_in_grid)
        self.rows.keep_wanted.connect(self._duplicates.keep)
        self.rows.act_wanted.connect(self._act)
        self.rows.closed.connect(self.closed)
        self.rows.current_changed.connect(self._on_current_changed)
        head = QHBoxLayout()
        head.setContentsMargins(16, 10, 8, 0)
        head.setSpacing(8)
        head.addWidget(self.title, 1)
        head.addWidget(self.grid_button)
        head.addWidget(self.all_button)
        head.addWidget(self.close_button)
        line = QHBoxLayout()
        line.setContentsMargins(16, 2, 16, 8)
        line.addWidget(self.words)
        self.stack.addWidget(self.rows)
        self.stack.addWidget(self.empty)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(head)
        layout.addLayout(line)
        layout.addWidget(self.stack, 1)

    def _refresh(self) -> None:
        if not self.isVisible():
            return
        duplicates = self._duplicates
        self._images.columns = self._session.columns
        num_groups, num_skipped = len(duplicates.groups), duplicates.num_would_skip()
        self._open = duplicates.open_groups()
        self.grid_button.setVisible(num_groups > 0)
        self.all_button.setVisible(num_groups > 0)
        self.all_button.setEnabled(num_skipped > 0 and not self._session.is_read_only)
        self.all_button.setText(tr("Keep one of each") if num_skipped else tr("All done"))
        self.all_button.setAccessibleName(self.all_button.text())
        self.words.setText(self._sentence())
        if num_groups:
            is_first_sight = self.stack.currentWidget() is not self.rows
            self.stack.setCurrentWidget(self.rows)
            if is_first_sight and self.isAncestorOf(self.window().focusWidget() or self.window()):
                self.rows.setFocus()
        else:
            self.stack.setCurrentWidget(self.empty)
            is_done = duplicates.has_looked and not duplicates.is_looking
            title = tr("No near-duplicates") if is_done else tr("Looking for near-duplicates")
            self.empty.set_state("check-circle" if is_done else "search", title, NOTHING if is_done else LOOKING, "")
        self.rows.set_count(num_groups)
        self.hints_changed.emit()

    def _sentence(self) -> str:
        duplicates = self._duplicates
        parts = []
        if duplicates.groups:
            num_images = sum(len(group) for group in duplicates.groups)
            num_done = int((~self._open).sum())
            parts.append(
                trn(
                    "{num_images:,} pictures in {number:,} group",
                    "{num_images:,} pictures in {number:,} groups",
                    len(duplicates.groups),
                    num_images=num_images,
                )
            )
            parts += [tr("{number:,} done", number=num_done)] if num_done else []
            num_left = duplicates.num_would_skip()
            parts += [tr("{number:,} to skip", number=num_left)] if num_left else []
        if duplicates.is_looking:
            parts.append(tr("still looking"))
        elif duplicates.num_missing:
            images = wording.count(duplicates.num_missing, "image")
            parts.append(tr("{images} left out: they were not looked at yet.", images=images))
        return " · ".join(parts)

    def _face_of(self, group: int) -> GroupFace:
        duplicates = self._duplicates
        ids = duplicates.groups[group]
        rows = self._session.rows_of(ids)
        faces = [self._faces.of_row(int(row)) for row in rows.tolist()]
        skipped = duplicates.would_skip(group) if group < len(self._open) and self._open[group] else ids[:0]
        reason = duplicates.why_kept(group)
        text = (
            tr("{number} pictures · {reason}", number=len(ids), reason=reason)
            if len(skipped)
            else tr("{number} pictures · done", number=len(ids))
        )
        warning = tr("Different classes: one is probably wrong.") if duplicates.has_two_classes(group) else ""
        return GroupFace(
            faces,
            duplicates.kept(group),
            text,
            warning,
            tr("Keep one, skip {number}", number=len(skipped)) if len(skipped) else "",
        )

    def _act(self, group: int) -> None:
        """Keeps one of a group and goes on to the next that is still to be decided."""
        if group < 0:
            return
        self._duplicates.skip_others([group])
        following = np.flatnonzero(self._duplicates.open_groups())
        following = following[following > group]
        self.rows.go_to(int(following[0]) if len(following) else group)

    def _act_on_all(self) -> None:
        self.rows.setFocus()  # the button has nothing more to do
        self._duplicates.skip_others()

    def _on_current_changed(self, group: int) -> None:
        if group >= 0 and self.isVisible():
            kept = self._kept_id(group)
            self._session.set_current(int(kept[0]))
            self._session.set_selection(kept)

    def _kept_id(self, group: int) -> NDArray[np.int64]:
        place = self._duplicates.kept(group)
        return self._duplicates.groups[group][place : place + 1]

    def _show_in_grid(self) -> None:
        self.images_wanted.emit(np.concatenate(self._duplicates.groups), tr("Near-duplicates together"))
