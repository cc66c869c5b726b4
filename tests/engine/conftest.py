"""Projects for the engine's tests: empty, and with images that need no files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine.domain import NewImage
from engine.project import Project


def file_images(project: Project, num_images: int, folder: str = "pictures") -> list[int]:
    """Files images that exist only as rows, and returns their ids."""
    root_id = project.add_root(Path("/nowhere"))
    return project.add_images(
        root_id,
        [
            NewImage(f"{folder}/{index:06d}.jpg".encode(), f"{folder}-{index:026x}", 1000 + index, index, 640, 480)
            for index in range(num_images)
        ],
    )


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """An empty project, closed at the end."""
    with Project.create(tmp_path / "project") as made:
        yield made


@pytest.fixture(name="file_images", scope="session")
def _file_images() -> Callable[..., list[int]]:
    """Call it as file_images(project, num_images, folder="pictures") -> ids."""
    return file_images
