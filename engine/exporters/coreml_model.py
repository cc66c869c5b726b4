"""Core ML: model.mlpackage, for apps on Apple's systems. Made on Linux and macOS, run and checked on macOS only."""

from __future__ import annotations

import json
import platform
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from engine.backbones import BackboneSpec
from engine.errors import ExportError
from engine.exporters.predict_script import predict_source
from engine.exporters.prepared_views import input_document, preparation_note, prepared_views_source
from engine.exporters.protocol import PREDICT_NAME, BaseExporter, ModelFacts, WriteContext, model_document
from engine.language import tr
from engine.nn.run_model import RunModel

_IMPORTS = "import coremltools\nimport numpy as np\nfrom PIL import Image, ImageOps\n"
_LOAD = 'model = coremltools.models.MLModel(str(FOLDER / "model.mlpackage"))\n'
_ASK = """answer = model.predict({"views": views_of(pixels)})
    return answer["probabilities"], float(answer["unknown_score"].item())"""
_ASK_WITHOUT = """return model.predict({"views": views_of(pixels)})["probabilities"], float("nan")"""


class CoreMlExporter(BaseExporter):
    """An ML program, iOS 16 and macOS 13 or newer, float32. Input "views", see `prepared_views`; outputs as in ONNX."""

    model_file = "model.mlpackage"
    is_deterministic = False  # Core ML Tools writes the date and random names into its files

    def requirements(self, backbone: BackboneSpec) -> tuple[str, ...]:
        return ("numpy", "Pillow", "coremltools>=9")

    def runtime(self) -> str:
        return f"Core ML, coremltools {version('coremltools')}"

    def unchecked_reason(self) -> str:
        return "" if platform.system() == "Darwin" else tr("Core ML models run on Apple's systems only.")

    def input_document(self, model: RunModel) -> dict[str, Any]:
        return input_document(model.preprocessing)

    def notes(self, model: RunModel) -> Sequence[str]:
        return (preparation_note(model.preprocessing),)

    def write(self, model: RunModel, facts: ModelFacts, folder: Path, context: WriteContext) -> None:
        import coremltools as tools
        import torch

        from engine.nn.torch_classifier import ViewsClassifier

        side = model.preprocessing.input_size_px
        example = torch.zeros(model.preprocessing.num_views, 3, side, side)
        names = ["probabilities", *([] if model.unknown is None else ["unknown_score"])]
        try:
            with torch.no_grad():
                program = torch.export.export(ViewsClassifier(model).eval(), (example,)).run_decompositions({})
            converted = tools.convert(
                program,
                inputs=[tools.TensorType(name="views", shape=tuple(example.shape))],
                outputs=[tools.TensorType(name=name) for name in names],
                convert_to="mlprogram",
                compute_precision=tools.precision.FLOAT32,
                minimum_deployment_target=tools.target.iOS16,
                skip_model_load=platform.system() != "Darwin",
            )
        except (NotImplementedError, RuntimeError, TypeError, ValueError, KeyError, AssertionError) as err:
            reason = (str(err).splitlines() or [""])[0][:200]
            raise ExportError(
                tr(
                    "Core ML Tools cannot convert {backbone} ({reason}).",
                    backbone=model.spec.display_name,
                    reason=f"{type(err).__name__}: {reason}",
                ),
                tr("Choose another format; ONNX takes every network."),
            ) from err
        for key, value in model_document(model, facts).items():
            text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)
            converted.user_defined_metadata[f"graft.{key}"] = text
        converted.license = model.spec.licence
        converted.save(str(folder / self.model_file))
        ask = _ASK_WITHOUT if model.unknown is None else _ASK
        views = prepared_views_source(model.preprocessing)
        script = predict_source(model, facts, self.requirements(model.spec), _IMPORTS, _LOAD, ask, views)
        (folder / PREDICT_NAME).write_text(script, encoding="utf-8", newline="\n")


EXPORTER = CoreMlExporter()
