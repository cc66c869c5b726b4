"""The report on the model: asks where to write it, and says when it is there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from engine.events import JobEnded, JobSucceeded
from engine.language import tr
from gui.activities import REPORT
from gui.dialogs import ask
from gui.folders import open_in_system
from gui.session import Session
from gui.widgets.banner import Remedy

if TYPE_CHECKING:
    from gui.main_window import MainWindow


class ReportWriter(QObject):
    """One for the window; failures are shown as those of every job."""

    def __init__(self, session: Session, window: MainWindow) -> None:
        super().__init__(window)
        self._session, self._window = session, window
        session.work.ended.connect(self._on_ended)

    def write(self) -> None:
        """Asks for a file and writes the report on the model that is in use."""
        project, run = self._session.project, self._session.run
        if project is None or run is None:
            return
        suggested = project.folder.parent / tr("{project} version {id}.html", project=project.name, id=run.id)
        file = ask.ask_save_file(self._window, tr("Write a report on the model"), tr("Web page (*.html)"), suggested)
        if file is not None:
            self._session.work.write_report(file if file.suffix else file.with_suffix(".html"))

    def _on_ended(self, kind: str, end: JobEnded) -> None:
        if kind != REPORT or not isinstance(end, JobSucceeded):
            return
        from engine.tasks.report import WrittenReport

        assert isinstance(end.result, WrittenReport)
        file = end.result.file
        remedy = Remedy(tr("Open it"), lambda: open_in_system(file))
        self._window.errors.show_notice(tr("Report written to {file}.", file=file.name), str(file.parent), [remedy])
