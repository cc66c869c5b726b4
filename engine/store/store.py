"""The store thread: holds the only connection, runs work in the order it was handed over, one transaction each.

A future completes only when the change is committed and synced. Failures of the disk come out of it as StoreError, with
the transaction rolled back and the store ready for the next work.
"""

from __future__ import annotations

import logging
import shutil
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import ClassVar, Final, TypeVar

from sqlite_utils import Database

from engine.errors import ProjectInUseError, StoreError
from engine.store import backup, connection, copying, journal, meta, outbox, owner, replay, schema
from engine.store.failures import damaged, environment_errors, store_error
from engine.store.journal import Journal
from engine.store.migrations import SCHEMA_VERSION

T = TypeVar("T")
Work = Callable[[Database], T]

DATABASE_FILE: Final = "project.db"
BACKUPS_FOLDER: Final = "backups"
MAX_UNSYNCED_LINES: Final = 100
MAX_WRITES_IN_LOG: Final = 50
BACKUP_INTERVAL_S: Final = 600.0
_log = logging.getLogger(__name__)


class Store:
    """The database of one open project. Thread-safe; make it with `create` or `open`."""

    _open_here: ClassVar[dict[Path, Store]] = {}
    """Folders that this process has open. Needed because POSIX drops a process's locks on a file when it closes any
    handle of that file, so that nothing here may even look at the database a second time."""
    _open_here_lock: ClassVar[threading.Lock] = threading.Lock()

    @classmethod
    def create(cls, folder: Path, name: str) -> Store:
        """Makes the database of a new project in an existing folder and opens it.

        Raises:
            StoreError: the disk is full, read-only, or failed.
        """
        file = folder / DATABASE_FILE
        with environment_errors(file):
            schema.create(file, name)
        return cls.open(folder)

    @classmethod
    def open(cls, folder: Path, read_only: bool = False) -> Store:
        """Opens the database in a folder; with `read_only` a private copy of it, so that the original is not touched.

        Raises:
            ProjectInUseError: another window (or this one) has it open.
            ProjectDamagedError: it is damaged.
            StoreError: it is from a newer program, or the disk failed.
        """
        folder = folder.resolve()
        store = cls(folder, read_only)
        if read_only:
            store._open_copy()
            return store
        with cls._open_here_lock:
            if folder in cls._open_here:
                raise _open_here_error(folder)
            cls._open_here[folder] = store
        try:
            store._start(store._file)
        except BaseException:
            store._forget()
            raise
        return store

    @classmethod
    def refuse_open_here(cls, folder: Path) -> None:
        """Does nothing for a folder that this process does not have open.

        Raises:
            ProjectInUseError: it has.
        """
        with cls._open_here_lock:
            if folder.resolve() in cls._open_here:
                raise _open_here_error(folder)

    def __init__(self, folder: Path, read_only: bool) -> None:
        self.folder = folder
        self.read_only = read_only
        self.problem: StoreError | None = None
        """What went wrong with the second copies (journal, backup) last, while the database itself is fine."""
        self._db: Database | None = None
        self._file = folder / DATABASE_FILE
        """The database that messages speak of; the one that is open may be a copy of it."""
        self._journal: Journal | None = None
        self._waiting: deque[Callable[[], None]] = deque()
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="store")
        self._thread_id = 0
        self._is_closed = False
        self._is_backing_up = False
        self._num_writes_in_log = 0
        self._last_backup_at = time.monotonic()
        self._gate = threading.Lock()
        self._temporary_folder: Path | None = None

    @property
    def backups_folder(self) -> Path:
        """Where backups go."""
        return self.folder / BACKUPS_FOLDER

    def submit(self, work: Work[T]) -> Future[T]:
        """Hands work over; it runs in the store thread in one transaction, and the future completes when it is durable.

        Raises:
            StoreError: the store is closed.
        """
        future: Future[T] = Future()
        with self._gate:
            if self._is_closed:
                raise StoreError("The project is closed.", "Open it again.")
            self._waiting.append(partial(self._serve, work, future))
            self._executor.submit(self._serve_next)
        return future

    def call(self, work: Work[T]) -> T:
        """Does the work as `submit` and waits for its answer. Not from within the store thread."""
        if threading.get_ident() == self._thread_id:
            raise RuntimeError("call() from the store thread would wait for itself; use the database you were given")
        return self.submit(work).result()

    def back_up(self) -> Future[Path]:
        """Starts a backup; work that is handed over meanwhile is done in between."""
        return self._executor.submit(self._back_up)

    def close(self) -> None:
        """Does all work that was handed over, makes a backup if something changed, and closes. Safe to call again."""
        with self._gate:
            if self._is_closed:
                return
            self._is_closed = True
            closing = self._executor.submit(self._close)
        try:
            closing.result()
        finally:
            self._executor.shutdown()
            self._forget()

    # ---- starting and stopping

    def _start(self, file: Path) -> None:
        try:
            self._executor.submit(self._open, file).result()
        except BaseException:
            self._executor.shutdown()
            raise

    def _open(self, file: Path) -> None:
        self._thread_id = threading.get_ident()
        try:
            with environment_errors(self._file):
                self._db = connection.connect(file, origin=self._file)
        except ProjectInUseError as err:
            raise owner.in_use_error(self.folder) from err
        except (
            sqlite3.Error,
            UnicodeDecodeError,
        ) as err:  # such as a table that is not there: nothing a sound one says
            raise damaged(self._file) from err
        try:
            with environment_errors(self._file):
                self._bring_up_to_date(self._db)
        except BaseException:
            self._release()
            raise

    def _bring_up_to_date(self, db: Database) -> None:
        version = schema.version(db)
        if version < SCHEMA_VERSION:
            if not self.read_only:
                backup.make_before_update(db, self.backups_folder, version)
            schema.migrate(db)
        if self.read_only:
            return
        owner.write_note(self.folder)
        self._journal = Journal(self.folder / journal.JOURNAL_FILE)
        self._reconcile(db, self._journal)
        if meta.get(db, meta.HAS_CHANGED):
            self._executor.submit(self._back_up_if_changed)

    def _reconcile(self, db: Database, second: Journal) -> None:
        """Makes database and journal tell the same story, whichever of them is behind."""
        known = outbox.last_seq(db)
        if second.last_seq > known:
            lines = journal.read_lines(self.folder / journal.JOURNAL_FILE, after=known)
            num_lines = self._transact(lambda database: replay.apply(database, lines))
            _log.warning("%s: %d changes brought back from the journal", self.folder, num_lines)
        queued = outbox.after(db, second.last_seq)
        if queued and queued[0][0] > second.last_seq + 1:  # lines are missing in the file and gone from the queue
            second.last_seq = queued[-1][0]  # what the state line tells makes those before it needless
            self._transact(replay.add_state)
        self._write_journal(db)
        self._sync_journal()

    def _open_copy(self) -> None:
        with self._open_here_lock:
            own = self._open_here.get(self.folder)
        with environment_errors(self._file):
            self._temporary_folder = copying.make_temporary_folder()
            copy = self._temporary_folder / DATABASE_FILE
        try:
            with environment_errors(self._file):
                if own is not None:
                    own._executor.submit(own._copy_to, copy).result()
                else:
                    copying.copy_database(self._file, copy)
            self._start(copy)
        except BaseException:
            self._forget()
            raise

    def _close(self) -> None:
        self._sync_journal()
        self._back_up_if_changed()
        self._release()

    def _release(self) -> None:
        if self._db is not None:
            self._db.close()
            self._db = None
        if self._journal is not None:
            self._journal.close()
            self._journal = None
            owner.remove_note(self.folder)

    def _forget(self) -> None:
        with self._open_here_lock:
            if self._open_here.get(self.folder) is self:
                del self._open_here[self.folder]
        if self._temporary_folder is not None:
            shutil.rmtree(self._temporary_folder, ignore_errors=True)

    # ---- in the store thread

    def _serve_next(self) -> None:
        try:
            serve = self._waiting.popleft()
        except IndexError:  # done already, between two steps of a backup
            return
        serve()

    def _serve(self, work: Work[T], future: Future[T]) -> None:
        if not future.set_running_or_notify_cancel():
            return
        try:
            result = self._transact(work)
        except BaseException as err:  # noqa: BLE001  whatever it is, it belongs to the one who waits for the future
            future.set_exception(err)
        else:
            future.set_result(result)
        self._tidy_up()

    def _transact(self, work: Work[T]) -> T:
        db = self._connected()
        try:
            # Writing from the start, also for reading work: a later upgrade of the lock could fail half-way.
            db.conn.execute("BEGIN IMMEDIATE")
            changes_before = db.conn.total_changes
            try:
                result = work(db)
                has_changed = db.conn.total_changes != changes_before
                if has_changed:
                    self._note_change(db)
                db.conn.execute("COMMIT")
            finally:
                if db.conn.in_transaction:
                    db.conn.execute("ROLLBACK")
        except (sqlite3.Error, OSError) as err:
            translated = store_error(err, self._file)
            if translated is None:
                raise
            raise translated from err
        if has_changed:
            self._num_writes_in_log += 1
            self._write_journal(db)
        return result

    def _tidy_up(self) -> None:
        """Does, after an answer, what nobody should wait for; the change is durable in the database already.

        The line for the journal is written, but perhaps not synced; the database keeps it until it is.
        """
        is_idle = not self._waiting
        if is_idle or self._num_unsynced() > MAX_UNSYNCED_LINES:
            self._sync_journal()
        if is_idle and self._num_writes_in_log > MAX_WRITES_IN_LOG and not self._is_backing_up:
            self._empty_log()
        if is_idle and time.monotonic() - self._last_backup_at > BACKUP_INTERVAL_S:
            self._back_up_if_changed()

    def _empty_log(self) -> None:
        self._num_writes_in_log = 0
        try:
            self._connected().execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        except sqlite3.Error as err:  # the log stays as it is, and is tried again
            _log.warning("The write-ahead log could not be emptied: %s", err)

    def _note_change(self, db: Database) -> None:
        if self._journal is not None:
            outbox.forget_written(db, self._journal.synced_seq)
        if meta.get(db, meta.HAS_CHANGED) is None:
            meta.put(db, meta.HAS_CHANGED, "1")

    def _write_journal(self, db: Database) -> None:
        """Writes queued lines. A failure is no failure of the work: it is committed, and the lines stay queued."""
        if self._journal is None:
            return
        try:
            self._journal.append(outbox.after(db, self._journal.last_seq))
        except OSError as err:
            self._note_problem(err)

    def _sync_journal(self) -> None:
        if self._journal is None:
            return
        try:
            self._journal.sync()
        except OSError as err:
            self._note_problem(err)

    def _num_unsynced(self) -> int:
        return self._journal.last_seq - self._journal.synced_seq if self._journal is not None else 0

    def _note_problem(self, err: OSError) -> None:
        self.problem = store_error(err, self.folder / journal.JOURNAL_FILE)
        _log.warning("Journal not written, tried again with the next change: %s", self.problem)

    def _back_up_if_changed(self) -> None:
        if self._db is None or self._journal is None or self._is_backing_up:
            return
        if meta.get(self._db, meta.HAS_CHANGED) is None:
            return
        try:
            self._back_up()
        except StoreError as err:  # the project itself is fine, and the older backups are kept
            self.problem = err
            _log.warning("No backup made: %s", err)

    def _back_up(self) -> Path:
        db = self._connected()
        self._last_backup_at = time.monotonic()
        self._is_backing_up = True
        try:
            with environment_errors(self.backups_folder / DATABASE_FILE):
                file = backup.make(db, self.backups_folder, between_steps=self._serve_next)
        finally:
            self._is_backing_up = False
        self._transact_quietly(lambda database: meta.remove(database, meta.HAS_CHANGED))
        return file

    def _transact_quietly(self, work: Work[None]) -> None:
        db = self._connected()
        with environment_errors(self._file):
            db.conn.execute("BEGIN IMMEDIATE")
            try:
                work(db)
                db.conn.execute("COMMIT")
            finally:
                if db.conn.in_transaction:
                    db.conn.execute("ROLLBACK")

    def _copy_to(self, file: Path) -> None:
        backup.copy_to(self._connected(), file, between_steps=self._serve_next)

    def _connected(self) -> Database:
        if self._db is None:
            raise StoreError("The project is closed.", "Open it again.")
        return self._db


def _open_here_error(folder: Path) -> ProjectInUseError:
    return ProjectInUseError(
        f"The project in {folder} is open in this program already.", "Close it first, or open a read-only copy."
    )
