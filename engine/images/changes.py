"""Compares the files that lie in a folder with the images that a project knows, and says what became of each.

Labels belong to what a picture shows, not to its file name: when files were renamed, swapped or renumbered, the image
with its labels follows the content. Pure bookkeeping besides asking whether a file still exists; writes nothing.
"""

from __future__ import annotations

import os
import stat
from collections import defaultdict
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum, auto
from pathlib import Path
from typing import Final

from engine.domain import ImageRecord, ImageStatus
from engine.images.scan import FileFacts, FoundFile, root_of, unread

_SIZE_NOT_KNOWN: Final = -1


class Meeting(Enum):
    """What is to be done with a file that a walk came across."""

    KNOWN = auto()
    """Nothing: the project knows it, and it has not changed."""
    NEW = auto()
    """It is a new image, to be added at once; it need not be read for that."""
    READ = auto()
    """It is the file of a known image, and another one than it was: to be read, then handed to `take`."""
    HELD = auto()
    """It may be a known image that was moved here: `settle` says when the walk is over."""


@dataclass(slots=True)
class Changes:
    """What became of files and images. An image is in at most one of the lists; those in none are as they were.

    `refreshed`: same place and content, but date or readability differ. `changed`: same place, other content. `moved`:
    same content, other place. `replaced`: missing images whose place another image has taken, with the file there.
    `returned`: missing images whose file is there again just as it was.
    """

    added: list[FileFacts] = field(default_factory=list)
    refreshed: list[tuple[ImageRecord, FileFacts]] = field(default_factory=list)
    changed: list[tuple[ImageRecord, FileFacts]] = field(default_factory=list)
    moved: list[tuple[ImageRecord, FileFacts]] = field(default_factory=list)
    missing: list[ImageRecord] = field(default_factory=list)
    replaced: list[tuple[ImageRecord, FileFacts]] = field(default_factory=list)
    returned: list[ImageRecord] = field(default_factory=list)


class ChangeFinder:
    """Takes the files of a walk one by one. Use: `meet` for each, `settle` once after the walk, `take` for each file
    that these two want read, `finish` once.
    """

    def __init__(self, records: Iterable[ImageRecord], roots: Iterable[str]) -> None:
        """Args:
        records: every image of the project.
        roots: the folders that are being walked; images elsewhere can be found again here, but not go missing.
        """
        self._by_path: dict[str, ImageRecord] = {}
        self._by_hash: dict[str, list[ImageRecord]] = defaultdict(list)
        self._sizes: set[int] = set()
        for record in records:
            self._by_path[os.fspath(record.path)] = record
            self._sizes.add(_known_size(record))
            if record.content_hash:
                self._by_hash[record.content_hash].append(record)
        self._prefixes = tuple(root.rstrip(os.sep) + os.sep for root in roots)
        self._seen: set[str] = set()
        self._held: list[FoundFile] = []
        self._undecided: list[FileFacts] = []
        self._arrived: list[tuple[ImageRecord, FileFacts]] = []
        self._claimed: set[int] = set()
        self._changes = Changes()

    def image_at(self, found: FoundFile) -> ImageRecord | None:
        """Returns the image that the project knows at the place of a file."""
        return self._by_path.get(found.location)

    def known_files(self, folder: Path) -> list[FoundFile]:
        """Returns those files of the folder that the project knows and that are there, without looking for others."""
        prefix = os.path.join(folder, "")
        found = []
        for place, record in self._by_path.items():
            relative = place.removeprefix(prefix)
            if relative == place or root_of(record.path, record.name) != folder:
                continue
            with suppress(OSError):
                status = os.stat(place)
                if stat.S_ISREG(status.st_mode):
                    name = relative.replace(os.sep, "/")
                    found.append(FoundFile(folder, place, name, status.st_size, status.st_mtime_ns))
        return found

    def is_seen(self, found: FoundFile) -> bool:
        """Tells whether a file was met before in this walk (folders of a project may lie inside one another)."""
        return found.location in self._seen

    def meet(self, found: FoundFile) -> Meeting:
        """Notes that a file is there and says what is to be done with it.

        A file with a size that no known image has cannot be a known image that was moved, so it is new unread.
        """
        self._seen.add(found.location)
        record = self.image_at(found)
        if record is None:
            if found.size_bytes not in self._sizes and _SIZE_NOT_KNOWN not in self._sizes:
                return Meeting.NEW
            self._held.append(found)
            return Meeting.HELD
        is_as_it_was = (record.size_bytes, record.mtime_ns) == (found.size_bytes, found.mtime_ns)
        if record.status is ImageStatus.READABLE and is_as_it_was:
            return Meeting.KNOWN  # read already, or still to be read
        if record.status is ImageStatus.READABLE and not record.content_hash:
            self._changes.refreshed.append((record, unread(found)))
            return Meeting.KNOWN
        if record.status is ImageStatus.MISSING and is_as_it_was and record.content_hash and record.width_px:
            self._changes.returned.append(record)
            return Meeting.KNOWN
        return Meeting.READ

    def settle(self) -> tuple[list[FoundFile], list[FoundFile]]:
        """Returns, after the walk and what it wanted read, which held files are to be read too, and which are new."""
        sizes = {found.size_bytes for found in self._held}
        may_be_any = _SIZE_NOT_KNOWN in self._sizes
        gone = [
            record
            for path, record in self._by_path.items()
            if path not in self._seen and (may_be_any or record.size_bytes in sizes) and _is_gone(record)
        ]
        gone_sizes = {_known_size(record) for record in (*gone, *(record for record, _ in self._arrived))}
        unread_gone = {_trace(record.path.name, record): record for record in gone if not record.content_hash}
        to_read, new = [], []
        for found in self._held:
            record = unread_gone.pop(_trace(os.path.basename(found.location), found), None)
            if record is not None:
                self._claimed.add(record.id)
                self._changes.moved.append((record, unread(found)))
            elif found.size_bytes in gone_sizes or _SIZE_NOT_KNOWN in gone_sizes:
                to_read.append(found)
            else:
                new.append(found)
        return to_read, new

    def take(self, facts: FileFacts) -> bool:
        """Notes what a file holds. Returns True when it is certainly a new image, to be added by the caller at once."""
        record = self.image_at(facts.found)
        if record is None:
            if facts.content_hash in self._by_hash:
                self._undecided.append(facts)  # a copy, or an image that was moved: known when all are read
                return False
            return True
        if not facts.content_hash or not record.content_hash or facts.content_hash == record.content_hash:
            self._changes.refreshed.append((record, facts))
        else:
            self._arrived.append((record, facts))
        return False

    def finish(self) -> Changes:
        """Returns what became of everything that `take` could not decide, and of the images that were not met."""
        changes, claimed = self._changes, self._claimed
        gone = [record for path, record in self._by_path.items() if self._is_in_scope(path) and _is_gone(record)]
        displaced: dict[str, list[ImageRecord]] = defaultdict(list)
        for record in (*gone, *(record for record, _ in self._arrived)):
            if record.content_hash:
                displaced[record.content_hash].append(record)
        left: list[tuple[ImageRecord, FileFacts]] = []
        for record, facts in self._arrived:
            origin = self._claim(facts, displaced)
            if origin is None:
                left.append((record, facts))
            else:
                changes.moved.append((origin, facts))
        for facts in self._undecided:
            origin = self._claim(facts, displaced)
            if origin is None:
                changes.added.append(facts)
            else:
                changes.moved.append((origin, facts))
        for record, facts in left:
            if record.id in claimed:
                changes.added.append(facts)
            else:
                changes.changed.append((record, facts))
        changed_ids = {record.id for record, _ in changes.changed}
        for record, facts in self._arrived:
            if record.id not in claimed and record.id not in changed_ids:
                changes.replaced.append((record, facts))
        changes.missing = [record for record in gone if record.id not in claimed]
        return changes

    def _is_in_scope(self, path: str) -> bool:
        return path not in self._seen and path.startswith(self._prefixes)

    def _claim(self, facts: FileFacts, displaced: dict[str, list[ImageRecord]]) -> ImageRecord | None:
        """Returns the image that a file is the new place of, and strikes it off; None when there is none."""
        claimed = self._claimed
        candidates = [record for record in displaced.get(facts.content_hash, ()) if record.id not in claimed]
        if not candidates:  # an image of a folder that is not being walked, for instance before it was moved here
            candidates = [
                record
                for record in self._by_hash.get(facts.content_hash, ())
                if record.id not in claimed and os.fspath(record.path) not in self._seen and _is_gone(record)
            ]
        if not candidates:
            return None
        name = os.path.basename(facts.found.location)
        best = next((record for record in candidates if record.path.name == name), candidates[0])
        claimed.add(best.id)
        return best


def _known_size(record: ImageRecord) -> int:
    """Returns the size of an image's file; of images that a damaged journal only mentions, it is not known."""
    is_only_mentioned = record.content_hash and not record.size_bytes and not record.mtime_ns
    return _SIZE_NOT_KNOWN if is_only_mentioned else record.size_bytes


def _trace(name: str, file: ImageRecord | FoundFile) -> tuple[str, int, int]:
    """Returns what tells that a file is the same after it was moved, while its content is not known."""
    return name, file.size_bytes, file.mtime_ns


def _is_gone(record: ImageRecord) -> bool:
    """Tells whether a file is certainly not there. One that may not be looked at counts as there."""
    try:
        os.stat(record.path)
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return False
