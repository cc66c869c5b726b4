"""Wrong predictions, put right by key: the files become labelled images of the open project."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QObject, Signal

from engine.domain import NO_CLASS, LabelMode, Source
from engine.errors import ProjectError
from engine.events import JobEnded, JobFailed, JobSucceeded
from engine.jobs import Priority
from engine.language import tr, trn
from gui.open_project import READ_ONLY
from gui.session import Session
from gui.use_files import Rows, State
from gui.use_session import UseSession

if TYPE_CHECKING:
    from engine.tasks.correct_files import CorrectReport


class UseCorrections(QObject):
    """One for the window."""

    corrected = Signal(str)
    """What was done, in a sentence."""

    def __init__(self, session: Session, use: UseSession) -> None:
        super().__init__(use)
        self._session = session
        self._use = use

    @property
    def why_not(self) -> str:
        """Why nothing can be corrected, empty when it can."""
        if self._session.project is None:
            return tr("Open a project to correct predictions: the pictures become labelled images of it.")
        if self._session.is_read_only:
            return READ_ONLY
        return ""

    def correct(self, rows: Rows, class_id: int) -> None:
        """Gives files a class of the open project, one undo step. Where images have several, it is given or taken."""
        if self._cannot() or not len(rows):
            return
        if not self._session.has_several_classes:
            self._label({int(row): (class_id,) for row in rows}, Source.HUMAN)
            return
        known = [row for row in rows.tolist() if row in self._use.files.project_image_ids]
        ids = [self._use.files.project_image_ids[row] for row in known]
        places = self._session.rows_of(ids)
        if len(known) == len(rows) == len(places):
            bits = self._session.columns.class_bits[places]
            has = (bits[:, class_id // 64] >> np.uint64(class_id % 64)) & np.uint64(1)
            if has.all():
                self._session.remove_class(ids, class_id)
            else:
                self._session.label(ids, class_id)
            return
        wanted = {row: tuple(sorted({*self._predicted(row)} ^ {class_id})) for row in rows.tolist()}
        self._label(wanted, Source.HUMAN)

    def confirm(self, rows: Rows) -> None:
        """Takes over predictions that are right as labels, one undo step; what has none is left out."""
        if self._cannot():
            return
        wanted = {row: classes for row in rows.tolist() if (classes := self._predicted(row))}
        if not wanted:
            self._use.failed.emit(
                ProjectError(
                    tr("There is no prediction to take over."), tr("Press the key of the class that the picture has.")
                )
            )
            return
        self._label(wanted, Source.SUGGESTION, is_confirmed=True)

    def _cannot(self) -> bool:
        why_not = self.why_not
        if why_not:
            self._use.failed.emit(ProjectError(why_not))
        return bool(why_not)

    def _predicted(self, row: int) -> tuple[int, ...]:
        """Returns the project's classes that a file is predicted to have."""
        files, model = self._use.files, self._use.model
        if model is None or files.states[row] != State.DONE or bool(files.columns.look_unknown(np.array([row]))[0]):
            return ()
        named = {item.name: item.id for item in self._session.classes}
        ids = (named.get(model.classes[at].name, NO_CLASS) for at in files.class_rows(row))
        return tuple(class_id for class_id in ids if class_id != NO_CLASS)

    def _label(self, wanted: dict[int, tuple[int, ...]], source: Source, is_confirmed: bool = False) -> None:
        from engine.tasks.correct_files import CorrectFiles, Correction

        session, files = self._session, self._use.files
        project = session.project
        assert project is not None
        rows = {files.paths[row]: row for row in wanted}
        corrections = [
            Correction(files.paths[row], classes, is_confirmed, row in files.homeless)
            for row, classes in wanted.items()
        ]
        if session.label_mode is LabelMode.ONE:
            for row, classes in wanted.items():  # seen at once; the store follows
                files.correct(np.array([row]), classes[0])
            self._use.rows_changed.emit(np.array(list(wanted), np.int64))

        def on_end(end: JobEnded) -> None:
            if session.project is not project or self._use.files is not files:
                return
            failed = list(wanted)
            if isinstance(end, JobSucceeded):
                report: CorrectReport = end.result  # type: ignore[assignment]
                files.project_image_ids |= {rows[path]: image_id for path, image_id in report.image_ids.items()}
                failed = [rows[path] for path, _reason in report.failed]
                session.reload()
                session.work.look_at_new_images()
                session.labelled.emit()
                self._tell(report)
            elif isinstance(end, JobFailed):
                self._use.failed.emit(end.error)
            if failed:
                files.correct(np.array(failed, np.int64), NO_CLASS)
                self._use.rows_changed.emit(np.array(failed, np.int64))

        session.bridge.submit(CorrectFiles(project, corrections, source), Priority.INTERACTIVE, on_end=on_end)

    def _tell(self, report: CorrectReport) -> None:
        if report.failed:
            path, reason = report.failed[0]
            num_others = len(report.failed) - 1
            if num_others:
                message = trn(
                    "“{file}” cannot be taken over ({number:,} other too): {reason}",
                    "“{file}” cannot be taken over ({number:,} others too): {reason}",
                    num_others,
                    file=path.name,
                    reason=reason,
                )
            else:
                message = tr("“{file}” cannot be taken over: {reason}", file=path.name, reason=reason)
            self._use.failed.emit(ProjectError(message))
        elif report.num_added:
            self.corrected.emit(
                trn(
                    "{number:,} picture added to the project with this label · Ctrl+Z takes the label back",
                    "{number:,} pictures added to the project with this label · Ctrl+Z takes the label back",
                    report.num_added,
                )
            )
        else:
            self.corrected.emit(tr("Labelled in the project · Ctrl+Z takes it back"))
