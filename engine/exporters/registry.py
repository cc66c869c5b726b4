"""The model formats by name. A new one is one module beside this one and one record here."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.errors import ExportError
from engine.language import tr

if TYPE_CHECKING:  # menus and the command line list the formats without loading what writes them
    from engine.exporters.protocol import Exporter


@dataclass(frozen=True, slots=True)
class ModelFormat:
    """One format as the user chooses it. `module` holds its EXPORTER and is imported only when it is used.

    `extra` is the key of what must be installed for it (`engine.extras`), empty for nothing. An export is about
    `size_factor` times as large as the network's weights, and `added_bytes`. `caution` is a sentence to read before.
    """

    name: str
    title: str
    description: str
    module: str
    extra: str = ""
    size_factor: float = 1.0
    added_bytes: int = 0
    caution: str = ""

    def size_bytes(self, weights_bytes: int) -> int:
        """Returns about how large an export of a network with weights of this size is."""
        return int(self.size_factor * weights_bytes) + self.added_bytes


FORMATS: dict[str, ModelFormat] = {
    record.name: record
    for record in (
        ModelFormat(
            "onnx",
            "ONNX",
            tr(
                "One file that takes pictures of any size. Runs everywhere: Python, C++, C#, Java, phones and browsers."
            ),
            "engine.exporters.onnx_model",
        ),
        ModelFormat(
            "web",
            tr("Web page"),
            tr(
                "A page that tells the class of dropped pictures and of the camera in a browser, without a network. "
                "Open it with a double click, or put the folder on any web server."
            ),
            "engine.exporters.web_page",
            size_factor=2.3,  # The model as ONNX, and as text inside the page.
            added_bytes=5_300_000,
        ),
        ModelFormat(
            "safetensors",
            "PyTorch (safetensors)",
            tr("The weights and settings, and the Python code to use them, for people who work with PyTorch."),
            "engine.exporters.safetensors_model",
        ),
        ModelFormat(
            "pt2",
            "PyTorch (.pt2)",
            tr("One file for PyTorch that needs no network code, only torch. Takes pictures of any size."),
            "engine.exporters.pt2_model",
            caution=tr(
                "Only open .pt2 files that you trust: opening one can run any program. Graft never opens others'."
            ),
        ),
        ModelFormat(
            "openvino",
            "OpenVINO",
            tr("For Intel processors and graphics: the fastest way to run the model there. Full precision."),
            "engine.exporters.openvino_model",
            extra="openvino",
        ),
        ModelFormat(
            "onnx-fp16",
            tr("ONNX, half size"),
            tr(
                "16-bit numbers: half the file, for phones and graphics cards. Rarely, a close call goes the other way."
            ),
            "engine.exporters.onnx_fp16_model",
            size_factor=0.5,
        ),
        ModelFormat(
            "onnx-int8",
            tr("ONNX, quarter size"),
            tr(
                "8-bit numbers, set on your images: a quarter of the file, for small devices. Refused where more than "
                "1 in 100 images would get another class."
            ),
            "engine.exporters.onnx_int8_model",
            size_factor=0.27,
        ),
        ModelFormat(
            "coreml",
            "Core ML",
            tr(
                "For apps on iPhone, iPad and Mac. The pictures must be cut and resized by the app; model.json says "
                "how."
            ),
            "engine.exporters.coreml_model",
            extra="coreml",
        ),
        ModelFormat(
            "litert",
            "LiteRT (TensorFlow Lite)",
            tr("For Android and small devices. The pictures must be cut and resized by the app; predict.py shows how."),
            "engine.exporters.litert_model",
            extra="litert",
        ),
    )
}


def model_format(name: str) -> ModelFormat:
    """Returns a format's record.

    Raises:
        ExportError: there is no format of that name.
    """
    if name not in FORMATS:
        raise ExportError(
            tr("There is no export format called “{name}”.", name=name),
            tr("Choose one of: {formats}.", formats=", ".join(FORMATS)),
        )
    return FORMATS[name]


def exporter(name: str) -> Exporter:
    """Returns the exporter of a format.

    Raises:
        ExportError: there is no format of that name.
    """
    found: Exporter = importlib.import_module(model_format(name).module).EXPORTER
    return found
