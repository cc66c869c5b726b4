"""TakeBackbone: the network of another model becomes one that this project can train on from.

From a safetensors export, another project or one of its runs the weights are copied. From an ONNX export they are read
back out of the graph (`engine.nn.graph_weights`). Nothing else is ever opened.
"""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from engine import own_backbones
from engine.backbones import BackboneSpec
from engine.errors import BackboneError, ImportFormatError
from engine.importers.model import ExportedModel, backbone_of, find_model, model_document
from engine.job import Job, JobContext, Priority
from engine.language import tr


@dataclass(frozen=True, slots=True)
class TakeSnapshot:
    source: Path
    project_dir: Path


class TakeBackbone(Job[TakeSnapshot, BackboneSpec, BackboneSpec]):
    """Takes the backbone over into a project; the outcome is its record."""

    title: ClassVar[str] = tr("Taking over a backbone")
    in_worker: ClassVar[bool] = True
    priority = Priority.INTERACTIVE

    def __init__(self, source: Path, project_dir: Path) -> None:
        self.source, self.project_dir = source, project_dir

    def prepare(self) -> TakeSnapshot:
        return TakeSnapshot(self.source.absolute(), self.project_dir)

    @staticmethod
    def work(snapshot: TakeSnapshot, context: JobContext) -> BackboneSpec:
        context.progress(0, 0, tr("reading the network"))
        return take_backbone(snapshot.source, snapshot.project_dir)

    def finish(self, result: BackboneSpec) -> BackboneSpec:
        return result


def take_backbone(source: Path, project_dir: Path) -> BackboneSpec:
    """Copies the network of a model into a project and returns its record; see `engine.own_backbones.take`.

    Args:
        source: the folder of an ONNX or safetensors export, or its model file; a project, or the folder of one run.
        project_dir: the project that is to use it.

    Raises:
        BackboneError: there is no network in it, or none that can be trained on from.
        DiskError: the copy cannot be written.
    """
    folder = source.parent if source.is_file() else source
    if (folder / own_backbones.EXPORT_FILE).is_file() and (source == folder or source.suffix == ".safetensors"):
        return own_backbones.take(source, project_dir)
    try:
        model = find_model(source)
    except ImportFormatError as err:
        raise BackboneError(err.message, err.hint) from err
    if model is None or model.format != "onnx":
        return own_backbones.take(source, project_dir)
    return _take_from_graph(model, project_dir)


def _take_from_graph(model: ExportedModel, project_dir: Path) -> BackboneSpec:
    import onnx
    from safetensors.torch import save_file

    from engine.importers.onnx_file import read_onnx
    from engine.nn.graph_weights import weights_of_graph
    from engine.nn.networks import EXPORTED_PREFIX

    try:
        document = model_document(model)
        spec = backbone_of(document, model.file)
        data, _document = read_onnx(model.file)
    except ImportFormatError as err:
        raise BackboneError(err.message, err.hint) from err
    state = weights_of_graph(spec, onnx.load_model_from_string(data), str(model.file))
    with tempfile.TemporaryDirectory(prefix="graft-backbone-") as folder:
        # In the form of a safetensors export, so that there is one way in. Its folder's name becomes the backbone's.
        export = Path(folder, model.file.absolute().parent.name)
        export.mkdir()
        save_file(
            {EXPORTED_PREFIX + name: value.contiguous().clone() for name, value in state.items()},
            export / own_backbones.EXPORT_FILE,
        )
        described = json.dumps({"backbone": document["backbone"]})
        (export / own_backbones.EXPORT_DOCUMENT).write_text(described, encoding="utf-8")
        return own_backbones.take(export, project_dir)
