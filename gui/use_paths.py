"""What was dropped or pasted, looked through off the GUI thread: pictures, an exported model, or neither."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image
from PySide6.QtGui import QImage

from engine.errors import AppError, ImportFormatError
from engine.files import disk_error
from engine.images.files import is_image_name
from engine.images.scan import walk_images
from engine.language import tr

MODEL_SUFFIXES: Final = frozenset(
    {
        *(".onnx", ".safetensors", ".pt", ".pt2", ".pth", ".pte", ".ckpt", ".bin"),
        *(".pkl", ".pickle", ".joblib", ".h5", ".keras"),
    }
)
"""Files that are taken for a model. Those that are never opened are refused with the reason where it is opened."""
MODEL_NAMES: Final = ("model.json", "model.onnx", "model.safetensors")


@dataclass(slots=True)
class FoundPaths:
    """`images` in natural order; `model` is the first exported model; `others` are files that are neither."""

    images: list[Path] = field(default_factory=list)
    model: Path | None = None
    others: list[Path] = field(default_factory=list)

    def problem(self) -> AppError:
        """Returns the sentence for a drop that brought nothing."""
        if self.others:
            name = self.others[0].name
            return ImportFormatError(
                tr("“{file}” is no picture and no exported model.", file=name), tr("Drop pictures, or a folder.")
            )
        return ImportFormatError(tr("There are no pictures in it."), tr("Drop pictures, or another folder."))


def look_through(paths: Sequence[Path]) -> FoundPaths:
    """Returns what files and folders hold, folders with all that is below them, as absolute paths. Blocks."""
    found = FoundPaths()
    for path in map(Path, map(os.path.abspath, paths)):
        if is_model(path):
            found.model = found.model or path
        elif path.is_dir():
            found.images += [file.path for file in walk_images(path, lambda _name, _reason: None)]
        elif is_image_name(path.name):
            found.images.append(path)
        else:
            found.others.append(path)
    return found


def is_model(path: Path) -> bool:
    """Tells whether a path looks like an exported model. Blocks."""
    if path.suffix.lower() in MODEL_SUFFIXES or path.name == MODEL_NAMES[0]:
        return True
    return path.is_dir() and any((path / name).is_file() for name in MODEL_NAMES)


def write_png(image: QImage, path: Path) -> None:
    """Writes a picture in the format RGBA8888. Blocks.

    Raises:
        DiskError: it cannot be written.
    """
    width, height = image.width(), image.height()
    rows = np.frombuffer(image.constBits(), np.uint8).reshape(height, image.bytesPerLine())
    pixels = np.ascontiguousarray(rows[:, : 4 * width]).reshape(height, width, 4)
    whole = Image.fromarray(pixels, "RGBA")
    flat = Image.new("RGB", whole.size, "white")  # as the decoder shows what is see-through
    flat.paste(whole, mask=whole.getchannel("A"))
    try:
        flat.save(path, compress_level=1)
    except OSError as err:
        raise disk_error(err, path) from err
