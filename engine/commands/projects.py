"""Opening a project for the length of a command."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from engine.commands.console import Document

if TYPE_CHECKING:
    from engine.importers.model import ExportedModel
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


@contextmanager
def open_project_or_model(path: Path) -> Iterator[Project | ExportedModel]:
    """Yields the exported model that a path names, or else the project in it, which is closed afterwards.

    Raises:
        ImportFormatError: it is a model, but not one that can be loaded.
        ProjectError, StoreError: there is no project either, or it cannot be opened.
    """
    from engine.importers.model import find_model

    model = find_model(path)
    if model is not None:
        yield model
        return
    with open_project(path) as project:
        yield project


def failed_images(failed: Iterable[tuple[str, str]]) -> list[Document]:
    """Returns (image, reason) pairs in the form that every JSON document has."""
    return [{"image": image, "reason": reason} for image, reason in failed]
