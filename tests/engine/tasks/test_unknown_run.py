"""What a run says of images that look like none of its classes, on real pictures with a real network."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from engine.exporters.sorted_files import SortPlan
from engine.importers.model import find_model
from engine.nn.run_model import load_run_model
from engine.nn.training_plan import Plan
from engine.project import Project
from engine.tasks.classify_files import ClassifyFiles
from engine.tasks.evaluate import EvaluateModel
from engine.tasks.export import ExportModel
from engine.tasks.extend import ExtendPredictions
from engine.tasks.predict import PredictImages
from engine.tasks.train import retrain_jobs
from engine.tasks.train_snapshot import TrainSettings


@pytest.fixture
def trained(make_project: Callable, steel: Path, label_by_folder: Callable, run_job: Callable) -> Project:
    """A project of three kinds of steel surface, of which only two have been named."""
    project = make_project(steel, has_labels=False)
    label_by_folder(project, {"crazing": 6, "scratches": 6})
    for job in retrain_jobs(project, TrainSettings(backbone="squeezenet1_1"), embed_all=True):
        run_job(job)
    return project


@pytest.fixture
def fresh(shared_data: Path, tmp_path: Path) -> Path:
    """Pictures that no training has seen, in a folder per class."""
    folder = tmp_path / "fresh"
    for name in ("crazing", "patches", "scratches"):
        (folder / name).mkdir(parents=True)
        for file in sorted((shared_data / "steel_neu" / name).iterdir())[50:58]:
            shutil.copy2(file, folder / name / file.name)
    return folder


def test_images_of_a_class_without_a_name_are_the_strangest(trained: Project) -> None:
    columns = trained.columns()
    is_new = np.array(["patches" in name for name in columns.names])
    assert np.isfinite(columns.unknown_scores).all()
    assert columns.unknown_scores[is_new].min() > np.median(columns.unknown_scores[~is_new])
    assert columns.look_unknown()[is_new].mean() >= 0.5
    assert columns.look_unknown()[~is_new].mean() <= 0.2


def test_the_run_records_what_its_rates_mean(trained: Project) -> None:
    run = trained.active_run()
    assert run is not None
    assert run.unknown is not None
    assert run.unknown["num_images"] == 12
    rows = {row["rate"]: row for row in run.unknown["false_alarms"]}
    assert list(rows) == [0.01, 0.05, 0.1]
    for rate, row in rows.items():
        low, high = row["interval"]
        assert low <= row["measured"] <= high
        assert row["accept_below"] <= 1 - rate
    with np.load(trained.run_dir(run) / "out_of_fold.npz") as arrays:
        assert arrays["unknown_scores"].shape == (12,)


def test_predictions_and_their_csv_say_what_is_unknown(
    trained: Project, fresh: Path, run_job: Callable, tmp_path: Path
) -> None:
    predictions = run_job(PredictImages(trained, fresh))
    entries = predictions.document()["predictions"]
    json.dumps(entries, allow_nan=False)
    assert all(entry["unknown"] == (entry["unknown_score"] >= 0.95) for entry in entries)
    called = {name: np.mean([e["unknown"] for e in entries if e["image"].startswith(name)])
              for name in ("crazing", "patches", "scratches")}  # fmt: skip
    assert called["patches"] >= 0.5 > max(called["crazing"], called["scratches"])

    sorting = SortPlan(tmp_path / "sorted")
    run_job(ClassifyFiles(trained, [fresh], table=tmp_path / "out.csv", sorting=sorting))
    with (tmp_path / "out.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["unknown"] == "yes" for row in rows] == [entry["unknown"] for entry in entries]
    assert float(rows[0]["unknown_score"]) == pytest.approx(entries[0]["unknown_score"], abs=1e-4)

    num_unknown = sum(entry["unknown"] for entry in entries)
    assert len(list((tmp_path / "sorted" / "unknown").iterdir())) == num_unknown


def test_evaluation_tells_how_many_of_a_new_class_are_called_unknown(
    trained: Project, fresh: Path, run_job: Callable
) -> None:
    document = run_job(EvaluateModel(trained, fresh))["unknown"]
    assert document["known"]["num_images"] == 16
    (patches,) = document["new_classes"]
    assert patches["class"] == "patches"
    assert patches["num_images"] == 8
    assert patches["called_unknown"] >= 0.5
    assert document["known"]["called_unknown"] <= 0.25


def test_the_rate_of_the_project_decides_what_is_called_unknown(
    trained: Project, fresh: Path, run_job: Callable
) -> None:
    counts = []
    for rate in (0.01, 0.05, 0.1):
        trained.set_false_alarm_rate(rate).result()
        document = run_job(PredictImages(trained, fresh)).document()
        counts.append(sum(entry["unknown"] for entry in document["predictions"]))
        assert trained.columns().unknown_threshold == pytest.approx(1 - rate)
    assert counts == sorted(counts)
    assert counts[0] < counts[-1]


def test_predictions_that_are_brought_up_to_date_keep_their_unknown_scores(trained: Project, run_job: Callable) -> None:
    before = trained.predictions()
    run = trained.active_run()
    assert before is not None
    assert run is not None
    (trained.run_dir(run) / "predictions.npz").unlink()
    run_job(ExtendPredictions(trained))
    after = trained.predictions()
    assert after is not None
    np.testing.assert_array_equal(before.image_ids, after.image_ids)
    np.testing.assert_allclose(before.unknown_scores, after.unknown_scores, atol=1e-6)


def test_a_run_older_than_the_score_still_predicts_and_calls_nothing_unknown(
    trained: Project, fresh: Path, run_job: Callable
) -> None:
    run = trained.active_run()
    assert run is not None
    folder = trained.run_dir(run)
    (folder / "unknown.safetensors").unlink()
    with np.load(folder / "predictions.npz") as arrays:
        old = {name: arrays[name] for name in arrays.files if name != "unknown_scores"}
    np.savez(folder / "predictions.npz", **old)
    columns = trained.columns()
    assert np.isnan(columns.unknown_scores).all()
    assert not columns.look_unknown().any()
    entries = run_job(PredictImages(trained, fresh)).document()["predictions"]
    assert {(entry["unknown"], entry["unknown_score"]) for entry in entries} == {(False, None)}
    assert load_run_model(folder, trained.folder).unknown is None
    assert "unknown" not in run_job(EvaluateModel(trained, fresh))


@pytest.mark.usefixtures("shared_weights")
def test_a_network_that_was_trained_itself_knows_what_is_strange_to_it_and_takes_that_along(
    make_project: Callable,
    steel: Path,
    label_by_folder: Callable,
    run_job: Callable,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    plan = Plan(num_epochs=2, num_measured=2, seconds=5.0, disk_bytes=10**6, memory_bytes=10**9)
    monkeypatch.setattr("engine.nn.network_depths.choose_plan", lambda *_: plan)
    project = make_project(steel, has_labels=False)
    label_by_folder(project, {"crazing": 8, "scratches": 8})
    settings = TrainSettings(backbone="squeezenet1_1", depth="partial", augmentation="none")
    for job in retrain_jobs(project, settings, embed_all=True):
        run = run_job(job)
    assert run.depth == "partial"
    assert run.unknown is not None
    with np.load(project.run_dir(run) / "out_of_fold.npz") as arrays:
        assert arrays["unknown_scores"].shape == arrays["image_ids"].shape
        assert np.isfinite(arrays["unknown_scores"]).all()
    columns = project.columns()
    is_new = np.array(["patches" in name for name in columns.names])
    assert np.median(columns.unknown_scores[is_new]) > np.median(columns.unknown_scores[~is_new])

    report = run_job(ExportModel(project, "onnx", tmp_path / "export"))
    assert report.parity.max_unknown_diff is not None
    assert report.parity.max_unknown_diff <= 1e-4
    exported = find_model(tmp_path / "export")
    assert exported is not None
    again = run_job(PredictImages(exported, steel))
    inside = run_job(PredictImages(project, steel))
    assert again.names == inside.names
    np.testing.assert_allclose(again.unknown_scores, inside.unknown_scores, atol=1e-3)
    np.testing.assert_array_equal(again.are_unknown, inside.are_unknown)
