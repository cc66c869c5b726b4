"""Fitting, zooming and panning of one image."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QImage
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from gui.widgets.image_canvas import PADDING_PX, ImageCanvas


@pytest.fixture
def canvas(qtbot: QtBot) -> ImageCanvas:
    made = ImageCanvas()
    qtbot.addWidget(made)
    made.resize(432, 332)
    picture = QImage(800, 600, QImage.Format.Format_RGB32)
    picture.fill(QColor("#ff0000"))
    made.set_picture(picture, 800, 600)
    made.show()
    return made


def test_an_image_is_fitted_and_a_double_click_shows_its_pixels_and_back(canvas: ImageCanvas) -> None:
    assert canvas.is_fitted
    assert canvas.zoom == pytest.approx((432 - 2 * PADDING_PX) / 800)
    QTest.mouseDClick(canvas, Qt.MouseButton.LeftButton)
    assert canvas.zoom == 1.0
    QTest.mouseDClick(canvas, Qt.MouseButton.LeftButton)
    assert canvas.is_fitted


def test_the_point_under_the_pointer_stays_while_zooming(canvas: ImageCanvas) -> None:
    at = QPointF(300, 120)

    def image_point() -> QPointF:
        target = canvas._target()
        return QPointF((at.x() - target.x()) / target.width(), (at.y() - target.y()) / target.height())

    canvas.zoom_by(4.0, at)
    before = image_point()
    canvas.zoom_by(2.0, at)
    assert image_point().x() == pytest.approx(before.x(), abs=0.003)
    assert image_point().y() == pytest.approx(before.y(), abs=0.003)


def test_zooming_passes_through_true_size_and_out_to_fitted(canvas: ImageCanvas) -> None:
    canvas.zoom_by(1.9)
    canvas.zoom_by(1.25)
    assert canvas.zoom == 1.0
    canvas.zoom_by(0.1)
    assert canvas.is_fitted
    canvas.zoom_by(1000)
    assert canvas.zoom == 1.0
    canvas.zoom_by(1000)
    assert canvas.zoom == 8.0


def test_dragging_pans_and_never_loses_the_image(canvas: ImageCanvas) -> None:
    canvas.show_pixels()
    left = canvas._target().left()
    QTest.mousePress(canvas, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, QPoint(200, 150))
    QTest.mouseMove(canvas, QPoint(150, 150))
    assert canvas._target().left() == left - 50
    QTest.mouseMove(canvas, QPoint(-3000, 150))
    QTest.mouseRelease(canvas, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, QPoint(-3000, 150))
    assert canvas._target().right() >= canvas.width() - 1


def test_only_the_pixels_that_the_screen_can_show_are_asked_for(canvas: ImageCanvas) -> None:
    assert canvas.rest_side_px(8000, 6000) == 400
    assert canvas.rest_side_px(100, 80) == 0
