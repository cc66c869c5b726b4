"""ReadFiles: looks into files that a scan has only found: hash, size, date, and whether they are pictures at all.

A scan of a large folder files its images before it has opened any of them, so that they show at once. Until a file is
read, its image has no content hash, and therefore no embedding and no part in a training.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar, Final

from engine.domain import ImageRecord, ImageStatus
from engine.images.reading import read_files
from engine.images.rows import new_image
from engine.images.scan import FileFacts, FoundFile
from engine.job import Job, JobContext, Priority
from engine.project import Project

FILES_PER_JOB: Final = 2048
"""A second's work or so: the worker is then free for what is more urgent, and what was read is recorded."""
BLOCK: Final = 256


@dataclass(slots=True)
class ReadReport:
    """What a chain of ReadFiles found. `failed` pairs a file's name with the reason why it cannot be used."""

    num_read: int = 0
    failed: list[tuple[str, str]] = field(default_factory=list)
    failed_ids: set[int] = field(default_factory=set)

    def take(self, project: Project, read: Sequence[tuple[int, FileFacts]]) -> None:
        """Writes what files hold into the project and notes those that cannot be used."""
        rows = []
        for image_id, facts in read:
            row = new_image(facts)
            if facts.status is ImageStatus.UNREADABLE:
                self.failed.append((facts.found.name, facts.reason))
                self.failed_ids.add(image_id)
                if not facts.found.path.exists():
                    row = replace(row, status=ImageStatus.MISSING)
            rows.append((image_id, row))
        if rows:
            project.fill_in_images(rows)
        self.num_read += len(rows)


@dataclass(frozen=True, slots=True)
class FilesToRead:
    """A part of the files, by image id, and how many were read before and will have been in the end."""

    files: list[tuple[int, FoundFile]]
    num_done: int
    num_total: int


class ReadFiles(Job[FilesToRead, list[tuple[int, FileFacts]], ReadReport]):
    """Reads some of the files that were not read yet; `read_jobs` returns the chain that reads all of them."""

    title: ClassVar[str] = "Reading images"
    in_worker: ClassVar[bool] = True
    is_resumable: ClassVar[bool] = True
    priority = Priority.BACKGROUND

    def __init__(self, project: Project, report: ReadReport | None = None) -> None:
        """`report` is shared by the jobs of a chain."""
        self.project, self.report = project, report or ReadReport()

    def prepare(self) -> FilesToRead:
        unread = self.project.unread_images()
        files = _files_of(self.project, unread[:FILES_PER_JOB])
        return FilesToRead(files, self.report.num_read, self.report.num_read + len(unread))

    @staticmethod
    def work(snapshot: FilesToRead, context: JobContext) -> list[tuple[int, FileFacts]]:
        facts = []
        for (image_id, _), read in zip(
            snapshot.files, read_files(((file, False) for _, file in snapshot.files), context.checkpoint), strict=True
        ):
            facts.append((image_id, read))
            done = snapshot.num_done + len(facts)
            context.progress(done, snapshot.num_total, f"{done:,} of {snapshot.num_total:,} images")
        return facts

    def finish(self, result: list[tuple[int, FileFacts]]) -> ReadReport:
        self.report.take(self.project, result)
        return self.report


def read_jobs(project: Project) -> list[ReadFiles]:
    """Returns the chain of jobs that reads every file which was not read yet; empty when there is none."""
    num_jobs = -(-len(project.unread_images()) // FILES_PER_JOB)
    report = ReadReport()
    return [ReadFiles(project, report) for _ in range(num_jobs)]


def read_now(project: Project, context: JobContext, image_ids: Iterable[int] | None = None) -> ReadReport:
    """Reads those of the images that were not read yet, all without `image_ids`, in this thread and block by block."""
    report = ReadReport()
    unread = project.unread_images()
    if image_ids is not None:
        wanted = set(image_ids)
        unread = [image_id for image_id in unread if image_id in wanted]
    for start in range(0, len(unread), BLOCK):
        files = _files_of(project, unread[start : start + BLOCK])
        facts = []
        for read in read_files(((file, False) for _, file in files), context.checkpoint):
            facts.append(read)
            done = start + len(facts)
            context.progress(done, len(unread), f"{done:,} of {len(unread):,} images")
        ids = (image_id for image_id, _ in files)
        report.take(project, list(zip(ids, facts, strict=True)))
    return report


def _files_of(project: Project, image_ids: Sequence[int]) -> list[tuple[int, FoundFile]]:
    return [(record.id, _file_of(record)) for record in project.images(image_ids)]


def _file_of(record: ImageRecord) -> FoundFile:
    # The name is only for display; where the file lies is in the database already, and stays as it is.
    return FoundFile(record.path.parent, os.fspath(record.path), record.name, record.size_bytes, record.mtime_ns)
