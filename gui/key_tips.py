"""Tooltips name keys in brackets, context menus at the right: those in force, where the user changed them."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QCoreApplication, QEvent, QObject
from PySide6.QtGui import QHelpEvent
from PySide6.QtWidgets import QMenu, QToolTip, QWidget


class KeyTips(QObject):
    """Corrects tooltips and context menus as they are about to be shown; listens only while keys are changed."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._changes: Mapping[str, str] = {}

    def take_changes(self, changes: Mapping[str, str]) -> None:
        """Takes what standard keys are now, as people read them; "" where an action has none any more."""
        app = QCoreApplication.instance()
        assert app is not None
        if bool(changes) != bool(self._changes):
            (app.installEventFilter if changes else app.removeEventFilter)(self)
        self._changes = dict(changes)

    def corrected(self, text: str) -> str:
        """Returns a tooltip with the keys that are in force."""
        for standard, key in self._changes.items():
            if f"({standard})" in text:
                return text.replace(f"({standard})", f"({key})" if key else "").strip()
        return text

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(watched, QWidget) and isinstance(event, QHelpEvent):
            text = watched.toolTip()
            better = self.corrected(text)
            if better != text:
                QToolTip.showText(event.globalPos(), better, watched)
                return True
        elif event.type() == QEvent.Type.Show and isinstance(watched, QMenu):
            self._correct_menu(watched)
        return False

    def _correct_menu(self, menu: QMenu) -> None:
        """Names the keys in force behind the tabs of a menu that is made each time it is shown."""
        for action in menu.actions():
            text, tab, key = action.text().partition("\t")
            if tab and key in self._changes:
                action.setText(f"{text}\t{self._changes[key]}" if self._changes[key] else text)
