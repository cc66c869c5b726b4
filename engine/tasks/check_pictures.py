"""The part of a check that looks at the image files: whether they are there, and whether they are what they were."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from engine.domain import ImageRecord, ImageStatus
from engine.images.reading import read_files
from engine.images.scan import FoundFile, can_reach, display_name, root_of
from engine.job import JobContext
from engine.language import count, tr, trn
from engine.project import Project
from engine.tasks.findings import Finding, Level, Part, first_of, good

_LOOK_HINT = tr("In the window, File › Look for changed images takes note of it; labels stay.")


def look_at_pictures(project: Project, reads_all: bool, context: JobContext) -> Iterator[Finding]:
    """Yields what there is to say of a project's pictures.

    Args:
        project: the open project.
        reads_all: whether to read every file and compare what is in it; else only size and date are looked at.
        context: that of the job.
    """
    records = project.images()
    labelled = project.label_sources()
    there, gone = _divided_by_folder(project, records)
    for root, lost in gone.items():
        yield Finding(
            Part.PICTURES,
            Level.WRONG,
            trn(
                "The folder {folder} with {number:,} picture is not there.",
                "The folder {folder} with {number:,} pictures is not there.",
                len(lost),
                folder=display_name(os.fspath(root)),
            ),
            tr("Connect its drive, or say in the window where the folder is now."),
        )
    found: list[tuple[ImageRecord, FoundFile]] = []
    missing: list[ImageRecord] = []
    for done, record in enumerate(there):
        context.checkpoint()
        context.progress(done, len(there), tr("looking for the pictures"))
        file = _found(record)
        if file is None:
            missing.append(record)
        else:
            found.append((record, file))
    if missing:
        num_labelled = sum(record.id in labelled for record in missing)
        yield Finding(
            Part.PICTURES,
            Level.WRONG,
            trn(
                "{number:,} picture is not where it was: {names} ({labelled:,} labelled).",
                "{number:,} pictures are not where they were: {names} ({labelled:,} labelled).",
                len(missing),
                names=first_of(record.name for record in missing),
                labelled=num_labelled,
            ),
            tr("Put them back, or let the window look for them (File › Look for changed images); labels stay."),
        )
    known_bad = [record for record, _ in found if record.status is ImageStatus.UNREADABLE]
    if known_bad:
        yield Finding(
            Part.PICTURES,
            Level.NOTE,
            trn(
                "{number:,} file cannot be read, as is known: {names}.",
                "{number:,} files cannot be read, as is known: {names}.",
                len(known_bad),
                names=first_of(record.name for record in known_bad),
            ),
            tr("Replace them, or leave them; they are left out of everything."),
        )
    usable = [(record, file) for record, file in found if record.status is not ImageStatus.UNREADABLE]
    unread = [record for record, _ in usable if not record.content_hash]
    if unread:
        yield Finding(
            Part.PICTURES,
            Level.NOTE,
            trn("{number:,} picture was not read yet.", "{number:,} pictures were not read yet.", len(unread)),
            tr("The window reads them while the project is open."),
        )
    troubles = list(_read(usable, context) if reads_all else _compared(usable))
    yield from troubles
    if not gone and not missing and not troubles:
        num = count(len(usable), "picture")
        yield good(
            Part.PICTURES,
            tr("{pictures}, all there, read and unchanged", pictures=num)
            if reads_all
            else tr("{pictures}, all there, of the size and date they had", pictures=num),
        )


def _divided_by_folder(
    project: Project, records: Iterable[ImageRecord]
) -> tuple[list[ImageRecord], dict[Path, list[ImageRecord]]]:
    """Returns the images whose import folder can be reached, and the others by their folder."""
    reachable = {root.path: can_reach(root.path) for root in project.roots()}
    there: list[ImageRecord] = []
    gone: dict[Path, list[ImageRecord]] = defaultdict(list)
    for record in records:
        root = root_of(record.path, record.name)
        (there if reachable.get(root, True) else gone[root]).append(record)
    return there, dict(gone)


def _found(record: ImageRecord) -> FoundFile | None:
    """Returns the file of an image; None where there is none."""
    try:
        facts = os.stat(record.path)
    except OSError:
        return None
    root = root_of(record.path, record.name)
    return FoundFile(root, os.fspath(record.path), record.name, facts.st_size, facts.st_mtime_ns)


def _compared(pairs: Sequence[tuple[ImageRecord, FoundFile]]) -> Iterator[Finding]:
    resized = [record for record, file in pairs if file.size_bytes != record.size_bytes]
    redated = [
        record for record, file in pairs if file.size_bytes == record.size_bytes and file.mtime_ns != record.mtime_ns
    ]
    if resized:
        yield _changed(resized)
    if redated:
        yield Finding(
            Part.PICTURES,
            Level.NOTE,
            trn(
                "{number:,} picture has another date than when it was read: {names}.",
                "{number:,} pictures have another date than when they were read: {names}.",
                len(redated),
                names=first_of(record.name for record in redated),
            ),
            tr("A check with --pictures tells whether what is in them has changed."),
        )


def _read(pairs: Sequence[tuple[ImageRecord, FoundFile]], context: JobContext) -> Iterator[Finding]:
    changed: list[ImageRecord] = []
    broken: list[tuple[ImageRecord, str]] = []
    facts = read_files(((file, False) for _, file in pairs), context.checkpoint)
    for done, ((record, _), read) in enumerate(zip(pairs, facts, strict=True), start=1):
        context.progress(done, len(pairs), tr("reading the pictures"))
        if read.content_hash and record.content_hash and read.content_hash != record.content_hash:
            changed.append(record)
        elif read.status is ImageStatus.UNREADABLE:
            broken.append((record, read.reason))
    if changed:
        yield _changed(changed)
    if broken:
        yield Finding(
            Part.PICTURES,
            Level.WRONG,
            trn(
                "{number:,} picture cannot be read any more: {names}: {reason}",
                "{number:,} pictures cannot be read any more: {names}: {reason}",
                len(broken),
                names=first_of(record.name for record, _ in broken),
                reason=broken[0][1],
            ),
            tr("Put good copies in their place."),
        )


def _changed(records: Sequence[ImageRecord]) -> Finding:
    return Finding(
        Part.PICTURES,
        Level.WRONG,
        trn(
            "{number:,} picture is not what it was when it was read: {names}.",
            "{number:,} pictures are not what they were when they were read: {names}.",
            len(records),
            names=first_of(record.name for record in records),
        ),
        _LOOK_HINT,
    )
