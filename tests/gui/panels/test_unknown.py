"""Images that look like none of the classes: shown as unknown, accepted by no key, found by filter and order."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import Qt

from gui.models.image_filter import ImageFilter, Order, Show, Trait
from gui.panels.label_hints import hints_for
from gui.panels.unknown_menu import UnknownMenu

Key = Qt.Key
SHIFT = Qt.KeyboardModifier.ShiftModifier


@pytest.fixture
def desk(open_desk: Any, make_images: Any) -> Any:
    """Twelve images, all suggested with certainty as the second class; the last three look unknown, the last most."""
    made = open_desk(make_images(12))
    made.add_classes("ok", "rust")
    made.session.columns.unknown_scores[:] = np.r_[np.linspace(0, 0.94, 9), 0.951, 0.97, 0.995]
    made.suggest(np.full(12, 2), np.full(12, 0.98))
    return made


def go_to(desk: Any, position: int) -> None:
    desk.workspace.grid.go_to(position)
    desk.settle()


def class_ids(desk: Any) -> list[int]:
    return desk.session.columns.class_ids.tolist()


def test_shift_space_never_accepts_what_looks_unknown(desk: Any) -> None:
    desk.press(Key.Key_Space, with_=SHIFT)
    desk.wait_saved()
    assert class_ids(desk) == [2] * 9 + [0] * 3


def test_the_hint_counts_only_what_shift_space_accepts(desk: Any) -> None:
    hints = hints_for(desk.session, desk.workspace.labelling, is_viewing=False)
    assert any("accept all 9 above 95 %, not 3 strange" in hint.text for hint in hints)


def test_shift_space_leaves_out_what_looks_strange_for_so_sure_a_suggestion(desk: Any) -> None:
    measured = {"false_alarms": [{"rate": 0.05, "accept_below": 0.6}]}
    desk.session.run = SimpleNamespace(unknown=measured, validation=None, settings={})
    desk.press(Key.Key_Space, with_=SHIFT)
    desk.wait_saved()
    assert class_ids(desk) == [2] * 6 + [0] * 6


def test_space_does_nothing_on_an_unknown_image_and_the_hint_says_why(desk: Any) -> None:
    go_to(desk, 11)
    desk.press(Key.Key_Space)
    desk.wait_saved()
    assert class_ids(desk) == [0] * 12
    hints = hints_for(desk.session, desk.workspace.labelling, is_viewing=False)
    assert hints[0].key == "/"
    assert "Space" not in [hint.key for hint in hints]
    assert "unknown" in hints[0].text


def test_a_class_key_labels_an_unknown_image_like_any_other(desk: Any) -> None:
    go_to(desk, 11)
    desk.press("1")
    desk.wait_saved()
    assert class_ids(desk)[11] == 1
    face = desk.workspace.faces.of_row(11)
    assert not face.is_unknown
    assert face.class_name == "ok"


def test_the_card_and_assistive_technology_say_unknown_instead_of_a_class(desk: Any) -> None:
    faces = [desk.workspace.faces.of_row(row) for row in (0, 11)]
    assert [face.is_unknown for face in faces] == [False, True]
    assert [face.class_name for face in faces] == ["rust", ""]
    images = desk.workspace.images
    spoken = images.data(images.index(11, 0), Qt.ItemDataRole.AccessibleTextRole)
    assert "looks like none of the classes" in spoken


def test_details_say_how_strange_the_image_is(desk: Any) -> None:
    go_to(desk, 11)
    panel = desk.workspace.details.classes
    desk.qtbot.waitUntil(lambda: "stranger than 99 % of known images" in panel._unknown.text())
    go_to(desk, 0)
    desk.qtbot.waitUntil(lambda: panel._unknown.text() == "")


def test_the_filter_finds_them_and_counts_them_with_their_class_taken_out_of_the_suggested(desk: Any) -> None:
    counts = desk.workspace.counts
    assert counts.of(Trait.UNKNOWN) == 3
    assert counts.of(Show.SUGGESTED) == 9
    desk.workspace.filtering.apply(ImageFilter(traits=frozenset({Trait.UNKNOWN})))
    assert desk.workspace.images.rows.tolist() == [9, 10, 11]
    go_to(desk, 0)
    desk.press("1")
    desk.wait_saved()
    assert counts.of(Trait.UNKNOWN) == 2


def test_strangest_first(desk: Any) -> None:
    desk.workspace.filtering.set_order(Order.STRANGEST)
    assert desk.workspace.images.rows.tolist() == list(range(11, -1, -1))


def test_the_false_alarm_rate_is_chosen_in_the_menu_and_kept_with_the_project(desk: Any) -> None:
    menu = UnknownMenu(desk.session, desk.workspace)
    assert [action.isChecked() for action in menu.rates.values()] == [False, True, False]
    menu.rates[0.01].trigger()
    assert desk.workspace.counts.of(Trait.UNKNOWN) == 1
    desk.wait_saved()
    assert desk.session.project.false_alarm_rate() == 0.01
    assert desk.session.project.columns().unknown_threshold == 0.99
    menu.rates[0.1].trigger()
    assert desk.workspace.counts.of(Trait.UNKNOWN) == 4
    menu.refresh()
    assert [action.isChecked() for action in menu.rates.values()] == [False, False, True]
