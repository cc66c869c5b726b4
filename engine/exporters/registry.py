"""The model formats by name. A new one is one module beside this one and one record here."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.errors import ExportError

if TYPE_CHECKING:  # menus and the command line list the formats without loading what writes them
    from engine.exporters.protocol import Exporter


@dataclass(frozen=True, slots=True)
class ModelFormat:
    """One format as the user chooses it. `module` holds its EXPORTER and is imported only when it is used."""

    name: str
    title: str
    description: str
    module: str


FORMATS: dict[str, ModelFormat] = {
    record.name: record
    for record in (
        ModelFormat(
            "onnx",
            "ONNX",
            "One file that takes pictures of any size. Runs everywhere: Python, C++, C#, Java, phones and browsers.",
            "engine.exporters.onnx_model",
        ),
        ModelFormat(
            "safetensors",
            "PyTorch (safetensors)",
            "The weights and settings, and the Python code to use them, for people who work with PyTorch.",
            "engine.exporters.safetensors_model",
        ),
    )
}


def exporter(name: str) -> Exporter:
    """Returns the exporter of a format.

    Raises:
        ExportError: there is no format of that name.
    """
    if name not in FORMATS:
        raise ExportError(f"There is no export format called “{name}”.", f"Choose one of: {', '.join(FORMATS)}.")
    found: Exporter = importlib.import_module(FORMATS[name].module).EXPORTER
    return found
