"""Groups from a table: found by image, kept by content, refused in words."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.commands.groups import set_groups
from engine.errors import ImportFormatError, TrainingError
from engine.importers.group_csv import read_groups
from engine.job import run_in_foreground
from engine.project import Project
from engine.tasks.grouping import preview_rule
from engine.tasks.scan import ScanFolder


@pytest.fixture
def project(tmp_path: Path, tiny_images: Path) -> Project:
    """Twelve labelled images of three kinds."""
    made = Project.create(tmp_path / "project")
    run_in_foreground(ScanFolder(made, tiny_images, True))
    yield made
    made.close()


def table(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "plants.csv"
    file.write_text(text, encoding="utf-8")
    return file


@pytest.mark.parametrize("header", ["image,group", "image,plant", "weather;image;group"])
def test_groups_are_read_from_their_column(project: Project, tmp_path: Path, header: str) -> None:
    rows = {
        "image,group": "circles_0.jpg,p1\nsquares/squares_1.jpg,p1\nnowhere.jpg,p2\nstripes_0.jpg,\n",
        "image,plant": "circles_0.jpg,p1\nsquares_1.jpg,p1\n",
        "weather;image;group": "sun;circles_0.jpg;p1\nrain;squares_1.jpg;p1\n",
    }[header]
    groups = read_groups(project, table(tmp_path, f"{header}\n{rows}"))
    names = {image.content_hash: image.name for image in project.images()}
    assert {names[content]: group for content, group in groups.items()} == {
        "circles/circles_0.jpg": "p1",
        "squares/squares_1.jpg": "p1",
    }


def test_a_table_becomes_the_rule_and_is_previewed(project: Project, tmp_path: Path) -> None:
    names = [image.name.split("/")[1] for image in project.images()]
    lines = "".join(f"{name},plant {index % 4}\n" for index, name in enumerate(names))
    assert set_groups(project, str(table(tmp_path, f"image,group\n{lines}"))) == 4
    assert project.group_rule() == "column"
    found = preview_rule(project, "column")
    assert (found.num_groups, found.largest, found.num_without, found.problem) == (4, 3, 0, "")


@pytest.mark.parametrize(
    ("text", "message"),
    [("file,plant\na,b\n", "does not begin with a header"), ("image,group\nnowhere.jpg,p\n", "names no image")],
)
def test_a_table_that_says_nothing_is_refused(project: Project, tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ImportFormatError, match=message):
        read_groups(project, table(tmp_path, text))


def test_a_table_that_is_the_classes_is_refused_and_the_old_one_stays(project: Project, tmp_path: Path) -> None:
    lines = "".join(f"{image.name},{image.name.split('/')[0]}\n" for image in project.images())
    with pytest.raises(TrainingError, match="all images of each class"):
        set_groups(project, str(table(tmp_path, f"image,group\n{lines}")))
    assert project.group_rule() is None
    assert project.group_table() == {}
