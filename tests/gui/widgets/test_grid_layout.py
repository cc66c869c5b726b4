"""The arithmetic of the grid."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QItemSelectionModel, QPoint, QRect

from gui.models.image_list import ImageListModel
from gui.widgets.grid_layout import GridLayout
from gui.widgets.grid_selection import positions_within, to_positions, to_selection

layouts = st.builds(GridLayout, st.integers(0, 5000), st.integers(60, 4000), st.integers(96, 420))


@given(layouts, st.data())
def test_the_middle_of_each_card_belongs_to_it_and_cards_stay_inside(layout: GridLayout, data: st.DataObject) -> None:
    if not layout.num_items:
        assert layout.height_px == 0
        return
    position = data.draw(st.integers(0, layout.num_items - 1))
    rect = layout.rect(position)
    assert layout.position_at(rect.center()) == position
    assert rect.left() >= 0
    assert layout.num_columns == 1 or rect.right() < layout.width_px
    assert rect.bottom() < layout.height_px
    assert position in layout.positions_between(rect.top(), rect.top())


@given(layouts, st.integers(-50, 4000), st.integers(-50, 90_000), st.integers(1, 900), st.integers(1, 900))
def test_a_rectangle_touches_exactly_the_cards_that_intersect_it(
    layout: GridLayout, x: int, y: int, width: int, height: int
) -> None:
    area = QRect(x, y, width, height)
    near = layout.positions_between(y - 1000, y + height + 1000)
    expected = [position for position in near if layout.rect(position).intersects(area)]
    assert layout.positions_in(area).tolist() == expected


def test_gaps_and_the_space_behind_the_last_card_belong_to_no_card() -> None:
    layout = GridLayout(4, 600, 166)
    assert layout.num_columns == 3
    first, last = layout.rect(0), layout.rect(3)
    assert layout.position_at(QPoint(first.right() + 3, first.center().y())) == -1
    assert layout.position_at(QPoint(first.center().x(), first.bottom() + 3)) == -1
    assert layout.position_at(QPoint(last.right() + 30, last.center().y())) == -1


@pytest.mark.parametrize("positions", [[], [3], [0, 1, 2], [0, 2, 4], [5, 6, 9, 17, 18, 19]])
def test_selections_and_positions_are_the_same_in_both_directions(positions: list[int]) -> None:
    model = ImageListModel()
    model.rows = np.arange(20)
    selection_model = QItemSelectionModel(model)
    selection_model.select(to_selection(model, np.array(positions, np.int64)), QItemSelectionModel.SelectionFlag.Select)
    assert to_positions(selection_model).tolist() == positions
    assert positions_within(selection_model.selection(), range(2, 7)) == {at for at in positions if 2 <= at < 7}
