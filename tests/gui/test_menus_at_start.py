"""The menu bar is there with the first paint, the entries of its menus come with the session."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from engine.jobs import Engine
from gui.engine_bridge import EngineBridge
from gui.main_window import MainWindow
from gui.preferences import Preferences
from gui.session import Session


@pytest.mark.qt_log_ignore("This plugin does not support", extend=True)
@pytest.mark.parametrize("by_key", [True, False])
def test_a_menu_that_is_opened_before_the_session_is_there_fills_while_it_is_open(qtbot: QtBot, by_key: bool) -> None:
    window = MainWindow(Preferences())
    qtbot.addWidget(window)
    window.show()
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    menu, bar = window.menus["File"], window.menu_bar
    if by_key:
        QTest.keyClick(window, Qt.Key.Key_F, Qt.KeyboardModifier.AltModifier)
    else:
        QTest.mouseClick(bar, Qt.MouseButton.LeftButton, pos=bar.actionGeometry(menu.menuAction()).center())
    qtbot.waitUntil(menu.isVisible)
    assert [(each.text(), each.isEnabled()) for each in menu.actions()] == [("Starting…", False)]
    engine = Engine()
    engine.start()
    session = Session(EngineBridge(engine), preferences=Preferences())
    for _ in window.fill(session):
        qtbot.wait(1)
    assert menu.isVisible()
    assert "Starting…" not in [each.text() for named in window.menus.values() for each in named.actions()]
    last = menu.actionGeometry(menu.actions()[-1])
    assert menu.rect().contains(last)
    assert last.bottom() > 200  # all entries are there, one below the other
    QTest.keyClick(menu, Qt.Key.Key_Down)
    assert menu.activeAction() is window.action_set["new"]
    QTest.keyClick(menu, Qt.Key.Key_Right)  # to the next menu of the bar
    qtbot.waitUntil(window.menus["Edit"].isVisible)
    QTest.keyClick(window.menus["Edit"], Qt.Key.Key_Escape)
    engine.shutdown(2.0)
    window.workspace.shutdown()
    session.shutdown()
