"""OpenVINO IR: model.xml and model.bin in full precision, from a picture's pixels to probabilities."""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path

from engine.backbones import BackboneSpec
from engine.exporters.plain_resize import with_plain_resizes
from engine.exporters.predict_script import predict_source
from engine.exporters.protocol import PREDICT_NAME, BaseExporter, ModelFacts, WriteContext, model_document
from engine.nn.classifier_graph import classifier_graph
from engine.nn.run_model import RunModel

_IMPORTS = "import numpy as np\nimport openvino\nfrom PIL import Image, ImageOps\n"
_LOAD = """# Full precision: processors with 16-bit arithmetic would use it otherwise.
model = openvino.Core().compile_model(FOLDER / "model.xml", "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
"""
_ASK = """answer = model({"image": pixels})
    return answer["probabilities"], float(answer["unknown_score"])"""
_ASK_WITHOUT = """return model({"image": pixels})["probabilities"], float("nan")"""


class OpenVinoExporter(BaseExporter):
    """Input "image" uint8 (height, width, 3), any size, upright RGB; outputs as the ONNX export.

    What model.json says stands in the runtime information of the graph, under "graft".
    """

    model_file = "model.xml"

    def requirements(self, backbone: BackboneSpec) -> tuple[str, ...]:
        return ("numpy", "Pillow", f"openvino>={'.'.join(version('openvino').split('.')[:2])}")

    def runtime(self) -> str:
        return f"OpenVINO {version('openvino')}"

    def write(self, model: RunModel, facts: ModelFacts, folder: Path, context: WriteContext) -> None:
        import openvino

        graph = with_plain_resizes(classifier_graph(model))
        converted = openvino.Core().read_model(graph.SerializeToString())
        for key, value in model_document(model, facts).items():
            text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)
            converted.set_rt_info(text, ["graft", key])
        for place, operation in enumerate(converted.get_ordered_ops()):
            # OpenVINO numbers them through all models that a process has seen. Inputs and outputs keep their own names.
            operation.set_friendly_name(f"{operation.get_type_name()}_{place}")
        # The default would halve the precision of the weights without a word.
        openvino.save_model(converted, folder / self.model_file, compress_to_fp16=False)
        ask = _ASK_WITHOUT if model.unknown is None else _ASK
        script = predict_source(model, facts, self.requirements(model.spec), _IMPORTS, _LOAD, ask)
        (folder / PREDICT_NAME).write_text(script, encoding="utf-8", newline="\n")


EXPORTER = OpenVinoExporter()
