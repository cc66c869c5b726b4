"""Opening a project for the length of a command."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from engine.commands.console import Document

if TYPE_CHECKING:
    from engine.project import Project


@contextmanager
def open_project(folder: Path) -> Iterator[Project]:
    """Yields the project and closes it, also after a failure.

    Raises:
        ProjectError, StoreError: there is none, or it cannot be opened.
    """
    from engine.project import Project

    project = Project.open(folder)
    try:
        yield project
    finally:
        project.close()


def failed_images(failed: Iterable[tuple[str, str]]) -> list[Document]:
    """Returns (image, reason) pairs in the form that every JSON document has."""
    return [{"image": image, "reason": reason} for image, reason in failed]
