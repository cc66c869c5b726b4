from __future__ import annotations

import os
import shutil
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.domain import NO_CLASS, ImageRecord, ImageStatus
from engine.errors import ProjectError
from engine.events import Event, ImagesAdded
from engine.jobs import CancelledError, QuietContext, run_in_foreground
from engine.project import Project
from engine.tasks.scan import Rescan, ScanFolder, ScanReport


class Listener(QuietContext):
    """Notes what a job says; cancels it after `cancel_after` checkpoints."""

    def __init__(self, cancel_after: int = -1) -> None:
        self.events: list[Event] = []
        self.shares: list[tuple[int, int]] = []
        self._left = cancel_after

    def checkpoint(self) -> None:
        self._left -= 1
        if self._left == 0:
            raise CancelledError

    def progress(self, done: int, total: int, note: str = "") -> None:
        self.shares.append((done, total))

    def emit(self, event: Event) -> None:
        self.events.append(event)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Six different pictures, three in each of two sub-folders."""
    folder = tmp_path / "pictures"
    for index in range(6):
        paint(folder / ("a" if index < 3 else "b") / f"{index}.png", index)
    return folder


@pytest.fixture
def imported(project: Project, folder: Path) -> Project:
    """A project with the six pictures, each labelled with a class of its own number."""
    scan(project, folder)
    for record in project.images():
        class_id = project.add_class(f"class {record.path.stem}").result().id
        project.label([record.id], class_id).result()
    return project


def paint(path: Path, seed: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.random.default_rng(seed).integers(0, 255, (8, 12, 3), dtype=np.uint8)).save(path)
    return path


def scan(project: Project, folder: Path, classes_from_folders: bool = False) -> ScanReport:
    return run_in_foreground(ScanFolder(project, folder, classes_from_folders))


def rescan(project: Project) -> ScanReport:
    return run_in_foreground(Rescan(project))


def by_name(project: Project) -> dict[str, ImageRecord]:
    return {record.name: record for record in project.images()}


def labels(project: Project) -> dict[str, str]:
    """Class name by image name."""
    columns = project.columns()
    names = {image_class.id: image_class.name for image_class in project.classes()}
    return {
        name: names[class_id]
        for name, class_id in zip(columns.names, columns.class_ids.tolist(), strict=True)
        if class_id != NO_CLASS
    }


def test_images_are_filed_in_natural_order_with_their_facts(project: Project, folder: Path):
    paint(folder / "a" / "10.png", 99)

    report = scan(project, folder)

    records = project.images()
    assert [record.name for record in records] == [
        "a/0.png",
        "a/1.png",
        "a/2.png",
        "a/10.png",
        *("b/3.png", "b/4.png", "b/5.png"),
    ]
    assert (report.num_added, report.failed) == (7, [])
    first = records[0]
    assert (first.width_px, first.height_px, first.status) == (12, 8, ImageStatus.READABLE)
    assert (first.size_bytes, first.mtime_ns) == (first.path.stat().st_size, first.path.stat().st_mtime_ns)
    assert len(first.content_hash) == 32


def test_originals_are_never_touched(project: Project, folder: Path):
    def state() -> dict[Path, tuple[bytes, int, int]]:
        return {
            path: (path.read_bytes(), path.stat().st_mtime_ns, path.stat().st_ino)
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        }

    before, folders_before = state(), [(path, path.stat().st_mtime_ns) for path in folder.rglob("*") if path.is_dir()]
    scan(project, folder, classes_from_folders=True)
    rescan(project)

    assert state() == before
    assert [(path, path.stat().st_mtime_ns) for path in folder.rglob("*") if path.is_dir()] == folders_before


def test_sub_folders_become_classes_in_one_undo_step(project: Project, folder: Path):
    paint(folder / "a" / "deeper" / "7.png", 7)
    paint(folder / "loose.png", 8)

    report = scan(project, folder, classes_from_folders=True)

    assert [image_class.name for image_class in project.classes()] == ["a", "b"]
    assert report.num_labelled == 7
    assert labels(project) == {name: name[0] for name in by_name(project) if "/" in name}
    assert {source.value for source in project.label_sources().values()} == {"import"}
    project.undo().result()
    assert labels(project) == {}


def test_label_given_by_hand_is_kept_when_folders_become_classes_later(project: Project, folder: Path):
    scan(project, folder)
    mine = project.add_class("mine").result().id
    project.label([by_name(project)["a/0.png"].id], mine).result()

    report = scan(project, folder, classes_from_folders=True)

    assert (report.num_added, report.num_labelled) == (0, 5)
    assert labels(project)["a/0.png"] == "mine"
    assert labels(project)["b/5.png"] == "b"


def test_unreadable_files_are_listed_and_do_not_stop_the_scan(project: Project, folder: Path):
    (folder / "a" / "empty.jpg").write_bytes(b"")
    (folder / "b" / "letter.png").write_text("no picture")
    cut = (folder / "b" / "3.png").read_bytes()
    (folder / "cut.png").write_bytes(cut[: len(cut) // 2])

    report = scan(project, folder, classes_from_folders=True)

    assert report.num_added == 6
    assert {name for name, _ in report.failed} == {"a/empty.jpg", "b/letter.png", "cut.png"}
    assert all(reason.endswith(".") for _, reason in report.failed)
    unreadable = by_name(project)["cut.png"]
    assert unreadable.status is ImageStatus.UNREADABLE
    assert "truncated" in unreadable.reason
    assert "b/letter.png" not in labels(project)
    assert rescan(project).failed == []  # the user knows already


def test_file_that_was_repaired_is_readable_after_a_rescan(project: Project, folder: Path):
    whole = (folder / "b" / "3.png").read_bytes()
    (folder / "cut.png").write_bytes(whole[:-30])
    scan(project, folder)
    paint(folder / "cut.png", 50)

    report = rescan(project)

    assert by_name(project)["cut.png"].status is ImageStatus.READABLE
    assert (report.num_added, report.num_missing) == (0, 0)


def test_file_that_failed_later_stays_unreadable_in_a_rescan(project: Project, folder: Path):
    """Damage in the middle of a JPEG is found when it is first decoded; a rescan must not declare it sound again."""
    jpeg = folder / "hole.jpg"
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (96, 96, 3), dtype=np.uint8)).save(jpeg)
    data = bytearray(jpeg.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 200] = b"\xff\x00" * 100  # only ones: no Huffman code
    jpeg.write_bytes(data)
    scan(project, folder)
    record = by_name(project)["hole.jpg"]
    assert record.status is ImageStatus.READABLE
    project.set_image_status([record.id], ImageStatus.UNREADABLE, "found when it was embedded")

    rescan(project)

    assert by_name(project)["hole.jpg"].status is ImageStatus.UNREADABLE


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda path: None, "There is no folder"),
        (lambda path: path.write_text("x"), "is a file, not a folder"),
        (lambda path: path.mkdir(), "There are no images in"),
        (lambda path: (path.mkdir(), (path / "notes.txt").write_text("x")), "There are no images in"),
    ],
)
def test_folder_without_images_is_a_sentence_and_leaves_no_trace(project: Project, tmp_path: Path, make, sentence: str):
    make(tmp_path / "place")

    with pytest.raises(ProjectError, match=sentence) as caught:
        scan(project, tmp_path / "place")

    assert caught.value.hint
    assert project.roots() == []


def test_rescan_without_folders_is_a_sentence(project: Project):
    with pytest.raises(ProjectError, match="No folder has been imported"):
        rescan(project)


def test_rescan_of_unchanged_folder_reads_no_file(imported: Project, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("engine.images.reading.read_facts", lambda *_: pytest.fail("read a file"))
    before = imported.images()

    assert rescan(imported) == ScanReport()
    assert imported.images() == before


def test_rescan_finds_new_changed_missing_and_returned(imported: Project, folder: Path):
    kept_away = (folder / "a" / "2.png").rename(folder.parent / "away.png")
    paint(folder / "a" / "1.png", 77)
    paint(folder / "new.png", 78)
    ids = {name: record.id for name, record in by_name(imported).items()}

    report = rescan(imported)

    assert (report.num_added, report.num_changed, report.num_moved, report.num_missing) == (1, 1, 0, 1)
    records = by_name(imported)
    assert {name: records[name].id for name in ids} == ids
    assert records["a/2.png"].status is ImageStatus.MISSING
    assert labels(imported)["a/1.png"] == "class 1"
    kept_away.rename(folder / "a" / "2.png")
    again = rescan(imported)
    assert (again.num_returned, again.num_missing) == (1, 0)
    assert by_name(imported)["a/2.png"].status is ImageStatus.READABLE
    assert labels(imported)["a/2.png"] == "class 2"


def test_date_alone_does_not_make_a_change(imported: Project, folder: Path):
    os.utime(folder / "a" / "0.png", ns=(10**18, 10**18))

    assert rescan(imported) == ScanReport()
    assert by_name(imported)["a/0.png"].mtime_ns == 10**18


def test_moved_and_renamed_files_keep_their_labels(imported: Project, folder: Path):
    (folder / "c").mkdir()
    (folder / "a" / "0.png").rename(folder / "c" / "renamed.png")
    (folder / "b").rename(folder / "d")

    report = rescan(imported)

    assert (report.num_moved, report.num_added, report.num_missing) == (4, 0, 0)
    assert labels(imported) == {
        "c/renamed.png": "class 0",
        **{f"a/{number}.png": f"class {number}" for number in (1, 2)},
        **{f"d/{number}.png": f"class {number}" for number in (3, 4, 5)},
    }


def test_labels_follow_the_content_when_files_are_swapped_or_renumbered(imported: Project, folder: Path):
    inside = folder / "a"
    (inside / "0.png").rename(inside / "swap")
    (inside / "1.png").rename(inside / "0.png")
    (inside / "swap").rename(inside / "1.png")
    (folder / "b" / "3.png").unlink()
    (folder / "b" / "4.png").rename(folder / "b" / "3.png")
    (folder / "b" / "5.png").rename(folder / "b" / "4.png")
    for number, path in enumerate(sorted(folder.rglob("*.png"))):
        os.utime(path, ns=(10**18 + number, 10**18 + number))

    report = rescan(imported)

    assert (report.num_moved, report.num_changed, report.num_added, report.num_missing) == (4, 0, 0, 1)
    records = by_name(imported)
    present = {
        name: label for name, label in labels(imported).items() if records[name].status is not ImageStatus.MISSING
    }
    assert present == {
        "a/0.png": "class 1",
        "a/1.png": "class 0",
        "a/2.png": "class 2",
        "b/3.png": "class 4",
        "b/4.png": "class 5",
    }
    assert rescan(imported) == ScanReport()


def test_image_that_was_replaced_comes_back_with_its_label(imported: Project, folder: Path):
    lost = (folder / "b" / "3.png").read_bytes()
    os.replace(folder / "b" / "4.png", folder / "b" / "3.png")
    os.utime(folder / "b" / "3.png", ns=(10**18, 10**18))
    assert rescan(imported).num_missing == 1

    (folder / "found.png").write_bytes(lost)
    report = rescan(imported)

    assert (report.num_moved, report.num_added) == (1, 0)
    assert labels(imported)["found.png"] == "class 3"
    assert labels(imported)["b/3.png"] == "class 4"


def test_copies_are_images_of_their_own(imported: Project, folder: Path):
    shutil.copy(folder / "a" / "0.png", folder / "a" / "copy.png")
    shutil.copy(folder / "a" / "0.png", folder / "b" / "copy.png")

    report = rescan(imported)

    assert (report.num_added, report.num_moved) == (2, 0)
    assert len({record.content_hash for record in imported.images()}) == 6
    assert "a/copy.png" not in labels(imported)
    assert labels(imported)["a/0.png"] == "class 0"


def test_folder_that_moved_is_found_again_when_it_is_added_at_its_new_place(imported: Project, folder: Path):
    folder.rename(folder.parent / "elsewhere")

    report = scan(imported, folder.parent / "elsewhere")

    assert (report.num_moved, report.num_added) == (6, 0)
    assert len(labels(imported)) == 6
    assert all(record.path.exists() for record in imported.images())


@pytest.mark.parametrize("leaves_mount_point", [False, True])
def test_images_of_an_unplugged_drive_stay_as_they_are(imported: Project, folder: Path, leaves_mount_point: bool):
    folder.rename(folder.parent / "unplugged")
    if leaves_mount_point:
        folder.mkdir()

    report = rescan(imported)

    reasons = [] if leaves_mount_point else ["The folder is not there."]
    assert (report.num_missing, [reason for _, reason in report.failed]) == (0, reasons)
    assert {record.status for record in imported.images()} == {ImageStatus.READABLE}
    assert len(labels(imported)) == 6
    if leaves_mount_point:
        folder.rmdir()
    (folder.parent / "unplugged").rename(folder)
    assert rescan(imported).num_changed == 0


def test_file_that_may_not_be_read_for_a_while_keeps_its_content(
    imported: Project, folder: Path, monkeypatch: pytest.MonkeyPatch
):
    os.utime(folder / "a" / "0.png", ns=(10**18, 10**18))
    known = by_name(imported)["a/0.png"]
    opening = os.open

    def refuse(path: object, *arguments: int) -> int:
        if str(path).endswith("0.png"):
            raise PermissionError(13, "Permission denied")
        return opening(path, *arguments)

    with monkeypatch.context() as patch:
        patch.setattr(os, "open", refuse)
        report = rescan(imported)
    assert report.failed == [("a/0.png", by_name(imported)["a/0.png"].reason)]
    assert by_name(imported)["a/0.png"].content_hash == known.content_hash

    rescan(imported)
    assert by_name(imported)["a/0.png"].status is ImageStatus.READABLE


def test_folder_inside_an_imported_one_adds_nothing_twice(imported: Project, folder: Path):
    assert scan(imported, folder / "a").num_added == 0
    assert scan(imported, folder.parent / "pictures").num_added == 0
    assert len(imported.images()) == 6
    assert rescan(imported) == ScanReport()


def test_outer_folder_of_an_imported_one_adds_only_the_rest(imported: Project, folder: Path):
    paint(folder.parent / "outer.png", 60)

    assert scan(imported, folder.parent).num_added == 1
    assert rescan(imported) == ScanReport()


def test_new_images_show_in_blocks_while_the_scan_goes_on(project: Project, tmp_path: Path):
    for index in range(400):
        paint(tmp_path / "many" / f"{index}.png", index)
    listener = Listener()

    run_in_foreground(ScanFolder(project, tmp_path / "many", False), listener)

    blocks = [event.num_images for event in listener.events if isinstance(event, ImagesAdded)]
    assert blocks == [64, 128, 208]
    assert listener.shares[-1] == (400, 400)
    assert [record.name for record in project.images()] == [f"{index}.png" for index in range(400)]


@pytest.mark.parametrize("cancel_after", [1, 40, 300, 500])
def test_cancelled_scan_keeps_what_it_had_and_can_be_done_again(project: Project, tmp_path: Path, cancel_after: int):
    for index in range(400):
        paint(tmp_path / "many" / f"{index}.png", index)

    started = time.monotonic()
    with pytest.raises(CancelledError):
        run_in_foreground(ScanFolder(project, tmp_path / "many", True), Listener(cancel_after))
    assert time.monotonic() - started < 5

    num_kept = len(project.images())
    assert num_kept in (0, 64, 192, 400)
    assert scan(project, tmp_path / "many").num_added == 400 - num_kept
    assert len({record.name for record in project.images()}) == 400


def test_scan_of_folders_without_images_can_be_cancelled(project: Project, tmp_path: Path):
    for number in range(50):
        (tmp_path / "empty" / str(number)).mkdir(parents=True)

    with pytest.raises(CancelledError):
        run_in_foreground(ScanFolder(project, tmp_path / "empty", False), Listener(20))


@pytest.mark.timeout(20)
def test_cancel_does_not_wait_for_a_drive_that_hangs(
    project: Project, folder: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
):
    is_over = threading.Event()
    request.addfinalizer(is_over.set)
    monkeypatch.setattr("engine.images.reading.read_facts", lambda *_: is_over.wait(15))

    started = time.monotonic()
    with pytest.raises(CancelledError):
        run_in_foreground(ScanFolder(project, folder, False), Listener(20))

    assert time.monotonic() - started < 5


def test_own_cache_and_models_are_not_imported(tmp_path: Path):
    with Project.create(tmp_path / "all") as project:
        paint(tmp_path / "all" / "mine.png", 1)
        paint(project.models_dir / "card.png", 2)
        paint(project.cache_dir / "thumb.png", 3)

        assert scan(project, tmp_path / "all").num_added == 1


@pytest.mark.skipif(os.name == "nt", reason="file names on Windows are always Unicode")
def test_file_name_that_is_not_utf8_can_be_opened_from_the_project(project: Project, folder: Path):
    odd = Path(os.fsdecode(os.fsencode(folder) + b"/caf\xe9.png"))
    paint(folder / "plain.png", 20).rename(odd)

    scan(project, folder)

    record = by_name(project)["caf\ufffd.png"]
    assert record.path == odd
    assert record.path.exists()
    assert rescan(project) == ScanReport()


def test_real_photographs_are_imported_with_size_date_and_camera(project: Project, shared_data: Path):
    report = scan(project, shared_data / "highres_exif", classes_from_folders=True)

    records = project.images()
    assert (report.num_added, report.num_labelled, report.failed) == (59, 59, [])
    assert len(project.classes()) == 8
    turned = [record for record in records if record.orientation in (6, 8)]
    assert len(turned) >= 20
    for record in turned[:5]:
        with Image.open(record.path) as image:
            assert (record.height_px, record.width_px) == image.size
    assert sum(record.taken_at is not None for record in records) > 50
    assert sum(bool(record.camera) for record in records) > 50
