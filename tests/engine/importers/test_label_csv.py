from __future__ import annotations

import csv
from pathlib import Path

import pytest

from engine.domain import NO_CLASS, LabelMode, Mark, NewImage, Source, has_class
from engine.errors import DiskError, ExportError, ImportFormatError
from engine.exporters.label_csv import export_label_csv
from engine.importers.label_csv import LabelReport, import_label_csv
from engine.project import Project

NAMES = ("a/1.jpg", "a/2.jpg", "b/1.jpg", "b/3.jpg", "top.jpg", "=cmd.jpg", "caf\u00e9.jpg", "with, comma.jpg")


@pytest.fixture
def filed(project: Project, tmp_path: Path) -> Project:
    """A project with images that exist as rows only."""
    root = project.add_root(tmp_path / "pictures")
    project.add_images(root, [NewImage(name.encode(), f"{n:032x}", 1, 1) for n, name in enumerate(NAMES)])
    return project


@pytest.fixture
def write(tmp_path: Path):
    def write_(content: str | bytes, name: str = "labels.csv") -> Path:
        file = tmp_path / name
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        return file

    return write_


def labels(project: Project) -> dict[str, str]:
    columns = project.columns()
    names = {image_class.id: image_class.name for image_class in project.classes()}
    return {
        name: names[class_id]
        for name, class_id in zip(columns.names, columns.class_ids.tolist(), strict=True)
        if class_id != NO_CLASS
    }


def test_rows_are_applied_and_the_rest_is_reported(filed: Project, write):
    report = import_label_csv(
        filed, write("image,class\n2.jpg,rust\na/1.jpg,ok\n1.jpg,ok\nnone.jpg,ok\n3.jpg,\n,ok\ntop.jpg\n")
    )

    assert labels(filed) == {"a/2.jpg": "rust", "a/1.jpg": "ok"}
    assert report == LabelReport(
        num_applied=2,
        unknown_images=["none.jpg"],
        ambiguous_images=["1.jpg"],
        new_classes=["rust", "ok"],
        errors=["Line 7 names no image.", "Line 8 has too few columns."],
    )
    assert set(filed.label_sources().values()) == {Source.IMPORT}


def test_import_is_one_undo_step(filed: Project, write):
    ok = filed.add_class("ok").result().id
    filed.label([1], ok).result()

    report = import_label_csv(filed, write("image,class\na/1.jpg,bad\na/2.jpg,bad\n"))
    assert report.new_classes == ["bad"]
    assert filed.can_undo() == "import labels from labels.csv"
    filed.undo().result()

    assert labels(filed) == {"a/1.jpg": "ok"}


@pytest.mark.parametrize(
    "image",
    ["b/3.jpg", "3.jpg", "./b/3.jpg", "b\\3.jpg", "pictures/b/3.jpg", "ABSOLUTE", "'b/3.jpg"[1:]],
)
def test_image_may_be_named_in_several_ways(filed: Project, write, tmp_path: Path, image: str):
    image = image.replace("ABSOLUTE", str(tmp_path / "pictures" / "b" / "3.jpg"))

    report = import_label_csv(filed, write(f"image,class\n{image},x\n"))

    assert labels(filed) == {"b/3.jpg": "x"}
    assert (report.unknown_images, report.ambiguous_images) == ([], [])


def test_image_may_be_named_relative_to_the_csv_file(filed: Project, write, tmp_path: Path):
    (tmp_path / "tables").mkdir()

    import_label_csv(filed, write("image,class\n../pictures/a/1.jpg,x\n", "tables/labels.csv"))

    assert labels(filed) == {"a/1.jpg": "x"}


@pytest.mark.parametrize(
    "content",
    [
        "image,class\na/1.jpg,Stra\u00dfe\ncaf\u00e9.jpg,ok\n".encode(),
        "\ufeffimage,class\na/1.jpg,Stra\u00dfe\ncaf\u00e9.jpg,ok\n".encode(),
        "image,class\na/1.jpg,Stra\u00dfe\ncaf\u00e9.jpg,ok\n".encode("latin-1"),
        "image;class\r\na/1.jpg;Stra\u00dfe\r\ncaf\u00e9.jpg;ok\r\n".encode("cp1252"),
        "image\tclass\r\na/1.jpg\tStra\u00dfe\r\ncaf\u00e9.jpg\tok\r\n".encode("utf-16"),
        '"Image" , "Class"\n"a/1.jpg","  Stra\u00dfe "\n"caf\u00e9.jpg","ok"\n\n'.encode(),
        "note,class,image\nx,Stra\u00dfe,a/1.jpg\ny,ok,cafe\u0301.jpg\n".encode(),
        "\n\nimage,class\ra/1.jpg,Stra\u00dfe\rcaf\u00e9.jpg,ok".encode(),
    ],
)
def test_tables_of_many_programs_are_understood(filed: Project, write, content: bytes):
    report = import_label_csv(filed, write(content))

    assert (report.unknown_images, report.errors) == ([], [])
    assert labels(filed) == {"a/1.jpg": "Stra\u00dfe", "caf\u00e9.jpg": "ok"}


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "does not begin with a header"),
        (b"file,label\na.jpg,x\n", "does not begin with a header"),
        (b"a/1.jpg,ok\n", "does not begin with a header"),
        (b"image class\n", "does not begin with a header"),
        (bytes(range(256)) * 4, "is not a text file"),
        (b'image,class\n"a/1.jpg,ok\n' + b"x" * 200_000, "is not CSV"),
    ],
)
def test_wrong_file_is_a_sentence_and_changes_nothing(filed: Project, write, content: bytes, sentence: str):
    with pytest.raises(ImportFormatError, match=sentence) as caught:
        import_label_csv(filed, write(content))

    assert caught.value.hint
    assert filed.classes() == []


def test_missing_file_and_folder_are_sentences(filed: Project, tmp_path: Path):
    for path in (tmp_path / "none.csv", tmp_path):
        with pytest.raises(ImportFormatError):
            import_label_csv(filed, path)


def test_second_class_for_an_image_is_reported_and_the_first_used(filed: Project, write):
    report = import_label_csv(filed, write("image,class\ntop.jpg,a\ntop.jpg,b\ntop.jpg,a\n"))

    assert labels(filed) == {"top.jpg": "a"}
    assert report.errors == ["Line 3 gives top.jpg another class than line 2, which was used."]
    assert report.new_classes == ["a"]


def test_classes_of_unknown_images_are_not_made(filed: Project, write):
    import_label_csv(filed, write("image,class\nnone.jpg,ghost\n"))
    assert filed.classes() == []


def test_exported_labels_can_be_imported_into_another_project(filed: Project, tmp_path: Path):
    wanted = dict(zip(NAMES, ("ok", "-1", "@home", 'it\'s, "odd"', "'quoted", "+", "caf\u00e9", "=1+1"), strict=True))
    ids = {record.name: record.id for record in filed.images()}
    for name, class_name in wanted.items():
        filed.label([ids[name]], filed.add_class(class_name).result().id).result()

    assert export_label_csv(filed, tmp_path / "out.csv") == len(NAMES)

    with open(tmp_path / "out.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0][:2] == ["image", "class"]
    assert not any(cell.startswith(("=", "+", "-", "@")) for row in rows for cell in row)
    with Project.create(tmp_path / "second") as second:
        root = second.add_root(tmp_path / "pictures")
        second.add_images(root, [NewImage(name.encode(), f"{n:032x}", 1, 1) for n, name in enumerate(NAMES)])
        report = import_label_csv(second, tmp_path / "out.csv")
        assert labels(second) == wanted
        assert (report.unknown_images, report.ambiguous_images, report.errors) == ([], [], [])


def test_images_of_the_same_name_in_two_folders_are_exported_by_full_path(filed: Project, tmp_path: Path):
    other = filed.add_root(tmp_path / "other")
    (image_id,) = filed.add_images(other, [NewImage(b"top.jpg", "f" * 32, 1, 1)])
    filed.label([image_id], filed.add_class("x").result().id).result()

    export_label_csv(filed, tmp_path / "out.csv")
    filed.undo().result()
    report = import_label_csv(filed, tmp_path / "out.csv")

    assert report.num_applied == 1
    assert set(filed.label_sources()) == {image_id}


def test_failed_export_leaves_the_old_file(filed: Project, tmp_path: Path):
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(DiskError):
        export_label_csv(filed, tmp_path / "folder.csv")
    with pytest.raises(DiskError):
        export_label_csv(filed, tmp_path / "none" / "out.csv")
    (tmp_path / "picture.jpg").write_bytes(b"original")
    with pytest.raises(ExportError, match="name of an image"):
        export_label_csv(filed, tmp_path / "picture.jpg")

    assert (tmp_path / "picture.jpg").read_bytes() == b"original"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder.csv", "picture.jpg", "project"]


@pytest.fixture
def several(filed: Project) -> Project:
    """The project of `filed`, its images with any number of classes."""
    filed.set_label_mode(LabelMode.SEVERAL).result()
    return filed


def all_labels(project: Project) -> dict[str, set[str]]:
    """Class names by image name, of images that have any."""
    columns, palette = project.columns(), project.classes()
    found = {
        name: {each.name for each in palette if has_class(columns.class_bits[row : row + 1], each.id)[0]}
        for row, name in enumerate(columns.names)
    }
    return {name: names for name, names in found.items() if names}


@pytest.mark.parametrize(
    "rows",
    ["top.jpg,a|b\n", "top.jpg,a\ntop.jpg,b\n", "top.jpg,a\ntop.jpg,b|a\n", "top.jpg,| b ||a\n"],
)
def test_several_classes_stand_in_one_cell_or_in_several_rows(several: Project, write, rows: str):
    report = import_label_csv(several, write(f"image,class\n{rows}"))
    assert all_labels(several) == {"top.jpg": {"a", "b"}}
    assert (report.num_applied, report.errors) == (1, [])
    several.undo().result()
    assert all_labels(several) == {}


def test_imported_classes_join_those_that_an_image_has(several: Project, write):
    import_label_csv(several, write("image,class\ntop.jpg,a\n"))
    import_label_csv(several, write("image,class\ntop.jpg,b\n"))
    assert all_labels(several) == {"top.jpg": {"a", "b"}}


def test_several_classes_are_an_error_where_images_have_one(filed: Project, write):
    report = import_label_csv(filed, write("image,class\ntop.jpg,a|b\na/1.jpg,c\n"))
    assert report.errors == ["Line 2 gives top.jpg several classes, and this project allows one per image."]
    assert labels(filed) == {"a/1.jpg": "c"}


def test_notes_come_along_where_there_is_a_column_for_them(filed: Project, write):
    report = import_label_csv(
        filed, write('image,class,note\ntop.jpg,a,"scratch, left"\na/1.jpg,,only a note\na/2.jpg,b,\n')
    )
    assert (report.num_applied, report.num_notes) == (2, 2)
    ids = {record.name: record.id for record in filed.images()}
    assert filed.notes() == {ids["top.jpg"]: "scratch, left", ids["a/1.jpg"]: "only a note"}
    assert labels(filed) == {"top.jpg": "a", "a/2.jpg": "b"}


def test_several_classes_notes_and_confirmations_survive_export_and_import(several: Project, tmp_path: Path):
    ids = {record.name: record.id for record in several.images()}
    odd, minus, plain = (several.add_class(name).result().id for name in ("a|b", "-1", "plain"))
    several.label([ids["top.jpg"], ids["a/1.jpg"]], odd).result()
    several.label([ids["top.jpg"]], minus).result()
    several.label([ids["a/2.jpg"], ids["top.jpg"]], plain).result()
    several.mark([ids["a/1.jpg"], ids["b/3.jpg"]], Mark.CONFIRMED, True).result()
    several.set_note(ids["a/2.jpg"], "=1+1, two\nlines").result()
    before = all_labels(several)

    num_rows = export_label_csv(several, tmp_path / "out.csv")

    assert num_rows == 4
    with Project.create(tmp_path / "second") as second:
        second.set_label_mode(LabelMode.SEVERAL).result()
        root = second.add_root(tmp_path / "pictures")
        second.add_images(root, [NewImage(name.encode(), f"{n:032x}", 1, 1) for n, name in enumerate(NAMES)])
        report = import_label_csv(second, tmp_path / "out.csv")
        assert (report.unknown_images, report.errors) == ([], [])
        assert (
            all_labels(second)
            == before
            == {"top.jpg": {"a|b", "-1", "plain"}, "a/1.jpg": {"a|b"}, "a/2.jpg": {"plain"}}
        )
        columns = second.columns()
        confirmed = {name for name, mark in zip(columns.names, columns.marks, strict=True) if mark & Mark.CONFIRMED}
        assert confirmed == {"a/1.jpg", "b/3.jpg"}
        assert list(second.notes().values()) == ["=1+1, two\nlines"]
