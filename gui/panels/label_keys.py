"""The keys of the Label workspace. Text fields keep what is typed into them: they claim it before any shortcut."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QWidget

from engine.domain import ImageClass


class LabelKeys(QObject):
    """Owns the shortcuts of the class keys (which change) and of the fixed keys."""

    def __init__(self, workspace: QWidget, on_class_key: Callable[[int], None]) -> None:
        super().__init__(workspace)
        self._workspace = workspace
        self._on_class_key = on_class_key
        self._class_shortcuts: list[QShortcut] = []
        self._bound: list[tuple[str, int]] = []

    def bind(self, keys: str | Qt.Key, act: Callable[[], object], where: QWidget | None = None) -> None:
        """Binds a fixed key in the workspace, or only in a part of it."""
        self._make(QKeySequence(keys), act, where or self._workspace)

    def bind_classes(self, classes: Sequence[ImageClass]) -> None:
        """Binds the keys of these classes instead of those before."""
        wanted = [(item.key, item.id) for item in classes if item.key]
        if wanted == self._bound:
            return
        for shortcut in self._class_shortcuts:
            shortcut.setEnabled(False)
            shortcut.deleteLater()
        self._bound = wanted
        self._class_shortcuts = [
            self._make(QKeySequence(key.upper()), partial(self._on_class_key, class_id), self._workspace)
            for key, class_id in wanted
        ]

    def _make(self, keys: QKeySequence, act: Callable[[], object], where: QWidget) -> QShortcut:
        shortcut = QShortcut(keys, where)
        shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        # A key held down would label image after image unseen.
        shortcut.setAutoRepeat(False)
        shortcut.activated.connect(act)
        # A menu may name the same key; then Qt calls it ambiguous and would do nothing at all.
        shortcut.activatedAmbiguously.connect(act)
        return shortcut
