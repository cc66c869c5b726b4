"""Several classes per image, from labels to suggestions, on real pictures with a real network."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.domain import LabelMode, Mark, Run, class_ids_of
from engine.errors import ProjectError, TrainingError
from engine.evaluation.multi_label import average_precision
from engine.exporters.label_csv import export_label_csv
from engine.importers.label_csv import classes_in_csv
from engine.nn.run_model import load_run_model, read_run
from engine.project import Project
from engine.tasks.embed import ComputeEmbeddings
from engine.tasks.evaluate import EvaluateModel
from engine.tasks.predict import PredictImages
from engine.tasks.scan import ScanFolder
from engine.tasks.train import TrainHead, TrainSettings, retrain_jobs

CLASSES = ["crazing", "patches", "scratches"]
SETTINGS = TrainSettings(backbone="squeezenet1_1")
NUM_IMAGES, NUM_SEEN = 72, 48

Retrain = Callable[..., Run]


@pytest.fixture(scope="session")
def truth() -> np.ndarray:
    """Which classes the pictures show (N, K): any of them beside each other, or none."""
    wanted = np.random.default_rng(5).random((NUM_IMAGES, len(CLASSES))) < (0.5, 0.4, 0.3)
    wanted[:2] = [[True, True, False], [False, False, False]]
    return wanted


@pytest.fixture(scope="session")
def mixed(shared_data: Path, tmp_path_factory: pytest.TempPathFactory, truth: np.ndarray) -> Path:
    """Pictures put together of real ones: a surface of each class that they show, beside one of no class."""
    rng = np.random.default_rng(6)
    files = {name: sorted((shared_data / "steel_neu" / name).iterdir()) for name in (*CLASSES, "pitted_surface")}
    folder = tmp_path_factory.mktemp("pictures") / "mixed"
    folder.mkdir()
    for index, row in enumerate(truth):
        names = [name for name, is_there in zip(CLASSES, row, strict=True) if is_there] + ["pitted_surface"]
        picture = Image.new("RGB", (120 * len(names), 120))
        for place, name in enumerate(rng.permutation(names)):
            with Image.open(files[name][rng.integers(len(files[name]))]) as part:
                picture.paste(part.convert("RGB").resize((120, 120)), (120 * place, 0))
        picture.save(folder / f"{index:03}.jpg", quality=90)
    return folder


@pytest.fixture(scope="session")
def embedded(
    shared: Path, mixed: Path, made_graphs: Path, tmp_path_factory: pytest.TempPathFactory, run_job: Callable
) -> Path:
    """A project over them without labels, whose classes have the ids 1, 2, 3 and images the ids 1 to 72, embedded."""
    folder = tmp_path_factory.mktemp("several") / "project"
    with pytest.MonkeyPatch.context() as patch, Project.create(folder) as project:
        patch.setenv("GRAFT_DATA", str(made_graphs.parent))
        patch.setenv("GRAFT_WEIGHTS", str(shared / "weights"))
        project.set_label_mode(LabelMode.SEVERAL).result()
        for name in CLASSES:
            project.add_class(name).result()
        run_job(ScanFolder(project, mixed, False))
        run_job(ComputeEmbeddings(project, SETTINGS.backbone))
        assert [image.name for image in project.images()] == [f"{index:03}.jpg" for index in range(NUM_IMAGES)]
    return folder


@pytest.fixture
def several(embedded: Path, tmp_path: Path, weights: Path) -> Iterator[Project]:
    """A copy of it, open."""
    shutil.copytree(embedded, tmp_path / "project")
    with Project.open(tmp_path / "project") as project:
        yield project


@pytest.fixture
def retrain(run_job: Callable) -> Retrain:
    def run_chain(project: Project, settings: TrainSettings = SETTINGS) -> Run:
        outcome = None
        for job in retrain_jobs(project, settings, embed_all=True):
            outcome = run_job(job)
        assert isinstance(outcome, Run)
        return outcome

    return run_chain


def label(project: Project, truth: np.ndarray, num_images: int = NUM_SEEN, num_confirmed: int = NUM_SEEN) -> None:
    for target in range(truth.shape[1]):
        ids = np.flatnonzero(truth[:num_images, target]) + 1
        if len(ids):
            project.label(ids.tolist(), target + 1).result()
    if num_confirmed:
        project.mark(range(1, num_confirmed + 1), Mark.CONFIRMED, True).result()


def test_classes_beside_each_other_are_found_and_the_run_says_how_well(
    several: Project, truth: np.ndarray, retrain: Retrain
) -> None:
    label(several, truth)
    run = retrain(several)

    assert (run.mode, run.depth, run.class_names, run.num_images) == (LabelMode.SEVERAL, "head", CLASSES, NUM_SEEN)
    assert len(run.thresholds) == 3
    validation = run.validation
    assert validation.mean_average_precision is not None
    assert validation.mean_average_precision_interval is not None
    low, high = validation.mean_average_precision_interval
    assert 0.75 < low + 0.2 < high + 0.2
    assert low < validation.mean_average_precision <= high
    assert validation.confusion == []
    assert [row["support"] for row in validation.per_class] == truth[:NUM_SEEN].sum(axis=0).tolist()
    assert several.active_run() == run

    predictions = several.predictions()
    assert predictions is not None
    np.testing.assert_allclose(predictions.thresholds, run.thresholds)
    unseen = predictions.probabilities[NUM_SEEN:]
    found = average_precision(unseen, truth[NUM_SEEN:]).mean()
    assert found > 0.8
    assert low - 0.1 < found < high + 0.1  # what was said of the seen images holds for the unseen ones
    suggested = unseen >= predictions.thresholds
    assert 2 * (suggested & truth[NUM_SEEN:]).sum() / (suggested.sum() + truth[NUM_SEEN:].sum()) > 0.7


def test_columns_hold_every_suggested_class_and_how_probable_the_set_is(
    several: Project, truth: np.ndarray, retrain: Retrain
) -> None:
    label(several, truth)
    run = retrain(several)
    columns, predictions = several.columns(), several.predictions()
    assert predictions is not None
    suggested = predictions.probabilities >= np.array(run.thresholds, np.float32)
    for row in range(NUM_IMAGES):
        assert class_ids_of(columns.predicted_bits[row].tolist()) == (np.flatnonzero(suggested[row]) + 1).tolist()
    has_none = ~suggested.any(axis=1)
    assert (columns.predicted_ids[has_none] == 0).all()
    best = np.where(suggested, predictions.probabilities, -1).argmax(axis=1) + 1
    assert (columns.predicted_ids[~has_none] == best[~has_none]).all()
    expected = np.where(suggested, predictions.probabilities, 1 - predictions.probabilities).prod(axis=1)
    np.testing.assert_allclose(columns.confidences, expected, rtol=1e-5)

    several.delete_class(2).result()
    left = several.columns()
    assert not (left.predicted_bits & np.uint64(1 << 2)).any()
    kept = np.delete(np.where(suggested, predictions.probabilities, 1 - predictions.probabilities), 1, axis=1)
    np.testing.assert_allclose(left.confidences, kept.prod(axis=1), rtol=1e-5)


def test_merged_classes_are_suggested_where_either_was(several: Project, truth: np.ndarray, retrain: Retrain) -> None:
    label(several, truth)
    retrain(several)
    before = several.columns().predicted_bits[:, 0]
    had_either = (before & np.uint64(0b1010)) != 0
    several.merge_class(3, 1).result()
    after = several.columns().predicted_bits[:, 0]
    assert ((after & np.uint64(0b0010)) != 0).tolist() == had_either.tolist()
    assert not (after & np.uint64(0b1000)).any()


def test_the_folder_of_the_run_holds_what_was_measured_and_gives_the_same_figures_again(
    several: Project, truth: np.ndarray, retrain: Retrain, run_job: Callable
) -> None:
    label(several, truth, num_confirmed=30)
    run = retrain(several)
    folder = several.run_dir(run)
    document = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    assert document["mode"] == "several"
    assert document["thresholds"] == run.thresholds
    with np.load(folder / "labels.npz") as labels, np.load(folder / "out_of_fold.npz") as out_of_fold:
        seen = truth[labels["image_ids"] - 1]
        np.testing.assert_array_equal(labels["targets_matrix"], seen)
        assert labels["confirmed"].sum() == 30
        assert out_of_fold["image_ids"].tolist() == labels["image_ids"][labels["confirmed"]].tolist()
        assert out_of_fold["suggested"].shape == out_of_fold["probabilities"].shape == (30, 3)
        assert out_of_fold["logits"].shape == (30, 3)
        assert len(labels["units"]) == len(labels["folds"]) == len(seen)
    assert run.num_images == 30 + truth[30:NUM_SEEN].any(axis=1).sum()
    assert any("not confirmed" in note for note in run.settings["notes"])

    figures = run_job(EvaluateModel(several))
    assert figures["mode"] == "several"
    assert figures["num_images"] == 30
    for name in ("accuracy", "mean_average_precision", "macro_f1", "micro_f1", "log_loss", "ece"):
        assert figures[name] == pytest.approx(getattr(run.validation, name))
    assert [row["class"] for row in figures["per_class"]] == CLASSES
    json.dumps(figures, allow_nan=False)


def test_a_loaded_run_predicts_what_the_window_shows(several: Project, truth: np.ndarray, retrain: Retrain) -> None:
    from engine.images.decode import decode_rgb
    from engine.nn.embed import Embedder

    label(several, truth)
    run = retrain(several)
    model = load_run_model(several.run_dir(run), several.folder)
    shown = several.predictions()
    assert shown is not None
    image = several.images([int(shown.image_ids[5])])[0]
    with Embedder(model.spec, model.weights, model.preprocessing, num_threads=1) as embedder:
        found = model.probabilities(embedder.embed(decode_rgb(image.path))[None])[0]
    np.testing.assert_allclose(found, shown.probabilities[5], atol=1e-4)


def test_the_same_labels_and_seed_give_the_same_model(several: Project, truth: np.ndarray, retrain: Retrain) -> None:
    label(several, truth)
    first, second = retrain(several), retrain(several)
    assert first.validation == second.validation
    np.testing.assert_allclose(first.thresholds, second.thresholds, atol=1e-3)


def test_auto_trains_the_head_and_says_so(several: Project, truth: np.ndarray, run_job: Callable) -> None:
    label(several, truth)
    *before, training = retrain_jobs(several, TrainSettings(backbone="squeezenet1_1", depth="auto"))
    assert isinstance(training, TrainHead)
    for job in before:
        run_job(job)
    run = run_job(training)
    assert run.depth == "head"
    assert "only the head is trained" in run.settings["story"]


def test_a_class_without_two_confirmed_images_is_left_out_and_named(
    several: Project, truth: np.ndarray, retrain: Retrain
) -> None:
    label(several, truth)
    several.label(range(1, NUM_SEEN + 1), several.add_class("steel").result().id).result()
    several.label([1, 60], several.add_class("hole").result().id).result()
    run = retrain(several)
    assert run.class_names == CLASSES
    notes = " ".join(run.settings["notes"])
    assert "“hole” is not part of the model: fewer than two confirmed images have it." in notes
    assert "“steel” is not part of the model: fewer than two confirmed images lack it." in notes


def test_images_of_a_group_are_held_out_together(
    several: Project, truth: np.ndarray, retrain: Retrain, run_job: Callable
) -> None:
    label(several, truth)
    several.set_group_rule(r"(\d\d)\.jpg")
    run = retrain(several)
    with np.load(several.run_dir(run) / "labels.npz") as labels:
        names = [image.name[1:3] for image in several.images(labels["image_ids"].tolist())]
        for name in set(names):
            assert len({int(fold) for fold, each in zip(labels["folds"], names, strict=True) if each == name}) == 1
    assert "kept together" in run.validation.method


def test_a_csv_names_the_classes_of_images_that_the_model_has_not_seen(
    several: Project, truth: np.ndarray, retrain: Retrain, run_job: Callable, mixed: Path, tmp_path: Path
) -> None:
    label(several, truth)
    retrain(several)
    file = tmp_path / "truth.csv"
    with file.open("w", newline="") as text:
        writer = csv.writer(text)
        writer.writerow(["image", "class", "confirmed"])
        for index in range(NUM_SEEN, NUM_IMAGES - 1):
            names = "|".join(name for name, is_there in zip(CLASSES, truth[index], strict=True) if is_there)
            writer.writerow([f"mixed/{index:03}.jpg", names, "yes"])
        writer.writerow([f"{NUM_IMAGES - 1:03}.jpg", "patches", ""])
        writer.writerow(["elsewhere.jpg", "patches", "yes"])
    figures = run_job(EvaluateModel(several, mixed.parent, labels=file))
    assert figures["num_images"] == NUM_IMAGES - NUM_SEEN - 1
    assert figures["mean_average_precision"] > 0.75
    reasons = {entry["image"]: entry["reason"] for entry in figures["failed"]}
    assert "not confirmed" in reasons[f"{NUM_IMAGES - 1:03}.jpg"]
    assert "not in the folder" in reasons["elsewhere.jpg"]


def test_a_folder_per_class_cannot_be_the_truth(
    several: Project, truth: np.ndarray, retrain: Retrain, mixed: Path
) -> None:
    label(several, truth)
    retrain(several)
    with pytest.raises(ProjectError, match="a folder can name only one") as error:
        EvaluateModel(several, mixed).prepare()
    assert "--labels" in error.value.hint


def test_predictions_of_a_folder_list_all_classes_above_their_threshold(
    several: Project, truth: np.ndarray, retrain: Retrain, run_job: Callable, mixed: Path
) -> None:
    label(several, truth)
    run = retrain(several)
    document = run_job(PredictImages(several, mixed)).document()
    thresholds = dict(zip(CLASSES, run.thresholds, strict=True))
    for entry in document["predictions"]:
        expected = [name for name in CLASSES if entry["probabilities"][name] >= np.float32(thresholds[name])]
        assert sorted(entry["classes"]) == sorted(expected)
        if not entry["unknown"]:
            assert entry["class"] == (entry["classes"][0] if entry["classes"] else None)
    json.dumps(document, allow_nan=False)


def test_label_file_says_all_suggested_classes_and_can_be_read_again(
    several: Project, truth: np.ndarray, retrain: Retrain, tmp_path: Path
) -> None:
    label(several, truth)
    retrain(several)
    export_label_csv(several, tmp_path / "labels.csv")
    with (tmp_path / "labels.csv").open(newline="") as file:
        rows = {row["image"]: row for row in csv.DictReader(file)}
    columns, names = several.columns(), dict(enumerate(CLASSES, start=1))
    for place in range(NUM_SEEN):
        row = rows[f"{place:03}.jpg"]
        suggested = [names[class_id] for class_id in class_ids_of(columns.predicted_bits[place].tolist())]
        assert row["predicted_class"] == "|".join(suggested)
        assert float(row["confidence"]) == pytest.approx(columns.confidences[place], abs=1e-4)
        assert row["confirmed"] == "yes"
    found, failed = classes_in_csv(tmp_path / "labels.csv", [f"{at:03}.jpg" for at in range(NUM_IMAGES)], set())
    assert failed == []
    assert [[name in found[f"{at:03}.jpg"] for name in CLASSES] for at in range(NUM_SEEN)] == truth[:NUM_SEEN].tolist()


@pytest.mark.parametrize(
    ("labels", "num_confirmed", "sentence"),
    [
        ([[0, 0, 0]] * 6, 6, "No image has a class yet"),
        ([[1, 0, 0]] * 3 + [[0, 0, 0]] * 3, 6, "Only one class, “crazing”, is in use"),
        ([[1, 0, 0], [0, 1, 0]] * 3, 0, "No image is confirmed yet"),
        ([[1, 1, 0]] * 6, 6, "Every confirmed image has every class"),
        ([[1, 1, 0], [1, 0, 0], [0, 1, 0]], 3, "Fewer than two classes can be learned"),
    ],
)
def test_labels_that_cannot_be_learned_are_a_sentence(
    several: Project, labels: list[list[int]], num_confirmed: int, sentence: str, run_job: Callable
) -> None:
    label(several, np.array(labels, bool), len(labels), num_confirmed)
    with pytest.raises(TrainingError, match=sentence) as error:
        run_job(retrain_jobs(several, SETTINGS)[-1])
    assert error.value.hint
    assert several.runs() == []


@pytest.mark.parametrize("depth", ["partial", "full"])
def test_more_than_the_head_is_refused(several: Project, truth: np.ndarray, depth: str) -> None:
    label(several, truth)
    with pytest.raises(TrainingError, match="only the head is trained"):
        retrain_jobs(several, TrainSettings(backbone="squeezenet1_1", depth=depth))


def test_thresholds_that_are_not_one_for_each_class_are_a_damaged_run(
    several: Project, truth: np.ndarray, retrain: Retrain
) -> None:
    label(several, truth)
    folder = several.run_dir(retrain(several))
    document = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    (folder / "run.json").write_text(json.dumps(document | {"thresholds": [0.5]}), encoding="utf-8")
    with pytest.raises(TrainingError, match="damaged or incomplete"):
        read_run(folder, Path())


def test_a_run_for_one_class_per_image_suggests_one_class_where_images_may_have_several(
    make_project: Callable, steel: Path, retrain: Retrain
) -> None:
    project: Project = make_project(steel)
    run = retrain(project)
    assert run.mode is LabelMode.ONE
    project.set_label_mode(LabelMode.SEVERAL).result()
    columns = project.columns()
    for bits, predicted_id in zip(columns.predicted_bits.tolist(), columns.predicted_ids.tolist(), strict=True):
        assert class_ids_of(bits) == [predicted_id]
