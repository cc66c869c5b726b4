"""The map: every image a point, look-alikes side by side; a lasso around points and a class key labels them all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QGuiApplication, QHideEvent, QKeyEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QStackedWidget, QVBoxLayout, QWidget

from engine.events import JobCancelled, JobEnded, JobFailed, JobSucceeded
from engine.jobs import Priority
from engine.language import tr, trc, trn
from gui import wording
from gui.activities import MAP
from gui.map_looks import ColorBy, Looks, looks_of
from gui.session import Session
from gui.theme import notifier
from gui.thumbnails import Thumbnails
from gui.widgets.buttons import button
from gui.widgets.empty_state import EmptyState
from gui.widgets.image_scatter import ImageScatter
from gui.widgets.map_legend import MapLegend
from gui.widgets.progress import SlimProgress
from gui.widgets.segments import Segment, Segments
from gui.widgets.text import ElidedLabel, text_label

if TYPE_CHECKING:
    from engine.tasks.project_map import ImageMap
    from engine.tasks.review import Review

LEGEND_PX, NARROW_PX = 208, 760
LOOKS_MS = 30
HOW = tr("Drag around points to select them, press a class key to label them. Wheel zooms, right button moves.")
_ABOUT = {
    ColorBy.CLASS: tr("The class that each image has"),
    ColorBy.PREDICTION: tr("The class that the model suggests"),
    ColorBy.MISTAKES: tr("What the model got right and wrong while it had not seen the image"),
    ColorBy.UNKNOWN: tr("How much an image looks like none of the classes"),
}


class MapPanel(QWidget):
    """Makes the map when it is first looked at; a model's next version gets its map the next time it is looked at."""

    images_wanted = Signal(object, str)
    """Image ids to show in a grid, and a title."""

    def __init__(self, session: Session, parent: QWidget | None = None, thumbnails: Thumbnails | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._review: Review | None = None
        self._map: ImageMap | None = None
        self._map_run: int | None = None
        self._has_asked = False
        self._is_labelling = False
        self._looks: Looks | None = None
        self._selected = np.zeros(0, np.bool_)
        self.view = ImageScatter(thumbnails, self._describe)
        self.legend = MapLegend()
        self.switch = Segments(
            tr("What the colours say"), [Segment(each.value, each.value, _ABOUT[each]) for each in ColorBy]
        )
        self.note = text_label(HOW, "faint")
        self.selection_note = ElidedLabel(role="dim")
        self.show_button = button(
            tr("Show in grid"), "ghost", "grid", tr("Show the selected images in the grid (Enter)")
        )
        self.fit_button = button(tr("Fit"), "ghost", "fit", tr("Show the whole map (Ctrl+0)"))
        self.clear_button = button(trc("selection", "Clear"), "ghost", "", tr("Select nothing (Esc)"))
        self.anew_button = button(
            tr("Lay out anew"), "ghost", "retrain", tr("Make the map again from all images of now")
        )
        self._words = {made: made.text() for made in (self.fit_button, self.anew_button)}
        self.empty = EmptyState()
        self.progress = SlimProgress()
        self.progress_note = QLabel()
        self.cancel_button = button(tr("Cancel"), "ghost", "close", tr("Stop making the map"))
        self.stack = QStackedWidget()
        self._looks_timer = QTimer(self, singleShot=True, interval=LOOKS_MS)
        self._looks_timer.timeout.connect(self._show_looks)
        self._build()
        self._connect()

    # ---- for Review

    def show_review(self, review: Review | None) -> None:
        """Takes over what a model got wrong, and its version: another one has another map."""
        self._review = review
        self._looks_timer.start()
        self._make_if_due()

    @property
    def selected_ids(self) -> NDArray[np.int64]:
        """The selected images, in the order of the map."""
        ids: NDArray[np.int64] = self._map.image_ids[self._selected] if self._map is not None else np.zeros(0, np.int64)
        return ids

    def make(self, is_anew: bool = False) -> None:
        """Makes the map, or reads the one that is there."""
        from engine.tasks.project_map import MapImages

        session = self._session
        if session.project is None or session.work.is_running(MAP):
            return
        self._has_asked = True
        self._map_run = session.run.id if session.run is not None else None
        job = MapImages(session.project, session.run, is_anew)
        session.work.submit(MAP, job, tr("Making the map"), Priority.NORMAL)
        self._show_progress()

    # ---- events

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._make_if_due()
        self.view.setFocus(Qt.FocusReason.OtherFocusReason)

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._session.work.has_own_view(MAP, False)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit_bar()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = event.key()
        if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._show_in_grid()
        elif key == Qt.Key.Key_Escape:
            self._select(np.zeros(0, np.int64), is_added=False)
        elif key == Qt.Key.Key_Backspace and len(self.selected_ids):
            self._session.clear(self.selected_ids)
        elif not self._label_by_key(event):
            event.ignore()

    # ---- inside

    def _label_by_key(self, event: QKeyEvent) -> bool:
        """Gives all selected images the class with that key, in one step; tells whether a class has it."""
        text = event.text().lower()
        modifiers = event.modifiers() & ~(Qt.KeyboardModifier.KeypadModifier | Qt.KeyboardModifier.ShiftModifier)
        if not text or modifiers or event.isAutoRepeat():
            return False
        found = next((each for each in self._session.classes if each.key == text), None)
        ids = self.selected_ids
        if found is None or not len(ids):
            return False
        self._is_labelling = True
        self._session.label(ids, found.id)
        self._is_labelling = False
        self.selection_note.setText(_labelled(len(ids), found.name))
        self._fit_bar()
        return True

    def _make_if_due(self) -> None:
        session = self._session
        if not self.isVisible() or session.project is None:
            return
        session.work.has_own_view(MAP, True)
        run_id = session.run.id if session.run is not None else None
        if session.work.is_running(MAP):
            self._show_progress()
        elif not len(session.columns):
            self._show_empty("images", tr("No images yet"), tr("Add a folder of images first."), "")
        elif not self._has_asked or run_id != self._map_run:
            self.make()

    def _on_ended(self, kind: str, end: JobEnded) -> None:
        if kind != MAP:
            return
        if isinstance(end, JobSucceeded):
            self._take(end.result)  # type: ignore[arg-type]
        elif isinstance(end, JobCancelled):
            self._show_empty("layers", tr("The map was not made"), tr("It was cancelled."), tr("Make the map"))
        elif isinstance(end, JobFailed):
            self._show_empty("warning", tr("The map could not be made"), str(end.error), tr("Try again"))

    def _take(self, found: ImageMap) -> None:
        before, self._map = self._map, found
        if before is not None and _is_same(before, found):  # the same network: zoom and selection stay
            self._show_looks()
            return
        self._selected = np.zeros(len(found.image_ids), np.bool_)
        self.view.set_images(found.image_ids, found.places)
        self._show_looks()
        self._show_selection()
        self.stack.setCurrentWidget(self._page)

    def _show_looks(self) -> None:
        if self._map is None:
            return
        session = self._session
        rows = self._rows_of(self._map.image_ids)
        by = ColorBy(self.switch.current)
        self._looks = looks_of(by, session.columns, session.classes, rows, self._review)
        self.view.set_looks(self._looks.colors, self._looks.ringed, self._looks.muted)
        self.legend.set_lines([(each.text, each.color, len(each.points), each.has_ring) for each in self._looks.legend])
        missing = self._map.num_missing
        waiting = trn("{number:,} image not looked at yet.", "{number:,} images not looked at yet.", missing)
        self.note.setText(" ".join(part for part in (self._looks.note or HOW, waiting if missing else "") if part))

    def _rows_of(self, image_ids: NDArray[np.int64]) -> NDArray[np.int64]:
        """Returns the row of each image, -1 where it is not there any more."""
        rows = self._session.rows_of(image_ids)
        if len(rows) == len(image_ids):
            return rows
        found = np.full(len(image_ids), -1, np.int64)
        found[np.isin(image_ids, self._session.columns.image_ids)] = rows
        return found

    def _on_lassoed(self, rows: NDArray[np.int64], modifiers: Qt.KeyboardModifier) -> None:
        if modifiers & Qt.KeyboardModifier.ControlModifier:
            self._selected[rows] = False
            self._show_selection()
        else:
            self._select(rows, bool(modifiers & Qt.KeyboardModifier.ShiftModifier))

    def _on_legend_pressed(self, at: int) -> None:
        if self._looks is not None and at < len(self._looks.legend):
            modifiers = QGuiApplication.keyboardModifiers()
            self._select(self._looks.legend[at].points, bool(modifiers & Qt.KeyboardModifier.ShiftModifier))
            self.view.setFocus(Qt.FocusReason.OtherFocusReason)

    def _select(self, rows: NDArray[np.int64], is_added: bool) -> None:
        if not is_added:
            self._selected[:] = False
        self._selected[rows] = True
        self._show_selection()

    def _show_selection(self) -> None:
        count = int(self._selected.sum())
        self.view.set_selected(self._selected)
        total = len(self._selected)
        chosen = tr("{number:,} of {total:,} selected", number=count, total=total)
        self.selection_note.setText(chosen if count else wording.count(total, "image"))
        self.show_button.setEnabled(count > 0)
        self.clear_button.setEnabled(count > 0)
        self._fit_bar()

    def _fit_bar(self) -> None:
        """Leaves two buttons to their icons where there is no room for all words."""
        for has_words in (True, False):
            for made, words in self._words.items():
                made.setText(words if has_words else "")
            self._bar.invalidate()
            if self._bar.sizeHint().width() <= self.width():
                break

    def _show_in_grid(self) -> None:
        if len(self.selected_ids):
            self.images_wanted.emit(self.selected_ids, tr("From the map"))

    def _on_activated(self, point: int) -> None:
        """Shows the image that was double clicked among its neighbours on the map, nearest first."""
        if self._map is not None:
            far = np.square(self._map.places - self._map.places[point]).sum(axis=1)
            self.images_wanted.emit(self._map.image_ids[np.argsort(far, kind="stable")[:200]], tr("Near on the map"))

    def _describe(self, image_id: int) -> str:
        row = self._session.row_of(image_id)
        return self._session.columns.names[row] if row >= 0 else ""

    def _show_progress(self) -> None:
        activity = self._session.work.of_kind(MAP)
        if activity is None:
            return
        self.progress.set_progress(activity.done, activity.total)
        what = tr("Making the map: {what}", what=activity.note)
        self.progress_note.setText(what if activity.note else tr("Making the map…"))
        if self._map is None:
            self.stack.setCurrentWidget(self._working)
        elif activity.total:
            percent = 100 * activity.done // activity.total
            self.note.setText(tr("Making the map: {what} ({percent} %)", what=activity.note, percent=percent))

    def _show_empty(self, icon: str, title: str, text: str, action: str) -> None:
        if self._map is None:
            self.empty.set_state(icon, title, text, action)
            self.stack.setCurrentWidget(self.empty)
        else:
            self.note.setText(f"{title}. {text}")

    def _forget(self) -> None:
        self._map, self._map_run, self._has_asked, self._review = None, None, False, None
        self._selected = np.zeros(0, np.bool_)
        self.stack.setCurrentWidget(self._working)

    def _connect(self) -> None:
        session = self._session
        session.project_closed.connect(self._forget)
        session.run_changed.connect(self._make_if_due)
        for signal in (session.rows_changed, session.columns_reset, session.classes_changed, notifier().theme_changed):
            signal.connect(self._looks_timer.start)
        session.rows_changed.connect(self._on_rows_changed)
        session.work.changed.connect(self._on_work_changed)
        session.work.ended.connect(self._on_ended)
        self.switch.chosen.connect(lambda _key: self._show_looks())
        self.view.lassoed.connect(self._on_lassoed)
        self.view.activated.connect(self._on_activated)
        self.legend.pressed.connect(self._on_legend_pressed)
        self.show_button.clicked.connect(lambda _on=False: self._show_in_grid())
        self.clear_button.clicked.connect(lambda _on=False: self._select(np.zeros(0, np.int64), is_added=False))
        self.fit_button.clicked.connect(lambda _on=False: self.view.fit())
        self.anew_button.clicked.connect(lambda _on=False: self.make(is_anew=True))
        self.cancel_button.clicked.connect(lambda _on=False: session.work.cancel_kind(MAP))
        self.empty.action_wanted.connect(self.make)

    def _on_rows_changed(self, _rows: object) -> None:
        if not self._is_labelling:
            self._show_selection()  # what was said of the last key holds no more

    def _on_work_changed(self) -> None:
        if self.isVisible() and self._session.work.is_running(MAP):
            self._show_progress()

    def _build(self) -> None:
        self._page, self._working = QWidget(), QWidget()
        bar = self._bar = QHBoxLayout()
        bar.setContentsMargins(12, 8, 12, 8)
        bar.setSpacing(8)
        bar.addWidget(self.switch)
        bar.addStretch(1)
        for widget in (self.selection_note, self.show_button, self.clear_button, self.fit_button, self.anew_button):
            bar.addWidget(widget)
        self.legend.setFixedWidth(LEGEND_PX)
        middle = QHBoxLayout()
        middle.setSpacing(0)
        middle.addWidget(self.view, 1)
        middle.addWidget(self.legend)
        self.note.setContentsMargins(12, 6, 12, 8)
        page = QVBoxLayout(self._page)
        page.setContentsMargins(0, 0, 0, 0)
        page.setSpacing(0)
        page.addLayout(bar)
        page.addLayout(middle, 1)
        page.addWidget(self.note)
        row = QHBoxLayout()
        row.addStretch(1)
        row.addWidget(self.cancel_button)
        row.addStretch(1)
        self.progress_note.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.progress.setFixedWidth(320)
        working = QVBoxLayout(self._working)
        working.setSpacing(12)
        working.addStretch(2)
        working.addWidget(self.progress_note)
        working.addWidget(self.progress, 0, Qt.AlignmentFlag.AlignHCenter)
        working.addLayout(row)
        working.addStretch(3)
        for each in (self._working, self.empty, self._page):
            self.stack.addWidget(each)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.stack)
        self.setProperty("role", "window")
        self.setAccessibleName(tr("Map"))


def _labelled(number: int, name: str) -> str:
    return trn(
        "{number:,} image labelled {name}. Ctrl+Z takes it back.",
        "{number:,} images labelled {name}. Ctrl+Z takes it back.",
        number,
        name=name,
    )


def _is_same(first: ImageMap, second: ImageMap) -> bool:
    return np.array_equal(first.image_ids, second.image_ids) and np.array_equal(first.places, second.places)
