"""Where images may have several classes: what the model said of each, which are mixed up and which come together.

It stands where the confusion matrix is otherwise.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QAbstractItemView, QHBoxLayout, QListWidget, QListWidgetItem, QVBoxLayout, QWidget

from engine.evaluation.class_answers import ClassAnswers, class_answers
from engine.language import decimal, tr, trc, trn
from gui import review_picks, review_words
from gui.panels.review_cards import PRECISION, RECALL
from gui.review_state import ReviewState
from gui.session import Session
from gui.widgets.class_table import ROW_PX, ClassRow, ClassTable, Column
from gui.widgets.text import text_label

if TYPE_CHECKING:
    from engine.tasks.review import Review

FOUND, MISSED, WRONG = "found", "missed", "wrong"
ANSWERS = {FOUND: (True, True), MISSED: (True, False), WRONG: (False, True)}
"""Of each column of counts whether its images have the class, and whether the model said so."""
COLUMNS = (
    Column(FOUND, tr("found"), tr("Images that have the class, and the model said so"), is_count=True),
    Column(MISSED, tr("missed"), tr("Images that have the class, and the model did not say so"), is_count=True),
    Column(
        WRONG, tr("wrongly said"), tr("Images that the model gave the class and that do not have it"), is_count=True
    ),
    PRECISION,
    RECALL,
    Column(
        "no_is_right",
        tr("no is right"),
        tr("Of the images that the model did not give this class, the share that does not have it"),
    ),
)
NUM_PAIRS = 30
Pair = tuple[int, int]


class ReviewAnswers(QWidget):
    """Its images are shown beside it by the workspace."""

    images_opened = Signal(str, object)
    """A title and image ids."""

    def __init__(self, session: Session, state: ReviewState, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._state = state
        self._shown: Review | None = None
        self._answers: ClassAnswers | None = None
        self.table = ClassTable()
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectItems)
        self.table.figure_opened.connect(self._open_figure)
        self.mixed, self._mixed_of = _pair_list(tr("Most frequent mix-ups")), list[Pair]()
        self.together, self._together_of = _pair_list(tr("Most often together")), list[Pair]()
        for view, act in ((self.mixed, self._open_mixed), (self.together, self._open_together)):
            view.itemActivated.connect(act)
            view.itemClicked.connect(act)
        self._below = QWidget()
        below = QHBoxLayout(self._below)
        below.setContentsMargins(0, 0, 0, 0)
        below.setSpacing(16)
        for view in (self.mixed, self.together):
            part = QVBoxLayout()
            part.setSpacing(8)
            part.addWidget(text_label(view.accessibleName(), "caption"))
            part.addWidget(view, 1)
            below.addLayout(part, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 12, 16, 12)
        column.setSpacing(12)
        column.addWidget(text_label(tr("A click on a number shows its images, the worst first."), "faint", wrap=True))
        column.addWidget(self.table, 3)
        column.addWidget(self._below, 2)

    def refresh(self) -> None:
        """Shows the newest review, where images may have several classes."""
        review = self._state.review
        if review is None or review.present is None or review.suggested is None:
            return
        if review is self._shown and self._answers is not None:
            self._show(review, self._answers)  # classes look different, or are called so
            return
        present, suggested = review.present, review.suggested

        def take(answers: ClassAnswers) -> None:
            if review is self._state.review:
                self._shown, self._answers = review, answers
                self._show(review, answers)

        # A second for hundreds of classes on 100,000 images.
        self._session.read_in_background(lambda: class_answers(present, suggested), take)

    def worst(self) -> tuple[str, NDArray[np.int64]]:
        """Returns the title and the images of the class with the most mistakes."""
        review = self._state.review
        if review is None or review.present is None or review.suggested is None:
            return "", np.zeros(0, np.int64)
        return self._class_images(review, int((review.present != review.suggested).sum(axis=0).argmax()))

    # ----------------------------------------------------------------------------------------------------- private

    def _show(self, review: Review, answers: ClassAnswers) -> None:
        classes = review_words.classes_of(review.run, self._session.classes)
        no_is_right = answers.no_is_right()
        figures = {int(each["class"]): each for each in (review.several.per_class if review.several else ())}
        rows = []
        for index, each in enumerate(classes):
            measured = figures.get(index, {})
            counts = {
                FOUND: float(answers.found[index]),
                MISSED: float(answers.missed[index]),
                WRONG: float(answers.wrong[index]),
                "no_is_right": float(no_is_right[index]),
            }
            shares = {key: float(measured[key]) for key in ("precision", "recall") if key in measured}
            intervals: dict[str, tuple[float, float]] = {
                key: measured[f"{key}_interval"] for key in shares if f"{key}_interval" in measured
            }
            rows.append(ClassRow(index, each.name, each.color, counts | shares, intervals))
        self.table.set_rows(COLUMNS, rows)
        self.table.setMaximumHeight(self.table.horizontalHeader().sizeHint().height() + ROW_PX * len(rows) + 8)
        names = [each.name for each in classes]
        self._show_mixed(names, answers)
        self._show_together(names, answers)
        self._below.setVisible(len(classes) > 1)

    def _show_mixed(self, names: Sequence[str], answers: ClassAnswers) -> None:
        self._mixed_of = _largest(answers.mixed)
        self.mixed.clear()
        for missed, said in self._mixed_of:
            number = int(answers.mixed[missed, said])
            item = QListWidgetItem(f"{names[missed]} → {names[said]} · {decimal(number, ',')}")
            item.setToolTip(
                trn(
                    "{number:,} image: {missed} was missed and {said} wrongly said",
                    "{number:,} images: {missed} was missed and {said} wrongly said",
                    number,
                    missed=names[missed],
                    said=names[said],
                )
            )
            self.mixed.addItem(item)
        _say_when_empty(self.mixed)

    def _show_together(self, names: Sequence[str], answers: ClassAnswers) -> None:
        self._together_of = _largest(np.triu(answers.together, 1))
        self.together.clear()
        for first, second in self._together_of:
            number, both = int(answers.together[first, second]), int(answers.both_found[first, second])
            item = QListWidgetItem(f"{names[first]} + {names[second]} · {decimal(number, ',')}")
            item.setToolTip(
                trn(
                    "{number:,} image has {first} and {second}; both were found on {both:,}",
                    "{number:,} images have {first} and {second}; both were found on {both:,}",
                    number,
                    first=names[first],
                    second=names[second],
                    both=both,
                )
            )
            self.together.addItem(item)
        _say_when_empty(self.together)

    def _class_images(self, review: Review, index: int) -> tuple[str, NDArray[np.int64]]:
        name = self._names(review)[index]
        return tr("{name}, mistakes first", name=name), review_picks.of_class(review, index)

    def _names(self, review: Review) -> list[str]:
        return [each.name for each in review_words.classes_of(review.run, self._session.classes)]

    def _open_figure(self, index: int, key: str) -> None:
        review = self._shown
        if review is None:
            return
        if key not in ANSWERS:
            self.images_opened.emit(*self._class_images(review, index))
            return
        name = self._names(review)[index]
        title = {
            FOUND: tr("{name}: found", name=name),
            MISSED: tr("{name}: missed", name=name),
            WRONG: tr("{name}: wrongly said", name=name),
        }[key]
        self.images_opened.emit(title, review_picks.of_answer(review, index, *ANSWERS[key]))

    def _open_mixed(self, item: QListWidgetItem) -> None:
        if self._shown is not None:
            missed, said = self._mixed_of[self.mixed.row(item)]
            names = self._names(self._shown)
            title = tr("{missed} missed, {said} said", missed=names[missed], said=names[said])
            self.images_opened.emit(title, review_picks.of_mixed(self._shown, missed, said))

    def _open_together(self, item: QListWidgetItem) -> None:
        if self._shown is not None:
            first, second = self._together_of[self.together.row(item)]
            names = self._names(self._shown)
            title = tr("{first} and {second}, mistakes first", first=names[first], second=names[second])
            self.images_opened.emit(title, review_picks.of_together(self._shown, first, second))


def _pair_list(name: str) -> QListWidget:
    made = QListWidget()
    made.setProperty("role", "lines")
    made.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    made.setTextElideMode(Qt.TextElideMode.ElideMiddle)
    made.setAccessibleName(name)
    return made


def _say_when_empty(view: QListWidget) -> None:
    if not view.count():
        none = QListWidgetItem(trc("mix-ups", "None"))
        none.setFlags(Qt.ItemFlag.NoItemFlags)
        view.addItem(none)


def _largest(counts: NDArray[np.int64]) -> list[Pair]:
    """Returns the places of the largest counts of (K, K), without those that are zero."""
    order = np.argsort(-counts, axis=None, kind="stable")[:NUM_PAIRS]
    return [(int(at) // len(counts), int(at) % len(counts)) for at in order if counts.flat[at]]
