"""An exported model, loaded back: the same predictions as its project; anything else is refused in a sentence."""

from __future__ import annotations

import json
import os
import pickle
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from safetensors.numpy import load_file, save_file

from engine.errors import AppError, ImportFormatError
from engine.exporters.registry import FORMATS, exporter
from engine.importers.model import MODEL_FILES, ExportedModel, find_model, load_classifier, recorded_figures
from engine.jobs import run_in_foreground
from engine.project import Project
from engine.tasks.evaluate import EvaluateModel
from engine.tasks.export import ExportModel
from engine.tasks.predict import PredictImages
from engine.tasks.scan import ScanFolder
from engine.tasks.train import retrain_jobs
from engine.tasks.train_snapshot import TrainSettings

CLASSES = ["crazing", "patches", "scratches"]
LOADABLE = ("onnx", "safetensors")
EVERY_FORMAT = pytest.mark.parametrize("format_name", LOADABLE)


@pytest.fixture(scope="module")
def data_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One user folder for all tests here, so that graphs are made once."""
    return tmp_path_factory.mktemp("data")


@pytest.fixture(autouse=True)
def _same_data_folder(data_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRAFT_DATA", str(data_folder))


@pytest.fixture(scope="module")
def pictures(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pictures of steel_neu: eight to train on and eight to test with for each of three classes."""
    folder = tmp_path_factory.mktemp("pictures")
    for name in CLASSES:
        files = sorted((shared_data / "steel_neu" / name).iterdir())
        for part, chosen in (("train", files[:8]), ("test", files[60:68])):
            (folder / part / name).mkdir(parents=True)
            for file in chosen:
                shutil.copy2(file, folder / part / name)
    return folder


@pytest.fixture(scope="module")
def project(
    shared: Path, pictures: Path, data_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Project]:
    """A project with a run of MobileNetV2."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRAFT_DATA", str(data_folder))
        patch.setenv("GRAFT_WEIGHTS", str(shared / "weights"))
        with Project.create(tmp_path_factory.mktemp("project") / "steel") as made:
            run_in_foreground(ScanFolder(made, pictures / "train", True))
            for job in retrain_jobs(made, TrainSettings(backbone="mobilenet_v2")):
                run_in_foreground(job)
            yield made


@pytest.fixture(scope="module")
def exports(project: Project, shared: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Each format exported once."""
    folder = tmp_path_factory.mktemp("exports")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRAFT_WEIGHTS", str(shared / "weights"))
        for name in LOADABLE:
            run_in_foreground(ExportModel(project, name, folder / name))
    return {name: folder / name for name in LOADABLE}


@pytest.fixture
def export(exports: dict[str, Path], tmp_path: Path) -> Callable[[str], Path]:
    """Returns a copy of an export that may be spoilt."""
    return lambda name: Path(shutil.copytree(exports[name], tmp_path / name))


def model_in(path: Path) -> ExportedModel:
    found = find_model(path)
    assert found is not None
    return found


def change_document(folder: Path, **fields: Any) -> None:
    file = folder / "model.json"
    file.write_text(json.dumps(json.loads(file.read_text(encoding="utf-8")) | fields), encoding="utf-8")


def assert_refused(path: Path, *parts: str) -> None:
    """The path is refused in one sentence that names the parts, when it is found or when it is loaded."""
    with pytest.raises(ImportFormatError) as refused:
        load_classifier(model_in(path))
    assert refused.value.hint
    for part in parts:
        assert part in str(refused.value)


# ------------------------------------------------------------------------------------------------- what it predicts


def test_every_kind_of_file_has_the_name_that_its_format_writes() -> None:
    assert {name: exporter(name).model_file for name in LOADABLE} == MODEL_FILES


@pytest.mark.parametrize("format_name", [name for name in FORMATS if name not in (*LOADABLE, "pt2")])
def test_a_model_json_of_another_format_is_loaded_where_it_speaks_of_an_onnx_file(
    export: Callable[[str], Path], format_name: str
) -> None:
    folder = export("onnx")
    change_document(folder, format=format_name)
    if format_name in ("web", "onnx-fp16", "onnx-int8"):
        assert load_classifier(model_in(folder)).class_names == CLASSES
    else:
        assert_refused(folder, "names no format")


@EVERY_FORMAT
def test_an_export_predicts_what_its_project_predicts(
    project: Project, exports: dict[str, Path], pictures: Path, format_name: str, shared_weights: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    (pictures / "test" / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 no picture")
    expected = run_in_foreground(PredictImages(project, pictures / "test"))
    monkeypatch.delenv("GRAFT_WEIGHTS")  # An export needs no weights but its own.
    found = run_in_foreground(PredictImages(model_in(exports[format_name]), pictures / "test"))

    assert (found.names, found.paths, found.class_names) == (expected.names, expected.paths, expected.class_names)
    assert len(found.names) == 24
    assert (found.probabilities.argmax(axis=1) == expected.probabilities.argmax(axis=1)).all()
    assert np.abs(found.probabilities - expected.probabilities).max() <= 1e-4
    assert found.failed == expected.failed
    assert [name for name, _ in found.failed] == ["broken.jpg"]


@EVERY_FORMAT
def test_an_export_is_measured_as_its_project_is(
    project: Project, exports: dict[str, Path], pictures: Path, format_name: str, shared_weights: Path
) -> None:
    expected = run_in_foreground(EvaluateModel(project, pictures / "test"))
    found = run_in_foreground(EvaluateModel(model_in(exports[format_name]), pictures / "test"))
    for name in ("num_images", "accuracy", "classes", "confusion", "per_class"):
        assert found[name] == expected[name]
    assert found["log_loss"] == pytest.approx(expected["log_loss"], abs=1e-3)


@EVERY_FORMAT
def test_without_images_the_figures_of_the_training_are_given(
    project: Project, exports: dict[str, Path], format_name: str
) -> None:
    expected = run_in_foreground(EvaluateModel(project))
    for path in (exports[format_name], exports[format_name] / MODEL_FILES[format_name]):
        assert run_in_foreground(EvaluateModel(model_in(path))) == expected


def test_an_onnx_file_needs_nothing_beside_it(exports: dict[str, Path], pictures: Path, tmp_path: Path) -> None:
    shutil.copy(exports["onnx"] / "model.onnx", tmp_path / "renamed.onnx")
    alone = run_in_foreground(PredictImages(model_in(tmp_path / "renamed.onnx"), pictures / "test"))
    whole = run_in_foreground(PredictImages(model_in(exports["onnx"]), pictures / "test"))
    np.testing.assert_array_equal(alone.probabilities, whole.probabilities)


def test_a_built_in_backbone_predicts_with_the_weights_of_the_export(
    tiny_images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not with those of this copy of the program, which may be other ones."""
    with Project.create(tmp_path / "project") as project:
        run_in_foreground(ScanFolder(project, tiny_images, True))
        for job in retrain_jobs(project, TrainSettings(backbone="starter")):
            run_in_foreground(job)
        run_in_foreground(ExportModel(project, "safetensors", tmp_path / "export"))
        expected = run_in_foreground(PredictImages(project, tiny_images))
    file = tmp_path / "export" / "model.safetensors"
    found = run_in_foreground(PredictImages(model_in(file), tiny_images))
    assert np.abs(found.probabilities - expected.probabilities).max() <= 1e-4

    tensors = load_file(file)
    name = next(name for name in tensors if name.startswith("backbone.") and name.endswith("weight"))
    save_file(tensors | {name: tensors[name] * 0.5 + 0.01}, file)
    other = run_in_foreground(PredictImages(model_in(file), tiny_images))
    assert np.abs(other.probabilities - expected.probabilities).max() > 1e-3


def test_a_project_is_no_exported_model(project: Project, tmp_path: Path) -> None:
    assert find_model(project.folder) is None
    assert find_model(tmp_path) is None
    assert find_model(tmp_path / "missing") is None


# --------------------------------------------------------------------------------------------------- what is refused


class _Bomb:
    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.target,))


@pytest.mark.parametrize(
    "name", ["model.pt", "model.pt2", "weights.pth", "model.pkl", "model.onnx", "model.safetensors"]
)
def test_a_pickle_never_runs_whatever_it_is_called(name: str, exports: dict[str, Path], tmp_path: Path) -> None:
    bomb, folder = tmp_path / "exploded", tmp_path / "model"
    folder.mkdir()
    (folder / name).write_bytes(pickle.dumps(_Bomb(bomb)))
    assert_refused(folder / name, name) if name != "model.safetensors" else None
    with pytest.raises(AppError):
        load_classifier(model_in(folder))
    if name in MODEL_FILES.values():
        format_name = Path(name).suffix[1:]
        shutil.copy(exports[format_name] / "model.json", folder)
        assert_refused(folder, name)
    assert not bomb.exists()


@pytest.mark.parametrize("kept", [0.0, 0.5, 0.99, 0.99999])
@EVERY_FORMAT
def test_a_file_that_is_cut_off_is_refused(export: Callable[[str], Path], format_name: str, kept: float) -> None:
    folder = export(format_name)
    file = folder / MODEL_FILES[format_name]
    data = file.read_bytes()
    file.write_bytes(data[: int(len(data) * kept)])
    assert_refused(folder, str(file))


@pytest.mark.parametrize("position", range(0, 4000, 401))
def test_flipped_bytes_give_a_sentence_or_a_model_but_nothing_else(
    export: Callable[[str], Path], position: int
) -> None:
    for format_name in LOADABLE:
        folder = export(format_name)
        file = folder / MODEL_FILES[format_name]
        data = bytearray(file.read_bytes())
        data[position] ^= 0x55
        file.write_bytes(data)
        try:
            load_classifier(model_in(folder))
        except ImportFormatError:
            pass
        shutil.rmtree(folder)


def edited_onnx(folder: Path, edit: Callable[[onnx.ModelProto], object]) -> Path:
    file = folder / "model.onnx"
    model = onnx.load(file)
    edit(model)
    file.write_bytes(model.SerializeToString())
    return file


def test_an_onnx_file_of_another_program_is_refused(export: Callable[[str], Path]) -> None:
    file = edited_onnx(export("onnx"), lambda model: model.metadata_props.__delitem__(slice(None)))
    assert_refused(file, "was not exported by Graft")


@pytest.mark.parametrize("place", ["initializer", "attribute"])
def test_weights_in_other_files_are_refused(export: Callable[[str], Path], place: str) -> None:
    def point_outside(model: onnx.ModelProto) -> None:
        tensor = model.graph.initializer[0]
        if place == "attribute":
            node = model.graph.node.add(op_type="Constant", output=["extra"])
            tensor = node.attribute.add(name="value", type=onnx.AttributeProto.TENSOR).t
            tensor.data_type, tensor.dims[:] = onnx.TensorProto.FLOAT, [1]
        tensor.data_location = onnx.TensorProto.EXTERNAL
        tensor.external_data.add(key="location", value="../../../../etc/passwd")

    assert_refused(edited_onnx(export("onnx"), point_outside), "other files")


def test_operators_of_other_vendors_are_refused(export: Callable[[str], Path]) -> None:
    def add_node(model: onnx.ModelProto) -> None:
        model.opset_import.add(domain="com.microsoft", version=1)
        model.graph.node.add(op_type="EPContext", domain="com.microsoft", output=["extra"])

    assert_refused(edited_onnx(export("onnx"), add_node), "com.microsoft")


@pytest.mark.parametrize("part", ["input", "size", "output"])
def test_an_onnx_file_with_other_inputs_or_outputs_is_refused(export: Callable[[str], Path], part: str) -> None:
    def change(model: onnx.ModelProto) -> None:
        graph = model.graph
        if part == "input":
            graph.input[0].type.tensor_type.elem_type = onnx.TensorProto.FLOAT
        elif part == "size":
            graph.input[0].type.tensor_type.shape.dim[2].dim_value = 4
        else:
            graph.output[0].type.tensor_type.shape.dim[0].dim_value = 5

    assert_refused(edited_onnx(export("onnx"), change), "one probability per class")


def test_a_graph_that_the_runtime_cannot_load_is_refused_without_a_word_on_stderr(
    export: Callable[[str], Path], capfd: pytest.CaptureFixture[str]
) -> None:
    file = edited_onnx(export("onnx"), lambda model: model.graph.node.__delitem__(5))
    assert_refused(file, str(file))
    assert capfd.readouterr().err == ""


def test_a_graph_that_gives_no_probabilities_is_refused(export: Callable[[str], Path], pictures: Path) -> None:
    def drop_softmax(model: onnx.ModelProto) -> None:
        node = next(node for node in model.graph.node if node.op_type == "Softmax")
        node.op_type = "Identity"
        del node.attribute[:]

    file = edited_onnx(export("onnx"), drop_softmax)
    with pytest.raises(ImportFormatError, match="no probabilities"):
        run_in_foreground(PredictImages(model_in(file), pictures / "test"))


@pytest.mark.parametrize("classes", [["a", "b"], ["a", "a", "b"], [], "abc", None, [1, 2, 3]])
@EVERY_FORMAT
def test_classes_that_do_not_fit_are_refused(export: Callable[[str], Path], format_name: str, classes: object) -> None:
    folder = export(format_name)
    change_document(folder, classes=classes)
    assert_refused(folder, str(folder))


@pytest.mark.parametrize(
    "fields",
    [
        {"backbone": {"key": "no_such_network"}},
        {"backbone": {"key": "resnet50", "model_name": "resnet50", "embedding_size": 2048}},
        {"backbone": {"key": "mobilenet_v2", "model_name": "mobilenet_v2", "embedding_size": 7}},
        {"backbone": None},
        {"backbone": {"key": "efficientnet_b0", "model_name": "efficientnet_b0", "embedding_size": 1280}},
        {"preprocessing": {}},
        {"preprocessing": {"input_size_px": 10**9, "mean": [0, 0, 0], "std": [1, 1, 1], "interpolation": "bilinear",
                           "views": ["whole"], "version": 1}},
        {"preprocessing": {"input_size_px": 224, "mean": [0, 0, 0], "std": [0, 1, 1], "interpolation": "bilinear",
                           "views": ["whole"], "version": 1}},
        {"program": "Another"},
        {"format": "pt2"},
        {"format": None},
    ],
)  # fmt: skip
def test_a_model_json_that_does_not_fit_is_refused(export: Callable[[str], Path], fields: dict[str, Any]) -> None:
    folder = export("safetensors")
    change_document(folder, **fields)
    assert_refused(folder, str(folder))


@pytest.mark.parametrize("text", ["", "{", "[]", "[" * 100_000, "\xff"])
@EVERY_FORMAT
def test_a_damaged_model_json_is_refused(export: Callable[[str], Path], format_name: str, text: str) -> None:
    folder = export(format_name)
    (folder / "model.json").write_text(text, encoding="latin-1")
    assert_refused(folder, "model.json")


@EVERY_FORMAT
def test_missing_files_are_named(export: Callable[[str], Path], format_name: str) -> None:
    folder = export(format_name)
    (folder / "model.json").rename(folder / "elsewhere.json")
    assert_refused(folder, "no model.json")
    (folder / "elsewhere.json").rename(folder / "model.json")
    (folder / MODEL_FILES[format_name]).unlink()
    assert_refused(folder, f"{MODEL_FILES[format_name]} is missing")


@pytest.mark.parametrize("change", ["missing", "double", "shape", "not finite", "zero scale", "zero temperature"])
def test_a_head_that_makes_no_sense_is_refused(export: Callable[[str], Path], change: str) -> None:
    folder = export("safetensors")
    tensors = load_file(folder / "model.safetensors")
    if change == "missing":
        del tensors["head.bias"]
    elif change == "double":
        tensors["head.bias"] = tensors["head.bias"].astype(np.float64)
    elif change == "shape":
        tensors["head.weight"] = np.ascontiguousarray(tensors["head.weight"].T)
    elif change == "not finite":
        tensors["head.mean"][3] = np.nan
    elif change == "zero scale":
        tensors["head.scale"][3] = 0
    else:
        tensors["head.temperature"] = np.array(0, np.float32)
    save_file(tensors, folder / "model.safetensors")
    assert_refused(folder, "model.safetensors")


def test_a_backbone_without_some_of_its_weights_is_refused(export: Callable[[str], Path]) -> None:
    folder = export("safetensors")
    tensors = load_file(folder / "model.safetensors")
    del tensors[next(name for name in tensors if name.startswith("backbone.") and name.endswith("weight"))]
    save_file(tensors, folder / "model.safetensors")
    assert_refused(folder, "does not hold the weights of MobileNet")


@EVERY_FORMAT
@pytest.mark.parametrize(
    "classes", [[], ["one"], ["a" * 2000, "b"], [str(number) for number in range(100_001)], ["a", ""], {"a": 1}]
)
def test_a_list_of_classes_without_measure_is_refused(
    export: Callable[[str], Path], format_name: str, classes: object
) -> None:
    folder = export(format_name)
    change_document(folder, classes=classes)
    assert_refused(folder)


@pytest.mark.parametrize("name", ["model.onnx", "model.safetensors"])
def test_a_file_that_is_larger_than_any_of_ours_is_not_read(export: Callable[[str], Path], name: str) -> None:
    folder = export(Path(name).suffix[1:])
    with (folder / name).open("r+b") as stream:
        stream.truncate(1 << 34)  # 16 GB of nothing
    assert_refused(folder, name)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no pipes with names")
@EVERY_FORMAT
def test_a_pipe_in_the_place_of_a_model_is_not_waited_for(export: Callable[[str], Path], format_name: str) -> None:
    folder = export(format_name)
    file = folder / MODEL_FILES[format_name]
    file.unlink()
    os.mkfifo(file)
    assert_refused(folder, "is missing")
    assert find_model(file) is None


@EVERY_FORMAT
def test_a_link_that_leads_round_is_refused(export: Callable[[str], Path], format_name: str) -> None:
    folder = export(format_name)
    file = folder / MODEL_FILES[format_name]
    file.unlink()
    file.symlink_to(file)
    assert_refused(folder, "is missing")


@pytest.mark.parametrize("name", ["../model.onnx", "/etc/passwd", "model.pt2", "", None, 7, ["onnx"]])
def test_a_model_json_cannot_lead_elsewhere(export: Callable[[str], Path], name: object) -> None:
    """Which file is read follows from the format alone, never from a path in the document."""
    folder = export("onnx")
    change_document(folder, format=name, model_file="../../secret", file="/etc/passwd")
    assert_refused(folder)


def test_figures_that_are_missing_are_told_with_what_to_do(export: Callable[[str], Path]) -> None:
    folder = export("safetensors")
    change_document(folder, validation={"accuracy": 1})
    with pytest.raises(ImportFormatError, match="--images"):
        recorded_figures(model_in(folder))
