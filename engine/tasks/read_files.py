"""ReadFiles: looks into files that a scan has only found: hash, size, date, and whether they are pictures at all.

A scan of a large folder files its images before it has opened any of them, so that they show at once. Until a file is
read, its image has no content hash, and therefore no embedding and no part in a training.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar, Final

from engine.domain import ImageRecord, ImageStatus, NewImage
from engine.images.reading import read_files
from engine.images.rows import new_image
from engine.images.scan import FileFacts, FoundFile, root_of, status_of_failed
from engine.job import Job, JobContext, Priority
from engine.language import tr
from engine.project import Project

FILES_PER_JOB: Final = 2048
"""A second's work or so: the worker is then free for what is more urgent, and what was read is recorded."""
BLOCK: Final = 256


@dataclass(slots=True)
class ReadReport:
    """What a chain of ReadFiles found. `failed` pairs a file's name with the reason why it cannot be used.

    `num_done` counts the files that were tried: those of a drive that is not there stay unread.
    """

    num_done: int = 0
    failed: list[tuple[str, str]] = field(default_factory=list)
    failed_ids: set[int] = field(default_factory=set)

    def take(self, project: Project, read: Sequence[ReadFile]) -> None:
        """Writes what files hold into the project and notes those that cannot be used."""
        rows = [(each.image_id, each.row) for each in read if each.row is not None]
        for image_id, row in rows:
            if row.status is not ImageStatus.READABLE:
                self.failed.append((row.name, row.reason))
                self.failed_ids.add(image_id)
        if rows:
            project.fill_in_images(rows)
        self.num_done += len(read)


@dataclass(frozen=True, slots=True)
class ReadFile:
    """What is known of an image now; `row` is None while the drive that it lies on is away."""

    image_id: int
    row: NewImage | None


@dataclass(frozen=True, slots=True)
class FilesToRead:
    """A part of the files, by image id, and how many were tried before and will have been in the end."""

    files: list[tuple[int, FoundFile]]
    num_done: int
    num_total: int


class ReadFiles(Job[FilesToRead, list[ReadFile], ReadReport]):
    """Reads some of the files that were not read yet; `read_jobs` returns the chain that reads all of them."""

    title: ClassVar[str] = tr("Reading images")
    in_worker: ClassVar[bool] = True
    is_resumable: ClassVar[bool] = True
    priority = Priority.BACKGROUND

    def __init__(self, project: Project, image_ids: Sequence[int], report: ReadReport, num_total: int) -> None:
        """`report` is shared by the jobs of a chain, which try `num_total` files."""
        self.project, self.image_ids, self.report, self.num_total = project, image_ids, report, num_total

    def prepare(self) -> FilesToRead:
        return FilesToRead(_unread_files(self.project, self.image_ids), self.report.num_done, self.num_total)

    @staticmethod
    def work(snapshot: FilesToRead, context: JobContext) -> list[ReadFile]:
        return list(_read(snapshot, context))

    def finish(self, result: list[ReadFile]) -> ReadReport:
        self.report.take(self.project, result)
        return self.report


def read_jobs(project: Project) -> list[ReadFiles]:
    """Returns the chain of jobs that reads every file which was not read yet; empty when there is none."""
    unread, report = project.unread_images(), ReadReport()
    return [
        ReadFiles(project, unread[start : start + FILES_PER_JOB], report, len(unread))
        for start in range(0, len(unread), FILES_PER_JOB)
    ]


def read_now(project: Project, context: JobContext, image_ids: Iterable[int] | None = None) -> ReadReport:
    """Reads those of the images that were not read yet, all without `image_ids`, in this thread and block by block."""
    report = ReadReport()
    unread = project.unread_images()
    if image_ids is not None:
        wanted = set(image_ids)
        unread = [image_id for image_id in unread if image_id in wanted]
    for start in range(0, len(unread), BLOCK):
        files = _unread_files(project, unread[start : start + BLOCK])
        report.take(project, list(_read(FilesToRead(files, start, len(unread)), context)))
    return report


def _unread_files(project: Project, image_ids: Sequence[int]) -> list[tuple[int, FoundFile]]:
    """Returns the files of those of the images that were not read meanwhile."""
    records = project.images(image_ids)
    return [
        (record.id, _file_of(record))
        for record in records
        if record.status is ImageStatus.READABLE and not record.content_hash
    ]


def _read(part: FilesToRead, context: JobContext) -> Iterator[ReadFile]:
    wanted = ((found, False) for _, found in part.files)
    for done, ((image_id, _), facts) in enumerate(
        zip(part.files, read_files(wanted, context.checkpoint), strict=True), part.num_done + 1
    ):
        yield ReadFile(image_id, _row_of(facts))
        context.progress(done, part.num_total, tr("{done:,} of {total:,} images", done=done, total=part.num_total))


def _row_of(facts: FileFacts) -> NewImage | None:
    row = new_image(facts)
    if facts.status is ImageStatus.READABLE:
        return row
    status = status_of_failed(facts.found.path, facts.found.root)
    return replace(row, status=status) if status is not None else None


def _file_of(record: ImageRecord) -> FoundFile:
    # The name is only for display; where the file lies is in the database already, and stays as it is.
    root = root_of(record.path, record.name)
    return FoundFile(root, os.fspath(record.path), record.name, record.size_bytes, record.mtime_ns)
