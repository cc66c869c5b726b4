"""Imports torchvision also where its compiled operators cannot be loaded.

The CPU wheels of torch and torchvision do not always agree on their binary interface; then `import torchvision` fails
because `torchvision::nms` has no schema. We use only its network definitions, which are plain Python, so defining the
two schemas that it registers fake kernels for is enough. Can go when every platform's wheel imports by itself.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType

import torch

_SCHEMAS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)
_library: torch.library.Library | None = None


def import_torchvision() -> ModuleType:
    """Returns the torchvision package, defining its missing operator schemas only when the plain import fails."""
    global _library
    try:
        return importlib.import_module("torchvision")
    except (RuntimeError, OSError):
        if _library is not None:
            raise
    for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
        del sys.modules[name]
    # The library object must live as long as the process: its schemas go when it is collected.
    _library = torch.library.Library("torchvision", "DEF")
    for schema in _SCHEMAS:
        _library.define(schema)
    return importlib.import_module("torchvision")
