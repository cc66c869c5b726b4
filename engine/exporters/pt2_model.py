"""PyTorch .pt2: a traced program that needs nothing but torch. Written only: no path of ours loads one from a user."""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from engine.backbones import BackboneSpec
from engine.exporters.predict_script import predict_source
from engine.exporters.protocol import PREDICT_NAME, BaseExporter, ModelFacts, WriteContext, model_document
from engine.language import tr
from engine.nn.run_model import RunModel

_TRACED_SIDES_PX = (300, 400)

_IMPORTS = "import numpy as np\nimport torch\nfrom PIL import Image, ImageOps\n"
_LOAD = """# Loading a .pt2 can run any program: only do it with files that you trust.
model = torch.export.load(FOLDER / "model.pt2").module()
"""
_ASK = """scores, unknown_score = model(torch.from_numpy(pixels))
    return scores.detach().numpy(), float(unknown_score)"""
_ASK_WITHOUT = """return model(torch.from_numpy(pixels))[0].detach().numpy(), float("nan")"""


class Pt2Exporter(BaseExporter):
    """Input `image` uint8 (height, width, 3), upright RGB; gives (probabilities (K,), unknown score ()).

    The file "model.json" inside says what model.json beside it says.
    """

    model_file = "model.pt2"

    def requirements(self, backbone: BackboneSpec) -> tuple[str, ...]:
        return ("numpy", "Pillow", f"torch>={'.'.join(version('torch').split('.')[:2])}")

    def runtime(self) -> str:
        return f"torch {version('torch')}"

    def notes(self, model: RunModel) -> Sequence[str]:
        from engine.nn.torch_classifier import SMALLEST_SIDE_PX

        return (
            tr("The .pt2 file takes pictures of at least {side} pixels each way.", side=SMALLEST_SIDE_PX),
            tr(
                "Opening a .pt2 file can run any program that is in it: open only those that come from someone you "
                "trust."
            ),
        )

    def write(self, model: RunModel, facts: ModelFacts, folder: Path, context: WriteContext) -> None:
        import torch

        from engine.nn.torch_classifier import SMALLEST_SIDE_PX, PixelsClassifier

        # Zeros: the file keeps the example that it was traced with.
        example = torch.zeros(*_TRACED_SIDES_PX, 3, dtype=torch.uint8)
        sides = {axis: torch.export.Dim(name, min=SMALLEST_SIDE_PX) for axis, name in enumerate(("height", "width"))}
        with torch.no_grad():
            program = torch.export.export(PixelsClassifier(model).eval(), (example,), dynamic_shapes=(sides,))
        document = json.dumps(model_document(model, facts), ensure_ascii=False, sort_keys=True)
        torch.export.save(program, folder / self.model_file, extra_files={"model.json": document})
        ask = _ASK_WITHOUT if model.unknown is None else _ASK
        script = predict_source(model, facts, self.requirements(model.spec), _IMPORTS, _LOAD, ask)
        (folder / PREDICT_NAME).write_text(script, encoding="utf-8", newline="\n")


EXPORTER = Pt2Exporter()
