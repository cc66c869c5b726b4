"""Projects of real pictures with a real network for the tests of the jobs."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine.domain import Source
from engine.job import QuietContext
from engine.project import Project
from engine.tasks.scan import ScanFolder

BACKBONE = "squeezenet1_1"
"""The quickest of the shared weights; what is tested here is the jobs, not the accuracy."""


def run(job, context=None):
    """Runs a job in the foreground, as the command line does."""
    try:
        return job.finish(type(job).work(job.prepare(), context or QuietContext()))
    except BaseException:
        job.clean_up()
        raise


@pytest.fixture(scope="session")
def made_graphs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where graphs of backbones are kept for the whole session, since every test has user folders of its own."""
    return tmp_path_factory.mktemp("graphs")


@pytest.fixture
def weights(shared_weights: Path, made_graphs: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The shared weights, with graphs that earlier tests made."""
    from engine.settings import user_data_folder

    user_data_folder().mkdir(parents=True, exist_ok=True)
    (user_data_folder() / "graphs").symlink_to(made_graphs, target_is_directory=True)
    return shared_weights


@pytest.fixture
def make_project(tmp_path: Path, weights: Path) -> Iterator[Callable[..., Project]]:
    """Makes a project of the images below a folder, labelled by their sub-folders unless told otherwise."""
    opened: list[Project] = []

    def make(images: Path, has_labels: bool = True) -> Project:
        project = Project.create(tmp_path / "project")
        opened.append(project)
        run(ScanFolder(project, images, has_labels))
        return project

    yield make
    for project in opened:
        project.close()


@pytest.fixture
def steel(shared_data: Path, tmp_path: Path) -> Path:
    """Eight pictures of each of three kinds of steel surface, in a folder per class."""
    folder = tmp_path / "steel"
    for name in ("crazing", "patches", "scratches"):
        (folder / name).mkdir(parents=True)
        for file in sorted((shared_data / "steel_neu" / name).iterdir())[:8]:
            shutil.copy2(file, folder / name / file.name)
    return folder


@pytest.fixture(scope="session")
def run_job() -> Callable[..., object]:
    return run


@pytest.fixture
def label_by_folder() -> Callable[[Project, dict[str, int]], None]:
    """Labels the first so many images of each class folder; classes are added as needed."""

    def label(project: Project, counts: dict[str, int]) -> None:
        known = {image_class.name: image_class.id for image_class in project.classes()}
        for name, count in counts.items():
            class_id = known.get(name) or project.add_class(name).result().id
            chosen = [image.id for image in project.images() if image.name.startswith(f"{name}/")][:count]
            project.label(chosen, class_id, Source.HUMAN).result()

    return label
