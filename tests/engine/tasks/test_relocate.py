"""An import folder that is elsewhere now is found there with its labels; a wrong folder is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.errors import ProjectError
from engine.jobs import run_in_foreground
from engine.project import Project
from engine.tasks.relocate import relocate_root
from engine.tasks.scan import ScanFolder


@pytest.fixture
def labelled(tmp_path: Path) -> Project:
    from PIL import Image

    folder = tmp_path / "drive_e" / "pictures"
    (folder / "monday").mkdir(parents=True)
    for at in range(4):
        Image.new("RGB", (8, 8), (at * 40, 0, 0)).save(folder / "monday" / f"{at}.png")
    project = Project.create(tmp_path / "project")
    run_in_foreground(ScanFolder(project, folder, False))
    rust = project.add_class("rust").result()
    project.label([image.id for image in project.images()][:2], rust.id).result()
    return project


def ids_of(project: Project) -> list[int]:
    return [image.id for image in project.images()]


def test_images_are_found_in_the_new_place_with_their_labels(labelled: Project, tmp_path: Path) -> None:
    before = labelled.columns().class_ids.tolist()
    (tmp_path / "drive_e").rename(tmp_path / "drive_f")
    (root,) = labelled.roots()
    place = relocate_root(labelled, root.id, tmp_path / "drive_f" / "pictures", ids_of(labelled))
    assert place == tmp_path / "drive_f" / "pictures"
    assert all(image.path.is_file() for image in labelled.images())
    assert labelled.columns().class_ids.tolist() == before
    labelled.close()


def test_the_folder_that_it_lies_in_will_do(labelled: Project, tmp_path: Path) -> None:
    (tmp_path / "drive_e").rename(tmp_path / "drive_f")
    (root,) = labelled.roots()
    assert relocate_root(labelled, root.id, tmp_path / "drive_f", ids_of(labelled)).name == "pictures"
    labelled.close()


def test_a_folder_without_any_of_the_images_is_refused_and_nothing_changes(labelled: Project, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    roots = labelled.roots()
    with pytest.raises(ProjectError, match="None of the images"):
        relocate_root(labelled, roots[0].id, tmp_path / "other", ids_of(labelled))
    assert labelled.roots() == roots
    labelled.close()
