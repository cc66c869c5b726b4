"""The store thread: holds the only connection, runs work in the order it was handed over, one transaction each.

A future completes only when the change is committed and synced. Failures of the disk come out of it as StoreError, with
the transaction rolled back and the store ready for the next work.
"""

from __future__ import annotations

import logging
import shutil
import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import ClassVar, Final, TypeVar

from sqlite_utils import Database

from engine.errors import ProjectInUseError, StoreError
from engine.language import tr
from engine.store import backup, connection, copying, owner, schema
from engine.store.failures import damaged, environment_errors
from engine.store.migrations import SCHEMA_VERSION
from engine.store.second_copies import BACKUPS_FOLDER, SecondCopies

T = TypeVar("T")
Work = Callable[[Database], T]

DATABASE_FILE: Final = "project.db"
MAX_WRITES_IN_LOG: Final = 50
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
            backup.set_aside(file, folder / BACKUPS_FOLDER)
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
        self._db: Database | None = None
        self._file = folder / DATABASE_FILE
        """The database that messages speak of; the one that is open may be a copy of it."""
        self._copies: SecondCopies | None = None
        self._waiting: deque[Callable[[], None]] = deque()
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="store")
        self._thread_id = 0
        self._is_closed = False
        self._is_copying = False
        self._num_writes_in_log = 0
        self._gate = threading.Lock()
        self._temporary_folder: Path | None = None

    @property
    def problem(self) -> StoreError | None:
        """What went wrong with journal or backup last, while the work itself is safe in the database."""
        return self._copies.problem if self._copies is not None else None

    def submit(self, work: Work[T]) -> Future[T]:
        """Hands work over; it runs in the store thread in one transaction, and the future completes when it is durable.

        Raises:
            StoreError: the store is closed.
        """
        future: Future[T] = Future()
        with self._gate:
            if self._is_closed:
                raise StoreError(tr("The project is closed."), tr("Open it again."))
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
        except (sqlite3.Error, UnicodeDecodeError) as err:  # nothing that happens with a sound database
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
                backup.make_before_update(db, self.folder / BACKUPS_FOLDER, version)
            schema.migrate(db)
        if self.read_only:
            return
        owner.write_note(self.folder)
        self._copies = SecondCopies(db, self.folder)
        self._executor.submit(self._back_up_if_changed)

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
        if self._copies is not None:
            self._copies.sync(now=True)
        self._back_up_if_changed()
        self._release()

    def _release(self) -> None:
        db, self._db = self._db, None
        copies, self._copies = self._copies, None
        if copies is not None:
            copies.close()
        if db is not None:
            with environment_errors(self._file):
                db.close()
            if not self.read_only:
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
        with environment_errors(self._file):
            with connection.transaction(db):
                changes_before = db.conn.total_changes
                result = work(db)
                has_changed = db.conn.total_changes != changes_before
                if has_changed and self._copies is not None:
                    self._copies.before_commit()
            if has_changed and self._copies is not None:
                self._num_writes_in_log += 1
                self._copies.after_commit()
        return result

    def _tidy_up(self) -> None:
        """Does, after an answer, what nobody should wait for; the change is durable in the database already."""
        if self._copies is None:
            return
        is_idle = not self._waiting
        self._copies.sync(now=is_idle)
        if self._is_copying or not is_idle:
            return
        if self._num_writes_in_log > MAX_WRITES_IN_LOG:
            self._empty_log()
        self._copies.back_up_if_due(self._serve_next)

    def _empty_log(self) -> None:
        self._num_writes_in_log = 0
        try:
            self._connected().execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        except sqlite3.Error as err:  # the log stays as it is, and is tried again
            _log.warning("The write-ahead log could not be emptied: %s", err)

    def _back_up_if_changed(self) -> None:
        if self._copies is not None:
            with self._copying():
                self._copies.back_up_if_changed(self._serve_next)

    def _back_up(self) -> Path:
        if self._copies is None:
            raise StoreError(tr("The project is closed, or open as a read-only copy."), tr("Open the project itself."))
        with self._copying():
            return self._copies.back_up(self._serve_next)

    def _copy_to(self, file: Path) -> None:
        with self._copying():
            backup.copy_to(self._connected(), file, between_steps=self._serve_next)

    @contextmanager
    def _copying(self) -> Iterator[None]:
        """While it lasts, work is done between two steps of a copy, and nothing but work."""
        self._is_copying = True
        try:
            yield
        finally:
            self._is_copying = False

    def _connected(self) -> Database:
        if self._db is None:
            raise StoreError(tr("The project is closed."), tr("Open it again."))
        return self._db


def _open_here_error(folder: Path) -> ProjectInUseError:
    return ProjectInUseError(
        tr("The project in {folder} is open in this program already.", folder=folder),
        tr("Close it first, or open a read-only copy."),
    )
