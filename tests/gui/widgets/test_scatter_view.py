"""The plane of points: everything is where it is drawn, and the lasso takes exactly what it surrounds."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QPolygonF
from PySide6.QtTest import QTest

from gui.theme import theme
from gui.widgets.point_raster import PointRaster
from gui.widgets.scatter_view import ScatterView

RED, BLUE = 0xFFFF0000, 0xFF0000FF


@pytest.fixture
def view(qtbot) -> ScatterView:
    made = ScatterView()
    qtbot.addWidget(made)
    made.resize(640, 480)
    made.show()
    made.set_points(np.random.default_rng(0).random((500, 2), dtype=np.float32))
    return made


def color_at(view: ScatterView, x: float, y: float) -> int:
    return view.grab().toImage().pixel(round(x), round(y)) | 0xFF000000


def test_all_points_are_in_sight_and_drawn_where_they_are(view: ScatterView) -> None:
    assert len(view.rows_in_sight()) == 500
    view.set_points(np.array([[0.2, 0.3], [0.9, 0.8]], np.float32))
    view.set_looks(np.array([RED, BLUE], np.uint32), np.zeros(2, np.bool_))
    for row, color in enumerate((RED, BLUE)):
        x, y = view.positions()[row].tolist()
        assert color_at(view, x, y) == color
        assert view.row_at(QPointF(x + 2, y - 2)) == row
    assert view.row_at(QPointF(320, 20)) == -1


def test_zooming_keeps_what_is_under_the_pointer(view: ScatterView) -> None:
    at = QPointF(*view.positions()[7].tolist())
    view.zoom_by(5, at)
    np.testing.assert_allclose(view.positions()[7], [at.x(), at.y()], atol=0.5)
    view.pan(30, -20)
    np.testing.assert_allclose(view.positions()[7], [at.x() + 30, at.y() - 20], atol=0.5)


def test_a_polygon_holds_what_lies_inside(view: ScatterView) -> None:
    polygon = QPolygonF([QPointF(100, 60), QPointF(500, 120), QPointF(420, 400), QPointF(250, 200), QPointF(90, 380)])
    found = set(view.rows_inside(polygon).tolist())
    for row, (x, y) in enumerate(view.positions().tolist()):
        is_inside = polygon.containsPoint(QPointF(x, y), Qt.FillRule.OddEvenFill)
        if (row in found) != is_inside:  # a pixel's breadth at the edge may go either way
            near = [(dx, dy) for dx in (-2, 0, 2) for dy in (-2, 0, 2)]
            sides = {polygon.containsPoint(QPointF(x + dx, y + dy), Qt.FillRule.OddEvenFill) for dx, dy in near}
            assert sides == {True, False}
    assert 0 < len(found) < 500


def test_a_lasso_selects_and_a_click_selects_one(view: ScatterView, qtbot) -> None:
    got: list[tuple[np.ndarray, Qt.KeyboardModifier]] = []
    view.lassoed.connect(lambda rows, modifiers: got.append((rows, modifiers)))
    corners = [QPoint(5, 5), QPoint(634, 5), QPoint(634, 474), QPoint(5, 474)]
    QTest.mousePress(view, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.ShiftModifier, corners[0])
    for corner in corners[1:]:
        QTest.mouseMove(view, corner)
    QTest.mouseRelease(view, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.ShiftModifier, corners[-1])
    assert len(got[0][0]) == 500
    assert got[0][1] & Qt.KeyboardModifier.ShiftModifier
    x, y = view.positions()[3].tolist()
    QTest.mouseClick(view, Qt.MouseButton.LeftButton, pos=QPoint(round(x), round(y)))
    assert got[1][0].tolist() == [view.row_at(QPointF(round(x), round(y)))]


def test_rings_and_selection_are_seen(view: ScatterView) -> None:
    view.set_points(np.array([[0.2, 0.3], [0.9, 0.8]], np.float32))
    plain = view.grab().toImage()
    view.set_looks(np.array([RED, RED], np.uint32), np.array([True, False]))
    ringed = view.grab().toImage()
    view.set_selected(np.array([False, True]))
    selected = view.grab().toImage()
    assert plain != ringed != selected
    text = int(theme().text[1:], 16) | 0xFF000000
    x, y = (round(value) for value in view.positions()[0].tolist())
    around = {ringed.pixel(x + dx, y + dy) for dx in range(-12, 13) for dy in range(-12, 13)}
    assert text in around


def test_points_at_the_edge_and_far_outside_break_nothing(qapp) -> None:
    raster = PointRaster()
    raster.begin(50, 40, RED)
    x = np.array([-100_000, -1, 0, 49, 50, 60, 100_000], np.int32)
    y = np.array([5, -1, 0, 39, 40, 5, 5], np.int32)
    at, is_seen = raster.place(x, y)
    assert is_seen.tolist() == [False, True, True, True, True, True, False]
    raster.draw(at[is_seen], BLUE, 7)
    image = raster.image()
    assert (image.width(), image.height()) == (50, 40)
    assert image.pixel(0, 0) == BLUE
    assert image.pixel(49, 39) == BLUE
    assert image.pixel(25, 20) == RED


def test_an_empty_plane_can_be_used(qtbot) -> None:
    view = ScatterView()
    qtbot.addWidget(view)
    view.show()
    view.set_points(np.zeros((0, 2), np.float32))
    view.zoom_by(2)
    view.grab()
    assert view.row_at(QPointF(5, 5)) == -1
