"""Review's first page: the work saved, how it was measured, where the model is wrong and what would help."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QGridLayout, QScrollArea, QWidget

from engine.language import tr
from gui import review_words
from gui.panels.headline_card import HeadlineCard
from gui.panels.honest_card import HonestCard
from gui.panels.review_cards import (
    FactsCard,
    LearningCard,
    PerClassCard,
    ReliabilityCard,
    SuspectsCard,
    figures_of,
)
from gui.review_state import ReviewState
from gui.session import Session
from gui.thumbnails import Thumbnails
from gui.widgets.buttons import button
from gui.widgets.card import Card
from gui.widgets.confusion_view import ConfusionView
from gui.widgets.suspect_list import SuspectFace

WIDE_PX = 1240
MARGIN_PX, CELL_MARGIN_PX = 16, 56
NUM_ROWS = 6
HEIGHTS = {
    "wide-one": {1: 308, 2: 232},
    "wide-several": {1: 308},
    "narrow-one": {1: 372, 3: 248, 4: 208},
    "narrow-several": {1: 308, 2: 232},
}
"""Least height of the rows that grow with the window."""
Place = tuple[int, int, int, int]


class ReviewOverview(QScrollArea):
    """Cards in three columns, or two where the window is narrow; what does not fit in height is scrolled to."""

    cell_opened = Signal(int, int)
    class_opened = Signal(int)
    point_opened = Signal(int)
    suspect_opened = Signal(int)
    page_asked = Signal(str)
    """Another page of Review."""

    def __init__(
        self, session: Session, state: ReviewState, thumbnails: Thumbnails, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._state = state
        self.headline = HeadlineCard(session, state)
        self.honest = HonestCard()
        self.matrix = ConfusionView()
        self.confusion = Card(tr("Confusion · click a cell to see its images"))
        larger = button(
            tr("Larger"), "link", tooltip=tr("The matrix alone, with its images beside it (Ctrl+Page down)")
        )
        larger.clicked.connect(lambda: self.page_asked.emit("mistakes"))
        self.confusion.head.addWidget(larger)
        self.confusion.body.addWidget(self.matrix, 1)
        self.per_class = PerClassCard()
        self.reliability = ReliabilityCard()
        self.learning = LearningCard()
        self.suspects = SuspectsCard(thumbnails)
        self.facts = FactsCard()
        self._content = QWidget()
        self._grid = QGridLayout(self._content)
        self._grid.setContentsMargins(MARGIN_PX, MARGIN_PX, MARGIN_PX, MARGIN_PX)
        self._grid.setSpacing(MARGIN_PX)
        self._placed = ""
        self.setWidget(self._content)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.matrix.cell_opened.connect(self.cell_opened)
        self.per_class.class_opened.connect(self.class_opened)
        self.reliability.point_opened.connect(self.point_opened)
        self.suspects.suspect_opened.connect(self.suspect_opened)
        self.suspects.all_asked.connect(lambda: self.page_asked.emit("suspects"))
        for card in (self.headline, self.honest, self.facts):
            card.needed_height_changed.connect(self._ask_for_heights)
        state.changed.connect(self.refresh)
        state.forecast_changed.connect(self.refresh_forecast)
        session.classes_changed.connect(self.refresh)
        self._place()

    def refresh(self) -> None:
        """Shows the figures of the newest review."""
        review = self._state.review
        if review is None:
            return
        classes = review_words.classes_of(review.run, self._session.classes)
        if review.metrics is not None:
            names, colors = [each.name for each in classes], [each.color for each in classes]
            self.matrix.set_matrix(names, colors, review.metrics.confusion)
        for card in (self.confusion, self.suspects, self.learning):
            card.setVisible(review.metrics is not None)
        warning = self._state.border_warning
        news = review_words.measured_again(self._state.before, review)
        self.honest.show_review(review, [warning] if warning else [], news)
        self.per_class.show_review(review, classes)
        self.reliability.show_review(review)
        self.facts.show_figures(figures_of(review), self._notes())
        self.refresh_forecast()
        self._place()

    def refresh_forecast(self) -> None:
        """Shows the learning curve, or what it waits for."""
        state = self._state
        self.learning.show_forecast(state.forecast, state.forecast_error, state.is_forecasting or state.is_working)

    def show_suspects(self, faces: list[SuspectFace]) -> None:
        """Shows which suspects are still to be decided."""
        self.suspects.show_faces(faces)

    def keep_cell_in_view(self) -> None:
        """Scrolls to the current cell of the matrix where it is out of sight."""
        if self.matrix.current is not None and self.confusion.isVisible():
            middle = self.matrix.picture().cell_rect(self.matrix.current).center().toPoint()
            point = self.matrix.viewport().mapTo(self._content, middle)
            self.ensureVisible(point.x(), point.y(), 0, CELL_MARGIN_PX)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._place()

    def _notes(self) -> str:
        review = self._state.review
        assert review is not None
        run = review.run
        noted = run.settings.get("notes")
        unknown = [each.name for each in self._session.classes if each.id not in run.class_ids]
        method = run.validation.method.strip().rstrip(".")
        parts = [tr("Measured by {method}.", method=method) if run.validation.method else ""]
        parts += [str(run.settings.get("story", ""))]
        parts += [str(each) for each in noted] if isinstance(noted, list) else []
        parts += [tr("Not known to this model: {classes}.", classes=", ".join(unknown))] if unknown else []
        return " ".join(part for part in parts if part)

    def _place(self) -> None:
        """Puts the cards where they belong at this width."""
        review = self._state.review
        has_matrix = review is None or review.metrics is not None
        kind = f"{'wide' if self.width() >= WIDE_PX else 'narrow'}-{'one' if has_matrix else 'several'}"
        if kind == self._placed:
            return
        self._placed = kind
        while self._grid.takeAt(0) is not None:
            pass
        for row in range(NUM_ROWS):
            self._grid.setRowStretch(row, 0)
            self._grid.setRowMinimumHeight(row, 0)
        for column, share in enumerate((34, 34, 28) if "wide" in kind else (1, 1, 0)):
            self._grid.setColumnStretch(column, share)
        for card, place in self._places(kind).items():
            self._grid.addWidget(card, *place)
        for row, height in HEIGHTS[kind].items():
            self._grid.setRowStretch(row, height)
            self._grid.setRowMinimumHeight(row, height)

        self._ask_for_heights()

    def _ask_for_heights(self, *_: object) -> None:
        """A grid gives a card in several of its columns no more height than its words need in one line."""
        for card, (row, _column, num_rows, num_columns) in self._places(self._placed).items():
            if num_rows == 1 and num_columns > 1:
                least = max(card.minimumHeight(), HEIGHTS[self._placed].get(row, 0))
                self._grid.setRowMinimumHeight(row, least)

    def _places(self, kind: str) -> dict[QWidget, Place]:
        """Returns row, column, number of rows and of columns of every card."""
        if kind == "wide-one":
            return {
                self.headline: (0, 0, 1, 2), self.honest: (0, 2, 1, 1),
                self.confusion: (1, 0, 2, 1), self.per_class: (1, 1, 1, 1), self.learning: (1, 2, 1, 1),
                self.reliability: (2, 1, 1, 1), self.suspects: (2, 2, 1, 1),
                self.facts: (3, 0, 1, 3),
            }  # fmt: skip
        if kind == "wide-several":
            return {
                self.headline: (0, 0, 1, 2), self.honest: (0, 2, 1, 1),
                self.per_class: (1, 0, 1, 2), self.reliability: (1, 2, 1, 1), self.facts: (2, 0, 1, 3),
            }  # fmt: skip
        first: dict[QWidget, Place] = {self.headline: (0, 0, 1, 2)}
        if kind == "narrow-several":
            return first | {
                self.per_class: (1, 0, 1, 2),
                self.honest: (2, 0, 1, 1), self.reliability: (2, 1, 1, 1),
                self.facts: (3, 0, 1, 2),
            }  # fmt: skip
        return first | {
            self.confusion: (1, 0, 1, 1), self.per_class: (1, 1, 1, 1),
            self.honest: (2, 0, 1, 2),
            self.reliability: (3, 0, 1, 1), self.learning: (3, 1, 1, 1),
            self.suspects: (4, 0, 1, 2), self.facts: (5, 0, 1, 2),
        }  # fmt: skip
