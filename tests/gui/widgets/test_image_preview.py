"""The preview keeps its shape, and the column that it lies in comes to rest at every height."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QLabel, QScrollArea, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from gui.widgets.image_card import CardFace
from gui.widgets.image_preview import Preview


class CountingPreview(Preview):
    """Fails instead of going on for ever."""

    num_resizes = 0

    def resizeEvent(self, event: QResizeEvent) -> None:
        self.num_resizes += 1
        assert self.num_resizes < 100, f"the layout never comes to rest at {event.size()}"
        super().resizeEvent(event)


@pytest.mark.parametrize("shape", [0.5, 0.75, 1.0])
def test_the_scroll_bar_beside_the_preview_never_comes_and_goes_for_ever(qtbot: QtBot, shape: float) -> None:
    area = QScrollArea()
    qtbot.addWidget(area)
    area.setWidgetResizable(True)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    body = QWidget()
    layout = QVBoxLayout(body)
    preview, rest = CountingPreview(), QLabel()
    rest.setFixedHeight(300)
    layout.addWidget(preview)
    layout.addWidget(rest)
    layout.addStretch(1)
    area.setWidget(body)
    area.resize(288, 400)
    area.show()
    preview.set_face(CardFace(1, "a.jpg", None, ""), 1000, int(1000 * shape))
    for height in range(400, 640, 2):
        preview.num_resizes = 0
        area.resize(288, height)
        qtbot.wait(1)
        assert preview.height() == round(preview.width() * shape)
