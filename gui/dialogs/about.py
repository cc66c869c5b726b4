"""Who made this, and the versions that a question will be asked about."""

from __future__ import annotations

import platform

from PySide6 import __version__ as qt_version
from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QLabel, QWidget

from engine import VERSION
from gui.dialogs.frame import FramedDialog
from gui.theme import ICONS
from gui.widgets.buttons import button
from gui.widgets.text import text_label

LOGO_PX = 64


class AboutDialog(FramedDialog):
    """Name, version, licence."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Graft", "Label a few images, press Retrain, and take the classifier anywhere.", parent)
        self.setFixedWidth(440)
        logo = QLabel()
        logo.setPixmap(QIcon(str(ICONS / "graft.svg")).pixmap(QSize(LOGO_PX, LOGO_PX), self.devicePixelRatio()))
        self.body.addWidget(logo)
        self.body.addSpacing(8)
        facts = text_label(
            f"Version {VERSION}\nPython {platform.python_version()}, Qt {qt_version}, {platform.system()}", wrap=True
        )
        facts.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.body.addWidget(facts)
        self.body.addWidget(
            text_label(
                "Free software under the Apache License 2.0. Everything happens on this machine: "
                "no picture and no label ever leaves it.",
                "dim",
                wrap=True,
            )
        )
        close = self.add_button(button("Close", "primary"))
        close.clicked.connect(self.accept)
