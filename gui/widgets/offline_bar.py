"""The strip over the images that says that a drive or folder is not there, and what can be done."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import partial

from PySide6.QtCore import QPoint, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QMenu, QSizePolicy, QVBoxLayout, QWidget

from engine.domain import ImageRoot, display_name
from engine.language import tr, trn
from gui.theme import paint_icon, theme
from gui.widgets.buttons import button
from gui.widgets.text import ElidedLabel, text_label

LOOKING_MS = 1500


class OfflineBar(QWidget):
    """Hidden while every folder is there."""

    look_again_wanted = Signal()
    elsewhere_wanted = Signal(int)
    """Id of the folder that the user will show the new place of."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._roots: list[ImageRoot] = []
        self.setAccessibleName(tr("Folders that are not there"))
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self._title = ElidedLabel("", mode=Qt.TextElideMode.ElideMiddle)
        self._title.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self._sentence = text_label(
            tr("Your labels are safe. Go on with the thumbnails until it is back."), "dim", wrap=True
        )
        self.look_again = button(tr("Look again"), "chip", tooltip=tr("Look now whether it is there again"))
        self.elsewhere = button(
            tr("It is elsewhere now…"), "chip", tooltip=tr("Choose the folder that holds the images now")
        )
        self._timer = QTimer(self, singleShot=True, interval=LOOKING_MS)
        self._timer.timeout.connect(self._show_looking)
        texts = QVBoxLayout()
        texts.setSpacing(2)
        texts.addWidget(self._title)
        texts.addWidget(self._sentence)
        row = QHBoxLayout(self)
        row.setContentsMargins(48, 10, 12, 10)
        row.setSpacing(8)
        row.addLayout(texts, 1)
        row.addWidget(self.look_again)
        row.addWidget(self.elsewhere)
        self.look_again.clicked.connect(self._on_look_again)
        self.elsewhere.clicked.connect(self._on_elsewhere)
        self.hide()

    def minimumSizeHint(self) -> QSize:
        return QSize(320, super().minimumSizeHint().height())

    def set_roots(self, roots: Sequence[ImageRoot]) -> None:
        """Shows these folders as not there; none hides the strip."""
        self._roots = list(roots)
        names = [_name(root) for root in roots]
        if names:
            self._title.setText(_title(names))
            self._title.setToolTip("\n".join(display_name(os.fsencode(root.path)) for root in roots))
            self.setAccessibleDescription(f"{self._title.text()} {self._sentence.text()}")
        self.setVisible(bool(names))

    def paintEvent(self, event: QPaintEvent) -> None:
        colors = theme()
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(colors.card))
        painter.fillRect(0, 0, 3, self.height(), QColor(colors.warning))
        painter.fillRect(0, self.height() - 1, self.width(), 1, QColor(colors.border))
        paint_icon(painter, "offline", QRectF(16, self.height() / 2 - 11, 22, 22), "warning")

    def _on_look_again(self) -> None:
        self.look_again.setEnabled(False)
        self.look_again.setText(tr("Looking…"))
        self._timer.start()
        self.look_again_wanted.emit()

    def _show_looking(self) -> None:
        self.look_again.setEnabled(True)
        self.look_again.setText(tr("Look again"))

    def _on_elsewhere(self) -> None:
        if len(self._roots) == 1:
            self.elsewhere_wanted.emit(self._roots[0].id)
            return
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        for root in self._roots:
            path = display_name(os.fsencode(root.path)).replace("&", "&&")
            menu.addAction(path).triggered.connect(partial(self._emit_elsewhere, root.id))
        menu.popup(self.elsewhere.mapToGlobal(QPoint(0, self.elsewhere.height())))

    def _emit_elsewhere(self, root_id: int, _checked: bool = False) -> None:
        self.elsewhere_wanted.emit(root_id)


def _title(names: Sequence[str]) -> str:
    if len(names) == 1:
        return tr("“{folder}” is not there.", folder=names[0])
    return trn(
        "“{folder}” and {number} more folder are not there.",
        "“{folder}” and {number} more folders are not there.",
        len(names) - 1,
        folder=names[0],
    )


def _name(root: ImageRoot) -> str:
    return display_name(os.fsencode(root.path.name or root.path))
