"""The feature cache: durable rows, an index that follows the file, and nothing lost that cannot be computed again."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from engine.errors import DiskError
from engine.project import Project
from engine.store import features
from engine.store.feature_file import FeatureFile
from engine.store.features import FeatureKind

SIZE = 6
KIND = FeatureKind("mobilenet_v2", "ab" * 32, "v1-224-bilinear-whole", SIZE)


def content_hash(number: int) -> str:
    return f"{number:032x}"


def hashes(start: int, stop: int) -> list[str]:
    return [content_hash(number) for number in range(start, stop)]


def rows(start: int, stop: int) -> np.ndarray:
    return np.random.default_rng(start).standard_normal((stop - start, SIZE)).astype(np.float32)


def index(project: Project) -> int:
    """Opens the set and indexes its file; returns the set's id."""
    file = KIND.file(project.cache_dir)
    set_id = project.store.call(lambda db: features.open_set(db, KIND, file))
    while project.store.call(lambda db: features.index_new_rows(db, set_id, file)):
        pass
    return set_id


def rows_of(project: Project, set_id: int, wanted: list[str]) -> list[int]:
    return project.store.call(lambda db: features.rows_of(db, set_id, wanted)).tolist()


def test_rows_come_back_bit_for_bit_in_any_order(tmp_path: Path) -> None:
    file = FeatureFile(tmp_path, "set", SIZE)
    first, second = rows(0, 5), rows(5, 8)
    file.append(hashes(0, 5), first)
    file.append(hashes(5, 8), second)

    np.testing.assert_array_equal(file.read(np.array([7, 0, 3])), np.vstack([second[2], first[0], first[3]]))
    assert file.hashes() == hashes(0, 8)
    assert file.hashes(6) == hashes(6, 8)


@pytest.mark.parametrize("num_lost_bytes", [1, SIZE * 4, SIZE * 4 * 3 - 1])
def test_what_a_crash_left_half_written_is_overwritten(tmp_path: Path, num_lost_bytes: int) -> None:
    """The machine stops after some of the rows of an append, before any of their hashes is there."""
    file = FeatureFile(tmp_path, "set", SIZE)
    file.append(hashes(0, 2), rows(0, 2))
    with open(file.data_path, "ab") as data:
        data.write(b"x" * num_lost_bytes)

    assert file.num_rows() == 2
    file.append(hashes(2, 4), rows(2, 4))
    assert file.hashes() == hashes(0, 4)
    np.testing.assert_array_equal(file.read(np.arange(2, 4)), rows(2, 4))


def test_half_a_hash_is_not_a_row(tmp_path: Path) -> None:
    file = FeatureFile(tmp_path, "set", SIZE)
    file.append(hashes(0, 2), rows(0, 2))
    with open(file.rows_path, "ab") as names:
        names.write(b"half")
    assert file.num_rows() == 2
    file.append(hashes(2, 3), rows(2, 3))
    assert file.hashes() == hashes(0, 3)


@pytest.mark.parametrize("bad", [np.inf, np.nan])
def test_a_row_that_is_not_finite_never_gets_in(tmp_path: Path, bad: float) -> None:
    file = FeatureFile(tmp_path, "set", SIZE)
    poisoned = rows(0, 2)
    poisoned[1, 3] = bad
    with pytest.raises(ValueError, match="finite"):
        file.append(hashes(0, 2), poisoned)
    assert file.num_rows() == 0


def test_a_disk_that_refuses_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(DiskError):
        FeatureFile(tmp_path / "file" / "below", "set", SIZE).append(hashes(0, 1), rows(0, 1))


def test_the_index_finds_rows_by_content_hash(project: Project) -> None:
    KIND.file(project.cache_dir).append(hashes(0, 50), rows(0, 50))
    set_id = index(project)

    assert rows_of(project, set_id, [content_hash(49), content_hash(7), content_hash(99)]) == [49, 7, -1]


def test_indexing_again_adds_only_what_is_new(project: Project) -> None:
    file = KIND.file(project.cache_dir)
    file.append(hashes(0, 3), rows(0, 3))
    set_id = index(project)
    file.append(hashes(3, 5), rows(3, 5))

    assert index(project) == set_id
    assert rows_of(project, set_id, hashes(0, 6)) == [0, 1, 2, 3, 4, -1]


def test_rows_of_a_deleted_cache_folder_are_forgotten_and_made_again(project: Project) -> None:
    file = KIND.file(project.cache_dir)
    file.append(hashes(0, 9), rows(0, 9))
    set_id = index(project)
    shutil.rmtree(project.cache_dir)

    assert index(project) == set_id
    assert rows_of(project, set_id, hashes(0, 9)) == [-1] * 9
    file.append(hashes(4, 6), rows(4, 6))
    index(project)
    assert rows_of(project, set_id, hashes(3, 7)) == [-1, 0, 1, -1]


def test_a_cache_that_was_deleted_and_filled_otherwise_is_not_mistaken_for_the_old_one(project: Project) -> None:
    file = KIND.file(project.cache_dir)
    file.append(hashes(0, 4), rows(0, 4))
    set_id = index(project)
    shutil.rmtree(project.cache_dir)
    file.append(hashes(10, 16), rows(10, 16))

    index(project)
    assert rows_of(project, set_id, [*hashes(0, 4), content_hash(12)]) == [-1, -1, -1, -1, 2]


def test_two_kinds_of_embeddings_do_not_mix(project: Project) -> None:
    KIND.file(project.cache_dir).append(hashes(0, 2), rows(0, 2))
    index(project)
    other = FeatureKind("resnet18", "cd" * 32, KIND.preprocessing, SIZE)
    file = other.file(project.cache_dir)
    set_id = project.store.call(lambda db: features.open_set(db, other, file))
    assert rows_of(project, set_id, hashes(0, 2)) == [-1, -1]
