"""What the user does in the Use workspace: choose a model, bring files in, correct what it says of them.

Classifies file by file in the engine, what is on the screen first. Works with and without an open project. Panels read
the attributes, react to the signals and change things only through these methods.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtGui import QImage

from engine.domain import Run
from engine.events import FilesClassified, JobEnded, JobFailed, JobSucceeded
from engine.jobs import JobHandle, Priority
from engine.language import tr
from gui.engine_bridge import EngineBridge
from gui.session import Session
from gui.use_files import Rows, State, UseFiles
from gui.use_model import UsedModel, model_of_export, model_of_project
from gui.use_paths import FoundPaths, look_through, write_png

FIRST_CHUNK, CHUNK = 16, 256
"""Files in one job: few at first, so that the first answer is there at once."""
FEW = 64
"""So many files go before whatever else the engine does for the user; more wait their turn."""


class UseSession(QObject):
    """One for the window."""

    model_changed = Signal()
    """Another model is used, or its classes look different, or whether there is one to choose."""
    model_will_change = Signal()
    files_changed = Signal()
    """Files were added, or the list is another one."""
    files_grew = Signal()
    """Answers to files came that were not in the list."""
    rows_changed = Signal(object)
    """Rows of the files whose prediction or correction is another."""
    progress_changed = Signal()
    failed = Signal(object)
    """An AppError to show."""
    noticed = Signal(str, str)
    """Good news: a sentence and what it means."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._session = session
        self.model: UsedModel | None = None
        self.files = UseFiles()
        self.is_opening_model = False
        self.is_looking = False
        """Whether dropped folders are being walked through."""
        self._reader = ThreadPoolExecutor(max_workers=1, thread_name_prefix="use-reader")
        self._tokens = count(1)
        self._token = 0
        self._handle: JobHandle | None = None
        self._asked: Rows = np.zeros(0, np.int64)
        self._visible: Rows = np.zeros(0, np.int64)
        self._num_asked = 0
        self._is_stopped = False
        self._pasted: tempfile.TemporaryDirectory[str] | None = None
        self._num_pasted = 0
        self._pump_timer = QTimer(self, singleShot=True, interval=0)
        self._pump_timer.timeout.connect(self._pump)
        session.bridge.files_classified.connect(self._on_files_classified)
        session.run_changed.connect(self._on_run_changed)
        session.project_opened.connect(self._on_project_opened)
        session.project_closing.connect(self._on_project_closing)
        session.classes_changed.connect(self._on_classes_changed)
        session.rows_changed.connect(lambda _rows: self._show_labels())
        session.columns_reset.connect(self._show_labels)
        self.use_project_model()

    @property
    def bridge(self) -> EngineBridge:
        return self._session.bridge

    def shutdown(self) -> None:
        """Stops what is going on and removes pasted pictures that nobody kept. The last call."""
        self._cancel_job()
        self._reader.shutdown(wait=False, cancel_futures=True)
        if self._pasted is not None:
            self._pasted.cleanup()
            self._pasted = None

    # ---- the model

    @property
    def newer_run(self) -> Run | None:
        """The project's version in use, where it is another one than the model here; else None."""
        run = self._session.run
        mine = self.model.run if self.model is not None else None
        return run if run is not None and mine is not None and run.id != mine.id else None

    def use_project_model(self) -> None:
        """Uses the project's version in use."""
        project, run = self._session.project, self._session.run
        if project is not None and run is not None:
            threshold = self._session.columns.unknown_threshold
            self._set_model(model_of_project(project, run, self._session.classes, threshold))

    def open_model(self, path: Path, then: Callable[[], None] | None = None) -> None:
        """Uses the exported model in a folder or file; `model_changed` or `failed` follows."""
        from engine.tasks.read_model import ReadModel

        self.is_opening_model = True
        self.model_changed.emit()

        def on_end(end: JobEnded) -> None:
            self.is_opening_model = False
            if isinstance(end, JobSucceeded):
                self._set_model(model_of_export(end.result, self._session.classes))  # type: ignore[arg-type]
                if then is not None:
                    then()
                return
            self.model_changed.emit()
            if isinstance(end, JobFailed):
                self.failed.emit(end.error)

        self._session.bridge.submit(ReadModel(path), Priority.INTERACTIVE, on_end=on_end)

    def _set_model(self, model: UsedModel | None) -> None:
        self.model_will_change.emit()
        self._cancel_job()
        self.model = model
        self.files.set_model(model)
        self._is_stopped = False
        self.model_changed.emit()
        self.files_changed.emit()
        self._pump_timer.start()

    # ---- the files

    def add(self, paths: Sequence[Path]) -> None:
        """Brings in files and folders; what is in the list already is looked at no second time.

        An exported model among them is used from now on.
        """
        self.is_looking = True
        self.progress_changed.emit()

        def found(result: FoundPaths) -> None:
            self.is_looking = False
            if result.model is not None:
                self.open_model(result.model)
            elif not result.images:
                self.failed.emit(result.problem())
            self._take_in(result.images)

        self.in_background(lambda: look_through(paths), found, self._on_looking_failed)

    def add_picture(self, image: QImage, name: str = tr("Pasted")) -> None:
        """Brings in a picture that lies nowhere (clipboard, camera)."""
        if self._pasted is None:
            self._pasted = tempfile.TemporaryDirectory(prefix="graft-pasted-", ignore_cleanup_errors=True)
        self._num_pasted += 1
        path = Path(self._pasted.name, f"{name} {self._num_pasted}.png")
        copy = image.convertToFormat(QImage.Format.Format_RGBA8888)

        def write() -> Path:
            write_png(copy, path)
            return path

        self.in_background(write, lambda made: self._take_in([made], are_homeless=True))

    def clear(self) -> None:
        """Empties the list. Nothing happens to the files."""
        self._cancel_job()
        self.files = UseFiles()
        self.files.set_model(self.model)
        self._num_asked = 0
        self._is_stopped = False
        self.files_changed.emit()
        self.progress_changed.emit()

    def set_visible(self, rows: Rows) -> None:
        """Says which files are on the screen: they are classified first."""
        self._visible = rows

    def _take_in(self, paths: Sequence[Path], are_homeless: bool = False) -> None:
        added = self.files.add(paths, are_homeless)
        self._is_stopped = False
        self._show_labels()
        self.files_changed.emit()
        self.progress_changed.emit()
        if len(added):
            self._pump_timer.start()

    def _on_looking_failed(self, error: BaseException) -> None:
        self.is_looking = False
        self.progress_changed.emit()
        self.failed.emit(error)

    # ---- classifying

    @property
    def num_waiting(self) -> int:
        return int(np.count_nonzero(self.files.states == State.WAITING))

    @property
    def is_busy(self) -> bool:
        return self._handle is not None

    @property
    def is_stopped(self) -> bool:
        """Whether files wait because the user, or an error, stopped the work."""
        return self._is_stopped and bool(self.num_waiting)

    def cancel(self) -> None:
        """Stops classifying; what is done stays, `go_on` goes on."""
        self._is_stopped = True
        self._cancel_job()
        self.progress_changed.emit()

    def go_on(self) -> None:
        """Classifies what still waits, and what could not be read, once more."""
        self._is_stopped = False
        self.files.wait_again(np.flatnonzero(self.files.states == State.FAILED))
        self.progress_changed.emit()
        self._pump_timer.start()

    def next_token(self) -> int:
        """Returns a number by which the events of a job are told from those of others."""
        return next(self._tokens)

    def _cancel_job(self) -> None:
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None
        self._token = 0

    def _pump(self) -> None:
        """Asks for the next files: those on the screen, then the others in the order of adding."""
        from engine.tasks.classify_files import ClassifyFiles

        model = self.model
        if model is None or self._handle is not None or self._is_stopped:
            return
        waiting = self.files.waiting_rows()
        if not len(waiting):
            self.progress_changed.emit()
            return
        size = FIRST_CHUNK if not self.files.num_classified else CHUNK
        first = self._visible[np.isin(self._visible, waiting)]
        rows = np.concatenate([first, waiting[~np.isin(waiting, first)]])[:size]
        self._asked, self._token = rows, self.next_token()
        token = self._token
        job = ClassifyFiles(model.source, [self.files.paths[row] for row in rows], run=model.run, token=token)
        priority = Priority.INTERACTIVE if len(waiting) <= FEW else Priority.NORMAL
        self._handle = self._session.bridge.submit(job, priority, on_end=lambda end: self._on_end(token, end))
        self.progress_changed.emit()

    def take(self, event: FilesClassified) -> None:
        """Notes what the model says of files, which are added to the list where they are not in it."""
        num_before = len(self.files)
        rows = self.files.take(event.predictions)
        self.rows_changed.emit(rows)
        if len(self.files) != num_before:
            self.files_grew.emit()
        self.progress_changed.emit()

    def _on_files_classified(self, event: FilesClassified) -> None:
        if event.token == self._token and self._token:
            self.take(event)

    def _on_end(self, token: int, end: JobEnded) -> None:
        if token != self._token:
            return
        self._handle, self._token = None, 0
        left = self._asked[self.files.states[self._asked] == State.WAITING]
        if isinstance(end, JobSucceeded):
            if len(left):  # told as a failure of the job, not of a file
                self.files.fail(left, tr("It could not be classified."))
                self.rows_changed.emit(left)
            self._pump_timer.start()
        elif isinstance(end, JobFailed) and len(self._asked) == 1:
            self.files.fail(self._asked, str(end.error))
            self.rows_changed.emit(self._asked)
            self._pump_timer.start()
        elif isinstance(end, JobFailed):
            self._is_stopped = True
            self.failed.emit(end.error)
        self.progress_changed.emit()

    # ---- the project

    def _on_project_opened(self) -> None:
        self._set_model(None)
        self.use_project_model()

    def _on_project_closing(self) -> None:
        self._set_model(None)
        self.clear()

    def _on_run_changed(self) -> None:
        project, model = self._session.project, self.model
        if project is None or (model is not None and model.is_exported):
            self.model_changed.emit()
            return
        run = self._session.run
        is_gone = model is not None and model.run is not None and not project.run_dir(model.run).is_dir()
        if run is None:
            self._set_model(None)
        elif model is None or not len(self.files) or is_gone:
            self.use_project_model()
        else:
            self.model_changed.emit()  # a newer version is on offer

    def _on_classes_changed(self) -> None:
        model, session = self.model, self._session
        if model is None or session.project is None or model.run is None:
            return
        self.model = model_of_project(session.project, model.run, session.classes, model.unknown_threshold)
        self.model_changed.emit()

    def _show_threshold(self) -> None:
        """Takes over from which score on the project calls an image unknown."""
        model, session = self.model, self._session
        if model is None or model.run is None or session.project is None:
            return
        threshold = session.columns.unknown_threshold
        if threshold != model.unknown_threshold:
            self.model = model_of_project(session.project, model.run, session.classes, threshold)
            self.files.columns.unknown_threshold = threshold
            self.model_changed.emit()
            self.rows_changed.emit(np.arange(len(self.files), dtype=np.int64))

    def _show_labels(self) -> None:
        """Takes over the classes that corrected files have in the project now, also after an undo."""
        self._show_threshold()
        files, session = self.files, self._session
        if not files.project_image_ids or session.project is None:
            return
        rows = np.array(list(files.project_image_ids), np.int64)
        ids = np.array(list(files.project_image_ids.values()), np.int64)
        places = np.array([session.row_of(image_id) for image_id in ids.tolist()], np.int64)
        is_there = places >= 0
        now = session.columns.class_ids[places[is_there]]
        rows = rows[is_there]
        changed = files.columns.class_ids[rows] != now
        if changed.any():
            files.columns.class_ids[rows] = now
            self.rows_changed.emit(rows[changed])

    # ---- background

    def in_background(
        self,
        work: Callable[[], Any],
        then: Callable[[Any], None],
        on_error: Callable[[BaseException], None] | None = None,
    ) -> None:
        """Runs something blocking off the GUI thread; one of the two is called in it."""
        self._session.bridge.when_done(self._reader.submit(work), then, on_error or self.failed.emit)
