"""Which image files a user means by files, folders and patterns. Looks, and writes nothing."""

from __future__ import annotations

import glob
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from engine.errors import ProjectError
from engine.images.files import is_image_name
from engine.images.scan import FoundFile, display_name, natural_key, walk_images
from engine.language import tr


@dataclass(slots=True)
class FoundImages:
    """Image files in the order in which they are taken. `locations` are their paths as text: there may be very many.

    `names` are what the user knows them by: the path below a folder that was named alone, else the path as it was
    given. `failed` holds (name, reason) of what could not be looked at.
    """

    names: list[str] = field(default_factory=list)
    locations: list[str] = field(default_factory=list)
    failed: list[tuple[str, str]] = field(default_factory=list)


def find_images(
    sources: Sequence[str | Path],
    is_recursive: bool = True,
    skip: frozenset[Path] = frozenset(),
    checkpoint: Callable[[], None] = lambda: None,
) -> FoundImages:
    """Returns the images that files, folders and patterns (`*`, `?`, `[]`, `**`) name; each file once.

    A file that is named itself is taken whatever it is called, so that its failure is told; below folders and patterns
    only names of images count.

    Args:
        sources: what the user named. A path that exists is never read as a pattern. In a list of several Paths each
            is taken as it is, also one that is not there (any more).
        is_recursive: images in sub-folders count too.
        skip: folders not to enter (resolved paths), where a folder of results lies among the images.
        checkpoint: called before each folder; what it raises ends the search.

    Raises:
        ProjectError: something does not exist, or there are no images at all.
    """
    found = FoundImages()
    taken: set[str] = set()
    is_list = len(sources) > 1 and all(isinstance(source, Path) for source in sources)
    for source in map(str, sources):
        for path in _paths_of(source, is_list):
            is_alone = len(sources) == 1 and path == source
            images: Iterable[tuple[str, str]] = ()
            if os.path.isdir(path):
                prefix = "" if is_alone else display_name(path)
                walked = walk_images(Path(path), partial(_note, found.failed, prefix), skip, checkpoint)
                images = _images_of(walked, prefix, is_recursive)
            elif path == source or is_image_name(path):
                images = [(display_name(path), path)]
            for name, location in images:
                key = os.path.abspath(location)
                if key not in taken:
                    taken.add(key)
                    found.names.append(name)
                    found.locations.append(location)
    if not found.locations:
        none = tr("There are no images in what was named.")
        if len(sources) == 1:
            none = tr("There are no images in {folder}.", folder=sources[0])
        raise ProjectError(none, tr("Choose a folder with JPEG, PNG or other images."))
    return found


def _paths_of(source: str, is_listed: bool) -> list[str]:
    """Returns the path itself, or what a pattern fits, in natural order."""
    if is_listed or os.path.lexists(source):
        return [source]  # of a list, what vanished meanwhile fails by itself when it is opened
    if glob.has_magic(source):
        return sorted(glob.iglob(source, recursive=True), key=natural_key)
    raise ProjectError(tr("There is no file or folder {source}.", source=source), tr("Check the name."))


def _images_of(walked: Iterable[FoundFile], prefix: str, is_recursive: bool) -> Iterator[tuple[str, str]]:
    """Yields name and location of the images in a folder."""
    for file in walked:
        if not is_recursive and "/" in file.relative_path:
            return  # A folder's own files come before those of its sub-folders.
        yield _named(prefix, file.name), file.location


def _note(failed: list[tuple[str, str]], prefix: str, name: str, reason: str) -> None:
    failed.append((_named(prefix, name), reason))


def _named(prefix: str, name: str) -> str:
    return f"{prefix.rstrip('/')}/{name}" if prefix else name
