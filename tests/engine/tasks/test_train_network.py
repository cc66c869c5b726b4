"""Training more than the head gives a run with a network of its own, measured on images held out, or says why not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from engine.domain import Run
from engine.errors import TrainingError
from engine.events import EpochEnded, Event
from engine.job import CancelledError, QuietContext
from engine.nn.run_model import load_run_model
from engine.nn.training_plan import SCRATCH_FOLDER, Plan
from engine.own_backbones import BACKBONE_FILE
from engine.project import Project
from engine.tasks.evaluate import EvaluateModel
from engine.tasks.train import retrain_jobs
from engine.tasks.train_snapshot import TrainSettings

PARTIAL = TrainSettings(backbone="squeezenet1_1", depth="partial", augmentation="none")


class Listening(QuietContext):
    """Keeps the rounds that were told; cancels after so many checkpoints once the first round is done."""

    def __init__(self, cancel_after: int | None = None) -> None:
        self.rounds: list[EpochEnded] = []
        self._left = cancel_after

    def emit(self, event: Event) -> None:
        if isinstance(event, EpochEnded):
            self.rounds.append(event)

    def checkpoint(self) -> None:
        if self._left is not None and self.rounds:
            self._left -= 1
            if self._left < 0:
                raise CancelledError


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two rounds, measured on two parts, whatever this machine can."""
    plan = Plan(num_epochs=2, num_measured=2, seconds=5.0, disk_bytes=10**6, memory_bytes=10**9)
    monkeypatch.setattr("engine.nn.network_depths.choose_plan", lambda *_: plan)


def retrain(project: Project, settings: TrainSettings, run_job: Callable, context: QuietContext | None = None) -> Run:
    *before, training = retrain_jobs(project, settings)
    for job in before:
        run_job(job)
    run = run_job(training, context) if context else run_job(training)
    assert isinstance(run, Run)
    return run


@pytest.mark.usefixtures("quick", "shared_weights")
def test_a_partial_training_is_a_run_with_its_own_network_that_predicts_what_is_shown(
    make_project: Callable, steel: Path, run_job: Callable
) -> None:
    project = make_project(steel)
    context = Listening()
    run = retrain(project, PARTIAL, run_job, context)

    assert run.depth == "partial"
    assert project.active_run() == run
    assert (project.run_dir(run) / BACKBONE_FILE).is_file()
    assert "2 of 5 parts held out" in run.validation.method
    assert "upper half" in run.settings["story"]
    assert [event.part for event in context.rounds[:4]] == ["1", "1", "2", "2"]
    assert context.rounds[-1].part == "all"
    assert not list((project.cache_dir / SCRATCH_FOLDER).iterdir())

    model = load_run_model(project.run_dir(run), project.folder)
    shown = project.predictions()
    assert shown is not None
    assert len(shown.image_ids) == len(project.images())
    from engine.images.decode import decode_rgb
    from engine.nn.embed import Embedder

    image = project.images([int(shown.image_ids[3])])[0]
    with Embedder(model.spec, model.weights, model.preprocessing, num_threads=1) as embedder:
        found = model.probabilities(embedder.embed(decode_rgb(image.path))[None])[0]
    np.testing.assert_allclose(found, shown.probabilities[3], atol=1e-4)
    # The figures that are told again later are those of the images that were held out.
    document = run_job(EvaluateModel(project))
    assert document["accuracy"] == pytest.approx(run.validation.accuracy)
    assert document["num_images"] < run.num_images


@pytest.mark.usefixtures("quick", "shared_weights")
def test_the_whole_of_the_built_in_network_is_trained_on_pictures_that_are_new_at_every_step(
    make_project: Callable, steel: Path, run_job: Callable
) -> None:
    project = make_project(steel)
    context = Listening()
    settings = TrainSettings(backbone="starter", depth="full", augmentation="strong")
    run = retrain(project, settings, run_job, context)
    assert run.depth == "full"
    assert "whole network" in run.settings["story"]
    assert all(np.isfinite(event.loss) for event in context.rounds)
    assert (project.run_dir(run) / BACKBONE_FILE).is_file()
    # From the head's weights on, and without a step that overthrows a layer: worse than the head by little at most.
    trial = run.settings["trials"][0]
    assert trial["log_loss"] < trial["head_log_loss"] + 0.5


@pytest.mark.usefixtures("quick", "shared_weights")
def test_a_training_that_was_cancelled_leaves_the_old_model_and_goes_on_where_it_was(
    make_project: Callable, steel: Path, run_job: Callable
) -> None:
    project = make_project(steel)
    first = retrain(project, TrainSettings(backbone="squeezenet1_1"), run_job)
    with pytest.raises(CancelledError):
        retrain(project, PARTIAL, run_job, Listening(cancel_after=1))
    assert project.active_run() == first
    assert [folder.name for folder in project.models_dir.iterdir()] == [first.folder]

    resumed = Listening()
    run = retrain(project, PARTIAL, run_job, resumed)
    assert (resumed.rounds[0].part, resumed.rounds[0].epoch) == ("1", 2)
    uninterrupted = retrain(project, PARTIAL, run_job)
    assert uninterrupted.validation == run.validation
    one, two = (load_run_model(project.run_dir(each), project.folder).head for each in (run, uninterrupted))
    np.testing.assert_array_equal(one.weight, two.weight)


@pytest.mark.usefixtures("shared_weights")
def test_auto_with_few_labels_keeps_the_head_and_says_so(
    make_project: Callable, steel: Path, run_job: Callable
) -> None:
    run = retrain(make_project(steel), TrainSettings(backbone="squeezenet1_1", depth="auto"), run_job)
    assert run.depth == "head"
    assert "does not pay" in run.settings["story"]


@pytest.mark.usefixtures("shared_weights")
def test_too_little_time_is_told_with_what_it_would_take(
    make_project: Callable, steel: Path, run_job: Callable
) -> None:
    settings = TrainSettings(backbone="squeezenet1_1", depth="partial", time_budget_s=0.5)
    with pytest.raises(TrainingError, match=r"would take about \d+ \w+ at least"):
        retrain(make_project(steel), settings, run_job)


@pytest.mark.usefixtures("quick", "shared_weights")
def test_auto_keeps_what_measures_best(
    make_project: Callable, steel: Path, run_job: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.tasks.network_work._ENOUGH_IMAGES", 10)
    monkeypatch.setattr("engine.tasks.network_work._ENOUGH_PER_CLASS", 2)
    monkeypatch.setattr("engine.tasks.network_work.FULL", "partial")  # the whole network takes too long for a test
    run = retrain(make_project(steel), TrainSettings(backbone="squeezenet1_1", depth="auto"), run_job)
    trials = run.settings["trials"]
    if not trials:
        assert "every image right" in run.settings["story"]
        return
    has_won = any(trial["log_loss"] < trial["head_log_loss"] for trial in trials)
    assert (run.depth == "partial") == has_won
    assert "log loss" in run.settings["story"]


@pytest.mark.usefixtures("quick", "shared_weights")
def test_images_that_come_later_are_predicted_by_the_trained_network(
    make_project: Callable, steel: Path, run_job: Callable, tmp_path: Path
) -> None:
    import shutil

    from engine.tasks.embed import ComputeEmbeddings
    from engine.tasks.extend import ExtendPredictions
    from engine.tasks.scan import ScanFolder

    later = tmp_path / "later"
    later.mkdir()
    for name in ("crazing", "patches"):
        for file in sorted((steel / name).iterdir())[:2]:
            shutil.move(file, later / file.name)
    project = make_project(steel)
    run = retrain(project, PARTIAL, run_job)
    before = project.predictions()
    run_job(ScanFolder(project, later, False))
    run_job(ExtendPredictions(project))
    unchanged = project.predictions()
    assert before is not None
    assert unchanged is not None
    np.testing.assert_array_equal(unchanged.probabilities, before.probabilities)

    run_job(ComputeEmbeddings(project, "squeezenet1_1"))
    run_job(ComputeEmbeddings(project, f"run:{run.id}"))
    after = project.predictions()
    assert after is not None
    assert len(after.image_ids) == len(before.image_ids) + 4
