"""A folder that is watched: new files are classified as they come, noted in a table, and sorted if that is wanted."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from PySide6.QtCore import QObject, QTimer, Signal

from engine.events import FilesClassified, JobEnded, JobFailed
from engine.exporters.sorted_files import SortPlan
from engine.images.arrivals import ArrivalFinder, Arrivals
from engine.jobs import JobHandle, Priority
from engine.language import tr, trn
from gui.use_session import UseSession

LOOK_MS = 1000
SLOW_S = 8.0
"""A look that takes this long is said: the drive does not answer."""
BATCH = 256
RETRY_MS = 5000
GONE: Final = tr("The folder is not there. It is looked for all the time.")
SLOW: Final = tr("The drive takes its time to answer.")


@dataclass(frozen=True, slots=True)
class WatchPlan:
    """What is watched, and what is made of what comes. `takes_present`: also of the pictures that are there now."""

    folder: Path
    takes_present: bool = False
    table: Path | None = None
    sort: SortPlan | None = None


class UseWatch(QObject):
    """One folder at a time. Looks in a thread of its own, which may hang on a drive; the engine classifies."""

    changed = Signal()

    def __init__(self, use: UseSession) -> None:
        super().__init__(use)
        self._use = use
        self.plan: WatchPlan | None = None
        self.num_classified = 0
        self.num_failed = 0
        self.problem = ""
        """Why nothing comes at the moment, or what went wrong last."""
        self._found = Arrivals()
        self._finder: ArrivalFinder | None = None
        self._pool: ThreadPoolExecutor | None = None
        self._is_looking = False
        self._num_looks = 0
        self._waiting: list[Path] = []
        self._failed: list[Path] = []
        self._handle: JobHandle | None = None
        self._token = 0
        self._num_asked = 0
        self._timer = QTimer(self, interval=LOOK_MS)
        self._timer.timeout.connect(self._look)
        self._slow = QTimer(self, singleShot=True, interval=int(1000 * SLOW_S))
        self._slow.timeout.connect(self._on_slow)
        use.bridge.files_classified.connect(self._on_files_classified)
        use.model_will_change.connect(self.stop)

    @property
    def is_running(self) -> bool:
        return self.plan is not None

    def start(self, plan: WatchPlan) -> None:
        """Watches a folder from now on, instead of the one before."""
        self.stop()
        self.plan = plan
        self.num_classified = self.num_failed = 0
        self.problem = ""
        self._found = Arrivals()
        skip = [plan.sort.folder] if plan.sort is not None else []
        self._finder = ArrivalFinder(plan.folder, plan.takes_present, skip)
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="use-watch")
        self._is_looking = False
        self._timer.start()
        self.changed.emit()
        self._look()

    def stop(self) -> None:
        """Watches no longer. What was classified stays."""
        if self.plan is None:
            return
        self.plan, self._finder = None, None
        self._timer.stop()
        self._slow.stop()
        self._waiting.clear()
        if self._handle is not None:
            self._handle.cancel()
        self._handle, self._token, self._num_asked = None, 0, 0
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
            self._pool = None
        self.changed.emit()

    def words(self) -> tuple[str, str]:
        """Returns what is watched and how it goes."""
        plan = self.plan
        if plan is None:
            return "", ""
        parts = [trn("{number:,} picture so far", "{number:,} pictures so far", self.num_classified)]
        if self._num_asked or self._waiting:
            parts.append(tr("{num_pictures:,} being classified", num_pictures=self._num_asked + len(self._waiting)))
        if self._found.num_waiting:
            parts.append(tr("{num_pictures:,} still being written", num_pictures=self._found.num_waiting))
        if self.num_failed:
            parts.append(tr("{num_pictures:,} could not be read", num_pictures=self.num_failed))
        parts += [plan.table.name] if plan.table is not None else []
        parts += [tr("sorted into {folder}", folder=plan.sort.folder.name)] if plan.sort is not None else []
        return tr("Watching {folder}", folder=plan.folder), self.problem or " · ".join(parts)

    # ---- looking

    def _look(self) -> None:
        finder, pool = self._finder, self._pool
        if finder is None or pool is None or self._is_looking:
            return
        self._is_looking = True
        self._slow.start()
        failed, self._failed = self._failed, []

        def look() -> tuple[Arrivals, list[Path]]:
            given_up = finder.try_again(failed)
            return finder.look(), given_up

        def found(result: tuple[Arrivals, list[Path]]) -> None:
            if self._finder is finder:
                self._take(*result)

        def failed_to_look(error: BaseException) -> None:
            if self._finder is finder:
                self._is_looking = False
                self.problem = str(error)
                self.changed.emit()

        self._use.bridge.when_done(pool.submit(look), found, failed_to_look)

    def _take(self, found: Arrivals, given_up: list[Path]) -> None:
        self._is_looking = False
        self._slow.stop()
        is_news = (found.num_waiting, found.is_there) != (self._found.num_waiting, self._found.is_there)
        self._found = found
        self.num_failed += len(given_up)
        if not found.is_there:
            self.problem = GONE
        elif self.problem in (GONE, SLOW):
            self.problem = ""
        self._waiting += found.complete
        self._classify()
        if is_news or found.complete or given_up:
            self.changed.emit()

    def _on_slow(self) -> None:
        self.problem = SLOW
        self.changed.emit()

    # ---- classifying

    def _classify(self) -> None:
        from engine.tasks.classify_files import ClassifyFiles

        plan, model = self.plan, self._use.model
        if plan is None or model is None or self._handle is not None or not self._waiting:
            return
        batch, self._waiting = self._waiting[:BATCH], self._waiting[BATCH:]
        self._token = token = self._use.next_token()
        self._num_asked = len(batch)
        job = ClassifyFiles(
            model.source,
            batch,
            run=model.run,
            table=plan.table,
            is_resumed=True,
            sorting=plan.sort,
            token=token,
        )
        self._handle = self._use.bridge.submit(
            job, Priority.INTERACTIVE, on_end=lambda end: self._on_end(token, batch, end)
        )

    def _on_files_classified(self, event: FilesClassified) -> None:
        if event.token != self._token or not self._token:
            return
        self._failed += [each.path for each in event.predictions if each.reason]
        self.num_classified += sum(not each.reason for each in event.predictions)
        self._num_asked = max(0, self._num_asked - len(event.predictions))
        self._use.take(event)
        self.changed.emit()

    def _on_end(self, token: int, batch: list[Path], end: JobEnded) -> None:
        if token != self._token:
            return
        self._handle, self._token, self._num_asked = None, 0, 0
        if isinstance(end, JobFailed) and len(batch) == 1:
            self._failed += batch  # it may be gone; where it is not, it is tried again
        elif isinstance(end, JobFailed):
            # None of it is lost: it is tried again, for the disk may have room by then.
            self.problem = tr("{error} Tried again all the time.", error=end.error)
            self._waiting = [path for path in batch if not self._is_known(path)] + self._waiting
            self.changed.emit()
            QTimer.singleShot(RETRY_MS, self, self._classify)
            return
        if self.problem and self._found.is_there:
            self.problem = ""
            self.changed.emit()
        self._classify()

    def _is_known(self, path: Path) -> bool:
        row = self._use.files.row_of(path)
        return row >= 0 and bool(np.isfinite(self._use.files.columns.confidences[row]))
