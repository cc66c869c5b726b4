"""The stack of pictures under the pointer while images are dragged."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QImage
from pytestqt.qtbot import QtBot

from gui.theme import theme
from gui.widgets.image_drag import SIDE_PX, stack_pixmap


def picture(color: str) -> QImage:
    made = QImage(64, 48, QImage.Format.Format_RGB32)
    made.fill(QColor(color))
    return made


@pytest.mark.parametrize("ratio", [1.0, 1.5, 2.0])
def test_the_stack_shows_the_first_picture_on_top_and_a_count_sharp_at_every_scale(qtbot: QtBot, ratio: float) -> None:
    pixmap = stack_pixmap([picture("#ff0000"), None, picture("#0000ff")], 1234, ratio)
    image = pixmap.toImage()
    assert pixmap.devicePixelRatio() == ratio
    assert image.width() == round(pixmap.deviceIndependentSize().width() * ratio)
    assert image.pixelColor(round(30 * ratio), round(60 * ratio)) == QColor("#ff0000")
    colors = {image.pixelColor(x, round(11 * ratio)).name() for x in range(image.width())}
    assert QColor(theme().accent).name() in colors


def test_one_image_has_no_count_and_no_picture_is_no_error(qtbot: QtBot) -> None:
    image = stack_pixmap([None], 1, 1.0).toImage()
    colors = {image.pixelColor(x, y).name() for x in range(SIDE_PX) for y in range(0, SIDE_PX, 2)}
    assert QColor(theme().accent).name() not in colors
    assert image.pixelColor(SIDE_PX // 2, SIDE_PX - 4) != QColor(Qt.GlobalColor.transparent)
