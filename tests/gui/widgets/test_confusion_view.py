"""The confusion matrix as a view: every cell can be seen, reached by keys and opened, also of a hundred classes."""

from __future__ import annotations

import time

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from engine.evaluation.class_order import order_by_similarity
from gui.widgets.confusion_layout import ConfusionLayout, fitting
from gui.widgets.confusion_paint import Counting
from gui.widgets.confusion_view import ConfusionView

Key = Qt.Key


def confusion(num_classes: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    counts = np.diag(rng.integers(5, 60, num_classes))
    for _ in range(3 * num_classes):
        counts[rng.integers(num_classes), rng.integers(num_classes)] += 1
    return counts


def view(qtbot: QtBot, counts: np.ndarray, width: int = 520, height: int = 460) -> ConfusionView:
    made = ConfusionView()
    qtbot.addWidget(made)
    number = len(counts)
    made.resize(width, height)
    made.set_matrix([f"class {at}" for at in range(number)], ["#4c9ffe"] * number, counts)
    made.show()
    qtbot.waitExposed(made)
    return made


@pytest.mark.parametrize("num_classes", [2, 6, 20, 59, 100])
def test_a_click_on_any_cell_opens_that_cell_in_any_order(qtbot: QtBot, num_classes: int) -> None:
    counts = confusion(num_classes)
    matrix = view(qtbot, counts)
    opened: list[tuple[int, int]] = []
    matrix.cell_opened.connect(lambda true, said: opened.append((true, said)))
    rng = np.random.default_rng(1)
    for order in (np.arange(num_classes), rng.permutation(num_classes), order_by_similarity(counts)):
        matrix.set_order(order)
        for _ in range(5):
            wanted = (int(rng.integers(num_classes)), int(rng.integers(num_classes)))
            matrix.set_current(*wanted)  # scrolls to it
            where = matrix.picture().cell_rect(wanted).center().toPoint()
            assert matrix.viewport().rect().contains(where)
            QTest.mouseClick(matrix.viewport(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, where)
            assert opened[-1] == wanted


def test_arrows_reach_every_cell_and_enter_opens_it(qtbot: QtBot) -> None:
    matrix = view(qtbot, confusion(12))
    matrix.setFocus()
    qtbot.wait(10)
    assert matrix.current == matrix.worst(), "the first cell is the worst mistake"
    opened: list[tuple[int, int]] = []
    matrix.cell_opened.connect(lambda true, said: opened.append((true, said)))
    QTest.keyClick(matrix, Key.Key_Home)
    for row in range(12):
        for _ in range(11):
            QTest.keyClick(matrix, Key.Key_Right if row % 2 == 0 else Key.Key_Left)
        QTest.keyClick(matrix, Key.Key_Return)
        assert opened[-1] == (row, 11 if row % 2 == 0 else 0)
        QTest.keyClick(matrix, Key.Key_Down)
    QTest.keyClick(matrix, Key.Key_Down)
    assert matrix.current == (11, 0), "the edge stops it"


def test_a_cell_says_in_words_what_it_counts(qtbot: QtBot) -> None:
    matrix = view(qtbot, np.array([[7, 1], [0, 4]]))
    assert matrix.sentence(0, 0) == "7 of 8 images of class 0 were recognised."
    assert matrix.sentence(0, 1) == "1 image of class 0 taken for class 1."
    matrix.set_current(0, 1)
    assert matrix.accessibleDescription() == matrix.text() == "1 image of class 0 taken for class 1."


def test_shares_are_those_of_the_row_or_of_the_column(qtbot: QtBot) -> None:
    matrix = view(qtbot, np.array([[6, 2], [1, 3]]))
    matrix.set_counting(Counting.ROWS)
    np.testing.assert_allclose(matrix.picture().shares, [[0.75, 0.25], [0.25, 0.75]])
    matrix.set_counting(Counting.COLUMNS)
    np.testing.assert_allclose(matrix.picture().shares, [[6 / 7, 2 / 5], [1 / 7, 3 / 5]])


def test_zoom_makes_cells_larger_and_ctrl_0_shows_all_again(qtbot: QtBot) -> None:
    matrix = view(qtbot, confusion(40))
    matrix.setFocus()
    before = matrix.picture().layout.cell_px
    assert matrix.horizontalScrollBar().maximum() == 0, "all of forty classes are seen at first"
    for _ in range(4):
        QTest.keyClick(matrix, Key.Key_Plus)
    assert matrix.picture().layout.cell_px > before
    assert matrix.horizontalScrollBar().maximum() > 0
    QTest.keyClick(matrix, Key.Key_0, Qt.KeyboardModifier.ControlModifier)
    assert matrix.picture().layout.cell_px == before


def test_a_hundred_classes_are_painted_within_a_frame(qtbot: QtBot) -> None:
    matrix = view(qtbot, confusion(100), 1100, 1000)
    matrix.viewport().grab()
    spent = []
    for _ in range(7):
        began = time.process_time()
        matrix.viewport().grab()
        spent.append(time.process_time() - began)
    assert sorted(spent)[3] < 0.05


@pytest.mark.parametrize("num_classes", [1, 3, 10, 100])
def test_the_fitting_layout_is_inside_its_room_unless_cells_would_be_too_small(num_classes: int) -> None:
    for width in range(60, 900, 70):
        layout = fitting(num_classes, width, 400)
        is_smallest = layout == ConfusionLayout(num_classes, layout.cell_px) and layout.cell_px == 5
        assert is_smallest or (layout.size_px[0] <= width and layout.size_px[1] <= 400)
        row, column = num_classes - 1, num_classes // 2
        x, y = (column + 0.5) * layout.cell_px, (row + 0.5) * layout.height_of_cell_px
        assert layout.cell_at(x, y) == (row, column)


def test_classes_that_are_mixed_up_stand_side_by_side() -> None:
    counts = np.diag(np.full(6, 20))
    for one, other in ((0, 5), (1, 4), (2, 3)):
        counts[one, other] = counts[other, one] = 8
    places = np.argsort(order_by_similarity(counts))
    assert all(abs(int(places[one] - places[other])) == 1 for one, other in ((0, 5), (1, 4), (2, 3)))
    assert sorted(order_by_similarity(confusion(100))) == list(range(100))
