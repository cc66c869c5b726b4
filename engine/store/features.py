"""The index of the feature cache: which content hash is which row of which feature file.

The files are the truth and the tables follow them, so a cache folder that was deleted, or a database that came back
from a backup, mends itself at the next `open_set`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from sqlite_utils import Database

from engine.domain import ImageStatus
from engine.store.feature_file import FeatureFile

FEATURES_FOLDER: Final = "features"
HASH_IN_NAME: Final = 12
"""So many characters of the weights' hash are part of a file's name."""
MAX_ROWS_PER_STEP: Final = 20_000
"""Rows indexed in one transaction: keeps the store thread free for labels every few hundredths of a second."""


@dataclass(frozen=True, slots=True)
class FeatureKind:
    """What makes two embeddings comparable. `key` names it uniquely and is also the name of its files."""

    backbone: str
    weights_hash: str
    preprocessing: str
    embedding_size: int

    @property
    def key(self) -> str:
        return f"{self.backbone}-{self.weights_hash[:HASH_IN_NAME]}-{self.preprocessing}"

    def file(self, cache_dir: Path) -> FeatureFile:
        """Returns the cache file of this kind in a project's cache folder. It may not exist yet."""
        return FeatureFile(cache_dir / FEATURES_FOLDER, self.key, self.embedding_size)


def find_set(db: Database, kind: FeatureKind) -> int | None:
    """Returns the id of the feature set; None where the project has none of that kind."""
    found = db.execute("SELECT id FROM feature_sets WHERE key = ?", [kind.key]).fetchone()
    return None if found is None else int(found[0])


def known_rows(db: Database) -> list[tuple[FeatureKind, int]]:
    """Returns every kind of embedding of the project, and how many rows of its file the index speaks of."""
    rows = db.execute(
        """
        SELECT backbone, weights_hash, preprocessing, embedding_size, coalesce(max(row) + 1, 0)
        FROM feature_sets LEFT JOIN feature_rows ON set_id = feature_sets.id GROUP BY feature_sets.id
        """
    ).fetchall()
    return [(FeatureKind(*row[:4]), int(row[4])) for row in rows]


def open_set(db: Database, kind: FeatureKind, file: FeatureFile) -> int:
    """Returns the id of the feature set, adding it when it is new and forgetting rows whose file was lost."""
    set_id = find_set(db, kind)
    if set_id is None:
        values = [kind.key, kind.backbone, kind.weights_hash, kind.preprocessing, kind.embedding_size, file.name]
        cursor = db.execute(
            "INSERT INTO feature_sets(key, backbone, weights_hash, preprocessing, embedding_size, file)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            values,
        )
        return int(cursor.lastrowid or 0)
    newest = db.execute(
        "SELECT row, content_hash FROM feature_rows WHERE set_id = ? ORDER BY row DESC LIMIT 1", [set_id]
    ).fetchone()
    if newest is not None and file.hashes(newest[0])[:1] != [newest[1]]:
        db.execute("DELETE FROM feature_rows WHERE set_id = ?", [set_id])
    return set_id


def forget_all(db: Database) -> None:
    """Forgets every row, because the files are about to be deleted."""
    db.execute("DELETE FROM feature_rows")


def index_new_rows(db: Database, set_id: int, file: FeatureFile) -> int:
    """Indexes up to MAX_ROWS_PER_STEP rows that are in the file and not in the index; returns how many it looked at."""
    start = _next_row(db, set_id)
    hashes = file.hashes(start)[:MAX_ROWS_PER_STEP]
    db.conn.executemany(
        "INSERT OR REPLACE INTO feature_rows(set_id, content_hash, row) VALUES (?, ?, ?)",
        [(set_id, content_hash, start + index) for index, content_hash in enumerate(hashes)],
    )
    return len(hashes)


def rows_of(db: Database, set_id: int, hashes: Iterable[str]) -> NDArray[np.int64]:
    """Returns the row of each content hash, -1 for those that are not in the cache."""
    known = dict(db.execute("SELECT content_hash, row FROM feature_rows WHERE set_id = ?", [set_id]).fetchall())
    return np.array([known.get(content_hash, -1) for content_hash in hashes], np.int64)


def embedded_images(db: Database, set_id: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Returns the ids (N,) of the readable images that are in the cache, as filed, and their rows (N,)."""
    found = db.execute(
        """
        SELECT images.id, feature_rows.row FROM images
        JOIN feature_rows ON feature_rows.set_id = ? AND feature_rows.content_hash = images.content_hash
        WHERE images.status = ? ORDER BY images.position
        """,
        [set_id, int(ImageStatus.READABLE)],
    ).fetchall()
    table = np.array(found, np.int64).reshape(-1, 2)
    return table[:, 0], table[:, 1]


def missing_images(db: Database, set_id: int) -> list[int]:
    """Returns a readable image for each content that is not in the cache, as filed."""
    found = db.execute(
        """
        SELECT min(id) FROM images WHERE status = ? AND content_hash <> '' AND NOT EXISTS (
            SELECT 1 FROM feature_rows WHERE set_id = ? AND feature_rows.content_hash = images.content_hash
        )
        GROUP BY content_hash ORDER BY min(position)
        """,
        [int(ImageStatus.READABLE), set_id],
    )
    return [image_id for (image_id,) in found]


def _next_row(db: Database, set_id: int) -> int:
    newest = db.execute("SELECT max(row) FROM feature_rows WHERE set_id = ?", [set_id]).fetchone()[0]
    return 0 if newest is None else int(newest) + 1
