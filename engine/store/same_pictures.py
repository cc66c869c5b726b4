"""Which pictures of a project are the pictures of another one: by what is in the files, else by where they lie."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from sqlite_utils import Database

_HERE = """
    SELECT images.id, roots.path, relative_path, content_hash, size_bytes
    FROM images JOIN roots ON roots.id = root_id ORDER BY images.id
"""
SAME_PLACE, SAME_NAME, OTHER_NAME = range(3)


@dataclass(frozen=True, slots=True)
class Picture:
    """An image of a project as another one may know it. An empty hash says that the file was not read yet."""

    id: int
    root: bytes
    relative_path: bytes
    content_hash: str
    size_bytes: int

    @property
    def path(self) -> bytes:
        return self.root + b"/" + self.relative_path

    @property
    def file_name(self) -> bytes:
        return self.relative_path.rpartition(b"/")[2]


@dataclass(frozen=True, slots=True)
class Match:
    """A picture of the other project, as a place in their list, is an image here; the lower the rank, the surer."""

    place: int
    image_id: int
    rank: int


def find(db: Database, theirs: Sequence[Picture]) -> list[Match]:
    """Returns which images of the open project the pictures of another one are.

    The same content is the same picture, wherever it lies; of several copies those are taken whose path below the
    imported folder is the same, else whose file name is, else all. Where a file was not read yet on one of the sides,
    its place or its path below the folder must be the same, and its size.
    """
    hashes = {picture.content_hash for picture in theirs} - {""}
    names = {picture.relative_path for picture in theirs}
    by_hash: dict[str, list[Picture]] = defaultdict(list)
    by_path: dict[bytes, list[Picture]] = defaultdict(list)
    for row in db.execute(_HERE):
        picture = Picture(*row)
        if picture.content_hash in hashes:
            by_hash[picture.content_hash].append(picture)
        if picture.relative_path in names:
            by_path[picture.relative_path].append(picture)
    found: list[Match] = []
    for place, picture in enumerate(theirs):
        same = by_hash.get(picture.content_hash, [])
        if same:
            found += _nearest(place, picture, same)
        else:
            unread = [here for here in by_path.get(picture.relative_path, ()) if _may_be(here, picture)]
            there = [here for here in unread if here.path == picture.path]
            if there or len(unread) == 1:
                found.append(Match(place, (there or unread)[0].id, SAME_PLACE))
    return found


def paths_here(db: Database) -> set[bytes]:
    """Returns the paths of all images below their folders: a picture that was not found may have a namesake."""
    return {path for (path,) in db.execute("SELECT relative_path FROM images")}


def _nearest(place: int, picture: Picture, same: Sequence[Picture]) -> list[Match]:
    ranked = [(_rank(here, picture), here.id) for here in same]
    best = min(rank for rank, _ in ranked)
    return [Match(place, image_id, rank) for rank, image_id in ranked if rank == best]


def _rank(here: Picture, there: Picture) -> int:
    if here.relative_path == there.relative_path:
        return SAME_PLACE
    return SAME_NAME if here.file_name == there.file_name else OTHER_NAME


def _may_be(here: Picture, there: Picture) -> bool:
    return "" in (here.content_hash, there.content_hash) and here.size_bytes == there.size_bytes
