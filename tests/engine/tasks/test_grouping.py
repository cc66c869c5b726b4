"""The rule for groups: kept in the project, obeyed by every training, told in words where it cannot be."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from engine.domain import Run
from engine.errors import TrainingError
from engine.project import Project
from engine.tasks.grouping import set_group_rule
from engine.tasks.train import retrain_jobs
from engine.tasks.train_snapshot import TrainSettings

SETTINGS = TrainSettings(backbone="squeezenet1_1")
PLANT = r"plant(\d+)"


@pytest.fixture
def plants(shared_data: Path, tmp_path: Path) -> Path:
    """Two kinds of steel surface in a folder per class, four "plants" each; plants 0 to 3 and 2 to 5."""
    folder = tmp_path / "plants"
    for first, name in ((0, "crazing"), (2, "patches")):
        (folder / name).mkdir(parents=True)
        for index, file in enumerate(sorted((shared_data / "steel_neu" / name).iterdir())[:12]):
            shutil.copy2(file, folder / name / f"plant{first + index // 3}_{index}.jpg")
    return folder


@pytest.fixture
def retrain(run_job: Callable) -> Callable[[Project], Run]:
    def run_chain(project: Project) -> Run:
        outcomes = [run_job(job) for job in retrain_jobs(project, SETTINGS)]
        assert isinstance(outcomes[-1], Run)
        return outcomes[-1]

    return run_chain


def test_no_group_is_on_both_sides_and_the_run_says_so(make_project: Callable, plants: Path, retrain: Callable) -> None:
    project = make_project(plants)
    plain = retrain(project)
    assert plain.validation.method.endswith("-fold cross-validation")
    assert plain.settings["group_by"] is None

    assert set_group_rule(project, PLANT) == 6
    run = retrain(project)
    assert run.settings["group_by"] == PLANT
    assert run.settings["num_groups"] == 6
    assert run.validation.method.endswith("-fold cross-validation, groups by name pattern kept together")
    names = {image.id: image.name for image in project.images()}
    with np.load(project.run_dir(run) / "labels.npz") as labels:
        fold_of: dict[str, set[int]] = {}
        for image_id, fold in zip(labels["image_ids"].tolist(), labels["folds"].tolist(), strict=True):
            fold_of.setdefault(names[image_id].split("/")[1].split("_")[0], set()).add(fold)
    assert len(fold_of) == 6
    assert all(len(folds) == 1 for folds in fold_of.values())
    assert json.loads((project.run_dir(run) / "run.json").read_text())["settings"]["group_by"] == PLANT


def test_folders_below_the_classes_are_groups(make_project: Callable, plants: Path, retrain: Callable) -> None:
    for file in list(plants.rglob("*.jpg")):
        target = file.parent / file.name.split("_")[0] / file.name
        target.parent.mkdir(exist_ok=True)
        file.rename(target)
    project = make_project(plants)
    set_group_rule(project, "folder")
    run = retrain(project)
    assert run.class_names == ["crazing", "patches"]
    assert run.settings["num_groups"] == 8
    assert "groups by folder kept together" in run.validation.method


def test_a_class_in_one_group_is_left_out_and_named(make_project: Callable, plants: Path, retrain: Callable) -> None:
    (plants / "scratches").mkdir()
    for index, file in enumerate(sorted((plants / "crazing").iterdir())[:4]):
        shutil.copy2(file, plants / "scratches" / f"plant9_{index}.jpg")
        with (plants / "scratches" / f"plant9_{index}.jpg").open("ab") as copy:
            copy.write(b"other content")
    project = make_project(plants)
    set_group_rule(project, PLANT)
    run = retrain(project)
    assert run.class_names == ["crazing", "patches"]
    assert (
        "“scratches” is not part of the model: it has fewer than two different groups of images."
        in run.settings["notes"]
    )


def test_classes_of_two_groups_are_trained_with_a_word_of_caution(
    make_project: Callable, plants: Path, retrain: Callable
) -> None:
    for file in plants.rglob("plant[0145]_*"):
        file.unlink()
    project = make_project(plants)
    set_group_rule(project, PLANT)
    run = retrain(project)
    assert run.validation.method.startswith("2-fold")
    assert [note for note in run.settings["notes"] if "two groups only" in note] == [
        f"“{name}” comes from two groups only: its figures are uncertain." for name in ("crazing", "patches")
    ]


def test_a_rule_that_fits_no_labelled_image_stops_the_training(
    make_project: Callable, plants: Path, retrain: Callable
) -> None:
    project = make_project(plants)
    project.set_group_rule("tree")
    with pytest.raises(TrainingError, match="fits none of the labelled images"):
        retrain(project)


def test_groups_that_are_the_classes_stop_the_training(make_project: Callable, plants: Path, retrain: Callable) -> None:
    project = make_project(plants)
    project.set_group_rule("folder")
    with pytest.raises(TrainingError, match="Fewer than two classes have two different groups"):
        retrain(project)


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ("folder", "The folders are the classes themselves"),
        ("^(crazing|patches)", "all images of each class into one group"),
        ("tree", "fits none of the images"),
        ("plant", "all images are in “plant”"),
    ],
)
def test_rules_that_give_nonsense_are_refused_and_the_old_one_stays(
    make_project: Callable, plants: Path, rule: str, message: str
) -> None:
    project = make_project(plants)
    set_group_rule(project, PLANT)
    with pytest.raises(TrainingError, match=message) as refused:
        set_group_rule(project, rule)
    assert refused.value.hint
    assert project.group_rule() == PLANT


def test_a_rule_that_changes_takes_no_strength_from_the_run_before(
    make_project: Callable, plants: Path, run_job: Callable
) -> None:
    project = make_project(plants)
    for job in retrain_jobs(project, SETTINGS):
        run_job(job)
    again = retrain_jobs(project, SETTINGS)[-1]
    assert again.prepare().strength is not None
    again.clean_up()
    set_group_rule(project, PLANT)
    grouped = retrain_jobs(project, SETTINGS)[-1]
    assert grouped.prepare().strength is None
    grouped.clean_up()
