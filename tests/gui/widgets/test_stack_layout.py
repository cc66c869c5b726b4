"""Where the pictures of stacks lie: what is painted at a place is what a click there means."""

from __future__ import annotations

import itertools

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from PySide6.QtCore import QPoint, QRect

from gui.widgets.stack_layout import BETWEEN_PX, HEAD_PX, StackLayout


@st.composite
def layouts(draw: st.DrawFn) -> StackLayout:
    sizes = draw(st.lists(st.tuples(st.integers(1, 30), st.integers(0, 5)), min_size=1, max_size=12))
    starts = np.cumsum([0, *(typical + odd for typical, odd in sizes)]).astype(np.int64)
    return StackLayout(
        int(starts[-1]),
        draw(st.integers(160, 1_800)),
        draw(st.integers(56, 260)),
        starts=starts,
        num_typical=np.array([typical for typical, _ in sizes], np.int64),
    )


@settings(max_examples=60, deadline=None)
@given(layout=layouts())
def test_a_picture_is_found_where_it_lies_inside_the_panel_of_its_stack(layout: StackLayout) -> None:
    for position in range(layout.num_items):
        rect = layout.rect(position)
        assert layout.position_at(rect.center()) == position
        panel = layout.panel(layout.stack_of(position))
        assert panel.top() + HEAD_PX <= rect.top()
        assert rect.bottom() < panel.bottom()
        assert panel.left() < rect.left()
        assert rect.right() <= panel.right()


@settings(max_examples=60, deadline=None)
@given(layout=layouts())
def test_no_two_things_lie_over_each_other(layout: StackLayout) -> None:
    for above, below in itertools.pairwise(range(layout.num_stacks)):
        assert layout.panel(above).bottom() + BETWEEN_PX == layout.panel(below).top() - 1
    for stack in range(layout.num_stacks):
        span = range(int(layout.starts[stack]), int(layout.starts[stack + 1]))
        areas = [layout.rect(at) for at in span] + [layout.head(stack)]
        gap = layout.gap(stack)
        areas += [gap] if gap is not None else []
        assert not any(one.intersects(other) for one, other in itertools.combinations(areas, 2))


@settings(max_examples=60, deadline=None)
@given(layout=layouts(), top=st.integers(-100, 4_000), height=st.integers(1, 1_200))
def test_exactly_the_stacks_that_a_view_touches_are_painted(layout: StackLayout, top: int, height: int) -> None:
    view = QRect(0, top, 10_000, height)
    touched = [at for at in range(layout.num_stacks) if layout.panel(at).intersects(view)]
    found = layout.stacks_between(top, top + height)
    assert set(touched) <= set(found)
    assert len(found) <= len(touched) + 1  # one whose lower margin alone is seen


def test_the_gap_stands_between_the_typical_pictures_and_the_odd_ones_and_is_no_picture() -> None:
    layout = StackLayout(7, 900, 100, starts=np.array([0, 5, 7]), num_typical=np.array([3, 2]))
    gap = layout.gap(0)
    assert gap is not None
    assert layout.rect(2).right() < gap.left() < gap.right() < layout.rect(3).left()
    assert layout.position_at(gap.center()) == -1
    assert layout.gap(1) is None
    assert layout.stack_at(gap.center()) == 0
    assert layout.stack_at(QPoint(gap.left(), layout.panel(0).bottom() + BETWEEN_PX // 2)) == -1
