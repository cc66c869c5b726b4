"""Everything that stands beside the database in case it is lost: the journal, and backups when something changed.

Used in the store thread only. A failure here is never a failure of the user's work, which is in the database by then:
it is kept in `problem`, and tried again.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from sqlite_utils import Database

from engine.errors import StoreError
from engine.store import backup, connection, journal, meta, outbox, replay
from engine.store.failures import environment_errors
from engine.store.journal import Journal

BACKUPS_FOLDER: Final = "backups"
BACKUP_INTERVAL_S: Final = 600.0
MAX_UNSYNCED_LINES: Final = 100
_log = logging.getLogger(__name__)


class SecondCopies:
    """Journal and backups of one open database."""

    def __init__(self, db: Database, folder: Path) -> None:
        """Opens the journal, and makes database and journal tell the same story, whichever of them is behind.

        Raises:
            StoreError: the disk is full, read-only, or failed.
        """
        self._journal_problem: StoreError | None = None
        self._backup_problem: StoreError | None = None
        self._db = db
        self._backups_folder = folder / BACKUPS_FOLDER
        self._file = folder / journal.JOURNAL_FILE
        self._last_backup_at = time.monotonic()
        with environment_errors(self._file):
            self._journal = Journal(self._file)
            try:
                self._reconcile()
            except BaseException:
                self._journal.close()
                raise

    @property
    def problem(self) -> StoreError | None:
        """What went wrong and was not made good yet; None when all is well."""
        return self._journal_problem or self._backup_problem

    def before_commit(self) -> None:
        """Notes, within a transaction that changed something, that the newest backup is not up to date any more."""
        outbox.forget_written(self._db, self._journal.synced_seq)
        if meta.get(self._db, meta.HAS_CHANGED) is None:
            meta.put(self._db, meta.HAS_CHANGED, "1")

    def after_commit(self) -> None:
        """Writes the journal lines of what was committed; they survive the end of the process from here on."""
        try:
            with environment_errors(self._file):
                self._journal.append(outbox.after(self._db, self._journal.last_seq))
        except StoreError as err:
            self._journal_problem = err
            _log.warning("Journal not written, tried again with the next change: %s", err)

    def sync(self, now: bool) -> None:
        """Lets the journal survive a power cut as well: `now`, or when many lines wait for it."""
        if not now and self._journal.last_seq - self._journal.synced_seq <= MAX_UNSYNCED_LINES:
            return
        try:
            with environment_errors(self._file):
                self._journal.sync()
        except StoreError as err:
            self._journal_problem = err
            _log.warning("Journal not synced, tried again with the next change: %s", err)
            return
        if self._journal.last_seq == outbox.last_seq(self._db):
            self._journal_problem = None

    def back_up_if_due(self, between_steps: Callable[[], None]) -> None:
        """Makes a backup when something changed and the last one is a while ago."""
        if time.monotonic() - self._last_backup_at > BACKUP_INTERVAL_S:
            self.back_up_if_changed(between_steps)

    def back_up_if_changed(self, between_steps: Callable[[], None]) -> None:
        """Makes a backup when something changed since the last one."""
        if meta.get(self._db, meta.HAS_CHANGED) is None:
            return
        try:
            self.back_up(between_steps)
        except StoreError as err:
            self._backup_problem = err
            _log.warning("No backup made, tried again later: %s", err)

    def back_up(self, between_steps: Callable[[], None]) -> Path:
        """Makes a backup and returns its file.

        Raises:
            StoreError: the disk is full, read-only, or failed; the older backups are kept.
        """
        self._last_backup_at = time.monotonic()
        with environment_errors(self._backups_folder / journal.JOURNAL_FILE):
            file = backup.make(self._db, self._backups_folder, between_steps)
            with connection.transaction(self._db):
                meta.remove(self._db, meta.HAS_CHANGED)
        self._backup_problem = None
        return file

    def close(self) -> None:
        """Closes the journal."""
        self._journal.close()

    def _reconcile(self) -> None:
        known = outbox.last_seq(self._db)
        if self._journal.last_seq > known:
            with connection.transaction(self._db):
                num_lines = replay.apply(self._db, journal.read_lines(self._file, after=known))
                self.before_commit()
            _log.warning("%s: %d changes brought back from the journal", self._file.parent, num_lines)
        queued = outbox.after(self._db, self._journal.last_seq)
        if queued and queued[0][0] > self._journal.last_seq + 1:  # lines are missing in the file and in the queue
            self._journal.last_seq = queued[-1][0]  # what a line with the whole state tells makes them needless
            with connection.transaction(self._db):
                replay.add_state(self._db)
        self._journal.append(outbox.after(self._db, self._journal.last_seq))
        self._journal.sync()
