"""The Review workspace: pages over one review, and the images behind whatever was opened."""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QFocusEvent, QHideEvent, QKeySequence, QShortcut, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QSplitter, QStackedWidget, QVBoxLayout, QWidget

from engine.language import decimal, tr, trn
from gui import review_picks, review_words
from gui.panels.map_panel import MapPanel
from gui.panels.review_images import ReviewImages
from gui.panels.review_mistakes import ReviewMistakes
from gui.panels.review_overview import ReviewOverview
from gui.panels.review_pages import WORKING, page_of
from gui.panels.review_suspects import ReviewSuspects
from gui.panels.versions_panel import VersionsPanel
from gui.review_state import ReviewState
from gui.session import Session
from gui.thumbnails import Thumbnails
from gui.widgets.buttons import button
from gui.widgets.chip import Chip
from gui.widgets.empty_state import EmptyState
from gui.widgets.segments import Segment, Segments

OVERVIEW, MISTAKES, SUSPECTS, MAP, VERSIONS = "overview", "mistakes", "suspects", "map", "versions"
BAR_PX = 44
BELOW_SHARE, BESIDE_SHARE = 0.38, 0.46
MIN_BELOW_PX, MIN_BESIDE_PX = 256, 360
FOLLOW_MS = 120
"""After an arrow key in the matrix its images come a moment later, so that a held key is quick."""
PAGE_KEYS = tr("Ctrl+Page up, Ctrl+Page down")


class ReviewWorkspace(QWidget):
    """Computes nothing while it is not seen. The Label workspace notices nothing of it but the labels."""

    retrain_asked = Signal()
    label_asked = Signal()
    view_wanted = Signal(object, str, int)
    """Image ids and title that Label is to show, and the position to look at alone."""
    groups_asked = Signal()
    export_asked = Signal(object)
    report_asked = Signal()
    notice_wanted = Signal(str, str)
    """Something to tell the user: a sentence and small print."""

    def __init__(self, session: Session, thumbnails: Thumbnails, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.state = ReviewState(session)
        self.overview = ReviewOverview(session, self.state, thumbnails)
        self.mistakes = ReviewMistakes(session, self.state)
        self.suspects = ReviewSuspects(session, thumbnails)
        self.map = MapPanel(session, thumbnails=thumbnails)
        self.versions = VersionsPanel(session, thumbnails=thumbnails)
        self.images = ReviewImages(session, thumbnails)
        self._pages: dict[str, QWidget] = {
            OVERVIEW: self.overview,
            MISTAKES: self.mistakes,
            SUSPECTS: self.suspects,
            MAP: self.map,
            VERSIONS: self.versions,
        }
        self._needs_review = {OVERVIEW, MISTAKES, SUSPECTS}
        self.tabs = Segments(
            tr("Pages of Review"),
            (
                Segment(OVERVIEW, tr("Overview"), tr("What the model is worth ({keys})", keys=PAGE_KEYS)),
                Segment(MISTAKES, tr("Mistakes"), tr("Which classes are taken for which ({keys})", keys=PAGE_KEYS)),
                Segment(SUSPECTS, tr("Suspects"), tr("Labels that look wrong ({keys})", keys=PAGE_KEYS)),
                Segment(MAP, tr("Map"), tr("All images, look-alikes side by side ({keys})", keys=PAGE_KEYS)),
                Segment(
                    VERSIONS,
                    tr("Versions"),
                    tr("All models of this project, to compare and to go back ({keys})", keys=PAGE_KEYS),
                ),
            ),
            "tabs",
        )
        self.stale_chip = Chip()
        self.stale_chip.set_is_button(True)
        self.stale_chip.setToolTip(
            tr("The figures are those of the labels that the model was trained on (Ctrl+R retrains)")
        )
        self.report_button = button(
            tr("Report…"), "chip", tooltip=tr("All of this as one web page, to keep or to pass on")
        )
        self._stack = QStackedWidget()
        self._empty = EmptyState()
        self._page = WORKING
        self._splitter = QSplitter(Qt.Orientation.Vertical)
        self._opened_on: set[str] = set()
        self._opened_from: QWidget | None = None
        self._cell: tuple[int, int] | None = None
        self._follow_timer = QTimer(self, singleShot=True, interval=FOLLOW_MS)
        self._follow_timer.timeout.connect(self._show_followed)
        self._build()
        self._connect()
        self._show_page()

    # --------------------------------------------------------------------------------------------- for menus and bars

    @property
    def current_page(self) -> str:
        """Key of the page that is shown."""
        return self.tabs.current

    def show_page(self, key: str) -> None:
        """Shows a page."""
        self.tabs.set_current(key)
        self._show_page()
        self.focus_page()

    def focus_page(self) -> None:
        """Gives the keyboard to what the page is about."""
        page = self._pages[self.current_page]
        wanted: QWidget = self._empty.button if self._stack.currentWidget() is self._empty else page
        wanted = {
            self.overview: self.overview.matrix
            if self.overview.confusion.isVisible()
            else self.overview.headline.slider,
            self.mistakes: self.mistakes.view,
            self.suspects: self.suspects.list,
        }.get(wanted, wanted)
        wanted.setFocus(Qt.FocusReason.OtherFocusReason)

    def take_back(self) -> bool:
        """Takes back what is not a step of the labels; tells whether there was anything."""
        if self.current_page == VERSIONS:
            return self.isVisible() and self.versions.take_back()
        return self.suspects.take_back()

    def zoom_by(self, factor: float) -> None:
        """Makes the matrix or the pictures larger or smaller, whichever has the keyboard."""
        if self.images.isAncestorOf(self.focusWidget() or self):
            self.images.grid.set_card_px(round(self.images.grid.card_px * factor))
        else:
            (self.mistakes if self.current_page == MISTAKES else self.overview).matrix.zoom_by(factor)

    # ----------------------------------------------------------------------------------------------------- opening

    def open_cell(self, true: int, said: int) -> None:
        """Shows the images of a cell of the confusion matrix, worst first, and gives them the keyboard."""
        review = self.state.review
        if review is not None and review.metrics is not None:
            self._follow_timer.stop()
            self._open(*self._images_of_cell(true, said))
            for matrix in (self.overview.matrix, self.mistakes.matrix):
                if matrix.current != (true, said):
                    matrix.set_current(true, said)
            self._follow_timer.stop()

    def _images_of_cell(self, true: int, said: int) -> tuple[str, NDArray[np.int64]]:
        review = self.state.review
        assert review is not None
        names = [each.name for each in review_words.classes_of(review.run, self._session.classes)]
        return review_words.cell_title(names[true], names[said]), review_picks.of_cell(review, true, said)

    def _follow(self, true: int, said: int) -> None:
        self._cell = (true, said)
        if self.images.isVisible():
            self._follow_timer.start()

    def _show_followed(self) -> None:
        """Shows the images of the cell that arrow keys reached; the keyboard stays with the matrix."""
        if self._cell is not None and self.state.review is not None and self.images.isVisible():
            self._fill(*self._images_of_cell(*self._cell))

    def open_class(self, index: int) -> None:
        """Shows the images of a class, mistakes first."""
        review = self.state.review
        if review is not None:
            name = review_words.classes_of(review.run, self._session.classes)[index].name
            self._open(tr("{name}, mistakes first", name=name), review_picks.of_class(review, index))

    def open_point(self, place: int) -> None:
        """Shows the images of a point of the reliability diagram, mistakes first."""
        review = self.state.review
        if review is not None:
            percent = 100 * review.reliability[place].confidence
            self._open(tr("Said {percent:.0f} %, mistakes first", percent=percent), review_picks.of_bin(review, place))

    def open_images(self, image_ids: NDArray[np.int64], title: str) -> None:
        """Shows any images under a title, for instance those of a lasso."""
        self._open(title, np.asarray(image_ids, np.int64))

    def _open(self, title: str, image_ids: NDArray[np.int64]) -> None:
        self._opened_from = self.focusWidget()
        self._opened_on.add(self.current_page)
        self._fill(title, image_ids)
        self._show_images_pane()
        self.images.focus_images()
        if self.current_page == OVERVIEW and self._opened_from is self.overview.matrix:
            QTimer.singleShot(0, self.overview.keep_cell_in_view)  # once there is less room for the page

    def _fill(self, title: str, image_ids: NDArray[np.int64]) -> None:
        review = self.state.review
        known = image_ids[np.isin(image_ids, review.image_ids)] if review is not None else image_ids[:0]
        opinions = review_picks.opinions(review, known) if review is not None else {}
        self.images.show_images(title, image_ids, opinions)

    def _close_images(self) -> None:
        self._opened_on.discard(self.current_page)
        self._show_images_pane()
        if self._opened_from is not None and self._opened_from.isVisible():
            self._opened_from.setFocus(Qt.FocusReason.OtherFocusReason)
        else:
            self.focus_page()

    # ------------------------------------------------------------------------------------------------------- set-up

    def _build(self) -> None:
        self.setProperty("role", "window")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        bar = QWidget()
        bar.setProperty("role", "pagebar")
        bar.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        bar.setFixedHeight(BAR_PX)
        row = QHBoxLayout(bar)
        row.setContentsMargins(16, 0, 16, 0)
        row.setSpacing(8)
        row.addWidget(self.tabs)
        row.addStretch(1)
        row.addWidget(self.stale_chip)
        row.addWidget(self.report_button)
        self._bar_row = row
        for page in self._pages.values():
            self._stack.addWidget(page)
        self._stack.addWidget(self._empty)
        self._splitter.addWidget(self._stack)
        self._splitter.addWidget(self.images)
        self._splitter.setChildrenCollapsible(False)
        self._splitter.setHandleWidth(1)
        self._splitter.setStretchFactor(0, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(bar)
        column.addWidget(self._splitter, 1)

    def _connect(self) -> None:
        session, overview = self._session, self.overview
        overview.cell_opened.connect(self.open_cell)
        overview.class_opened.connect(self.open_class)
        overview.point_opened.connect(self.open_point)
        overview.suspect_opened.connect(self._open_suspect)
        overview.page_asked.connect(self.show_page)
        overview.honest.groups_asked.connect(self.groups_asked)
        overview.headline.accepted.connect(self._on_accepted)
        self.mistakes.cell_opened.connect(self.open_cell)
        self.mistakes.images_opened.connect(self._open)
        self.suspects.open_changed.connect(self._show_suspects)
        self.map.images_wanted.connect(self.open_images)
        self.versions.export_wanted.connect(self.export_asked)
        self.images.closed.connect(self._close_images)
        self.images.view_wanted.connect(self.view_wanted)
        self.tabs.chosen.connect(lambda _key: self._on_tab())
        self.report_button.clicked.connect(self.report_asked)
        self.stale_chip.clicked.connect(self.retrain_asked)
        self._empty.action_wanted.connect(self._on_empty_action)
        for matrix in (overview.matrix, self.mistakes.matrix):
            matrix.current_changed.connect(self._follow)
        self.state.changed.connect(self._on_review_changed)
        self.state.staleness_changed.connect(self._show_staleness)
        session.project_opened.connect(self._on_project_opened)
        session.run_changed.connect(self._show_page)
        session.rows_changed.connect(self._on_rows_changed)
        for keys, step in (("Ctrl+PgDown", 1), ("Ctrl+PgUp", -1)):
            shortcut = QShortcut(QKeySequence(keys), self)
            shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            shortcut.activated.connect(partial(self._step_page, step))

    # ------------------------------------------------------------------------------------------------------- events

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.state.set_watched(True)
        self.suspects.take_labels()
        self._show_staleness()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self.state.set_watched(False)

    def focusInEvent(self, event: QFocusEvent) -> None:
        self.focus_page()

    def _on_project_opened(self) -> None:
        self.overview.headline.forget()
        self._opened_on.clear()
        self.images.show_nothing()
        self.tabs.set_current(OVERVIEW)
        self._show_page()

    def _on_rows_changed(self, _rows: object) -> None:
        if self.isVisible():
            self.suspects.take_labels()

    def _on_review_changed(self) -> None:
        self.suspects.show_review(self.state.review)
        self.map.show_review(self.state.review)
        review = self.state.review
        was_empty = self._stack.currentWidget() is self._empty
        is_several = review is not None and review.metrics is None
        self.tabs.set_available(SUSPECTS, not is_several)
        if is_several and self.current_page == SUSPECTS:
            self.tabs.set_current(OVERVIEW)
        self._show_page()
        self._show_staleness()
        if was_empty and review is not None and self.isVisible() and not self._is_busy_elsewhere():
            self.focus_page()

    def _is_busy_elsewhere(self) -> bool:
        """Tells whether the keyboard is somewhere else in the window, where it must stay."""
        focused = self.window().focusWidget()
        return focused is not None and focused is not self and not self.isAncestorOf(focused)

    def _on_tab(self) -> None:
        self._show_page()

    def _step_page(self, step: int) -> None:
        keys = self.tabs.available_keys
        at = keys.index(self.current_page) if self.current_page in keys else 0
        self.show_page(keys[(at + step) % len(keys)])

    def _open_suspect(self, place: int) -> None:
        self.show_page(SUSPECTS)
        self.suspects.go_to(place)

    def _on_accepted(self, number: int, mistakes: str) -> None:
        what = trn(
            "{number:,} suggestion accepted, {mistakes}.",
            "{number:,} suggestions accepted, {mistakes}.",
            number,
            mistakes=mistakes,
        )
        self.notice_wanted.emit(what, tr("Ctrl+Z takes all of them back."))

    def _on_empty_action(self) -> None:
        (self.retrain_asked if self._page.retrains else self.label_asked).emit()

    # ------------------------------------------------------------------------------------------------------ showing

    def _show_suspects(self) -> None:
        faces = self.suspects.faces
        self.overview.show_suspects(faces)
        self.tabs.set_note(SUSPECTS, decimal(len(faces), ",") if faces else "")

    def _show_staleness(self) -> None:
        state = self.state
        words = review_words.stale(state.num_stale, state.review.run.id) if state.review is not None else ""
        self.stale_chip.set_look(words, "retrain", "warning")
        self.stale_chip.setVisible(bool(words))
        self.report_button.setVisible(state.review is not None)

    def _show_page(self) -> None:
        """Shows the page that was chosen, or why there is nothing to show yet."""
        key = self.current_page
        if key in self._needs_review and self.state.review is None:
            self._page = page_of(self._session, self.state)
            self._empty.set_state(self._page.icon, self._page.title, self._page.text, self._page.action)
            self._stack.setCurrentWidget(self._empty)
        else:
            self._stack.setCurrentWidget(self._pages[key])
            if key == MISTAKES and not self.images.title:
                self._fill(*self.mistakes.worst())
        self._show_images_pane()

    def _show_images_pane(self) -> None:
        """On Mistakes the images are beside the matrix, always; elsewhere below, as soon as something was opened."""
        is_beside = self.current_page == MISTAKES
        has_review = self._stack.currentWidget() is not self._empty
        is_shown = has_review and (is_beside or self.current_page in self._opened_on)
        was_shown, was_beside = self.images.isVisible(), self._splitter.orientation() == Qt.Orientation.Horizontal
        self._splitter.setOrientation(Qt.Orientation.Horizontal if is_beside else Qt.Orientation.Vertical)
        self.images.setMinimumSize(MIN_BESIDE_PX if is_beside else 0, 0 if is_beside else MIN_BELOW_PX)
        self.images.set_can_close(not is_beside)
        self.images.setVisible(is_shown)
        if is_shown and (not was_shown or was_beside != is_beside):
            whole = self._splitter.width() if is_beside else self._splitter.height()
            part = round(whole * (BESIDE_SHARE if is_beside else BELOW_SHARE))
            self._splitter.setSizes([whole - part, part])
            self.images.fit_cards(self.images.height() if is_beside else max(part, MIN_BELOW_PX))
