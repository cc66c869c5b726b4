"""The actions of a window, made from the table and kept enabled or not with the session."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QObject, QTimer
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMenu, QWidget

from engine.language import tr
from engine.settings import THEMES
from gui.action_keys import changeable, changed_texts, checked, sequences_of
from gui.action_table import ACTIONS, ActionSpec
from gui.commands import Commands
from gui.key_tips import KeyTips
from gui.session import Session
from gui.theme import icon


class ActionSet(QObject):
    """The actions of one window, kept enabled or not with the session."""

    def __init__(self, session: Session, commands: Commands, window: QWidget) -> None:
        super().__init__(window)
        self._session = session
        self._workspace = "label"
        self._actions: dict[str, QAction] = {}
        self._tips = KeyTips(self)
        # Once for all that a job tells in one go. Not for labels: a key may follow that they have made possible.
        self._refresh_timer = QTimer(self, singleShot=True, interval=0)
        self._refresh_timer.timeout.connect(self.refresh)
        for spec in ACTIONS:
            self._actions[spec.id] = self._make(spec, commands, window)
        self.take_keys(session.preferences.keys)
        for signal in (
            session.project_opened,
            session.project_closed,
            session.columns_reset,
            session.rows_changed,
            session.run_changed,
            session.undo_changed,
            session.backbones.changed,
            session.auto_advance_changed,
            session.mode_changed,
        ):
            signal.connect(self.refresh)
        session.work.changed.connect(self._refresh_timer.start)
        session.selection_changed.connect(self._on_selection_changed)
        self.refresh()

    def __getitem__(self, action_id: str) -> QAction:
        return self._actions[action_id]

    def fill(self, menus: dict[str, QMenu]) -> None:
        """Puts the actions into the menus they name."""
        for spec in ACTIONS:
            if spec.starts_group:
                menus[spec.menu].addSeparator()
            menus[spec.menu].addAction(self._actions[spec.id])

    def take_keys(self, keys: Mapping[str, str]) -> None:
        """Gives the actions their keys: those of the table, and what the user changed."""
        held = checked(keys)
        for spec in changeable():
            self._actions[spec.id].setShortcuts(sequences_of(spec, held))
        self._tips.take_changes(changed_texts(held))

    def show_workspace(self, key: str) -> None:
        """Marks the workspace that is shown ("label", "review", "use"), and leaves what belongs to Label to it."""
        self._workspace = key
        for each in ("label", "review", "use"):
            self._actions[each].setChecked(each == key)
        self.refresh()

    def show_theme(self, choice: str) -> None:
        """Marks the theme that was chosen."""
        for name in THEMES:
            self._actions[f"theme_{name}"].setChecked(name == choice)

    def refresh(self, *_: object) -> None:
        """Enables what can be used now and names what undo and redo would do."""
        for spec in ACTIONS:
            self._actions[spec.id].setEnabled(self._can(spec))
        facts = self._session.facts
        self._actions["label_mode"].setChecked(self._session.has_several_classes)
        self._actions["auto_advance"].setChecked(self._session.has_auto_advance)
        self._actions["undo"].setText(tr("Undo {step}", step=facts.undo_text) if facts.undo_text else tr("Undo"))
        self._actions["redo"].setText(tr("Redo {step}", step=facts.redo_text) if facts.redo_text else tr("Redo"))

    def _on_selection_changed(self) -> None:
        # Only what depends on it: the selection changes with every key.
        for spec in ACTIONS:
            if spec.needs_selection:
                self._actions[spec.id].setEnabled(self._can(spec))

    def _can(self, spec: ActionSpec) -> bool:
        if spec.id == "close" and self._workspace == "use":  # which is there without a project, too, and is left then
            return True
        return spec.is_enabled(self._session) and (self._workspace == "label" or not spec.is_for_label)

    def _make(self, spec: ActionSpec, commands: Commands, window: QWidget) -> QAction:
        action = QAction(spec.text, window)
        action.setObjectName(spec.id)
        if spec.icon:
            action.setIcon(icon(spec.icon))
        if spec.shortcut and not spec.has_own_key:
            key = QKeySequence(spec.shortcut)
            # Behind a tab a menu shows the text as a shortcut, without taking the key from the workspace.
            action.setText(f"{spec.text}\t{key.toString(QKeySequence.SequenceFormat.NativeText)}")
        action.setCheckable(spec.is_checkable)
        handler = spec.handler(commands)
        action.triggered.connect(lambda _checked=False: handler())
        window.addAction(action)
        return action
