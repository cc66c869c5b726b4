"""Refits the model by itself: after a pause in labelling, silently, when that takes about a second.

The version that comes of it gives way to the next (see `engine.store.runs.is_passing`). It never trains the network,
never replaces one that was trained, waits while a tour asks for the first model (the user's own press of Retrain), and
stops when the user goes back to an older version.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal

from engine.events import JobSucceeded
from engine.jobs import Priority
from engine.language import tr
from engine.nn.training_plan import HEAD
from gui.activities import EMBED, REFIT

if TYPE_CHECKING:
    from gui.session import Session

PAUSE_MS = 1000


class AutoRetrain(QObject):
    """Watches one session. `changed`: it was switched on or off."""

    changed = Signal()

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._session = session
        self._newest_run_id = 0
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._refit_if_due)
        session.rows_changed.connect(self._on_rows_changed)
        session.undo_changed.connect(self._on_facts_read)
        session.guided_changed.connect(self._on_facts_read)
        session.run_changed.connect(self._on_run_changed)
        session.project_closed.connect(self._on_project_closed)
        session.work.ended.connect(self._on_work_ended)
        session.work.has_own_view(REFIT, True)

    @property
    def is_on(self) -> bool:
        return self._session.preferences.has_auto_retrain

    def set_on(self, on: bool) -> None:
        """Switches it on or off, for this project and all others."""
        if on != self.is_on:
            self._session.preferences.set_auto_retrain(on)
            self.changed.emit()
        self._on_facts_read()

    def _on_rows_changed(self, _rows: object) -> None:
        if self._timer.isActive():
            self._timer.start(PAUSE_MS)  # still labelling

    def _on_facts_read(self) -> None:
        if self._is_due() and not self._timer.isActive():
            self._timer.start(PAUSE_MS)

    def _on_run_changed(self) -> None:
        run = self._session.run
        if run is None:
            return
        if run.id < self._newest_run_id:
            self.set_on(False)  # the user went back to an older version, and means it
        self._newest_run_id = max(self._newest_run_id, run.id)

    def _on_project_closed(self) -> None:
        self._timer.stop()
        self._newest_run_id = 0

    def _is_due(self) -> bool:
        session = self._session
        if not self.is_on or session.is_guided or session.why_no_retrain() or session.training.settings.depth != HEAD:
            return False
        return session.run is None or (session.run.depth == HEAD and session.facts.num_labels_since > 0)

    def _refit_if_due(self) -> None:
        if self._session.work.is_running(REFIT):
            self._timer.start(PAUSE_MS)
        elif self._is_due():
            self._session.when_saved(self._refit)

    def _refit(self) -> None:
        from engine.tasks.train import TrainHead
        from engine.tasks.train_snapshot import TrainSettings

        session = self._session
        project, backbone = session.project, session.backbones.chosen
        if project is not None and backbone is not None:
            settings = TrainSettings(backbone.key, is_automatic=True, **session.training.for_engine())
            session.work.submit(REFIT, TrainHead(project, settings), tr("Learning"), Priority.INTERACTIVE)

    def _on_work_ended(self, kind: str, end: object) -> None:
        # A failure is not told: nobody asked, and Retrain says what is the matter.
        if kind == REFIT and isinstance(end, JobSucceeded):
            self._session.reload()
        elif kind == EMBED:  # images may have been labelled before they were looked at
            self._on_facts_read()
