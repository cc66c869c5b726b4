"""Suspected label mistakes, one after the other: A takes the suggested class, D keeps the one that it has."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from engine.domain import Source
from engine.language import tr, trc, trn
from gui import review_words
from gui.review_words import UNNAMED_COLOR
from gui.session import Session
from gui.thumbnails import Thumbnails
from gui.widgets.buttons import button
from gui.widgets.card import Card
from gui.widgets.empty_state import EmptyState
from gui.widgets.hint_line import Hint, HintLine
from gui.widgets.suspect_list import SuspectFace, SuspectList
from gui.widgets.suspect_view import Neighbour, SuspectView
from gui.widgets.text import text_label

if TYPE_CHECKING:
    from engine.tasks.review import Review, Suspect

LIST_PX, NARROW_LIST_PX, NARROW_PX = 320, 264, 1100
NUM_NEIGHBOURS = 8


class ReviewSuspects(QWidget):
    """A suspect is open while its image has the class that was doubted and nobody has dismissed it.

    Only what is probably wrong is shown: images that are merely less like their class than like another are left to
    Mistakes. A new review changes the list around the suspect that is looked at, never that one: a key that is pressed
    as it comes is meant for the picture that was there.
    """

    open_changed = Signal()
    """Other suspects are open."""

    def __init__(self, session: Session, thumbnails: Thumbnails, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._review: Review | None = None
        self._open: list[Suspect] = []
        self._kept: Suspect | None = None
        self._dismissed: list[tuple[int, int]] = []
        self._can_take_back = False
        self._labels_then: NDArray[np.int32] = np.zeros(0, np.int32)
        self.list = SuspectList(thumbnails)
        self.view = SuspectView(thumbnails)
        self.accept_button = button("")  # neither is the one to press: the picture decides
        self.dismiss_button = button("")
        self._words = text_label("", "dim", wrap=True)
        self._hints = HintLine()
        self._empty = EmptyState()
        self._stack = QStackedWidget()
        self._left = QWidget()
        self._build()
        for keys, act in (("A", self.accept), ("D", self.dismiss)):
            shortcut = QShortcut(QKeySequence(keys), self)
            shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            shortcut.setAutoRepeat(False)
            shortcut.activated.connect(act)
        self.list.suspect_reached.connect(self._show)
        self.list.suspect_opened.connect(self._show)
        self.accept_button.clicked.connect(self.accept)
        self.dismiss_button.clicked.connect(self.dismiss)
        session.classes_changed.connect(self._refresh)
        session.project_closed.connect(self._dismissed.clear)
        self._refresh()

    # ------------------------------------------------------------------------------------------------ what is shown

    @property
    def faces(self) -> list[SuspectFace]:
        """The open suspects as they are shown."""
        return [self._face(each) for each in self._open]

    def show_review(self, review: Review | None) -> None:
        """Shows the suspects of a review; the one that is looked at stays until it is decided."""
        if review is not self._review:
            self._kept = self._current() if review is not None and self.isVisible() else None
            self._review = review
        self._refresh()

    def take_labels(self) -> None:
        """Takes over that labels are others now."""
        if self._can_take_back:  # suggestions may be others without that a label is
            self._can_take_back = np.array_equal(self._labels_then, self._session.columns.class_ids)
        if [each.image_id for each in self._find_open()] != [each.image_id for each in self._open]:
            self._refresh(follows_returned=True)

    def go_to(self, place: int) -> None:
        """Goes to an open suspect."""
        self.list.go_to(place)
        self.list.setFocus(Qt.FocusReason.OtherFocusReason)

    # ------------------------------------------------------------------------------------------------------- deeds

    def accept(self) -> None:
        """Gives the image the class that is suggested, and goes on."""
        suspect = self._current()
        if suspect is not None and self._session.class_by_id(suspect.suggested_id) is not None:
            # By hand: its image was not chosen for being labelled by a model, so it counts as any other.
            self._session.label([suspect.image_id], suspect.suggested_id, Source.HUMAN)

    def dismiss(self) -> None:
        """Says that the class is right, and goes on; the suspect does not come back while the class stays."""
        suspect, project = self._current(), self._session.project
        if suspect is None or project is None or project.read_only:
            return
        self._dismissed.append((suspect.image_id, suspect.given_id))
        self._write([suspect.image_id], True)
        self._can_take_back = True
        self._labels_then = self._session.columns.class_ids.copy()
        self._refresh()

    def take_back(self) -> bool:
        """Brings back what was dismissed last, when that was the last thing done here; tells whether it was."""
        if not (self._can_take_back and self._dismissed and self.isVisible()):
            return False
        image_id, _ = self._dismissed.pop()
        self._write([image_id], False)
        self._can_take_back = bool(self._dismissed)
        self._refresh()
        self.list.go_to(next((at for at, each in enumerate(self._open) if each.image_id == image_id), 0))
        return True

    def _write(self, image_ids: list[int], is_dismissed: bool) -> None:
        project = self._session.project
        if project is not None:
            done = project.dismiss_suspects(image_ids) if is_dismissed else project.restore_suspects(image_ids)
            self._session.bridge.when_done(done, None, self._session.error_raised.emit)

    # ----------------------------------------------------------------------------------------------------- private

    def _build(self) -> None:
        left = QVBoxLayout(self._left)
        left.setContentsMargins(8, 8, 8, 8)
        left.addWidget(self.list)
        self._left.setProperty("role", "panel")
        self._left.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        card = Card()
        card.body.addWidget(self.view, 1)
        doings = QHBoxLayout()
        doings.setSpacing(8)
        doings.addWidget(self._words, 1)
        doings.addWidget(self.dismiss_button)
        doings.addWidget(self.accept_button)
        card.body.addLayout(doings)
        right = QVBoxLayout()
        right.setContentsMargins(16, 16, 16, 0)
        right.setSpacing(4)
        right.addWidget(card, 1)
        right.addWidget(self._hints)
        page = QWidget()
        row = QHBoxLayout(page)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(self._left)
        row.addLayout(right, 1)
        self._stack.addWidget(page)
        self._stack.addWidget(self._empty)
        self._empty.set_state(
            "check-circle",
            tr("No suspects"),
            tr("No label stands out as wrong. After the next training this is looked at again."),
        )
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self._stack)
        self._hints.set_hints(
            [
                Hint("A", tr("accept the suggestion")),
                Hint("D", tr("dismiss: the class is right")),
                Hint("↑ ↓", trc("verb", "move")),
                Hint(tr("Ctrl+Z"), tr("take back")),
            ]
        )

    def resizeEvent(self, event: object) -> None:
        super().resizeEvent(event)  # type: ignore[arg-type]
        self._left.setFixedWidth(NARROW_LIST_PX if self.width() < NARROW_PX else LIST_PX)

    def _current(self) -> Suspect | None:
        at = self.list.currentIndex().row()
        return self._open[at] if 0 <= at < len(self._open) else None

    def _find_open(self) -> list[Suspect]:
        if self._review is None:
            return []
        dismissed = set(self._dismissed)
        likely = [each for each in self._review.suspects if each.is_likely]
        if self._kept is not None and self._kept.image_id not in [each.image_id for each in likely]:
            place = min(len(likely), max(0, self.list.currentIndex().row()))
            likely.insert(place, self._kept)
        likely = [each for each in likely if (each.image_id, each.given_id) not in dismissed]
        ids = np.array([each.image_id for each in likely], np.int64)
        is_open = self._session.has_images(ids)
        rows = self._session.rows_of(ids)
        given = np.array([each.given_id for each in likely], np.int32)
        is_open[is_open] = self._session.columns.class_ids[rows] == given[is_open]
        return [each for each, is_it in zip(likely, is_open.tolist(), strict=True) if is_it]

    def _refresh(self, follows_returned: bool = False) -> None:
        """Shows the open ones, the same one in front if it is there; `follows_returned`: else one that came back."""
        before, at = [each.image_id for each in self._open], self.list.currentIndex().row()
        current = before[at] if 0 <= at < len(before) else None
        self._open = self._find_open()
        now = [each.image_id for each in self._open]
        self._stack.setCurrentIndex(0 if self._open else 1)
        if now != before or self._open:
            returned = next((place for place, each in enumerate(now) if each not in before), -1)
            place = now.index(current) if current in now else max(0, min(at, len(now) - 1))
            self.list.set_faces(self.faces)
            self.list.go_to(returned if follows_returned and before and returned >= 0 else place)
        if not self._open:
            self.view.show_suspect(None, [])
        self.open_changed.emit()

    def _show(self, place: int) -> None:
        if not 0 <= place < len(self._open):
            return
        suspect = self._open[place]
        face = self._face(suspect)
        pairs = list(zip(suspect.neighbour_ids, suspect.neighbour_class_ids, strict=True))[:NUM_NEIGHBOURS]
        self.view.show_suspect(face, [Neighbour(image_id, *self._named(class_id)) for image_id, class_id in pairs])
        self.accept_button.setText(tr("It is {name}", name=face.suggested[0]))
        self.accept_button.setToolTip(tr("Gives the image the class {name}, and goes on (A)", name=face.suggested[0]))
        self.dismiss_button.setText(tr("It is {name}", name=face.given[0]))
        self.dismiss_button.setToolTip(tr("The class is right: the suspect does not come back (D)"))
        for each in (self.accept_button, self.dismiss_button):
            each.setAccessibleName(each.text())
            each.setEnabled(not self._session.is_read_only)
        where = trn("{place} of {number:,} suspect", "{place} of {number:,} suspects", len(self._open), place=place + 1)
        self._words.setText(f"{where}. {review_words.suspicion_in_full(suspect, face.suggested[0], face.given[0])}")

    def _face(self, suspect: Suspect) -> SuspectFace:
        sentence = review_words.suspicion(suspect)
        return SuspectFace(suspect.image_id, self._named(suspect.given_id), self._named(suspect.suggested_id), sentence)

    def _named(self, class_id: int) -> tuple[str, str]:
        item = self._session.class_by_id(class_id)
        return (item.name, item.color) if item is not None else (tr("deleted class"), UNNAMED_COLOR)
