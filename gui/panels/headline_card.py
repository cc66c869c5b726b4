"""The headline of Review: how many open images need no look at a precision of one's choice, and what to do about it.

Sentence and buttons are of the same images: those that wait for a class at this moment.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, Qt, QTimer, Signal
from PySide6.QtGui import QResizeEvent, QShowEvent
from PySide6.QtWidgets import QBoxLayout, QHBoxLayout, QLabel, QSlider, QVBoxLayout, QWidget

from engine.domain import Source
from engine.evaluation.representation import unlike_of
from engine.language import tr, trn
from gui import review_words
from gui.review_state import ReviewState
from gui.session import Session
from gui.theme import font, notifier, theme
from gui.widgets.buttons import button
from gui.widgets.card import PADDING_PX, Card
from gui.widgets.segments import Segment, Segments
from gui.widgets.text import text_label

if TYPE_CHECKING:
    from engine.evaluation.work_saved import Acceptance

PRECISIONS = (*(round(0.8 + 0.01 * step, 2) for step in range(20)), 0.995, 0.999)
TOGETHER, EACH = "together", "each"
COUNT_DELAY_MS = 120
FEW_IMAGES = 20_000
"""So many images are counted anew with every step of the slider."""
NARROW_PX = 640
TITLE_SCALE = 1.5


class HeadlineCard(Card):
    """Shows what `ReviewState` holds; the slider asks it again at once, without a job."""

    accepted = Signal(int, str)
    """So many suggestions were accepted; how many of them are expected to be wrong, in words."""

    def __init__(self, session: Session, state: ReviewState, parent: QWidget | None = None) -> None:
        super().__init__(parent=parent)
        self.body.setContentsMargins(PADDING_PX, PADDING_PX, PADDING_PX, 16)
        self.setAccessibleName(tr("Work saved"))
        self._session = session
        self._state = state
        self._run_id = 0
        self._accepted_ids: NDArray[np.int64] = np.zeros(0, np.int64)
        self._rest_ids: NDArray[np.int64] = np.zeros(0, np.int64)
        self.title = QLabel()
        self.title.setFont(font(TITLE_SCALE, bold=True))
        self.title.setWordWrap(True)
        self.title.setTextFormat(Qt.TextFormat.RichText)
        self.below = text_label("", "dim", wrap=True)
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(0, len(PRECISIONS) - 1)
        self.slider.setPageStep(5)
        self.slider.setMinimumWidth(96)
        self.slider.setAccessibleName(tr("Precision"))
        self.slider.setToolTip(tr("How many of the accepted ones must be right (left and right arrow)"))
        self.value = text_label("")
        self.scope = Segments(
            tr("What the precision holds for"),
            (
                Segment(
                    TOGETHER, tr("All together"), tr("The precision holds for all that is accepted, taken together")
                ),
                Segment(
                    EACH, tr("Each class"), tr("The precision holds for every class: each has a threshold of its own")
                ),
            ),
        )
        self.rest_button = button("", "", "next")
        self.accept_button = button("", "", "check")
        self._build()
        self._count_timer = QTimer(self, singleShot=True, interval=COUNT_DELAY_MS)
        self._count_timer.timeout.connect(self._show_counts)
        self.slider.valueChanged.connect(self._show_promise)
        self.scope.chosen.connect(lambda _key: self._show_promise())
        self.rest_button.clicked.connect(self.take_me_to_the_rest)
        self.accept_button.clicked.connect(self.accept_the_others)
        state.changed.connect(self._on_review_changed)
        state.staleness_changed.connect(self._on_staleness_changed)
        notifier().theme_changed.connect(self._show_promise)
        self._on_review_changed()

    @property
    def precision(self) -> float:
        """The precision that the slider stands on."""
        return PRECISIONS[self.slider.value()]

    def take_me_to_the_rest(self) -> None:
        """Opens the Label grid on exactly the images that are not accepted, least sure first."""
        if len(self._rest_ids):
            self._session.show_images(self._rest_ids, tr("To look at"))

    def accept_the_others(self) -> None:
        """Accepts the suggestions that are sure enough, as one step."""
        review, ids = self._state.review, self._accepted_ids
        if review is not None and len(ids):
            words = review_words.mistakes(self._acceptance(), len(ids))
            self._session.accept_suggestions(ids, Source.UNSEEN)
            self.accepted.emit(len(ids), words)

    # ----------------------------------------------------------------------------------------------------- private

    def _build(self) -> None:
        knobs = QHBoxLayout()
        knobs.setSpacing(12)
        knobs.addWidget(text_label(tr("Precision"), "dim"))
        knobs.addWidget(self.slider, 1)
        self.value.setMinimumWidth(self.value.fontMetrics().horizontalAdvance("99.9 % "))
        knobs.addWidget(self.value)
        knobs.addWidget(self.scope)
        words = QVBoxLayout()
        words.setSpacing(4)
        words.addWidget(self.title)
        words.addWidget(self.below)
        words.addStretch(1)
        words.addSpacing(8)
        words.addLayout(knobs)
        self._doings = QBoxLayout(QBoxLayout.Direction.TopToBottom)
        self._doings.setSpacing(8)
        self._doings.addStretch(1)
        self._doings.addWidget(self.rest_button)
        self._doings.addWidget(self.accept_button)
        self._sides = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._sides.setSpacing(24)
        self._sides.addLayout(words, 1)
        self._sides.addLayout(self._doings)
        self.body.addLayout(self._sides, 1)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        is_narrow = self.width() < NARROW_PX
        self._sides.setDirection(QBoxLayout.Direction.TopToBottom if is_narrow else QBoxLayout.Direction.LeftToRight)
        self._doings.setDirection(QBoxLayout.Direction.LeftToRight if is_narrow else QBoxLayout.Direction.TopToBottom)
        self._sides.setSpacing(12 if is_narrow else 24)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange:
            self.title.setFont(font(TITLE_SCALE, bold=True))

    def _acceptance(self) -> Acceptance:
        assert self._state.review is not None
        return self._state.review.saved.at(self.precision, self.scope.current == EACH)

    def _on_review_changed(self) -> None:
        review = self._state.review
        self.setEnabled(review is not None)
        if review is None:
            return
        self.scope.setVisible(review.metrics is not None)
        if review.metrics is None:
            self.scope.set_current(TOGETHER)
        if not self._run_id:  # the user's choice stays when the next model comes
            best = review.saved.best_precision()
            nearest = min(range(len(PRECISIONS)), key=lambda at: abs(PRECISIONS[at] - best))
            self.slider.setValue(nearest)
        self._run_id = review.run.id
        self._show_promise()
        self._show_counts()

    def _on_staleness_changed(self) -> None:
        if self.isVisible():  # it passes over all images: not with every label that is given elsewhere
            self._count_timer.start()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._count_timer.start()

    def forget(self) -> None:
        """Another project is open: the slider begins where that one can promise something."""
        self._run_id = 0

    def _show_promise(self, *_: object) -> None:
        """Shows another precision; what it means for the images at once too, where there are not very many."""
        review = self._state.review
        if review is None:
            return
        precision = self.precision
        self.value.setText(review_words.precision_text(precision))
        self.slider.setAccessibleDescription(review_words.precision_text(precision))
        if len(review.other_ids) <= FEW_IMAGES:
            self._show_counts()
        elif not self._count_timer.isActive():  # not put off for as long as the slider is moved
            self._count_timer.start()

    def _show_sentences(self, acceptance: Acceptance) -> None:
        """Says what the buttons do, of the same images."""
        review = self._state.review
        assert review is not None
        best = review.saved.best_precision() if not acceptance.num_measured else 1.0
        num_accepted = len(self._accepted_ids)
        num_open = num_accepted + len(self._rest_ids)
        before, share, after = review_words.headline(acceptance, self.precision, num_accepted, num_open)
        accent = theme().accent
        self.title.setText(f"{escape(before)}<span style='color:{accent}'>{escape(share)}</span>{escape(after)}")
        unlike = unlike_of(review.run.settings)
        if unlike is not None:
            self.title.setText(escape(tr("How many can be accepted without looking cannot be told yet")))
            self.below.setText(unlike.words())
            return
        num_measured = len(review.image_ids)
        self.below.setText(
            review_words.below_headline(acceptance, self.precision, num_measured, best, num_accepted, num_open)
        )

    def _show_counts(self) -> None:
        if self._state.review is None:
            return
        self._count_timer.stop()
        acceptance = self._acceptance()
        self._accepted_ids, self._rest_ids = self._state.open_others(acceptance)
        num_accepted, num_rest = len(self._accepted_ids), len(self._rest_ids)
        self.rest_button.setText(trn("Take me to the one", "Take me to the {number:,}", num_rest))
        self.rest_button.setAccessibleName(self.rest_button.text())
        self.rest_button.setToolTip(tr("Opens the grid of Label on exactly these images, the least sure first"))
        self.rest_button.setVisible(num_rest > 0)
        self.accept_button.setText(
            trn("Accept the other one", "Accept the other {number:,}", num_accepted)
            if num_rest
            else trn("Accept the only one", "Accept all {number:,}", num_accepted)
        )
        self.accept_button.setAccessibleName(self.accept_button.text())
        self.accept_button.setToolTip(
            tr(
                "They get the classes that the model suggests, {mistakes}.\nOne step: Ctrl+Z takes it back.",
                mistakes=review_words.mistakes(acceptance, num_accepted),
            )
        )
        self.accept_button.setVisible(num_accepted > 0)
        self.accept_button.setEnabled(not self._session.is_read_only)
        self._show_sentences(acceptance)
