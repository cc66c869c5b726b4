"""The film strip follows the image, shows every class of it, and takes the user to a neighbour."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from gui.loading import empty_columns
from gui.models.image_list import ImageListModel
from gui.thumbnails import Thumbnails
from gui.widgets.film_strip import BAR_PX, FilmStrip
from gui.widgets.image_card import CardFace

NUM_IMAGES = 100


def face(position: int) -> CardFace:
    if position == 50:
        return CardFace(position, "both", None, "", "rust", "#ff0000", more_classes=(("paint", "#0000ff"),))
    return CardFace(position, "one", None, "", "rust", "#00ff00")


@pytest.fixture
def strip(qtbot: QtBot) -> FilmStrip:
    columns = empty_columns()
    columns.image_ids = np.arange(1, NUM_IMAGES + 1)
    model = ImageListModel()
    model.columns = columns
    model.rows = np.arange(NUM_IMAGES)
    made = FilmStrip(model, Thumbnails(), face)
    qtbot.addWidget(made)
    made.resize(700, made.sizeHint().height())
    made.show()
    return made


def test_the_current_image_is_in_the_middle_except_near_the_ends(strip: FilmStrip) -> None:
    strip.set_position(50)
    assert abs(strip._tile(50).center().x() - strip.width() // 2) <= 1
    strip.set_position(0)
    assert strip._tile(0).left() >= 0
    assert strip.visible_positions().start == 0
    strip.set_position(NUM_IMAGES - 1)
    assert strip._tile(NUM_IMAGES - 1).right() <= strip.width()


def test_a_click_and_the_wheel_ask_for_neighbours(strip: FilmStrip, qtbot: QtBot) -> None:
    strip.set_position(50)
    with qtbot.waitSignal(strip.position_clicked) as clicked:
        QTest.mouseClick(strip, Qt.MouseButton.LeftButton, pos=strip._tile(52).center())
    assert clicked.args == [52]
    with qtbot.waitSignal(strip.position_clicked) as turned:
        at = QPointF(300, 30)
        buttons, modifiers = Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier
        delta, phase = QPoint(0, -120), Qt.ScrollPhase.NoScrollPhase
        wheel = QWheelEvent(at, strip.mapToGlobal(at), QPoint(), delta, buttons, modifiers, phase, False)
        QApplication.sendEvent(strip, wheel)
    assert turned.args == [51]


def test_each_class_of_an_image_has_its_part_of_the_bar(strip: FilmStrip) -> None:
    strip.set_position(50)
    shown = strip.grab().toImage()
    tile = strip._tile(50)
    y = tile.bottom() + 5 + BAR_PX // 2
    assert shown.pixelColor(tile.left() + 15, y) == QColor("#ff0000")
    assert shown.pixelColor(tile.right() - 15, y) == QColor("#0000ff")
    assert shown.pixelColor(strip._tile(51).center().x(), y) == QColor("#00ff00")
