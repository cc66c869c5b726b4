"""What the window can do with a folder or file of the user's: say whether it may be written, and show it."""

from __future__ import annotations

import os
from pathlib import Path

from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices

from engine.language import tr
from gui.widgets.banner import Remedy


def can_only_be_read(folder: Path) -> bool:
    """Tells whether there is a project in a folder that may not be written."""
    return (folder / "project.db").is_file() and not os.access(folder, os.W_OK)


def open_remedy(folder: Path) -> Remedy:
    """Returns the button that shows a folder in the system's own window."""
    return Remedy(tr("Open folder"), lambda: open_in_system(folder))


def open_in_system(path: Path) -> None:
    """Shows a folder, or opens a file, in the program that the system has for it."""
    QDesktopServices.openUrl(QUrl.fromLocalFile(str(path)))
