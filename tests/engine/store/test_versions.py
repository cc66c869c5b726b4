"""The version gate: newer files are refused untouched, older ones are backed up and brought up to date."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import pytest

from engine.domain import LabelMode, Mark, class_ids_of
from engine.errors import StoreError
from engine.project import Project
from engine.store import backup, migrations, schema

DATA = Path(__file__).parent / "data"
"""Projects as earlier versions of the tables left them: five images, two classes, three labels, one undone step."""
VERSIONS = range(1, migrations.SCHEMA_VERSION)


@pytest.fixture(params=VERSIONS)
def version(request: pytest.FixtureRequest) -> int:
    return int(request.param)


@pytest.fixture
def older(tmp_path: Path, version: int) -> Path:
    return Path(shutil.copytree(DATA / f"version_{version}", tmp_path / "older"))


def test_the_number_of_migrations_is_the_version() -> None:
    names = [migration.name for migration in migrations.migrations._migrations]
    assert len(names) == migrations.SCHEMA_VERSION
    assert [name[:5] for name in names] == [f"m{number:04d}" for number in range(1, len(names) + 1)]


def test_an_older_project_opens_with_everything_in_it(older: Path) -> None:
    with Project.open(older) as project:
        assert project.columns().class_ids.tolist() == [1, 2, 0, 1, 0]
        assert [one.name for one in project.classes()] == ["ok", "rust"]
        assert project.can_redo() == "label 000002.jpg as rust"
        assert project.store.call(schema.version) == migrations.SCHEMA_VERSION
        project.redo().result()
        assert project.columns().class_ids.tolist() == [1, 2, 2, 1, 0]


def test_an_older_project_is_backed_up_before_it_is_changed(older: Path, version: int) -> None:
    Project.open(older).close()
    (copy,) = (older / "backups").glob(f"before-update-from-{version}-*.db")
    assert backup.is_good(copy)
    connection = sqlite3.connect(f"{copy.as_uri()}?immutable=1", uri=True)
    assert connection.execute("PRAGMA user_version").fetchone() == (version,)
    assert connection.execute("SELECT count(*) FROM image_classes").fetchone() == (3,)
    connection.close()


def test_what_is_new_can_be_used_in_an_older_project_and_comes_back_from_its_journal(older: Path) -> None:
    with Project.open(older) as project:
        assert project.label_mode is LabelMode.ONE
        project.set_label_mode(LabelMode.SEVERAL).result()
        project.label([1], 2).result()
        project.set_note(2, "scratch").result()
        project.mark([3], Mark.CONFIRMED, True).result()
    shutil.rmtree(older / "backups")
    (older / "project.db").unlink()
    with Project.restore(older) as project:
        columns = project.columns()
        assert [class_ids_of(row) for row in columns.class_bits.tolist()] == [[1, 2], [2], [], [1], []]
        assert columns.noted.tolist() == [False, True, False, False, False]
        assert columns.marks[2] == Mark.CONFIRMED


def test_a_migrated_project_has_the_tables_of_a_new_one(older: Path, tmp_path: Path) -> None:
    def tables(folder: Path) -> list[tuple[str, str]]:
        connection = sqlite3.connect(folder / "project.db")
        rows = connection.execute("SELECT name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%' ORDER BY name")
        found = rows.fetchall()
        connection.close()
        return found

    Project.create(tmp_path / "new").close()
    Project.open(older).close()
    assert tables(older) == tables(tmp_path / "new")


def test_a_migration_that_fails_leaves_the_older_file_as_it_was(older: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(db: object) -> None:
        raise sqlite3.OperationalError("made to fail")

    monkeypatch.setattr(migrations.migrations._migrations[-1], "fn", fail)
    with pytest.raises(sqlite3.OperationalError):
        Project.open(older)
    monkeypatch.undo()
    with Project.open(older) as project:
        assert project.columns().class_ids.tolist() == [1, 2, 0, 1, 0]


def test_no_migration_happens_without_a_backup(older: Path, version: int) -> None:
    (older / "backups").write_text("a file where the folder of backups should be")
    with pytest.raises(StoreError):
        Project.open(older)
    connection = sqlite3.connect(older / "project.db")
    assert connection.execute("PRAGMA user_version").fetchone() == (version,)
    connection.close()


def test_a_read_only_copy_of_an_older_project_leaves_it_old(older: Path) -> None:
    before = (older / "project.db").read_bytes()
    with Project.open(older, read_only=True) as copy:
        assert copy.columns().class_ids.tolist() == [1, 2, 0, 1, 0]
    assert (older / "project.db").read_bytes() == before
    assert not (older / "backups").exists()


def test_a_newer_project_is_refused_and_not_touched(project: Project) -> None:
    project.close()
    file = project.folder / "project.db"
    connection = sqlite3.connect(file)
    connection.execute("PRAGMA user_version = 999")
    connection.close()
    before = file.read_bytes()
    for read_only in (False, True):
        with pytest.raises(StoreError, match="saved by a newer version of Graft") as caught:
            Project.open(project.folder, read_only=read_only)
        assert "Update Graft" in caught.value.hint
    assert file.read_bytes() == before
