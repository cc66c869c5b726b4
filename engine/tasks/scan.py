"""ScanFolder and Rescan: bring the image files of folders into the project and keep it in step with them.

Both write while they work, block by block, so that the first thumbnails show while a large folder is still being read.
That is why their snapshot carries the project itself and `work` runs in the engine thread; the reading, which is the
long part, is done by a pool of threads.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import closing
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import ClassVar, Final

from engine.domain import NO_CLASS, ImageRecord, ImageStatus, NewImage, Source
from engine.errors import ProjectError
from engine.events import ImagesAdded
from engine.images.changes import ChangeFinder, Changes
from engine.images.rows import new_image, set_aside
from engine.images.scan import FileFacts, FoundFile, display_name, natural_key, read_facts, walk_images
from engine.job import Job, JobContext
from engine.project import Project

FIRST_BLOCK: Final = 32
BLOCK: Final = 256
READ_AHEAD: Final = 2048
NUM_READERS: Final = max(2, min(4, os.cpu_count() or 2))


@dataclass(slots=True)
class ScanReport:
    """What a scan found. `failed` pairs a file's name with the reason why it cannot be used.

    `num_added` and `num_returned` (missing before, there again) count readable images; `num_missing` those that were
    not missing before. `num_labelled` counts images that got a class from their folder's name.
    """

    num_added: int = 0
    num_changed: int = 0
    num_moved: int = 0
    num_missing: int = 0
    failed: list[tuple[str, str]] = field(default_factory=list)
    num_returned: int = 0
    num_labelled: int = 0


@dataclass(frozen=True, slots=True)
class ScanSnapshot:
    """The project and the folders to walk."""

    project: Project
    folders: Sequence[Path]
    classes_from_folders: bool = False


class ScanFolder(Job[ScanSnapshot, ScanReport, ScanReport]):
    """Imports the images of a folder and its sub-folders, which stay where they are and are never written to.

    With `classes_from_folders`, images in a sub-folder get the class named like the first folder below the imported
    one, as one undoable step; images that have a class already keep it. A folder that was imported before is compared
    with what is known of it.
    """

    title: ClassVar[str] = "Looking for images"

    def __init__(self, project: Project, folder: Path, classes_from_folders: bool) -> None:
        self.project, self.folder, self.classes_from_folders = project, folder, classes_from_folders

    def prepare(self) -> ScanSnapshot:
        """Raises:
        ProjectError: the folder is not there, is not a folder, or may not be entered.
        """
        folder = Path(os.path.abspath(self.folder))  # not resolved: links stay as the user named them
        if not folder.exists():
            raise ProjectError(f"There is no folder {display_name(os.fspath(folder))}.", "Check the name.")
        if not folder.is_dir():
            raise ProjectError(
                f"{display_name(os.fspath(folder))} is a file, not a folder.",
                "Choose the folder that holds the images.",
            )
        if not os.access(folder, os.R_OK | os.X_OK):
            raise ProjectError(
                f"The folder {display_name(os.fspath(folder))} may not be read.",
                "Give yourself permission to read it, or choose another folder.",
            )
        known = [root.path for root in self.project.roots() if _is_same_folder(root.path, folder)]
        return ScanSnapshot(self.project, known[:1] or [folder], self.classes_from_folders)

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

    title: ClassVar[str] = "Looking for changes"

    def __init__(self, project: Project) -> None:
        self.project = project

    def prepare(self) -> ScanSnapshot:
        """Raises:
        ProjectError: no folder was imported yet.
        """
        folders = [root.path for root in self.project.roots()]
        if not folders:
            raise ProjectError("No folder has been imported yet.", "Add a folder with images first.")
        return ScanSnapshot(self.project, folders)

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
        self._context = context
        self._report = ScanReport()
        self._roots: dict[Path, int] = {root.path: root.id for root in self._project.roots()}
        self._finder = ChangeFinder(self._project.images(), [os.fspath(folder) for folder in snapshot.folders])
        self._num_found = 0
        self._num_done = 0
        self._folder_classes: dict[int, str] = {}

    def run(self, is_rescan: bool = False) -> ScanReport:
        for folder in self._folders:
            if folder.is_dir():
                self._scan(folder)
            else:
                self._report.failed.append((display_name(os.fspath(folder)), "The folder is not there."))
        if not self._num_found and not is_rescan:
            raise ProjectError(
                f"There are no images in {display_name(os.fspath(self._folders[0]))}.",
                "Choose a folder that holds JPEG, PNG, TIFF, WebP, GIF, BMP, AVIF or JPEG 2000 files.",
            )
        self._context.checkpoint()
        self._record(self._finder.finish())
        self._label_by_folder()
        return self._report

    def _scan(self, folder: Path) -> None:
        """Walks one folder; commits what is certainly new on the way."""
        block: list[FileFacts] = []
        block_size = FIRST_BLOCK
        with closing(self._read(self._walk(folder))) as files:
            for facts in files:
                self._note_failure(facts)
                if self._finder.take(facts):
                    block.append(facts)
                if len(block) >= block_size:
                    self._add(folder, block)
                    block, block_size = [], BLOCK
        self._add(folder, block)

    def _walk(self, folder: Path) -> Iterator[FoundFile]:
        """Yields the files of a folder that have to be read."""
        project = self._project
        own = frozenset(path.resolve() for path in (project.models_dir, project.cache_dir, project.backups_dir))

        def note_fault(name: str, reason: str) -> None:
            self._report.failed.append((name, reason))

        for found in walk_images(folder, note_fault, own, self._context.checkpoint):
            self._context.checkpoint()
            if self._finder.is_seen(found):
                continue
            self._num_found += 1
            record = self._finder.image_at(found)
            if self._uses_folder_names and record is not None:
                self._note_folder_class(record.id, found)
            if self._finder.needs_reading(found):
                yield found
            else:
                self._num_done += 1

    def _read(self, files: Iterator[FoundFile]) -> Generator[FileFacts]:
        """Yields what the files hold, in their order, read ahead by a pool of threads."""
        pool = ThreadPoolExecutor(NUM_READERS, thread_name_prefix="graft-scan")
        reading: deque[Future[FileFacts]] = deque()
        try:
            is_walking = True
            while is_walking or reading:
                wanted = min(2 * FIRST_BLOCK, READ_AHEAD - len(reading))
                ahead = list(islice(files, wanted))
                is_walking = is_walking and (len(ahead) == wanted)
                reading += [pool.submit(read_facts, found, self._is_suspect(found)) for found in ahead]
                # Half of what was put in, so the readers get ahead without holding up the first block.
                for _ in range(min(len(reading), FIRST_BLOCK)):
                    facts = self._wait_for(reading.popleft())
                    self._num_done += 1
                    self._context.progress(
                        self._num_done, 0 if is_walking else self._num_found, f"{self._num_done:,} images"
                    )
                    yield facts
        finally:
            # Not waited for: a reader that hangs on a network drive must not hold up a cancel.
            pool.shutdown(wait=False, cancel_futures=True)

    def _wait_for(self, reading: Future[FileFacts]) -> FileFacts:
        while True:
            self._context.checkpoint()
            if wait([reading], timeout=0.1).done:
                return reading.result()

    def _is_suspect(self, found: FoundFile) -> bool:
        record = self._finder.image_at(found)
        return record is not None and record.status is ImageStatus.UNREADABLE

    def _note_failure(self, facts: FileFacts) -> None:
        """Lists a file that cannot be used, unless the user was told before."""
        if facts.status is ImageStatus.UNREADABLE and not self._is_suspect(facts.found):
            self._report.failed.append((facts.found.name, facts.reason))

    def _add(self, folder: Path, block: Sequence[FileFacts]) -> None:
        if not block:
            return
        ids = self._project.add_images(self._root_id(folder), [new_image(facts) for facts in block])
        for image_id, facts in zip(ids, block, strict=True):
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
        newly_missing = [record.id for record in changes.missing if record.status is not ImageStatus.MISSING]
        if newly_missing:
            project.set_image_status(newly_missing, ImageStatus.MISSING, "The file is not there any more.")
        for folder in self._folders:
            added = [facts for facts in changes.added if facts.found.root == folder]
            for start in range(0, len(added), BLOCK):
                self._add(folder, added[start : start + BLOCK])
        report.num_changed += len(changes.changed)
        report.num_moved += len(changes.moved)
        report.num_missing += len(newly_missing) + len(changes.replaced)
        report.num_returned += sum(
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
        top, is_inside, _ = found.name.partition("/")
        name = " ".join(top.split())
        if self._uses_folder_names and is_inside and name:
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
            project.label_many(pairs, Source.IMPORT, f"label {len(pairs):,} images by folder").result()
            self._report.num_labelled = len(pairs)


def _is_same_folder(first: Path, second: Path) -> bool:
    try:
        return os.path.samefile(first, second)
    except OSError:
        return False
