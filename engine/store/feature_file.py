"""The cache file of one kind of embedding: rows of float32, appended durably, never changed. Knows no database.

float32 and not float16: rounding the features moved probabilities by up to 0.002, twenty times what an export may
differ from what the window shows.

Two files share a name: `<name>.f32` holds the rows, `<name>.rows` the content hash of each row (16 bytes). A row counts
when its hash is there, and the hash is written only after the row is on the disk; what a crash left behind that is
overwritten by the next append. One writer at a time (the embedding job), any number of readers.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from engine import syncing
from engine.files import disk_error

HASH_BYTES: Final = 16
ROW_ITEM_BYTES: Final = 4


class FeatureFile:
    """Embeddings (rows, D) in a folder that may be deleted at any time. Safe to pickle and to use from any process."""

    def __init__(self, folder: Path, name: str, embedding_size: int) -> None:
        self.folder = folder
        self.name = name
        self.embedding_size = embedding_size

    @property
    def data_path(self) -> Path:
        return self.folder / f"{self.name}.f32"

    @property
    def rows_path(self) -> Path:
        return self.folder / f"{self.name}.rows"

    def num_rows(self) -> int:
        """Returns how many rows are complete: those with their hash and their data."""
        row_bytes = self.embedding_size * ROW_ITEM_BYTES
        return min(_size(self.rows_path) // HASH_BYTES, _size(self.data_path) // row_bytes)

    def hashes(self, start: int = 0) -> list[str]:
        """Returns the content hashes of the complete rows from `start` on, in order."""
        count = self.num_rows() - start
        if count <= 0:
            return []
        with open(self.rows_path, "rb") as file:
            file.seek(start * HASH_BYTES)
            text = file.read(count * HASH_BYTES).hex()
        return [text[index : index + 2 * HASH_BYTES] for index in range(0, len(text), 2 * HASH_BYTES)]

    def append(self, hashes: Sequence[str], features: NDArray[np.floating[Any]]) -> None:
        """Adds rows (n, D), which must be finite. They are on the disk when this returns.

        Raises:
            DiskError: the disk is full or refuses; the complete rows stay as they were.
            ValueError: a row is not finite, or the shapes do not match.
        """
        rows = np.ascontiguousarray(features, np.float32)
        if rows.shape != (len(hashes), self.embedding_size) or not np.isfinite(rows).all():
            raise ValueError("rows must be finite and match their hashes")
        complete = self.num_rows()
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            _append_at(self.data_path, complete * self.embedding_size * ROW_ITEM_BYTES, rows.tobytes())
            _append_at(self.rows_path, complete * HASH_BYTES, bytes.fromhex("".join(hashes)))
        except OSError as err:
            raise disk_error(err, self.data_path) from err

    def read(self, rows: NDArray[np.int64], num_columns: int | None = None) -> NDArray[np.float32]:
        """Returns the embeddings (len(rows), D) of these rows as float32, or their first `num_columns` numbers."""
        if len(rows) == 0:
            return np.empty((0, num_columns or self.embedding_size), np.float32)
        shape = (self.num_rows(), self.embedding_size)
        mapped = np.memmap(self.data_path, np.float32, mode="r", shape=shape)
        return np.asarray(mapped[rows] if num_columns is None else mapped[rows, :num_columns])


def _append_at(path: Path, offset: int, data: bytes) -> None:
    """Writes durably at `offset`, dropping whatever an unfinished append left there."""
    with open(path, "r+b" if path.exists() else "w+b") as file:
        file.truncate(offset)
        file.seek(offset)
        file.write(data)
        file.flush()
        syncing.sync_handle(file.fileno())


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
