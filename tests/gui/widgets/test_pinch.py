"""Two fingers on a touchpad zoom what Ctrl and the wheel zoom."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QImage, QNativeGestureEvent, QPointingDevice
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from gui.widgets.image_canvas import ImageCanvas
from gui.widgets.pinch import pinch_factor
from gui.widgets.scatter_view import ScatterView
from tests.gui.panels.conftest import make_images, open_desk

__all__ = ["make_images", "open_desk"]
ZOOM = Qt.NativeGestureType.ZoomNativeGesture


def gesture(widget: QWidget, at: QPointF, value: float, kind: Qt.NativeGestureType = ZOOM) -> QNativeGestureEvent:
    """Returns one step of a gesture as the window system sends it."""
    place = QPointF(widget.mapToGlobal(at.toPoint()))
    window = QPointF(widget.mapTo(widget.window(), at.toPoint()))
    return QNativeGestureEvent(kind, QPointingDevice.primaryPointingDevice(), 2, at, window, place, value, QPointF())


def pinch(widget: QWidget, at: QPointF, *values: float) -> None:
    """Parts two fingers step by step (or brings them together, with negative values)."""
    kinds = Qt.NativeGestureType
    QApplication.sendEvent(widget, gesture(widget, at, 0.0, kinds.BeginNativeGesture))
    for value in values:
        QApplication.sendEvent(widget, gesture(widget, at, value))
    QApplication.sendEvent(widget, gesture(widget, at, 0.0, kinds.EndNativeGesture))


def test_a_pinch_makes_the_cards_larger_in_many_small_steps_and_keeps_the_one_between_the_fingers(
    make_images: Callable[[int], Path], open_desk: Callable[[Path | None], Any]
) -> None:
    grid = open_desk(make_images(60)).workspace.grid
    viewport, before = grid.viewport(), grid.card_px
    held = 2 * grid._layout.num_columns + 1  # a card in the third line
    at = QPointF(grid.visualRect(grid.model().index(held, 0)).center())
    pinch(viewport, at, *[0.004] * 120)  # each of them less than a pixel
    assert grid.card_px == pytest.approx(before * 1.004**120, abs=2)
    rect = grid.visualRect(grid.model().index(held, 0))
    assert rect.top() <= at.y() <= rect.bottom()
    assert grid.verticalScrollBar().value() > 0
    pinch(viewport, at, *[-0.02] * 300)
    assert grid.card_px == grid.card_limits_px[0]
    QApplication.sendEvent(viewport, gesture(viewport, at, 90.0, Qt.NativeGestureType.RotateNativeGesture))
    assert grid.card_px == grid.card_limits_px[0]


def test_a_pinch_zooms_the_single_image_around_the_fingers_and_back_to_the_whole(qtbot: QtBot) -> None:
    canvas = ImageCanvas()
    qtbot.addWidget(canvas)
    canvas.resize(800, 600)
    canvas.show()
    canvas.set_picture(QImage(4000, 3000, QImage.Format.Format_RGB32), 4000, 3000)
    fitted, at = canvas.zoom, QPointF(200, 150)
    before = canvas._target()
    pixel = (at.x() - before.x()) / before.width()
    pinch(canvas, at, *[0.02] * 50)
    assert canvas.zoom == pytest.approx(fitted * 1.02**50, rel=0.01)
    after = canvas._target()
    assert (at.x() - after.x()) / after.width() == pytest.approx(pixel, abs=0.02)
    pinch(canvas, at, *[-0.05] * 40)
    assert canvas.is_fitted


def test_a_pinch_zooms_the_map(qtbot: QtBot) -> None:
    view = ScatterView()
    qtbot.addWidget(view)
    view.resize(640, 480)
    view.show()
    view.set_points(np.random.default_rng(0).random((500, 2), dtype=np.float32))
    at = QPointF(*view.positions()[7].tolist())
    pinch(view, at, *[0.1] * 20)
    np.testing.assert_allclose(view.positions()[7], [at.x(), at.y()], atol=0.5)
    assert len(view.rows_in_sight()) < 500


def test_no_single_step_throws_the_picture_away(qtbot: QtBot) -> None:
    widget = QWidget()
    qtbot.addWidget(widget)
    at = QPointF(1, 1)
    assert pinch_factor(gesture(widget, at, 50.0)) == 2.0
    assert pinch_factor(gesture(widget, at, -3.0)) == 0.5
