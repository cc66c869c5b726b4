"""The parts of a workspace that F6 goes round."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget


def focus_pane(panes: Iterable[QWidget], step: int) -> None:
    """Gives the keyboard to the pane so many steps after the one that has it, of those that are seen."""
    seen = [pane for pane in panes if pane.isVisible()]
    at = next((at for at, pane in enumerate(seen) if pane.hasFocus()), 0)
    seen[(at + step) % len(seen)].setFocus(Qt.FocusReason.ShortcutFocusReason)
