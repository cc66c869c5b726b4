"""A canary for a fault of PySide6 6.12.0 on Python 3.11: each void call dropped one reference of None."""

from __future__ import annotations

import sys

from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

NUM_CALLS = 1000


def test_a_void_call_keeps_the_reference_count_of_none(qtbot: QtBot) -> None:
    if sys.version_info >= (3, 12):
        return  # None is immortal there: nothing to count and nothing to lose
    widget = QWidget()
    qtbot.addWidget(widget)
    before = sys.getrefcount(None)
    for _ in range(NUM_CALLS):
        widget.update()
    assert abs(sys.getrefcount(None) - before) < NUM_CALLS // 10
