"""Compares the files that lie in a folder with the images that a project knows, and says what became of each.

Labels belong to what a picture shows, not to its file name: when files were renamed, swapped or renumbered, the image
with its labels follows the content. Pure bookkeeping besides asking whether a file still exists; writes nothing.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from engine.domain import ImageRecord, ImageStatus
from engine.images.scan import FileFacts, FoundFile


@dataclass(slots=True)
class Changes:
    """What became of files and images. An image is in at most one of the lists; those in none are as they were.

    `refreshed`: same place and content, but date or readability differ. `changed`: same place, other content. `moved`:
    same content, other place. `replaced`: missing images whose place another image has taken, with the file there.
    """

    added: list[FileFacts] = field(default_factory=list)
    refreshed: list[tuple[ImageRecord, FileFacts]] = field(default_factory=list)
    changed: list[tuple[ImageRecord, FileFacts]] = field(default_factory=list)
    moved: list[tuple[ImageRecord, FileFacts]] = field(default_factory=list)
    missing: list[ImageRecord] = field(default_factory=list)
    replaced: list[tuple[ImageRecord, FileFacts]] = field(default_factory=list)


class ChangeFinder:
    """Takes the files of a walk one by one. Use: `needs_reading` for each, `take` for those read, `finish` once."""

    def __init__(self, records: Iterable[ImageRecord], roots: Iterable[str]) -> None:
        """Args:
        records: every image of the project.
        roots: the folders that are being walked; images elsewhere can be found again here, but not go missing.
        """
        self._by_path: dict[str, ImageRecord] = {}
        self._by_hash: dict[str, list[ImageRecord]] = defaultdict(list)
        for record in records:
            self._by_path[os.fspath(record.path)] = record
            if record.content_hash:
                self._by_hash[record.content_hash].append(record)
        self._prefixes = tuple(root.rstrip(os.sep) + os.sep for root in roots)
        self._seen: set[str] = set()
        self._undecided: list[FileFacts] = []
        self._arrived: list[tuple[ImageRecord, FileFacts]] = []
        self._changes = Changes()

    def image_at(self, found: FoundFile) -> ImageRecord | None:
        """Returns the image that the project knows at the place of a file."""
        return self._by_path.get(os.fspath(found.path))

    def is_seen(self, found: FoundFile) -> bool:
        """Tells whether a file was met before in this walk (folders of a project may lie inside one another)."""
        return os.fspath(found.path) in self._seen

    def needs_reading(self, found: FoundFile) -> bool:
        """Notes that a file is there; returns False when it is an image that is known and has not changed."""
        self._seen.add(os.fspath(found.path))
        record = self.image_at(found)
        return (
            record is None
            or record.status is not ImageStatus.READABLE
            or not record.content_hash
            or (record.size_bytes, record.mtime_ns) != (found.size_bytes, found.mtime_ns)
        )

    def take(self, facts: FileFacts) -> bool:
        """Notes what a file holds. Returns True when it is certainly a new image, to be added by the caller at once."""
        record = self.image_at(facts.found)
        if record is None:
            if facts.content_hash in self._by_hash:
                self._undecided.append(facts)  # a copy, or an image that was moved: known when the walk is over
                return False
            return True
        if not facts.content_hash or not record.content_hash or facts.content_hash == record.content_hash:
            self._changes.refreshed.append((record, facts))
        else:
            self._arrived.append((record, facts))
        return False

    def finish(self) -> Changes:
        """Returns what became of everything that `take` could not decide, and of the images that were not met."""
        changes = self._changes
        gone = [record for path, record in self._by_path.items() if self._is_in_scope(path) and _is_gone(record)]
        displaced: dict[str, list[ImageRecord]] = defaultdict(list)
        for record in (*gone, *(record for record, _ in self._arrived)):
            if record.content_hash:
                displaced[record.content_hash].append(record)
        claimed: set[int] = set()
        left: list[tuple[ImageRecord, FileFacts]] = []
        for record, facts in self._arrived:
            origin = self._claim(facts, displaced, claimed)
            if origin is None:
                left.append((record, facts))
            else:
                changes.moved.append((origin, facts))
        for facts in self._undecided:
            origin = self._claim(facts, displaced, claimed)
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

    def _claim(
        self, facts: FileFacts, displaced: dict[str, list[ImageRecord]], claimed: set[int]
    ) -> ImageRecord | None:
        """Returns the image that a file is the new place of, and strikes it off; None when there is none."""
        candidates = [record for record in displaced.get(facts.content_hash, ()) if record.id not in claimed]
        if not candidates:  # an image of a folder that is not being walked, for instance before it was moved here
            candidates = [
                record
                for record in self._by_hash.get(facts.content_hash, ())
                if record.id not in claimed and os.fspath(record.path) not in self._seen and _is_gone(record)
            ]
        if not candidates:
            return None
        name = facts.found.path.name
        best = next((record for record in candidates if record.path.name == name), candidates[0])
        claimed.add(best.id)
        return best


def _is_gone(record: ImageRecord) -> bool:
    """Tells whether a file is certainly not there. One that may not be looked at counts as there."""
    try:
        os.stat(record.path)
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return False
