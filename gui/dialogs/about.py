"""Who made this, and the versions that a question will be asked about."""

from __future__ import annotations

from PySide6 import __version__ as qt_version
from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QGuiApplication, QIcon
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPlainTextEdit, QVBoxLayout, QWidget

from engine.language import tr
from engine.tasks.diagnostics import diagnostics
from gui.dialogs.frame import FramedDialog
from gui.theme import ICONS
from gui.widgets.buttons import button
from gui.widgets.text import text_label

LOGO_PX = 56


class AboutDialog(FramedDialog):
    """Name, version, licence, and the diagnostics to copy into a question."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Graft", tr("Label a few images, press Retrain, and take the classifier anywhere."), parent)
        self.resize(560, 520)
        facts = diagnostics() | {"Qt": qt_version, "Screen": _screen_facts()}
        logo = QLabel()
        logo.setPixmap(QIcon(str(ICONS / "graft.svg")).pixmap(QSize(LOGO_PX, LOGO_PX), self.devicePixelRatio()))
        words = QVBoxLayout()
        words.setSpacing(4)
        words.addWidget(text_label(tr("Version {version}", version=facts["Graft"]), "heading"))
        words.addWidget(
            text_label(
                tr(
                    "Free software under the Apache License 2.0. Everything happens on this machine: no picture and no "
                    "label ever leaves it."
                ),
                "dim",
                wrap=True,
            )
        )
        head = QHBoxLayout()
        head.setSpacing(16)
        head.addWidget(logo, 0, Qt.AlignmentFlag.AlignTop)
        head.addLayout(words, 1)
        self.body.addLayout(head)
        self.body.addSpacing(8)
        self.text = "\n".join(f"{name}: {value}" for name, value in facts.items())
        box = QPlainTextEdit(self.text)
        box.setReadOnly(True)
        box.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        box.setAccessibleName(tr("Diagnostics"))
        self.body.addWidget(box, 1)
        self.copy_button = self.add_button(
            button(tr("Copy diagnostics"), "", "copy", tr("Copy the versions, to put them beside a question"))
        )
        self.copy_button.clicked.connect(self._copy)
        close = self.add_button(button(tr("Close"), "primary"))
        close.clicked.connect(self.accept)

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(self.text)
        self.copy_button.setText(tr("Copied"))


def _screen_facts() -> str:
    screen = QGuiApplication.primaryScreen()
    size = screen.size()
    return f"{size.width()} x {size.height()} at {screen.devicePixelRatio():g}x, {QGuiApplication.platformName()}"
