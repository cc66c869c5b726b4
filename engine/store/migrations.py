"""The steps that lead from an empty file to today's tables. Append only: a released step is never changed.

Each step is one small function; `SCHEMA_VERSION` is the number of steps and is kept in the file as `user_version`.
"""

from __future__ import annotations

from typing import Final

from sqlite_utils import Database, Migrations

APPLICATION_ID: Final = 0x47524654  # "GRFT": lets `file` and our own gate tell a project from any other SQLite file.

migrations: Final = Migrations("graft")


@migrations()
def m0001_first_tables(db: Database) -> None:
    """Images, classes, the append-only history with its derived state, runs, feature index, journal queue."""
    db.executescript(
        """
        CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;

        CREATE TABLE roots(id INTEGER PRIMARY KEY, path BLOB NOT NULL UNIQUE) STRICT;
        CREATE TABLE images(
            id INTEGER PRIMARY KEY,
            root_id INTEGER NOT NULL REFERENCES roots(id),
            relative_path BLOB NOT NULL,
            name TEXT NOT NULL,
            position INTEGER NOT NULL,
            content_hash TEXT NOT NULL,
            size_bytes INTEGER NOT NULL,
            mtime_ns INTEGER NOT NULL,
            width_px INTEGER NOT NULL,
            height_px INTEGER NOT NULL,
            orientation INTEGER NOT NULL,
            taken_at REAL,
            camera TEXT NOT NULL,
            status INTEGER NOT NULL,
            reason TEXT NOT NULL,
            UNIQUE(root_id, relative_path)
        ) STRICT;
        CREATE INDEX images_by_hash ON images(content_hash);

        CREATE TABLE classes(
            id INTEGER PRIMARY KEY,
            name TEXT NOT NULL,
            color TEXT NOT NULL,
            key TEXT,
            position INTEGER NOT NULL,
            deleted INTEGER NOT NULL DEFAULT 0
        ) STRICT;
        CREATE UNIQUE INDEX classes_by_name ON classes(name) WHERE deleted = 0;

        -- state: done | undone | discarded (undone, and overtaken by a new step) | note (an undo or redo itself)
        CREATE TABLE steps(
            id INTEGER PRIMARY KEY,
            kind TEXT NOT NULL,
            text TEXT NOT NULL,
            made_at REAL NOT NULL,
            who TEXT NOT NULL,
            state TEXT NOT NULL CHECK (state IN ('done', 'undone', 'discarded', 'note')),
            target_id INTEGER REFERENCES steps(id)
        ) STRICT;
        CREATE INDEX steps_by_state ON steps(state);

        CREATE TABLE annotations(
            id INTEGER PRIMARY KEY,
            step_id INTEGER NOT NULL REFERENCES steps(id),
            image_id INTEGER NOT NULL REFERENCES images(id),
            class_id INTEGER NOT NULL REFERENCES classes(id),
            action TEXT NOT NULL CHECK (action IN ('add', 'remove')),
            source TEXT NOT NULL
        ) STRICT;
        CREATE INDEX annotations_by_step ON annotations(step_id);
        CREATE INDEX annotations_by_image ON annotations(image_id, step_id);
        CREATE TABLE image_classes(
            image_id INTEGER NOT NULL REFERENCES images(id),
            class_id INTEGER NOT NULL REFERENCES classes(id),
            source TEXT NOT NULL,
            PRIMARY KEY(image_id, class_id)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX image_classes_by_class ON image_classes(class_id);

        CREATE TABLE mark_history(
            step_id INTEGER NOT NULL REFERENCES steps(id),
            image_id INTEGER NOT NULL REFERENCES images(id),
            before INTEGER NOT NULL,
            after INTEGER NOT NULL,
            PRIMARY KEY(step_id, image_id)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE image_marks(image_id INTEGER PRIMARY KEY REFERENCES images(id), marks INTEGER NOT NULL) STRICT;

        -- before and after are JSON rows of the class; null where it did not exist
        CREATE TABLE class_history(
            step_id INTEGER NOT NULL REFERENCES steps(id),
            class_id INTEGER NOT NULL REFERENCES classes(id),
            before TEXT,
            after TEXT,
            PRIMARY KEY(step_id, class_id)
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE runs(
            id INTEGER PRIMARY KEY,
            created_at REAL NOT NULL,
            backbone TEXT NOT NULL,
            weights_hash TEXT NOT NULL,
            depth TEXT NOT NULL,
            seed INTEGER NOT NULL,
            folder TEXT NOT NULL,
            label_step INTEGER NOT NULL,
            num_images INTEGER NOT NULL,
            is_active INTEGER NOT NULL,
            record TEXT NOT NULL,
            deleted INTEGER NOT NULL DEFAULT 0
        ) STRICT;

        CREATE TABLE feature_sets(
            id INTEGER PRIMARY KEY,
            key TEXT NOT NULL UNIQUE,
            backbone TEXT NOT NULL,
            weights_hash TEXT NOT NULL,
            preprocessing TEXT NOT NULL,
            embedding_size INTEGER NOT NULL,
            file TEXT NOT NULL
        ) STRICT;
        CREATE TABLE feature_rows(
            set_id INTEGER NOT NULL REFERENCES feature_sets(id),
            content_hash TEXT NOT NULL,
            row INTEGER NOT NULL,
            PRIMARY KEY(set_id, content_hash)
        ) STRICT, WITHOUT ROWID;

        CREATE INDEX feature_rows_by_row ON feature_rows(set_id, row);

        -- Lines on their way to labels.jsonl. The newest stays, so that max(seq) survives.
        CREATE TABLE journal_outbox(seq INTEGER PRIMARY KEY, line TEXT NOT NULL) STRICT;
        """
    )


@migrations()
def m0002_notes_on_runs(db: Database) -> None:
    """A note of the user's on each version of the model."""
    db.execute("ALTER TABLE runs ADD COLUMN note TEXT NOT NULL DEFAULT ''")


@migrations()
def m0003_several_classes_and_notes(db: Database) -> None:
    """Notes on images, and a history of the project's own settings (how many classes an image may have)."""
    db.executescript(
        """
        CREATE TABLE image_notes(image_id INTEGER PRIMARY KEY REFERENCES images(id), note TEXT NOT NULL) STRICT;
        CREATE TABLE note_history(
            step_id INTEGER NOT NULL REFERENCES steps(id),
            image_id INTEGER NOT NULL REFERENCES images(id),
            before TEXT NOT NULL,
            after TEXT NOT NULL,
            PRIMARY KEY(step_id, image_id)
        ) STRICT, WITHOUT ROWID;

        -- before and after are values of `meta`; null where there was none
        CREATE TABLE setting_history(
            step_id INTEGER NOT NULL REFERENCES steps(id),
            key TEXT NOT NULL,
            before TEXT,
            after TEXT,
            PRIMARY KEY(step_id, key)
        ) STRICT, WITHOUT ROWID;
        """
    )


@migrations()
def m0004_refused_suggestions(db: Database) -> None:
    """Suggestions that somebody looked at and took out, with a history: class ids and runs as JSON, "" for nothing."""
    db.executescript(
        """
        CREATE TABLE image_refusals(image_id INTEGER PRIMARY KEY REFERENCES images(id), refused TEXT NOT NULL) STRICT;
        CREATE TABLE refusal_history(
            step_id INTEGER NOT NULL REFERENCES steps(id),
            image_id INTEGER NOT NULL REFERENCES images(id),
            before TEXT NOT NULL,
            after TEXT NOT NULL,
            PRIMARY KEY(step_id, image_id)
        ) STRICT, WITHOUT ROWID;
        """
    )


SCHEMA_VERSION: Final = 4
