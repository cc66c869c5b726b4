"""The keys of the Label workspace. Text fields keep what is typed into them: they claim it before any shortcut."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QKeySequence, QMouseEvent, QShortcut
from PySide6.QtWidgets import QWidget

from engine.domain import ImageClass, LabelMode
from gui.panels.key_repeats import KeyRepeats
from gui.panels.workspace_keys import WORKSPACE_KEYS, Scope

MOUSE_KEYS = {Qt.MouseButton.BackButton: "mouse4", Qt.MouseButton.ForwardButton: "mouse5"}


class LabelKeys(QObject):
    """Owns the shortcuts of the class keys (which change) and of the fixed keys (`workspace_keys`)."""

    def __init__(self, workspace: QWidget, repeats: KeyRepeats, on_class_key: Callable[[int], None]) -> None:
        super().__init__(workspace)
        self._repeats = repeats
        self._workspace = workspace
        self._on_class_key = on_class_key
        self._class_shortcuts: list[QShortcut] = []
        self._bound: list[tuple[str, int]] = []
        self._of_mode: list[tuple[LabelMode, QShortcut]] = []
        self._letters: list[tuple[str, QShortcut]] = []

    def bind_table(self, handlers: Mapping[str, Callable[[], object]], images: QWidget, left: QWidget) -> None:
        """Binds the keys of the table that have a handler, except those that the views handle themselves."""
        where = {Scope.WORKSPACE: self._workspace, Scope.IMAGES: images, Scope.LEFT: left}
        for spec in WORKSPACE_KEYS:
            if spec.scope is not Scope.VIEW and spec.id in handlers:
                made = [self._make(QKeySequence(keys), handlers[spec.id], where[spec.scope]) for keys in spec.keys]
                self._of_mode += [(spec.mode, shortcut) for shortcut in made if spec.mode is not None]
                self._letters += [
                    (keys.lower(), each) for keys, each in zip(spec.keys, made, strict=True) if len(keys) == 1
                ]

    def set_mode(self, mode: LabelMode) -> None:
        """Turns on the keys of one-class projects or those of projects with several classes per image."""
        for of_mode, shortcut in self._of_mode:
            shortcut.setEnabled(of_mode is mode)

    def bind_classes(self, classes: Sequence[ImageClass]) -> None:
        """Binds the keys of these classes instead of those before."""
        wanted = [(item.key, item.id) for item in classes if item.key]
        if wanted == self._bound:
            return
        for shortcut in self._class_shortcuts:
            shortcut.setEnabled(False)
            shortcut.deleteLater()
        self._bound = wanted
        # A class of an earlier version may have a letter that means something else today: the class keeps it.
        taken = {key for key, _ in wanted}
        for letter, shortcut in self._letters:
            shortcut.setEnabled(letter not in taken)
        self._class_shortcuts = [
            self._make(QKeySequence(key.upper()), partial(self._on_class_key, class_id), self._workspace)
            for key, class_id in wanted
            if key not in MOUSE_KEYS.values()
        ]

    def listen_to_mouse(self, *views: QWidget) -> None:
        """Lets the buttons 4 and 5 of the mouse act over these widgets."""
        for view in views:
            view.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.MouseButtonPress and isinstance(event, QMouseEvent):
            key = MOUSE_KEYS.get(event.button())
            class_id = next((each for bound, each in self._bound if bound == key), 0) if key else 0
            if class_id:
                self._repeats.forget()  # no key is held for this
                self._on_class_key(class_id)
                return True
        return super().eventFilter(watched, event)

    def _make(self, keys: QKeySequence, act: Callable[[], object], where: QWidget) -> QShortcut:
        shortcut = QShortcut(keys, where)
        shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        # A key held down would label image after image unseen.
        shortcut.setAutoRepeat(False)
        shortcut.activated.connect(lambda: self._press(act))
        # A menu may name the same key; then Qt calls it ambiguous and would do nothing at all.
        shortcut.activatedAmbiguously.connect(lambda: self._press(act))
        return shortcut

    def _press(self, act: Callable[[], object]) -> None:
        if not self._repeats.take_repeat():
            act()
