"""Near-duplicates, the locked test set and the review of a run, on real pictures with a real network."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.domain import Run
from engine.errors import TrainingError
from engine.project import Project
from engine.tasks.embed import ComputeEmbeddings
from engine.tasks.forecast_learning import ForecastLearning
from engine.tasks.locked_test import lock_test_set
from engine.tasks.measured import read_measured
from engine.tasks.near_duplicates import FindNearDuplicates, jobs_ahead_of_training
from engine.tasks.review import ReviewModel
from engine.tasks.review_parts import is_same_name
from engine.tasks.train import TrainHead, retrain_jobs
from engine.tasks.train_snapshot import TrainSettings

SETTINGS = TrainSettings(backbone="squeezenet1_1")


@pytest.fixture
def retrain(run_job: Callable) -> Callable[[Project], Run]:
    def run_chain(project: Project) -> Run:
        outcomes = [run_job(job) for job in retrain_jobs(project, SETTINGS, embed_all=True)]
        assert isinstance(outcomes[-1], Run)
        return outcomes[-1]

    return run_chain


def add_copies(folder: Path) -> None:
    """Puts beside every picture one that was saved again, smaller, and cut a little."""
    for file in list(folder.rglob("*.jpg")):
        with Image.open(file) as image:
            across, down = image.width // 50, image.height // 50
            cut = image.crop((across, down, image.width - across, image.height - down))
            cut.resize((cut.width * 3 // 4, cut.height * 3 // 4)).save(file.with_stem(f"{file.stem}_again"), quality=80)


def test_near_duplicates_share_a_fold_and_the_gap_is_told(
    make_project: Callable, steel: Path, retrain: Callable, run_job: Callable
) -> None:
    add_copies(steel)
    project = make_project(steel)
    run = retrain(project)
    assert run.validation.method.endswith("near-duplicates and bursts kept together")
    measured = read_measured(project, run)
    names = {image.id: image.name for image in project.images()}
    fold_of = {
        names[image]: fold for image, fold in zip(measured.image_ids.tolist(), measured.folds.tolist(), strict=True)
    }
    pairs = [(name, name.replace("_again", "")) for name in fold_of if "_again" in name]
    assert len(pairs) == 24
    assert np.mean([fold_of[one] == fold_of[other] for one, other in pairs]) >= 0.95

    review = run_job(ReviewModel(project))
    assert review.gap is not None
    assert review.gap.grouped_accuracy == pytest.approx(run.validation.accuracy)
    assert "24 groups" in review.grouping_words or "23 groups" in review.grouping_words
    plain = run_job(ReviewModel(project, run)).metrics
    assert plain.accuracy_interval == run.validation.accuracy_interval

    project.set_automatic_groups(False)
    assert len(retrain_jobs(project, SETTINGS)) == 1
    assert retrain(project).validation.method.endswith("-fold cross-validation")


def test_only_new_images_are_compared(
    make_project: Callable, steel: Path, retrain: Callable, run_job: Callable
) -> None:
    project = make_project(steel)
    held_back = [image.id for image in project.images()][-2:]
    project.clear(held_back).result()
    retrain(project)
    project.label(held_back, project.classes()[-1].id).result()
    job = retrain_jobs(project, SETTINGS)[0]
    assert isinstance(job, FindNearDuplicates)
    comparison = job.prepare()
    assert len(comparison.new_hashes) == 2
    assert len(comparison.known.hashes) == 22
    run_job(job)
    assert not isinstance(retrain_jobs(project, SETTINGS)[0], FindNearDuplicates)


def test_a_training_need_not_wait_for_what_was_compared_before_anyone_asked(
    make_project: Callable, steel: Path, retrain: Callable, run_job: Callable
) -> None:
    project = make_project(steel)
    run_job(ComputeEmbeddings(project, SETTINGS.backbone))
    held_back = project.images()[-1]
    project.clear([held_back.id]).result()
    for job in jobs_ahead_of_training(project, SETTINGS.backbone, has_new_images=True):
        run_job(job)
    assert [type(job) for job in retrain_jobs(project, SETTINGS)] == [TrainHead]
    assert not jobs_ahead_of_training(project, SETTINGS.backbone, has_new_images=True)

    project.label([held_back.id], project.classes()[-1].id).result()
    comparison = retrain_jobs(project, SETTINGS)[0]
    assert not comparison.in_worker, "its fingerprint is there already, so no process has to be started"
    snapshot = comparison.prepare()
    assert snapshot.new_hashes == [held_back.content_hash]
    assert snapshot.paths == [None]


def test_an_image_without_a_fingerprint_is_compared_where_fingerprints_may_be_written(
    make_project: Callable, steel: Path, run_job: Callable
) -> None:
    project = make_project(steel)
    run_job(ComputeEmbeddings(project, SETTINGS.backbone))
    assert retrain_jobs(project, SETTINGS)[0].in_worker
    assert not FindNearDuplicates(project, SETTINGS.backbone, makes_fingerprints=False).prepare().new_hashes


def test_a_class_of_one_picture_saved_twice_is_trained_with_a_word_of_caution(
    make_project: Callable, steel: Path, retrain: Callable
) -> None:
    for file in sorted((steel / "scratches").iterdir())[1:]:
        file.unlink()
    for file in list((steel / "scratches").iterdir()):
        with Image.open(file) as image:
            image.resize((200, 200)).save(file.with_stem("smaller"), quality=85)
    run = retrain(make_project(steel))
    assert "scratches" in run.class_names
    assert any("“scratches” are near-duplicates" in note for note in run.settings["notes"])


def test_the_locked_test_set_is_never_trained_on_and_measured_apart(
    make_project: Callable, steel: Path, retrain: Callable, run_job: Callable
) -> None:
    add_copies(steel)
    project = make_project(steel)
    retrain(project)
    test = lock_test_set(project, 0.3)
    assert 12 <= len(test.hashes) <= 16
    with pytest.raises(TrainingError, match="locked already"):
        lock_test_set(project, 0.3)
    assert any("before the test set was locked" in each for each in run_job(ReviewModel(project)).warnings)

    run = retrain(project)
    trained = {image.content_hash for image in project.images(read_measured(project, run).trained_ids.tolist())}
    assert not trained & set(test.hashes)
    assert len(trained) == 48 - len(test.hashes)
    review = run_job(ReviewModel(project))
    assert review.test is not None
    assert review.test.num_images == len(test.hashes)
    low, high = review.test.accuracy_interval
    assert low <= review.test.accuracy <= high

    # A picture like one of the test set's that comes later is not trained on either.
    image = next(image for image in project.images() if image.content_hash == test.hashes[0])
    with Image.open(image.path) as picture:
        picture.resize((150, 150)).save(image.path.with_stem("later"), quality=75)
    from engine.tasks.scan import Rescan

    run_job(Rescan(project))
    (later,) = [each for each in project.images() if each.path.stem == "later"]
    project.label([later.id], project.classes()[0].id).result()
    run = retrain(project)
    assert later.id not in read_measured(project, run).trained_ids
    assert any("locked test set" in note for note in run.settings["notes"])

    project.unlock_test_set()
    assert any("was unlocked" in each for each in run_job(ReviewModel(project)).warnings)
    assert len(read_measured(project, retrain(project)).trained_ids) == 49


def test_a_wrong_label_is_suspected_until_it_is_dismissed(
    make_project: Callable, steel: Path, retrain: Callable, run_job: Callable
) -> None:
    project = make_project(steel)
    classes = {each.name: each.id for each in project.classes()}
    wrong = next(image.id for image in project.images() if image.name.startswith("crazing/"))
    project.label([wrong], classes["scratches"]).result()
    retrain(project)
    review = run_job(ReviewModel(project))
    first = review.suspects[0]
    assert (first.image_id, first.given_id, first.suggested_id) == (wrong, classes["scratches"], classes["crazing"])
    assert first.num_agreeing >= 4
    assert wrong not in first.neighbour_ids
    assert wrong in review.images_of_cell(
        review.run.class_ids.index(classes["scratches"]), review.run.class_ids.index(classes["crazing"])
    )

    project.dismiss_suspects([wrong]).result()
    assert wrong not in [each.image_id for each in run_job(ReviewModel(project)).suspects]
    project.restore_suspects([wrong]).result()
    assert wrong in [each.image_id for each in run_job(ReviewModel(project)).suspects]
    project.dismiss_suspects([wrong]).result()
    project.label([wrong], classes["patches"]).result()
    assert project.dismissed_suspects() == set()


def test_the_forecast_needs_a_few_images_of_each_class(
    make_project: Callable, steel: Path, retrain: Callable, run_job: Callable
) -> None:
    project = make_project(steel)
    retrain(project)
    forecast = run_job(ForecastLearning(project))
    assert [point.num_images for point in forecast.points] == [12, 24]
    assert len(forecast.classes) == 3
    assert forecast.sentence
    for image_class in project.classes():
        ids = [image.id for image in project.images() if image.name.startswith(f"{image_class.name}/")]
        project.clear(ids[3:]).result()
    retrain(project)
    with pytest.raises(TrainingError, match="too few labels"):
        run_job(ForecastLearning(project))


def test_accuracy_that_follows_the_folders_is_told(
    make_project: Callable, tmp_path: Path, shared_data: Path, retrain: Callable, run_job: Callable
) -> None:
    """Classes that are nothing but the day on which a picture was taken: known within a day, not on another."""
    folder = tmp_path / "days"
    kinds = ("crazing", "patches", "scratches", "inclusion")
    for kind in kinds:
        (folder / kind).mkdir(parents=True)
        for file in sorted((shared_data / "steel_neu" / kind).iterdir())[:8]:
            shutil.copy2(file, folder / kind / file.name)
    project = make_project(folder, has_labels=False)
    good, bad = (project.add_class(name).result().id for name in ("good", "bad"))
    for index, kind in enumerate(kinds):
        ids = [image.id for image in project.images() if image.name.startswith(f"{kind}/")]
        project.label(ids, (good, bad)[index % 2]).result()
    retrain(project)
    warnings = run_job(ReviewModel(project)).warnings
    assert any("the model seems to know the folders" in each for each in warnings)


@pytest.mark.parametrize(
    ("folder", "class_name", "is_same"),
    [
        ("missing_hole", "missing hole", True),
        ("03 Rust", "rust", True),
        ("day 2", "rust", False),
        ("--", "rust", False),
    ],
)
def test_a_folder_named_after_its_class_is_no_other_origin(folder: str, class_name: str, is_same: bool) -> None:
    assert is_same_name(folder, class_name) is is_same
