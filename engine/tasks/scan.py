"""ScanFolder and Rescan: bring the image files of folders into the project and keep it in step with them.

New files are filed as they are found, block by block and unread, so that a folder of 100,000 images shows within
seconds. What is in them is read afterwards: here when they are few, else by the jobs of `engine.tasks.read_files`. Only
files that could be a known image which was moved are read before they are filed. Both jobs write while they work; that
is why their snapshot carries the project itself and `work` runs in the engine thread.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Final

from engine.domain import NO_CLASS, ImageRecord, ImageStatus, NewImage, Source
from engine.errors import ProjectError
from engine.events import ImagesAdded
from engine.images.changes import ChangeFinder, Changes, Meeting
from engine.images.reading import read_files
from engine.images.rows import new_image, set_aside
from engine.images.scan import FileFacts, FoundFile, can_reach, display_name, natural_key, unread, walk_images
from engine.job import Job, JobContext
from engine.language import tr, trn
from engine.project import Project
from engine.tasks.read_files import read_now

FIRST_BLOCK: Final = 64
BLOCK: Final = 2048
FEW: Final = 1000
"""So many files are read as part of the scan; more are left to jobs in the background."""


@dataclass(slots=True)
class ScanReport:
    """What a scan found. `failed` pairs a file's name with the reason why it cannot be used.

    `num_added` and `num_returned` (missing before, there again) count readable images; `num_missing` those that were
    not missing before. `num_labelled` counts images that got a class from their folder's name. `num_unread` images are
    in the project, but nobody has looked into their files yet; they count as readable.
    """

    num_added: int = 0
    num_changed: int = 0
    num_moved: int = 0
    num_missing: int = 0
    failed: list[tuple[str, str]] = field(default_factory=list)
    num_returned: int = 0
    num_labelled: int = 0
    num_unread: int = 0


@dataclass(frozen=True, slots=True)
class ScanSnapshot:
    """The project and the folders to walk."""

    project: Project
    folders: Sequence[Path]
    classes_from_folders: bool = False
    reads_all: bool = False


class ScanFolder(Job[ScanSnapshot, ScanReport, ScanReport]):
    """Imports the images of a folder and its sub-folders, which stay where they are and are never written to.

    With `classes_from_folders`, images in a sub-folder get the class named like the first folder below the imported
    one, as one undoable step; images that have a class already keep it. A folder that was imported before is compared
    with what is known of it. With `reads_all` no file is left unread, however many they are.
    """

    title: ClassVar[str] = tr("Looking for images")

    def __init__(self, project: Project, folder: Path, classes_from_folders: bool, reads_all: bool = False) -> None:
        self.project, self.folder = project, folder
        self.classes_from_folders, self.reads_all = classes_from_folders, reads_all

    def prepare(self) -> ScanSnapshot:
        """Raises:
        ProjectError: the folder is not there, is not a folder, or may not be entered.
        """
        folder = Path(os.path.abspath(self.folder))  # not resolved: links stay as the user named them
        if not folder.exists():
            raise ProjectError(
                tr("There is no folder {folder}.", folder=display_name(os.fspath(folder))),
                tr("Check the name."),
            )
        if not folder.is_dir():
            raise ProjectError(
                tr("{folder} is a file, not a folder.", folder=display_name(os.fspath(folder))),
                tr("Choose the folder that holds the images."),
            )
        if not os.access(folder, os.R_OK | os.X_OK):
            raise ProjectError(
                tr("The folder {folder} may not be read.", folder=display_name(os.fspath(folder))),
                tr("Give yourself permission to read it, or choose another folder."),
            )
        known = [root.path for root in self.project.roots() if _is_same_folder(root.path, folder)]
        return ScanSnapshot(self.project, known[:1] or [folder], self.classes_from_folders, self.reads_all)

    @staticmethod
    def work(snapshot: ScanSnapshot, context: JobContext) -> ScanReport:
        """Raises:
        ProjectError: there is no image in the folder.
        """
        return _Scan(snapshot, context).run()

    def finish(self, result: ScanReport) -> ScanReport:
        return result


class Rescan(Job[ScanSnapshot, ScanReport, ScanReport]):
    """Compares all imported folders with the project: finds new, changed, moved, missing and returned files."""

    title: ClassVar[str] = tr("Looking for changes")

    def __init__(self, project: Project, reads_all: bool = False) -> None:
        self.project, self.reads_all = project, reads_all

    def prepare(self) -> ScanSnapshot:
        """Raises:
        ProjectError: no folder was imported yet.
        """
        folders = [root.path for root in self.project.roots()]
        if not folders:
            raise ProjectError(tr("No folder has been imported yet."), tr("Add a folder with images first."))
        return ScanSnapshot(self.project, folders, reads_all=self.reads_all)

    @staticmethod
    def work(snapshot: ScanSnapshot, context: JobContext) -> ScanReport:
        return _Scan(snapshot, context).run(is_rescan=True)

    def finish(self, result: ScanReport) -> ScanReport:
        return result


class _Scan:
    """One scan in progress."""

    def __init__(self, snapshot: ScanSnapshot, context: JobContext) -> None:
        self._project = snapshot.project
        self._folders = snapshot.folders
        self._uses_folder_names = snapshot.classes_from_folders
        self._reads_all = snapshot.reads_all
        self._context = context
        self._report = ScanReport()
        self._roots: dict[Path, int] = {root.path: root.id for root in self._project.roots()}
        # Images of a drive that is not there are not missing: they stay as they are, with what is known of them.
        self._there = [folder for folder in snapshot.folders if can_reach(folder)]
        self._finder = ChangeFinder(self._project.images(), [os.fspath(folder) for folder in self._there])
        self._num_found = 0
        single = self._project.single_file_roots()
        self._single_folders = {root.path for root in self._project.roots() if root.id in single}
        self._to_read: list[FoundFile] = []
        self._added_ids: set[int] = set()
        self._block: tuple[Future[list[int]], Sequence[FileFacts]] | None = None
        self._folder_classes: dict[int, str] = {}

    def run(self, is_rescan: bool = False) -> ScanReport:
        if not is_rescan:  # whoever names a folder wants all of its images
            for folder in self._single_folders.intersection(self._folders):
                self._project.set_single_file_root(self._roots[folder], False)
                self._single_folders.discard(folder)
        for folder in self._folders:
            if folder in self._there or folder.is_dir():
                self._file_what_is_new(folder)
            else:
                self._report.failed.append((display_name(os.fspath(folder)), tr("The folder is not there.")))
        if not self._num_found and not is_rescan:
            raise ProjectError(
                tr("There are no images in {folder}.", folder=display_name(os.fspath(self._folders[0]))),
                tr("Choose a folder that holds JPEG, PNG, TIFF, WebP, GIF, BMP, AVIF or JPEG 2000 files."),
            )
        self._compare(self._to_read)
        suspects, new = self._finder.settle()
        self._add_all([unread(found) for found in new])
        self._compare(suspects)
        self._context.checkpoint()
        self._record(self._finder.finish())
        self._read_the_rest()
        self._label_by_folder()
        return self._report

    def _file_what_is_new(self, folder: Path) -> None:
        """Walks one folder; commits what is certainly new on the way."""
        block: list[FileFacts] = []
        block_size = FIRST_BLOCK
        for found in self._walk(folder):
            meeting = self._finder.meet(found)
            if meeting is Meeting.NEW:
                block.append(unread(found))
            elif meeting is Meeting.READ:
                self._to_read.append(found)
            if len(block) >= block_size:
                self._add(folder, block)
                block, block_size = [], min(2 * block_size, BLOCK)
        self._add(folder, block)
        self._finish_block()

    def _walk(self, folder: Path) -> Iterator[FoundFile]:
        """Yields the files of a folder that were not met before."""
        project = self._project
        own = frozenset(path.resolve() for path in (project.models_dir, project.cache_dir, project.backups_dir))

        def note_fault(name: str, reason: str) -> None:
            self._report.failed.append((name, reason))

        is_single = folder in self._single_folders
        files = (
            self._finder.known_files(folder)
            if is_single
            else walk_images(folder, note_fault, own, self._context.checkpoint)
        )
        for found in files:
            self._context.checkpoint()
            if self._finder.is_seen(found):
                continue
            self._num_found += 1
            if self._num_found % FIRST_BLOCK == 0:
                self._context.progress(self._num_found, 0, tr("{num_images:,} images", num_images=self._num_found))
            record = self._finder.image_at(found)
            if self._uses_folder_names and record is not None:
                self._note_folder_class(record.id, found)
            yield found

    def _compare(self, files: Sequence[FoundFile]) -> None:
        """Reads files that may be known images, and adds those that turn out to be new."""
        new: list[FileFacts] = []
        wanted = ((found, self._is_suspect(found)) for found in files)
        for done, facts in enumerate(read_files(wanted, self._context.checkpoint), start=1):
            self._context.progress(
                done, len(files), tr("{done:,} of {total:,} images compared", done=done, total=len(files))
            )
            self._note_failure(facts)
            if self._finder.take(facts):
                new.append(facts)
        self._add_all(new)

    def _read_the_rest(self) -> None:
        """Reads what was only filed so far, when it is not much."""
        num_unread = len(self._project.unread_images())
        if num_unread > FEW and not self._reads_all:
            self._report.num_unread = num_unread
            return
        read = read_now(self._project, self._context)
        self._report.failed += read.failed
        self._report.num_added -= len(read.failed_ids & self._added_ids)

    def _is_suspect(self, found: FoundFile) -> bool:
        record = self._finder.image_at(found)
        return record is not None and record.status is ImageStatus.UNREADABLE

    def _note_failure(self, facts: FileFacts) -> None:
        """Lists a file that cannot be used, unless the user was told before."""
        if facts.status is ImageStatus.UNREADABLE and not self._is_suspect(facts.found):
            self._report.failed.append((facts.found.name, facts.reason))

    def _add_all(self, new: Sequence[FileFacts]) -> None:
        """Adds new images, of any of the folders."""
        for folder in self._folders:
            added = [facts for facts in new if facts.found.root == folder]
            for start in range(0, len(added), BLOCK):
                self._add(folder, added[start : start + BLOCK])
        self._finish_block()

    def _add(self, folder: Path, block: Sequence[FileFacts]) -> None:
        """Hands a block of new images to the store; while that writes, the next one is gathered."""
        self._finish_block()
        if block:
            rows = [new_image(facts) for facts in block]
            self._block = (self._project.start_adding_images(self._root_id(folder), rows), block)

    def _finish_block(self) -> None:
        """Waits for the block that is being written, and tells of it."""
        if self._block is None:
            return
        (ids, block), self._block = self._block, None
        for image_id, facts in zip(ids.result(), block, strict=True):
            self._added_ids.add(image_id)
            self._note_folder_class(image_id, facts.found)
        self._report.num_added += sum(facts.status is ImageStatus.READABLE for facts in block)
        self._context.emit(ImagesAdded(len(block)))

    def _root_id(self, folder: Path) -> int:
        if folder not in self._roots:
            self._roots[folder] = self._project.add_root(folder)
        return self._roots[folder]

    def _record(self, changes: Changes) -> None:
        """Writes what became of known images. Each step leaves a state that the next rescan can go on from."""
        report, project = self._report, self._project
        # Places change hands in a ring when files were swapped, and no two images may have the same: step aside first.
        has_taken_places = any(self._finder.image_at(facts.found) for _, facts in changes.moved)
        for folder, moved in self._by_root(changes.moved if has_taken_places else []):
            self._update(folder, [(record.id, set_aside(record, facts)) for record, facts in moved])
        for folder, replaced in self._by_root(changes.replaced):
            self._update(folder, [(record.id, set_aside(record, facts)) for record, facts in replaced])
        for folder, moved in self._by_root(changes.moved):
            self._update(folder, [(record.id, new_image(facts)) for record, facts in moved])
            for record, facts in moved:
                self._note_folder_class(record.id, facts.found)
        for folder, updated in self._by_root(changes.changed + changes.refreshed):
            self._update(folder, [(record.id, new_image(facts, record)) for record, facts in updated])
        if changes.returned:
            project.set_image_status([record.id for record in changes.returned], ImageStatus.READABLE)
        newly_missing = [record.id for record in changes.missing if record.status is not ImageStatus.MISSING]
        if newly_missing:
            project.set_image_status(newly_missing, ImageStatus.MISSING, tr("The file is not there any more."))
        self._add_all(changes.added)
        report.num_changed += len(changes.changed)
        report.num_moved += len(changes.moved)
        report.num_missing += len(newly_missing) + len(changes.replaced)
        report.num_returned += len(changes.returned) + sum(
            record.status is ImageStatus.MISSING and facts.status is ImageStatus.READABLE
            for record, facts in changes.refreshed
        )

    def _by_root(
        self, pairs: Sequence[tuple[ImageRecord, FileFacts]]
    ) -> Iterator[tuple[Path, list[tuple[ImageRecord, FileFacts]]]]:
        """Yields the pairs by the folder that their files are in now."""
        for folder in self._folders:
            inside = [(record, facts) for record, facts in pairs if facts.found.root == folder]
            if inside:
                yield folder, inside

    def _update(self, folder: Path, images: Sequence[tuple[int, NewImage]]) -> None:
        self._project.update_images(images, self._root_id(folder))

    def _note_folder_class(self, image_id: int, found: FoundFile) -> None:
        if self._uses_folder_names:
            top, is_inside, _ = found.name.partition("/")
            name = " ".join(top.split())
            if is_inside and name:
                self._folder_classes[image_id] = name

    def _label_by_folder(self) -> None:
        """Gives the images that have no class the one that their folder names, as one step."""
        if not self._folder_classes:
            return
        project = self._project
        columns = project.columns()
        is_free = (columns.class_ids == NO_CLASS) & (columns.statuses == ImageStatus.READABLE)
        wanted = [
            (int(image_id), self._folder_classes[int(image_id)])
            for image_id in columns.image_ids[is_free]
            if int(image_id) in self._folder_classes
        ]
        class_ids = {image_class.name: image_class.id for image_class in project.classes()}
        for name in sorted({name for _, name in wanted} - class_ids.keys(), key=natural_key):
            class_ids[name] = project.add_class(name).result().id
        if wanted:
            pairs = [(image_id, class_ids[name]) for image_id, name in wanted]
            project.label_many(
                pairs,
                Source.IMPORT,
                trn("label {number:,} image by folder", "label {number:,} images by folder", len(pairs)),
            ).result()
            self._report.num_labelled = len(pairs)


def _is_same_folder(first: Path, second: Path) -> bool:
    try:
        return os.path.samefile(first, second)
    except OSError:
        return False
