"""LiteRT (TensorFlow Lite): model.tflite, for Android and small devices.

Its converter is large and brings libraries that nothing else here needs: it runs in a process of its own.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
import time
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from engine.backbones import BackboneSpec
from engine.errors import ExportError
from engine.exporters.predict_script import predict_source
from engine.exporters.prepared_views import input_document, preparation_note, prepared_views_source
from engine.exporters.protocol import PREDICT_NAME, BaseExporter, ModelFacts, WriteContext
from engine.helper_process import CONVERT_LITERT, start_helper
from engine.language import tr
from engine.nn.run_model import RunModel

_POLL_S = 0.05

_IMPORTS = "import numpy as np\nfrom ai_edge_litert.interpreter import Interpreter\nfrom PIL import Image, ImageOps\n"
_LOAD = """interpreter = Interpreter(str(FOLDER / "model.tflite"))
interpreter.allocate_tensors()
ask = interpreter.get_signature_runner("predict")
"""
_ASK = """answer = ask(views=views_of(pixels))
    return answer["probabilities"], float(answer["unknown_score"])"""
_ASK_WITHOUT = """return ask(views=views_of(pixels))["probabilities"], float("nan")"""


class LiteRtExporter(BaseExporter):
    """Signature "predict": input "views", see `prepared_views`; outputs as in ONNX."""

    model_file = "model.tflite"
    is_deterministic = False  # its converter does not promise it

    def requirements(self, backbone: BackboneSpec) -> tuple[str, ...]:
        return ("numpy", "Pillow", f"ai-edge-litert>={'.'.join(version('ai-edge-litert').split('.')[:2])}")

    def runtime(self) -> str:
        return f"LiteRT {version('ai-edge-litert')}"

    def input_document(self, model: RunModel) -> dict[str, Any]:
        return input_document(model.preprocessing)

    def notes(self, model: RunModel) -> Sequence[str]:
        return (preparation_note(model.preprocessing),)

    def write(self, model: RunModel, facts: ModelFacts, folder: Path, context: WriteContext) -> None:
        context.job.progress(0, 0, tr("converting the network"))
        _convert(folder / self.model_file, context, model.spec)
        ask = _ASK_WITHOUT if model.unknown is None else _ASK
        views = prepared_views_source(model.preprocessing)
        script = predict_source(model, facts, self.requirements(model.spec), _IMPORTS, _LOAD, ask, views)
        (folder / PREDICT_NAME).write_text(script, encoding="utf-8", newline="\n")


def _convert(file: Path, context: WriteContext, backbone: BackboneSpec) -> None:
    with tempfile.TemporaryDirectory(prefix="graft-litert-") as folder:
        reason_file = Path(folder, "reason.txt")
        argument = {
            "run_folder": str(context.run_folder),
            "project_folder": str(context.project_folder),
            "file": str(file),
            "reason_file": str(reason_file),
        }
        helper = start_helper(CONVERT_LITERT, json.dumps(argument))
        try:
            while helper.poll() is None:
                context.job.checkpoint()
                time.sleep(_POLL_S)
        finally:
            _end(helper)
        if helper.returncode != 0 or not file.is_file():
            reason = reason_file.read_text(encoding="utf-8") if reason_file.is_file() else tr("the converter stopped")
            raise ExportError(
                tr(
                    "LiteRT's converter cannot convert {backbone} ({reason}).",
                    backbone=backbone.display_name,
                    reason=reason,
                ),
                tr("Choose another format; ONNX takes every network."),
            )


def _end(helper: subprocess.Popen[bytes]) -> None:
    if helper.poll() is None:
        helper.kill()
        helper.wait()


EXPORTER = LiteRtExporter()
