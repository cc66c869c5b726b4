"""Walks a folder for image files and reads what the store wants to know of each. Nothing here writes anywhere."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from engine.domain import ImageStatus
from engine.errors import ImageError
from engine.images.decode import decode_bytes
from engine.images.files import is_image_name, read_bytes
from engine.images.hashing import hash_bytes
from engine.images.info import ImageInfo, info_from_bytes
from engine.images.verify import verify_bytes
from engine.language import tr

_SKIPPED_FOLDERS: Final = frozenset(
    {"__macosx", "@eadir", "$recycle.bin", "system volume information", "lost+found", "node_modules", "__pycache__"}
)
_DIGITS: Final = re.compile(r"(\d+)")
_MAX_KEY_LENGTH: Final = 1000
"""Longer than any file's name; int() refuses more than 4,300 digits."""


@dataclass(frozen=True, slots=True)
class FoundFile:
    """An image file below a root. `location` is its path, as text: a walk meets many, and making a Path takes long.

    `relative_path` has forward slashes, and surrogates where a name is not UTF-8.
    """

    root: Path
    location: str
    relative_path: str
    size_bytes: int
    mtime_ns: int

    @property
    def path(self) -> Path:
        """Opens the file."""
        return Path(self.location)

    @property
    def name(self) -> str:
        """The relative path for display, always valid text, with forward slashes."""
        return display_name(self.relative_path)


@dataclass(frozen=True, slots=True)
class FileFacts:
    """What reading one file told. `content_hash` is empty and `info` None where it could not be read that far.

    Both are so, too, while the file has only been found (`unread`); its status is READABLE then.
    """

    found: FoundFile
    content_hash: str
    info: ImageInfo | None
    status: ImageStatus
    reason: str


def unread(found: FoundFile) -> FileFacts:
    """Returns what is known of a file before it is read."""
    return FileFacts(found, "", None, ImageStatus.READABLE, "")


def walk_images(
    root: Path,
    on_fault: Callable[[str, str], None],
    skip: frozenset[Path] = frozenset(),
    on_folder: Callable[[], None] | None = None,
) -> Iterator[FoundFile]:
    """Yields the image files below a folder in natural order, a folder's own files before its sub-folders.

    Hidden entries and the folders of operating systems are passed over. Links are followed, except to a folder that was
    already visited or that contains the root, so loops end. What cannot be entered, and what has an image's name but is
    no regular file, is handed to `on_fault(name, reason)`.

    Args:
        root: the folder to begin with.
        on_fault: told of every entry that had to be left out although it could have mattered.
        skip: folders not to enter (resolved paths), e.g. the project's own.
        on_folder: called before each folder, also where there are no images; may raise to end the walk.
    """
    visited = {_identity(os.stat(root))} if root.is_dir() else set()
    real_root = os.path.realpath(root)
    waiting: list[str] = [""]
    while waiting:
        if on_folder is not None:
            on_folder()
        relative_folder = waiting.pop()
        folder = os.path.join(root, *relative_folder.split("/"))
        try:
            with os.scandir(folder) as entries:
                listed = sorted(entries, key=lambda entry: natural_key(entry.name))
        except OSError as err:
            on_fault(display_name(relative_folder) or display_name(folder), _folder_reason(err))
            continue
        sub_folders: list[str] = []
        for entry in listed:
            if entry.name.startswith("."):
                continue
            relative_path = f"{relative_folder}/{entry.name}" if relative_folder else entry.name
            try:
                status = entry.stat()
            except OSError as err:
                if is_image_name(entry.name):
                    reason = tr("The link leads nowhere.") if entry.is_symlink() else _folder_reason(err)
                    on_fault(display_name(relative_path), reason)
                continue
            if stat.S_ISDIR(status.st_mode):
                if entry.name.lower() in _SKIPPED_FOLDERS:
                    continue
                if _may_enter(entry, real_root, skip, visited):
                    sub_folders.append(relative_path)
            elif is_image_name(entry.name):
                if stat.S_ISREG(status.st_mode):
                    yield FoundFile(root, entry.path, relative_path, status.st_size, status.st_mtime_ns)
                else:
                    on_fault(display_name(relative_path), tr("This is not a regular file."))
        waiting += reversed(sub_folders)


def read_facts(found: FoundFile, is_suspect: bool = False) -> FileFacts:
    """Reads one file once and returns its hash, header facts and whether it is complete; never raises for a bad one.

    A suspect, which could not be read before, is decoded as a whole.
    """
    content_hash = ""
    try:
        data = read_bytes(found.path)
        content_hash = hash_bytes(data)
        info = info_from_bytes(data)
        verify_bytes(data, info.format)
        if is_suspect:
            decode_bytes(data)
    except ImageError as err:
        return FileFacts(found, content_hash, None, ImageStatus.UNREADABLE, str(err))
    return FileFacts(found, content_hash, info, ImageStatus.READABLE, "")


def root_of(path: Path, name: str) -> Path:
    """Returns the folder that an image was imported from, by its path and its name below that folder."""
    return path.parents[name.count("/")]


def status_of_failed(path: Path, root: Path) -> ImageStatus | None:
    """Returns what an image that could not be read is now; None = as before, for the whole folder is away."""
    if path.exists():
        return ImageStatus.UNREADABLE
    return ImageStatus.MISSING if can_reach(root) else None


def can_reach(folder: Path) -> bool:
    """Tells whether a folder is there and holds something; the place of a drive that was taken away is often empty."""
    try:
        with os.scandir(folder) as entries:
            return next(entries, None) is not None
    except OSError:
        return False


def natural_key(name: str) -> tuple[tuple[str | int, ...], str]:
    """Returns a sort key by which "part 2" comes before "part 10", regardless of case."""
    # Text and numbers take turns, text first (""), so that only like is compared with like.
    parts: list[str | int] = list(_DIGITS.split(name[:_MAX_KEY_LENGTH].casefold()))
    parts[1::2] = map(int, parts[1::2])
    return tuple(parts), name


def display_name(path: str) -> str:
    """Returns a path as text that can always be shown and stored, with forward slashes."""
    return os.fsencode(path).decode("utf-8", "replace").replace(os.sep, "/")


def _may_enter(entry: os.DirEntry[str], real_root: str, skip: frozenset[Path], visited: set[tuple[int, int]]) -> bool:
    real = os.path.realpath(entry.path)
    if skip and Path(real) in skip:
        return False
    # A link to a parent of the root would bring the whole disk in.
    if entry.is_symlink() and os.path.commonpath([real, real_root]) == real:
        return False
    try:
        identity = _identity(os.stat(entry.path))
    except OSError:
        return True  # the listing will say why
    if identity in visited:
        return False
    visited.add(identity)
    return True


def _identity(status: os.stat_result) -> tuple[int, int]:
    return (status.st_dev, status.st_ino)


def _folder_reason(err: OSError) -> str:
    if isinstance(err, PermissionError):
        return tr("This folder or file may not be read.")
    return tr("This cannot be read ({reason}).", reason=err.strerror or err)
