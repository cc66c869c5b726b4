"""Thumbnails: small JPEGs, kept by content hash in one SQLite file of their own that may be deleted at any time.

Plain `sqlite3` and not the store's thread: nothing here is worth keeping, so it needs no migrations and no durability,
and any thread may read at once. No method raises: a cache that fails is an empty cache.
"""

from __future__ import annotations

import json
import logging
import os
import sqlite3
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import simplejpeg

from engine.domain import ImageRecord
from engine.images.decode import decode_bytes
from engine.images.files import read_bytes
from engine.images.hashing import hash_bytes

THUMBNAIL_SIDE_PX: Final = 256
_QUALITY: Final = 80
_KEEP_AFTER_EVICTION: Final = 0.9
_UNSAVED_USES: Final = 512
_MEMORY_MAX_BYTES: Final = 64 << 20
_ENTRY_OVERHEAD_BYTES: Final = 96
_SCHEMA: Final = """
    CREATE TABLE IF NOT EXISTS thumbnails (
        content_hash TEXT PRIMARY KEY,
        used INTEGER NOT NULL,
        size_bytes INTEGER NOT NULL,
        jpeg BLOB NOT NULL
    ) STRICT;
    CREATE INDEX IF NOT EXISTS thumbnails_by_use ON thumbnails (used, size_bytes);
"""

_log = logging.getLogger(__name__)


def make_thumbnail(path: Path, side_px: int = THUMBNAIL_SIDE_PX) -> bytes:
    """Returns a JPEG (quality 80) of an image, upright, its longer side at most `side_px`.

    Raises:
        ImageError: the file cannot be decoded.
    """
    return thumbnail_from_bytes(read_bytes(path), side_px)


def thumbnail_from_bytes(data: bytes, side_px: int = THUMBNAIL_SIDE_PX) -> bytes:
    """As `make_thumbnail`, for a file that is already in memory."""
    pixels = decode_bytes(data, side_px)
    jpeg: bytes = simplejpeg.encode_jpeg(pixels, quality=_QUALITY, colorsubsampling="420")
    return jpeg


def provisional_key(record: ImageRecord) -> str:
    """Returns the key of an image whose content was not hashed yet: that of this file as it was when it was found."""
    facts = (os.fsencode(record.path), str(record.size_bytes).encode(), str(record.mtime_ns).encode())
    return "file-" + hash_bytes(b"\0".join(facts))


def cache_key(record: ImageRecord) -> str:
    """Returns the key under which an image's thumbnail is kept from now on."""
    return record.content_hash or provisional_key(record)


class ThumbnailCache:
    """Thumbnails by content hash, the least recently used ones dropped beyond `max_bytes`. Safe from any thread.

    A damaged cache file is deleted and begun again; where the folder cannot be written, a small cache in memory takes
    its place.
    """

    def __init__(self, file: Path, max_bytes: int = 2 << 30) -> None:
        self._file = file
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        self._uses: dict[str, int] = {}
        self._clock = 0
        self._num_bytes = 0
        self._connection: sqlite3.Connection | None = None
        with self._lock:
            self._open()

    def get(self, content_hash: str) -> bytes | None:
        """Returns the JPEG, or None when it is not there."""
        with self._lock:
            if self._connection is None:
                return None
            try:
                row = self._connection.execute(
                    "SELECT jpeg FROM thumbnails WHERE content_hash = ?", (content_hash,)
                ).fetchone()
                if row is None:
                    return None
                self._note_use(content_hash)
            except sqlite3.Error as err:
                self._recover(err)
                return None
            jpeg: bytes = row[0]
            return jpeg

    def get_of(self, record: ImageRecord) -> bytes | None:
        """Returns an image's JPEG; one made before the content was hashed gets its lasting key now."""
        jpeg = self.get(cache_key(record))
        if jpeg is None and record.content_hash:
            first_key = provisional_key(record)
            jpeg = self.get(first_key)
            if jpeg is not None:
                self.put(record.content_hash, jpeg)
                self.drop(first_key)
        return jpeg

    def drop(self, content_hash: str) -> None:
        """Forgets a thumbnail."""
        with self._lock:
            if self._connection is None:
                return
            try:
                gone = self._connection.execute(
                    "DELETE FROM thumbnails WHERE content_hash = ? RETURNING size_bytes", (content_hash,)
                ).fetchall()
                self._num_bytes -= sum(row[0] + _ENTRY_OVERHEAD_BYTES for row in gone)
            except sqlite3.Error as err:
                self._recover(err)

    def put(self, content_hash: str, jpeg: bytes) -> None:
        """Keeps a thumbnail, in place of an older one of the same image."""
        with self._lock:
            if self._connection is None:
                return
            try:
                self._clock += 1
                old = self._connection.execute(
                    "SELECT size_bytes FROM thumbnails WHERE content_hash = ?", (content_hash,)
                ).fetchone()
                self._connection.execute(
                    "INSERT OR REPLACE INTO thumbnails VALUES (?, ?, ?, ?)",
                    (content_hash, self._clock, len(jpeg), jpeg),
                )
                self._num_bytes += len(jpeg) + _ENTRY_OVERHEAD_BYTES
                self._num_bytes -= old[0] + _ENTRY_OVERHEAD_BYTES if old else 0
                if self._num_bytes > self._max_bytes:
                    self._evict()
            except sqlite3.Error as err:
                self._recover(err)

    def missing(self, content_hashes: Iterable[str]) -> list[str]:
        """Returns those of the hashes that have no thumbnail yet, in the order given."""
        wanted = list(content_hashes)
        present: set[str] = set()
        with self._lock:
            if self._connection is not None:
                try:
                    rows = self._connection.execute(
                        "SELECT content_hash FROM thumbnails WHERE content_hash IN (SELECT value FROM json_each(?))",
                        (json.dumps(wanted),),
                    )
                    present = {row[0] for row in rows}
                except sqlite3.Error as err:
                    self._recover(err)
        return [content_hash for content_hash in wanted if content_hash not in present]

    @property
    def num_bytes(self) -> int:
        """What the cached thumbnails take together."""
        with self._lock:
            return self._num_bytes

    def empty(self) -> None:
        """Forgets all thumbnails and gives their room on the disk back; they are made again when they are wanted."""
        with self._lock:
            if self._connection is not None:
                self._uses.clear()
                self._connection.close()
                self._connection = None
                self._delete_files()
                self._open()

    def close(self) -> None:
        """Closes the file; afterwards the cache is empty. May be called twice."""
        with self._lock:
            if self._connection is not None:
                try:
                    self._save_uses()
                except sqlite3.Error as err:
                    _log.info("thumbnail cache: last uses not saved: %s", err)
                self._connection.close()
                self._connection = None

    def _open(self) -> None:
        try:
            self._connection = self._connect()
            return
        except sqlite3.Error as err:
            _log.warning("thumbnail cache %s cannot be used, begun again: %s", self._file, err)
        self._delete_files()
        try:
            self._connection = self._connect()
        except sqlite3.Error as err:
            _log.warning("thumbnails are kept in memory only: %s", err)
            self._max_bytes = min(self._max_bytes, _MEMORY_MAX_BYTES)
            self._connection = self._prepare(sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None))

    def _connect(self) -> sqlite3.Connection:
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
        except OSError as err:
            raise sqlite3.OperationalError(str(err)) from err
        return self._prepare(sqlite3.connect(self._file, timeout=2.0, check_same_thread=False, isolation_level=None))

    def _prepare(self, connection: sqlite3.Connection) -> sqlite3.Connection:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = OFF")  # losing thumbnails in a power cut costs nothing
            connection.executescript(_SCHEMA)
            newest, total, count = connection.execute(
                "SELECT ifnull(max(used), 0), ifnull(sum(size_bytes), 0), count(*) FROM thumbnails"
            ).fetchone()
        except sqlite3.Error:
            connection.close()
            raise
        self._clock = newest
        self._num_bytes = total + count * _ENTRY_OVERHEAD_BYTES
        return connection

    def _note_use(self, content_hash: str) -> None:
        """Remembers a read; written in blocks, because a write for every read would cost more than the read."""
        self._clock += 1
        self._uses[content_hash] = self._clock
        if len(self._uses) >= _UNSAVED_USES:
            self._save_uses()

    def _save_uses(self) -> None:
        if self._uses and self._connection is not None:
            uses, self._uses = self._uses, {}
            self._connection.execute("BEGIN IMMEDIATE")
            self._connection.executemany(
                "UPDATE thumbnails SET used = ? WHERE content_hash = ?", [(use, name) for name, use in uses.items()]
            )
            self._connection.execute("COMMIT")

    def _evict(self) -> None:
        assert self._connection is not None
        self._save_uses()
        excess = self._num_bytes - int(self._max_bytes * _KEEP_AFTER_EVICTION)
        rows = self._connection.execute("SELECT used, size_bytes FROM thumbnails ORDER BY used, size_bytes")
        last_use = 0
        for used, size_bytes in rows:
            if excess <= 0:
                break
            last_use = used
            excess -= size_bytes + _ENTRY_OVERHEAD_BYTES
        rows.close()
        self._connection.execute("DELETE FROM thumbnails WHERE used <= ?", (last_use,))
        total, count = self._connection.execute(
            "SELECT ifnull(sum(size_bytes), 0), count(*) FROM thumbnails"
        ).fetchone()
        self._num_bytes = total + count * _ENTRY_OVERHEAD_BYTES

    def _recover(self, err: sqlite3.Error) -> None:
        """Begins the file again after it turned out to be damaged; a full disk or a lock just passes."""
        self._uses.clear()
        connection = self._connection
        if connection is None:
            return
        if connection.in_transaction:
            try:
                connection.execute("ROLLBACK")
            except sqlite3.Error as rollback_err:
                _log.info("thumbnail cache: %s", rollback_err)
        if isinstance(err, sqlite3.OperationalError):
            _log.info("thumbnail cache: %s", err)
            return
        _log.warning("thumbnail cache %s is damaged, begun again: %s", self._file, err)
        connection.close()
        self._connection = None
        self._delete_files()
        self._open()

    def _delete_files(self) -> None:
        for suffix in ("", "-wal", "-shm", "-journal"):
            try:
                self._file.with_name(self._file.name + suffix).unlink(missing_ok=True)
            except OSError as err:
                _log.info("thumbnail cache: %s", err)
