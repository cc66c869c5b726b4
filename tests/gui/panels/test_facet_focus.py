"""The frame around a folder of the left column says where the keys are, and is no choice."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QVBoxLayout, QWidget

from gui.models.facet_tree import folder_tree
from gui.panels.facet_view import FacetView


@pytest.fixture
def view(qtbot: Any) -> Iterator[FacetView]:
    """Two folders below one, on the screen, chosen as a click or key says."""
    window = QWidget()
    qtbot.addWidget(window)
    made = FacetView("Folders", window)
    QVBoxLayout(window).addWidget(made)
    made.set_tree(folder_tree(["a/1.png", "b/1.png"], np.ones(2, np.int32), {1: "parts"}))
    made.set_counts(np.array([2, 1, 1]))
    made.keys_chosen.connect(made.set_chosen)
    window.resize(260, 200)
    window.show()
    qtbot.waitExposed(window)
    window.activateWindow()
    yield made  # noqa: PT022 - the window lives as long as this function


def row_image(view: FacetView) -> QImage:
    """Returns how the second row looks, without a pointer over it."""
    index = view.facets.index(0, 0, view.facets.index(0, 0))
    QTest.mouseMove(view.window(), QPoint(2, 190))
    area = view.visualRect(index)
    return view.viewport().grab(area).toImage()


def test_a_folder_that_was_clicked_again_looks_as_before_it_was_chosen(view: FacetView, qtbot: Any) -> None:
    before = row_image(view)
    middle = view.visualRect(view.facets.index(0, 0, view.facets.index(0, 0))).center()
    QTest.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=middle)
    assert view.facets.chosen
    qtbot.waitUntil(view.hasFocus)
    assert row_image(view) != before
    QTest.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=middle)
    assert not view.facets.chosen
    assert row_image(view) == before
    QTest.keyClick(view, Qt.Key.Key_Up)
    QTest.keyClick(view, Qt.Key.Key_Down)
    assert row_image(view) != before  # who goes there by key sees where they are
