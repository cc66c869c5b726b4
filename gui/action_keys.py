"""Which key each action of the menus has: that of the table, unless the user gave it another one or took it away.

Keys are Qt's portable words ("Ctrl+Shift+R") everywhere but on the screen. Keys that classes, views and text fields
need are never those of an action.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Final

from PySide6.QtCore import QKeyCombination, Qt
from PySide6.QtGui import QKeySequence

from engine.language import tr
from gui.action_table import ACTIONS, ActionSpec
from gui.panels.workspace_keys import WORKSPACE_KEYS, Scope

PORTABLE: Final = QKeySequence.SequenceFormat.PortableText
_ALSO: Final = {"redo": "Ctrl+Y", "zoom_in": "Ctrl+="}
"""Further keys that people expect, where nothing else has them."""
_OF_VIEWS: Final = {
    "Ctrl+A": "select_all",
    "Ctrl+0": "zoom_fit",
    "Ctrl+1": "zoom_pixels",
    "Ctrl+2": "zoom_fill",
    "Ctrl+B": "brightness",
    "Ctrl+Shift+B": "auto_brightness",
    "F2": "class_rename",
    "F3": "class_key",
    "F7": "class_color",
    "Shift+F10": "class_menu",
}
"""Keys that the views handle themselves, with the line of the sheet of keys that says what they do."""
_OF_TEXT: Final = ("Ctrl+C", "Ctrl+X", "Ctrl+Insert", "Shift+Insert")
_OF_SYSTEM: Final = ("Alt+F4", "F10", "Ctrl+Alt+Del")
_MOVING: Final = frozenset(
    {
        Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_Home, Qt.Key.Key_End,
        Qt.Key.Key_PageUp, Qt.Key.Key_PageDown, Qt.Key.Key_Tab, Qt.Key.Key_Backtab, Qt.Key.Key_Escape,
        Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space, Qt.Key.Key_Backspace, Qt.Key.Key_Delete,
    }
)  # fmt: skip
_MODIFIERS_NEEDED: Final = (
    Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier | Qt.KeyboardModifier.MetaModifier
)


def changeable() -> list[ActionSpec]:
    """Returns the actions whose key can be changed, as in the menus: not those whose key a workspace handles itself."""
    return [spec for spec in ACTIONS if spec.has_own_key]


def key_of(spec: ActionSpec, keys: Mapping[str, str]) -> str:
    """Returns the key of an action, "" for none. `keys` are the user's changes, by action."""
    return keys.get(spec.id, spec.shortcut) if spec.has_own_key else spec.shortcut


def sequences_of(spec: ActionSpec, keys: Mapping[str, str]) -> list[QKeySequence]:
    """Returns the keys that an action answers to, the one that is shown first."""
    key, also = key_of(spec, keys), _ALSO.get(spec.id, "")
    found = [key] if key else []
    if also and key == spec.shortcut and holder_of(also, keys) is None:
        found.append(also)
    return [QKeySequence.fromString(each, PORTABLE) for each in found]


def holder_of(key: str, keys: Mapping[str, str], besides: str = "") -> ActionSpec | None:
    """Returns the action that has a key, leaving out one of that id."""
    return next((spec for spec in ACTIONS if spec.id != besides and key and key_of(spec, keys) == key), None)


def given(keys: Mapping[str, str], action_id: str, key: str) -> dict[str, str]:
    """Returns the user's changes with another key ("" for none) for an action; who had it has none then."""
    changed = dict(keys)
    holder = holder_of(key, keys, besides=action_id)
    for other, wanted in [(holder, ""), (_spec(action_id), key)]:
        if other is not None:
            changed[other.id] = wanted
            if other.shortcut == wanted:
                del changed[other.id]
    return changed


def checked(keys: Mapping[str, str]) -> dict[str, str]:
    """Returns of changes that were kept those that hold: for actions that there are, with keys that may be theirs.

    Of two actions with the same key the one that comes first in the menus has it.
    """
    found: dict[str, str] = {}
    for spec in changeable():
        key = keys.get(spec.id)
        if key is not None and key != spec.shortcut and (not key or not why_not(key)):
            found[spec.id] = portable(QKeySequence.fromString(key, PORTABLE))
    taken: set[str] = {spec.shortcut for spec in ACTIONS if not spec.has_own_key}
    for spec in changeable():
        key = key_of(spec, found)
        if key and key in taken:
            found[spec.id] = ""
        taken.add(key)
    return found


def changed_texts(keys: Mapping[str, str]) -> dict[str, str]:
    """Returns what the standard keys that were changed are now, both as people read them."""
    return {
        native(spec.shortcut): native(key_of(spec, keys))
        for spec in changeable()
        if spec.shortcut and key_of(spec, keys) != spec.shortcut
    }


def why_not(key: str) -> str:
    """Returns why a key cannot be that of an action, as a sentence; "" where it can."""
    sequence = QKeySequence.fromString(key, PORTABLE)
    pressed: QKeyCombination | None = sequence[0] if sequence.count() == 1 else None  # type: ignore[index]
    if pressed is None or pressed.key() in (Qt.Key.Key_unknown, Qt.Key(0)):
        return tr("This is no key that a program can tell from others.")
    shown = native(key)
    if pressed.key() in _MOVING:
        return tr("{key} moves, chooses and edits in the views.", key=shown)
    if not _is_function_key(pressed) and not pressed.keyboardModifiers() & _MODIFIERS_NEEDED:
        return tr("{key} alone is for classes and views: add Ctrl or Alt, or take a function key.", key=shown)
    if _opens_menu(pressed):
        return tr("{key} opens a menu.", key=shown)
    if key in _OF_SYSTEM:
        return tr("{key} belongs to the system.", key=shown)
    if key in _OF_TEXT:
        return tr("{key} is needed where text is typed.", key=shown)
    use = _fixed().get(key)
    return tr("{key} is taken in a workspace: “{use}”.", key=shown, use=use) if use else ""


def portable(sequence: QKeySequence) -> str:
    """Returns a key in the words that settings keep."""
    return sequence.toString(PORTABLE)


def native(key: str) -> str:
    """Returns a key as people of this language and system read it."""
    return QKeySequence.fromString(key, PORTABLE).toString(QKeySequence.SequenceFormat.NativeText)


def _spec(action_id: str) -> ActionSpec:
    return next(spec for spec in ACTIONS if spec.id == action_id)


def _is_function_key(pressed: QKeyCombination) -> bool:
    return Qt.Key.Key_F1 <= pressed.key() <= Qt.Key.Key_F35


def _opens_menu(pressed: QKeyCombination) -> bool:
    is_alt_alone = pressed.keyboardModifiers() == Qt.KeyboardModifier.AltModifier
    return is_alt_alone and Qt.Key.Key_A <= pressed.key() <= Qt.Key.Key_Z


@cache
def _fixed() -> dict[str, str]:
    """Returns what the keys do that cannot be changed."""
    by_id = {spec.id: spec.text for spec in WORKSPACE_KEYS}
    found = {key: by_id[name] for key, name in _OF_VIEWS.items()}
    for spec in WORKSPACE_KEYS:
        if spec.scope is not Scope.VIEW:
            found |= {portable(QKeySequence.fromString(key, PORTABLE)): spec.text for key in spec.keys}
    return found
