"""The confusion matrix with everything to read it by: what is counted, the order of the classes, the zoom.

Where images may have several classes there is no matrix: `review_answers` stands in its place.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QListWidget,
    QListWidgetItem,
    QStackedWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from engine.evaluation.class_order import order_by_similarity
from engine.language import decimal, tr, trn
from gui import review_picks, review_words
from gui.panels.review_answers import ReviewAnswers
from gui.review_state import ReviewState
from gui.session import Session
from gui.theme import icon
from gui.widgets.confusion_paint import Counting
from gui.widgets.confusion_view import ZOOM_STEP, ConfusionView
from gui.widgets.flow_layout import FlowLayout
from gui.widgets.segments import Segment, Segments
from gui.widgets.text import text_label

LISTED, SIMILAR, LARGEST, WEAKEST = range(4)
ORDERS = (tr("As in the list"), tr("Mixed-up ones together"), tr("Largest first"), tr("Weakest first"))
"""The names of the orders of the classes."""
NUM_PAIRS = 30
PAIRS_PX, ROOM_FOR_PAIRS_PX = 232, 760
ROOM_FOR_LEGEND_PX = 600
COUNTING_TIPS = {
    Counting.COUNTS: tr("How many images"),
    Counting.ROWS: tr("Share of the images of the class (recall on the diagonal)"),
    Counting.COLUMNS: tr("Share of the images that the model called so (precision on the diagonal)"),
}


class ReviewMistakes(QWidget):
    """Its images are shown beside it by the workspace."""

    cell_opened = Signal(int, int)
    images_opened = Signal(str, object)
    """A title and image ids, where images may have several classes."""

    def __init__(self, session: Session, state: ReviewState, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._state = state
        self._similar: NDArray[np.int64] | None = None
        self._similar_of = 0
        self.matrix = ConfusionView()
        self.answers = ReviewAnswers(session, state)
        self.answers.images_opened.connect(self.images_opened)
        self.counting = Segments(
            tr("What is counted"), [Segment(each.name, each.value, COUNTING_TIPS[each]) for each in Counting]
        )
        self.order = QComboBox()
        self.order.addItems(ORDERS)
        self.order.setAccessibleName(tr("Order of the classes"))
        self.order.setToolTip(tr("Order of the classes"))
        self.pairs = QListWidget()
        self.pairs.setProperty("role", "lines")
        self.pairs.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.pairs.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.pairs.setAccessibleName(tr("Most frequent mix-ups"))
        self._pairs_of: list[tuple[int, int]] = []
        self._sentence = text_label("", "dim", wrap=True)
        self._legend = text_label(tr("Rows: the class that an image has. Columns: what the model said."), "faint")
        self._side = QWidget()
        self._stack, self._with_matrix = QStackedWidget(), QWidget()
        self._build()
        self.counting.chosen.connect(lambda key: self.matrix.set_counting(Counting[key]))
        self.order.activated.connect(lambda _at: self._apply_order())
        self.matrix.cell_opened.connect(self.cell_opened)
        self.matrix.current_changed.connect(self._on_current_changed)
        self.pairs.itemActivated.connect(self._on_pair)
        self.pairs.itemClicked.connect(self._on_pair)
        state.changed.connect(self.refresh)
        session.classes_changed.connect(self.refresh)

    def refresh(self) -> None:
        """Shows the newest review."""
        review = self._state.review
        if review is None:
            return
        self._stack.setCurrentWidget(self._with_matrix if review.metrics is not None else self.answers)
        self.answers.refresh()
        if review.metrics is None:
            return
        classes = review_words.classes_of(review.run, self._session.classes)
        names = [each.name for each in classes]
        self.matrix.set_matrix(names, [each.color for each in classes], review.metrics.confusion)
        self._apply_order()
        self._show_pairs(names, review.metrics.confusion)

    def open_cell(self, true: int, said: int) -> None:
        """Makes a cell the current one, as if it had been clicked."""
        self.matrix.set_current(true, said)

    @property
    def view(self) -> QWidget:
        """What has the keyboard."""
        return self.matrix if self._stack.currentWidget() is self._with_matrix else self.answers.table

    def worst(self) -> tuple[str, NDArray[np.int64]]:
        """Goes to what the model gets wrong most often; returns a title and the images of that."""
        review = self._state.review
        if review is None or review.metrics is None:
            return self.answers.worst()
        true, said = self.matrix.worst()
        self.matrix.set_current(true, said)
        names = [each.name for each in review_words.classes_of(review.run, self._session.classes)]
        return review_words.cell_title(names[true], names[said]), review_picks.of_cell(review, true, said)

    # ----------------------------------------------------------------------------------------------------- private

    def _build(self) -> None:
        bar = FlowLayout(spacing_px=8)  # in a narrow window the order of the classes goes to a line of its own
        bar.addWidget(self.counting)
        bar.addWidget(self.order)
        zoom = QHBoxLayout()
        zoom.setContentsMargins(0, 0, 0, 0)
        zoom.setSpacing(2)
        for name, title, keys, act in (
            ("zoom-out", tr("Smaller cells"), "-", lambda: self.matrix.zoom_by(1 / ZOOM_STEP)),
            ("zoom-in", tr("Larger cells"), tr("+, Ctrl+wheel"), lambda: self.matrix.zoom_by(ZOOM_STEP)),
            ("fit", tr("All classes"), tr("Ctrl+0"), self.matrix.zoom_to_fit),
        ):
            tool = QToolButton()
            tool.setIcon(icon(name))
            tool.setToolTip(f"{title} ({keys})")
            tool.setAccessibleName(title)
            tool.clicked.connect(act)
            zoom.addWidget(tool)
        tools = QWidget()
        tools.setLayout(zoom)
        bar.addWidget(tools)
        side = QVBoxLayout(self._side)
        side.setContentsMargins(0, 0, 0, 0)
        side.setSpacing(8)
        side.addWidget(text_label(tr("Most frequent mix-ups"), "caption"))
        side.addWidget(self.pairs, 1)
        self._side.setFixedWidth(PAIRS_PX)
        middle = QHBoxLayout()
        middle.setSpacing(16)
        middle.addWidget(self.matrix, 1)
        middle.addWidget(self._side)
        column = QVBoxLayout(self._with_matrix)
        column.setContentsMargins(16, 12, 16, 12)
        column.setSpacing(12)
        column.addLayout(bar)
        column.addWidget(self._legend)
        column.addLayout(middle, 1)
        column.addWidget(self._sentence)
        self._stack.addWidget(self._with_matrix)
        self._stack.addWidget(self.answers)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(self._stack)

    def resizeEvent(self, event: object) -> None:
        super().resizeEvent(event)  # type: ignore[arg-type]
        self._side.setVisible(self.width() >= ROOM_FOR_PAIRS_PX)
        self._legend.setVisible(self.height() >= ROOM_FOR_LEGEND_PX)

    def _apply_order(self) -> None:
        review = self._state.review
        if review is None or review.metrics is None:
            return
        confusion = review.metrics.confusion
        wanted, number = self.order.currentIndex(), len(confusion)
        if wanted == SIMILAR:
            self._order_by_similarity(review.run.id, confusion)
            return
        keys = np.arange(number)
        if wanted == LARGEST:
            keys = -confusion.sum(axis=1)
        elif wanted == WEAKEST:
            keys = np.diag(confusion) / np.maximum(confusion.sum(axis=1), 1)
        self.matrix.set_order(np.argsort(keys, kind="stable"))

    def _order_by_similarity(self, run_id: int, confusion: NDArray[np.int64]) -> None:
        def show(order: NDArray[np.int64]) -> None:
            self._similar, self._similar_of = order, run_id
            if self.order.currentIndex() == SIMILAR and len(order) == len(confusion):
                self.matrix.set_order(order)

        if self._similar is not None and self._similar_of == run_id:
            show(self._similar)
        else:
            self._session.read_in_background(lambda: order_by_similarity(confusion), show)

    def _show_pairs(self, names: Sequence[str], confusion: NDArray[np.int64]) -> None:
        off = confusion.copy()
        np.fill_diagonal(off, 0)
        largest = np.argsort(-off, axis=None, kind="stable")[:NUM_PAIRS]
        self._pairs_of = [(int(at) // len(off), int(at) % len(off)) for at in largest if off.flat[at]]
        self.pairs.clear()
        for true, said in self._pairs_of:
            number, classes = int(off[true, said]), {"true": names[true], "said": names[said]}
            item = QListWidgetItem(f"{names[true]} → {names[said]} · {decimal(number, ',')}")
            item.setToolTip(
                trn(
                    "{number:,} image of {true} taken for {said}",
                    "{number:,} images of {true} taken for {said}",
                    number,
                    **classes,
                )
            )
            self.pairs.addItem(item)

    def _on_pair(self, item: QListWidgetItem) -> None:
        cell = self._pairs_of[self.pairs.row(item)]
        self.matrix.set_current(*cell)
        self.cell_opened.emit(*cell)

    def _on_current_changed(self, true: int, said: int) -> None:
        self._sentence.setText(self.matrix.sentence(true, said))
