"""What of a class' name stands on a card that is too small for it, and that a hint line is never empty."""

from __future__ import annotations

import pytest
from PySide6.QtGui import QFontMetricsF, QImage
from pytestqt.qtbot import QtBot

from gui.theme import font
from gui.widgets.hint_line import Hint, HintLine
from gui.widgets.painted_chip import MIN_LETTERS, shortened


@pytest.mark.parametrize("name", ["longsleeve", "out of focus", "ok", "Ölfleck"])
@pytest.mark.parametrize("key", ["4", ""])
def test_a_name_is_never_cut_to_less_than_its_first_letters(qtbot: QtBot, name: str, key: str) -> None:
    metrics = QFontMetricsF(font(0.85))
    for room_px in range(1, 200):
        shown = shortened(metrics, name, key, room_px)
        if "…" in shown:
            assert name.startswith(shown[:MIN_LETTERS])
        else:
            assert shown == (key or shown)[: len(shown)] or shown == name
            assert shown == key or name.startswith(shown)
        assert shown not in ("", "…")
    assert shortened(metrics, name, key, 200) == name
    assert shortened(metrics, name, "4", metrics.horizontalAdvance("o")) in ("4", name)


def test_a_hint_that_is_too_long_makes_room_for_those_that_fit(qtbot: QtBot) -> None:
    line = HintLine()
    qtbot.addWidget(line)
    line.resize(150, 36)
    line.set_hints([Hint("A", "quite a lot of words about something"), Hint("X", "skip")])
    both = line.grab().toImage()
    line.set_hints([Hint("X", "skip")])
    assert line.grab().toImage() == both


def test_the_first_hint_is_shortened_and_not_left_out(qtbot: QtBot) -> None:
    line = HintLine()
    qtbot.addWidget(line)
    line.resize(150, 36)

    def pixels() -> QImage:
        return line.grab().toImage()

    line.set_hints([])
    empty = pixels()
    line.set_hints([Hint("", "Painting:", "a class with quite a long name", "#ff0000"), Hint("X", "skip")])
    painting = pixels()
    assert painting != empty
    assert any(
        painting.pixelColor(x, y).red() > 150 > 2 * painting.pixelColor(x, y).blue()
        for x in range(60, 150)
        for y in range(36)
    )  # the name, in the colour of its class
    assert line.accessibleDescription() == "Painting: a class with quite a long name, X: skip"
