"""Draws the program's icon in the form that a system wants. Run inside the environment that is packed (Qt, Pillow).

usage: icons.py ICON.svg OUT_FILE        (OUT_FILE: .png, .ico or .icns)
"""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

SIZE_PX = 1024
ICO_SIZES_PX = (16, 24, 32, 48, 64, 128, 256)
PNG_SIZE_PX = 256


def draw_icon(svg: Path, target: Path) -> None:
    """Writes the icon at the sizes that its format is used at."""
    from PIL import Image
    from PySide6.QtCore import QBuffer, QIODevice, QSize
    from PySide6.QtGui import QGuiApplication, QIcon

    _app = QGuiApplication.instance() or QGuiApplication([])
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    QIcon(str(svg)).pixmap(QSize(SIZE_PX, SIZE_PX)).save(buffer, "PNG")
    image = Image.open(io.BytesIO(buffer.data().data())).convert("RGBA")
    if target.suffix == ".ico":
        image.save(target, sizes=[(size, size) for size in ICO_SIZES_PX])
    elif target.suffix == ".png":
        image.resize((PNG_SIZE_PX, PNG_SIZE_PX), Image.Resampling.LANCZOS).save(target)
    else:
        image.save(target)


if __name__ == "__main__":
    draw_icon(Path(sys.argv[1]), Path(sys.argv[2]))
