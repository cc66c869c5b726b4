"""Corrected predictions become labelled images: where they lie, one undo step, and nothing else comes along."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.domain import LabelMode
from engine.errors import ProjectError
from engine.jobs import run_in_foreground
from engine.project import Project
from engine.tasks.correct_files import PICTURES_FOLDER, CorrectFiles, Correction, CorrectReport
from engine.tasks.scan import Rescan, ScanFolder


@pytest.fixture
def project(tmp_path: Path, tiny_images: Path) -> Iterator[Project]:
    with Project.create(tmp_path / "project") as made:
        run_in_foreground(ScanFolder(made, tiny_images / "circles", False))
        for name in ("round", "square"):
            made.add_class(name).result()
        yield made


@pytest.fixture
def downloads(tmp_path: Path, tiny_images: Path) -> Path:
    return Path(shutil.copytree(tiny_images / "squares", tmp_path / "downloads"))


def correct(project: Project, *corrections: Correction) -> CorrectReport:
    return run_in_foreground(CorrectFiles(project, corrections))


def classes_of(project: Project) -> dict[str, int]:
    columns = project.columns()
    return {
        name: class_id for name, class_id in zip(columns.names, columns.class_ids.tolist(), strict=True) if class_id
    }


def test_a_file_from_elsewhere_is_labelled_where_it_lies_and_its_neighbours_stay_out(
    project: Project, downloads: Path
) -> None:
    before = {path.name: path.read_bytes() for path in downloads.iterdir()}
    report = correct(project, Correction(downloads / "squares_0.jpg", (2,)))
    assert (report.num_added, report.failed) == (1, [])
    assert classes_of(project) == {"squares_0.jpg": 2}
    record = project.images(list(report.image_ids.values()))[0]
    assert record.path == downloads / "squares_0.jpg"
    assert record.content_hash
    scanned = run_in_foreground(Rescan(project))
    assert (scanned.num_added, scanned.num_missing) == (0, 0)
    assert len(project.columns()) == 5
    assert {path.name: path.read_bytes() for path in downloads.iterdir()} == before


def test_a_folder_that_is_added_later_is_taken_as_a_whole(project: Project, downloads: Path) -> None:
    correct(project, Correction(downloads / "squares_0.jpg", (2,)))
    assert run_in_foreground(ScanFolder(project, downloads, False)).num_added == 3
    shutil.copy(downloads / "squares_1.jpg", downloads / "new.jpg")
    assert run_in_foreground(Rescan(project)).num_added == 1
    assert classes_of(project) == {"squares_0.jpg": 2}


def test_changes_to_single_files_are_noticed(project: Project, downloads: Path) -> None:
    correct(project, *(Correction(downloads / f"squares_{number}.jpg", (2,)) for number in range(3)))
    (downloads / "squares_0.jpg").unlink()
    shutil.copy(downloads / "squares_3.jpg", downloads / "squares_1.jpg")
    scanned = run_in_foreground(Rescan(project))
    assert (scanned.num_missing, scanned.num_changed, scanned.num_added) == (1, 1, 0)


def test_an_image_of_the_project_is_labelled_and_not_added_again(project: Project, tiny_images: Path) -> None:
    report = correct(project, Correction(tiny_images / "circles" / "circles_1.jpg", (1,)))
    assert (report.num_added, len(project.columns())) == (0, 4)
    assert classes_of(project) == {"circles_1.jpg": 1}


def test_a_new_file_in_a_folder_of_the_project_joins_it(project: Project, tiny_images: Path) -> None:
    (tiny_images / "circles" / "sub").mkdir()
    shutil.copy(tiny_images / "squares" / "squares_0.jpg", tiny_images / "circles" / "sub" / "new.jpg")
    report = correct(project, Correction(tiny_images / "circles" / "sub" / "new.jpg", (2,)))
    assert (report.num_added, len(project.roots())) == (1, 1)
    assert classes_of(project) == {"sub/new.jpg": 2}


def test_several_corrections_are_one_undo_step(project: Project, downloads: Path, tiny_images: Path) -> None:
    correct(
        project,
        Correction(downloads / "squares_0.jpg", (2,)),
        Correction(downloads / "squares_1.jpg", (1,)),
        Correction(tiny_images / "circles" / "circles_0.jpg", (1,)),
    )
    assert classes_of(project) == {"squares_0.jpg": 2, "squares_1.jpg": 1, "circles_0.jpg": 1}
    assert project.can_undo() == "label 3 corrected predictions"
    project.undo().result()
    assert classes_of(project) == {}
    project.redo().result()
    assert len(classes_of(project)) == 3


def test_a_pasted_picture_is_kept_in_the_project(project: Project, downloads: Path, tmp_path: Path) -> None:
    pasted = tmp_path / "temporary" / "Pasted.jpg"
    pasted.parent.mkdir()
    shutil.copy(downloads / "squares_0.jpg", pasted)
    correct(project, Correction(pasted, (2,), is_homeless=True))
    shutil.copy(downloads / "squares_1.jpg", pasted)  # the next picture has the same name
    correct(project, Correction(pasted, (1,), is_homeless=True))
    shutil.rmtree(pasted.parent)
    kept = sorted((project.folder / PICTURES_FOLDER).iterdir())
    assert [path.name for path in kept] == ["Pasted (2).jpg", "Pasted.jpg"]
    assert classes_of(project) == {"Pasted.jpg": 2, "Pasted (2).jpg": 1}
    assert run_in_foreground(Rescan(project)).num_missing == 0


def test_what_is_no_picture_is_reported_and_the_others_are_taken(project: Project, downloads: Path) -> None:
    (downloads / "broken.jpg").write_bytes(b"\xff\xd8\xff no")
    report = correct(
        project,
        Correction(downloads / "broken.jpg", (1,)),
        Correction(downloads / "gone.jpg", (1,)),
        Correction(downloads / "squares_0.jpg", (2,)),
    )
    assert [path.name for path, _ in report.failed] == ["broken.jpg", "gone.jpg"]
    assert all(reason for _, reason in report.failed)
    assert classes_of(project) == {"squares_0.jpg": 2}


def test_where_images_have_several_classes_all_are_given_and_confirmed(project: Project, downloads: Path) -> None:
    project.set_label_mode(LabelMode.SEVERAL).result()
    report = correct(project, Correction(downloads / "squares_0.jpg", (1, 2), is_confirmed=True))
    columns = project.columns()
    row = columns.image_ids.tolist().index(next(iter(report.image_ids.values())))
    assert columns.class_bits[row].tolist() == [0b110]
    assert columns.marks[row] == 4
    project.undo().result()
    assert not project.columns().class_bits.any()


def test_the_folders_of_single_files_survive_the_loss_of_the_database(project: Project, downloads: Path) -> None:
    correct(project, Correction(downloads / "squares_0.jpg", (2,)))
    folder = project.folder
    project.close()
    for file in folder.glob("project.db*"):
        file.unlink()
    with Project.restore(folder) as restored:
        assert run_in_foreground(Rescan(restored)).num_added == 0
        assert classes_of(restored) == {"squares_0.jpg": 2}


def test_a_read_only_project_takes_no_corrections(project: Project, downloads: Path) -> None:
    with (
        Project.open(project.folder, read_only=True) as copy,
        pytest.raises(ProjectError, match="reading only"),
    ):
        correct(copy, Correction(downloads / "squares_0.jpg", (2,)))
