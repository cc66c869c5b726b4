"""A training of the network that was cut off goes on with the labels of when it was begun, or says why it cannot."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from engine.domain import Run, Source
from engine.errors import TrainingError
from engine.events import EpochEnded, Event
from engine.job import CancelledError, QuietContext
from engine.nn.run_model import load_run_model
from engine.nn.training_plan import SCRATCH_FOLDER, Plan
from engine.project import Project
from engine.tasks.interrupted import discard_interrupted, find_interrupted
from engine.tasks.train import retrain_jobs
from engine.tasks.train_network import resume_job
from engine.tasks.train_snapshot import TrainSettings

PARTIAL = TrainSettings(backbone="squeezenet1_1", depth="partial", augmentation="none")
pytestmark = pytest.mark.usefixtures("quick", "shared_weights")


class StopsSoon(QuietContext):
    """Cancels with the first checkpoint after the first round."""

    def __init__(self) -> None:
        self._has_begun = False

    def emit(self, event: Event) -> None:
        self._has_begun |= isinstance(event, EpochEnded)

    def checkpoint(self) -> None:
        if self._has_begun:
            raise CancelledError


class Counting(QuietContext):
    def __init__(self) -> None:
        self.rounds: list[EpochEnded] = []

    def emit(self, event: Event) -> None:
        if isinstance(event, EpochEnded):
            self.rounds.append(event)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = Plan(num_epochs=2, num_measured=1, seconds=5.0, disk_bytes=10**6, memory_bytes=10**9)
    monkeypatch.setattr("engine.nn.network_depths.choose_plan", lambda *_: plan)


@pytest.fixture
def stopped(make_project: Callable, steel: Path, run_job: Callable) -> Project:
    project: Project = make_project(steel)
    *before, training = retrain_jobs(project, PARTIAL)
    for job in before:
        run_job(job)
    with pytest.raises(CancelledError):
        run_job(training, StopsSoon())
    return project


def relabel(project: Project) -> None:
    image, target = project.images()[0], project.classes()[1]
    project.label([image.id], target.id, Source.HUMAN).result()


def test_it_goes_on_with_the_labels_of_when_it_was_begun_and_says_so(stopped: Project, run_job: Callable) -> None:
    before = stopped.snapshot()
    relabel(stopped)
    found = find_interrupted(stopped)
    assert found is not None
    assert 0 < found.share <= 1
    assert found.num_images == len(before.image_ids)
    context = Counting()
    run = run_job(resume_job(stopped, found), context)
    assert isinstance(run, Run)
    assert run.depth == "partial"
    assert context.rounds[0].epoch == 2
    assert any("labels that changed since" in note for note in run.settings["notes"])
    labels = np.load(stopped.run_dir(run) / "labels.npz")
    np.testing.assert_array_equal(labels["targets"], before.targets)
    assert find_interrupted(stopped) is None
    load_run_model(stopped.run_dir(run), stopped.folder)


def test_it_goes_on_as_if_it_had_not_been_stopped(stopped: Project, run_job: Callable) -> None:
    found = find_interrupted(stopped)
    assert found is not None
    resumed = run_job(resume_job(stopped, found))
    uninterrupted = run_job(retrain_jobs(stopped, PARTIAL)[-1])
    one, two = (load_run_model(stopped.run_dir(run), stopped.folder).head for run in (resumed, uninterrupted))
    np.testing.assert_array_equal(one.weight, two.weight)


def test_images_that_changed_meanwhile_are_a_sentence_and_the_project_stays_as_it_was(
    stopped: Project, run_job: Callable
) -> None:
    from engine.tasks.scan import Rescan

    file = stopped.images()[0].path
    file.write_bytes(stopped.images()[1].path.read_bytes())
    os.utime(file, ns=(1, 1))
    run_job(Rescan(stopped))
    found = find_interrupted(stopped)
    assert found is not None
    runs = stopped.runs()
    with pytest.raises(TrainingError, match="deleted or changed") as caught:
        run_job(resume_job(stopped, found))
    assert "Discard" in caught.value.hint
    assert stopped.runs() == runs
    discard_interrupted(stopped)
    assert find_interrupted(stopped) is None
    assert not list((stopped.cache_dir / SCRATCH_FOLDER).iterdir())


def test_an_image_that_changes_while_it_is_trained_on_is_left_out(
    make_project: Callable, steel: Path, run_job: Callable
) -> None:
    project = make_project(steel)
    *before, training = retrain_jobs(project, PARTIAL)
    for job in before:
        run_job(job)
    snapshot = training.prepare()
    os.utime(snapshot.paths[3], ns=(1, 1))
    snapshot.paths[7].unlink()
    run = training.finish(type(training).work(snapshot, QuietContext()))
    assert "2 of the labelled images are gone or have changed" in run.settings["story"]


@pytest.mark.parametrize(
    "content", [b"", b"[]", b'{"settings": {"depth": 3, "nonsense": 1}}'], ids=["empty", "list", "odd"]
)
def test_a_damaged_note_is_not_offered(stopped: Project, content: bytes) -> None:
    (file,) = (stopped.cache_dir / SCRATCH_FOLDER).glob("*/begun.json")
    file.write_bytes(content)
    assert find_interrupted(stopped) is None
