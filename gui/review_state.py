"""What Review knows of the active model: figures and forecast, computed by jobs of the engine and kept up to date.

Nothing is computed while nobody looks (`set_watched`).
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import TYPE_CHECKING, cast

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, QTimer, Signal

from engine.domain import NO_CLASS, Mark
from engine.errors import AppError
from engine.events import JobEnded, JobFailed, JobSucceeded
from engine.jobs import Priority
from engine.language import tr
from gui.activities import BORDERS, EMBED, EXTEND, FORECAST, REVIEW, TRAIN
from gui.columns import has_open_suggestion
from gui.session import Session

if TYPE_CHECKING:
    from engine.domain import Run
    from engine.evaluation.learning_curve import LearningForecast
    from engine.evaluation.work_saved import Acceptance
    from engine.tasks.review import Review

REST_MS = 4000
LOOKING_ON = (REVIEW, FORECAST, BORDERS)
FEWEST_LABELS = 20
"""From so many measured images on, figures per class and a forecast say something."""


class ReviewState(QObject):
    """Holds the newest review and forecast of the session's run."""

    changed = Signal()
    """`review`, `error` or `is_working` is another."""
    forecast_changed = Signal()
    staleness_changed = Signal()
    """Labels were changed since the model was trained, or suggestions were accepted."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._session = session
        self.review: Review | None = None
        self.before: Review | None = None
        """The figures that were shown before these: of another version, of the same project."""
        self.forecast: LearningForecast | None = None
        self.error: AppError | None = None
        self.forecast_error: AppError | None = None
        self.border_warning = ""
        """Says that the model looks at the edges of the pictures, where it does; found out after the review."""
        self._borders_of: Hashable = None
        self._is_watched = False
        self._is_due = session.run is not None
        self._other_rows: NDArray[np.int64] = np.zeros(0, np.int64)
        for kind in LOOKING_ON:
            session.work.has_own_view(kind, True)
        self._rest_timer = QTimer(self, singleShot=True)
        self._rest_timer.timeout.connect(self._look_further)
        session.work.ended.connect(self._on_ended)
        session.work.changed.connect(self._make_way)
        session.project_opened.connect(self._forget)
        session.project_closed.connect(self._forget)
        session.run_changed.connect(self._on_run_changed)
        session.columns_reset.connect(self._on_columns_reset)
        for signal in (session.rows_changed, session.undo_changed):
            signal.connect(self.staleness_changed)

    @property
    def is_working(self) -> bool:
        """Whether figures are being computed."""
        return self._session.work.is_running(REVIEW)

    @property
    def is_forecasting(self) -> bool:
        """Whether the learning curve is being computed, or will be in a moment."""
        return self._session.work.is_running(FORECAST) or (self._rest_timer.isActive() and self._can_forecast)

    @property
    def num_stale(self) -> int:
        """How many labels were given or changed since the model was trained."""
        return self._session.facts.num_labels_since if self.review is not None else 0

    def set_watched(self, on: bool) -> None:
        """Says whether somebody looks; what is due is computed at once then."""
        self._is_watched = on
        self._start_when_due()
        if on and self.review is not None:
            self._look_further()

    def refresh(self) -> None:
        """Computes the figures anew."""
        self._is_due = True
        self._start_when_due()

    # ------------------------------------------------------------------------------------------------- work saved

    def open_others(self, acceptance: Acceptance) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Returns the images without a class that may be accepted unseen, and those to look at, least sure first.

        What was labelled, accepted or skipped since is in neither.
        """
        review = self.review
        if review is None or not len(self._session.columns) or len(self._other_rows) != len(review.other_ids):
            return np.zeros(0, np.int64), np.zeros(0, np.int64)
        columns, rows = self._session.columns, self._other_rows
        is_done = (columns.class_ids[rows] != NO_CLASS) | (columns.marks[rows] & (Mark.CONFIRMED | Mark.SKIPPED) != 0)
        is_open = (rows >= 0) & ~is_done
        accepted = is_open & acceptance.is_accepted & has_open_suggestion(columns, rows)
        rest = np.flatnonzero(is_open & ~accepted)
        rest = rest[np.argsort(columns.confidences[rows[rest]], kind="stable")]
        return review.other_ids[accepted], review.other_ids[rest]

    # ----------------------------------------------------------------------------------------------------- private

    def _forget(self) -> None:
        self.review, self.forecast, self.error, self.forecast_error = None, None, None, None
        self.before = None
        self.border_warning, self._borders_of = "", None
        self._is_due = self._session.run is not None
        self.changed.emit()
        self.forecast_changed.emit()
        self._start_when_due()

    def _on_run_changed(self) -> None:
        if self._session.run is None:
            self._forget()
        elif self.review is None or self.review.run.id != self._session.run.id:
            self.refresh()

    def _on_columns_reset(self) -> None:
        self._find_other_rows()
        self.staleness_changed.emit()

    def _find_other_rows(self) -> None:
        others = self.review.other_ids if self.review is not None else np.zeros(0, np.int64)
        rows = np.full(len(others), -1, np.int64)
        is_known = self._session.has_images(others)
        rows[is_known] = self._session.rows_of(others[is_known])
        self._other_rows = rows

    def _start_when_due(self) -> None:
        session = self._session
        if not (self._is_watched and self._is_due) or session.project is None or session.run is None:
            return
        from engine.tasks.review import ReviewModel

        self._is_due = False
        for kind in LOOKING_ON:
            session.work.cancel_kind(kind)
        job = ReviewModel(session.project, session.run)
        session.work.submit(REVIEW, job, tr("Reviewing the model"), Priority.INTERACTIVE)
        self.changed.emit()

    def _look_further(self) -> None:
        if self._is_watched and not self.is_working:
            if not self._session.work.is_running(FORECAST):
                self._forecast()
            if not self._session.work.is_running(BORDERS):
                self._check_borders()

    @property
    def _can_forecast(self) -> bool:
        return self.review is not None and len(self.review.image_ids) >= FEWEST_LABELS

    def _forecast(self) -> None:
        session = self._session
        review = self.review
        if review is None or session.project is None or not self._can_forecast:
            return
        if self.forecast is not None and self.forecast.run_id == review.run.id:
            return
        from engine.tasks.forecast_learning import ForecastLearning

        session.work.submit(
            FORECAST, ForecastLearning(session.project, review.run), tr("Looking ahead"), Priority.NORMAL
        )
        self.forecast_changed.emit()

    def _check_borders(self) -> None:
        session, review = self._session, self.review
        if review is None or session.project is None or self._borders_of == _network_of(review.run):
            return
        from engine.tasks.explain import CheckBorders

        job = CheckBorders(session.project, review.run)
        session.work.submit(BORDERS, job, tr("Looking at the edges"), Priority.BACKGROUND)

    def _make_way(self) -> None:
        """A forecast takes a few trainings: the one that the user asks for goes first."""
        work = self._session.work
        if work.is_running(TRAIN):
            for kind in (FORECAST, BORDERS):
                activity = work.of_kind(kind)
                if activity is not None and not activity.is_cancelling:
                    work.cancel_kind(kind)

    def _on_ended(self, kind: str, end: JobEnded) -> None:
        if kind == REVIEW:
            self._on_review_ended(end)
        elif kind == FORECAST:
            if isinstance(end, JobSucceeded):
                self.forecast, self.forecast_error = cast("LearningForecast", end.result), None
            elif isinstance(end, JobFailed):
                self.forecast_error = end.error
            self.forecast_changed.emit()
        elif kind == BORDERS and isinstance(end, JobSucceeded) and self.review is not None:
            self._borders_of = _network_of(self.review.run)
            self.border_warning = getattr(end.result, "warning", None) or ""
            self.changed.emit()
        elif kind in (EMBED, EXTEND) and isinstance(end, JobSucceeded) and self.review is not None:
            self.refresh()  # there are suggestions for more images now

    def _on_review_ended(self, end: JobEnded) -> None:
        if self.is_working:
            return  # a newer one is on its way
        if isinstance(end, JobSucceeded):
            newer = cast("Review", end.result)
            if self.review is not None and self.review.run.id != newer.run.id:
                self.before = self.review
            self.review, self.error = newer, None
            if self._borders_of != _network_of(self.review.run):
                self.border_warning = ""
            self._find_other_rows()
        elif isinstance(end, JobFailed):
            self.review, self.error = None, end.error
        else:
            self._is_due = True
        # Models come one after the other while labels are given; what takes long waits until there is a rest.
        self._rest_timer.start(0 if self.forecast is None else REST_MS)
        self.changed.emit()


def _network_of(run: Run) -> Hashable:
    """Returns what decides where a model looks: not the few labels that a head was fitted on anew."""
    return run.backbone, run.weights_hash, run.depth, tuple(run.class_ids)
