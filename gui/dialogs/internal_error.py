"""Shows a bug of ours, with everything that a report needs ready to be copied."""

from __future__ import annotations

import platform
import traceback

from PySide6 import __version__ as qt_version
from PySide6.QtGui import QFontDatabase, QGuiApplication
from PySide6.QtWidgets import QPlainTextEdit, QWidget

from engine.language import tr
from gui.dialogs.frame import FramedDialog
from gui.widgets.buttons import button


class InternalErrorDialog(FramedDialog):
    """One per bug; the details can be copied."""

    def __init__(self, message: str, details: str, parent: QWidget | None = None) -> None:
        super().__init__(
            tr("Something went wrong inside Graft"),
            tr("{message} This is our mistake, not yours.", message=message),
            parent,
        )
        self.resize(640, 420)
        self._details = details
        box = QPlainTextEdit(details)
        box.setReadOnly(True)
        box.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        box.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        box.setAccessibleName(tr("Details"))
        self.body.addWidget(box, 1)
        self.copy_button = self.add_button(
            button(tr("Copy details"), "", "copy", tr("Copy all of this, to send it to us"))
        )
        self.copy_button.clicked.connect(self._copy)
        close = self.add_button(button(tr("Close"), "primary"))
        close.clicked.connect(self.accept)

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(self._details)
        self.copy_button.setText(tr("Copied"))


def format_details(error: BaseException) -> str:
    """Returns what a bug report needs as text."""
    head = f"Graft on {platform.platform()}, Python {platform.python_version()}, Qt {qt_version}"
    return f"{head}\n\n{''.join(traceback.format_exception(error)).rstrip()}\n"
