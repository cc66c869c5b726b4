"""The table of keys of the Label workspace: the shortcuts are made from it, and so is the sheet of keys (F1).

Keys of the menus stand in `gui.action_table`, those of the classes in the project.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

from PySide6.QtGui import QKeySequence

from engine.domain import LabelMode


class Scope(Enum):
    """Where a key works."""

    WORKSPACE = "everywhere in the workspace, except while typing"
    IMAGES = "in the grid and in the single image"
    LEFT = "in the left column"
    VIEW = "handled by the view itself; only listed here"


@dataclass(frozen=True, slots=True)
class KeySpec:
    """What a key does. `keys` are Qt's names; `shown` replaces them on the sheet; `mode` limits it to such projects."""

    id: str
    keys: tuple[str, ...]
    text: str
    group: str
    scope: Scope = Scope.WORKSPACE
    shown: str = ""
    mode: LabelMode | None = None

    @property
    def label(self) -> str:
        """The key as it stands on keycaps."""
        return self.shown or key_text(self.keys[0])


LABEL, MOVE, SINGLE, CLASSES = "Label", "Move and select", "Single image", "Classes (F6 goes there)"
BLOCKS = "Suggestions in blocks (Ctrl+Shift+K goes there)"
REVIEW = "Review (Alt+2 goes there)"
USE = "Use (Alt+3 goes there)"
STACKS = "Stacks of look-alikes (Ctrl+Shift+G goes there)"
DUPLICATES = "Near-duplicates (Ctrl+Shift+D goes there)"

WORKSPACE_KEYS: Final = (
    KeySpec("label", (), "Give the class with that key, and on to the next", LABEL, Scope.VIEW, "1 … 9, letters",
            mode=LabelMode.ONE),
    KeySpec("toggle", (), "Give or take the class with that key", LABEL, Scope.VIEW, "1 … 9, letters",
            mode=LabelMode.SEVERAL),
    KeySpec("confirm", ("Return", "Enter"), "Confirm these classes, and on to the next", LABEL, Scope.IMAGES,
            "Enter", LabelMode.SEVERAL),
    KeySpec("paint", (), "Paint: every image reached gets the class", LABEL, Scope.VIEW, "Hold 1 … 9 + arrows"),
    KeySpec("find", ("/",), "Find any class by typing, or make a new one", LABEL),
    KeySpec("drag", (), "Give a class with the mouse", LABEL, Scope.VIEW, "Drag onto the class"),
    KeySpec("accept", ("Space",), "Accept the suggestion", LABEL, Scope.IMAGES),
    KeySpec("accept_confident", ("Shift+Space",), "Accept all confident suggestions", LABEL, Scope.IMAGES),
    KeySpec("copy_previous", ("V",), "Same as the picture before", LABEL, Scope.IMAGES),
    KeySpec("copy_burst", ("Shift+V",), "… and all pictures of the same burst", LABEL, Scope.IMAGES),
    KeySpec("skip", ("X",), "Skip, and on to the next", LABEL),
    KeySpec("unsure", ("?",), "Mark as unsure", LABEL),
    KeySpec("clear", ("Backspace",), "Take the class away", LABEL, mode=LabelMode.ONE),
    KeySpec("clear_all", ("Backspace",), "Take all classes away", LABEL, mode=LabelMode.SEVERAL),
    KeySpec("move", (), "To the next image", MOVE, Scope.VIEW, "Arrow keys"),
    KeySpec("next_unlabelled", ("Tab",), "To the next unlabelled image", MOVE, Scope.IMAGES),
    KeySpec("ends", (), "To the first or the last image", MOVE, Scope.VIEW, "Home, End"),
    KeySpec("view", (), "Grid or single image", MOVE, Scope.VIEW, "Enter", LabelMode.ONE),
    KeySpec("toggle_viewer", ("Ctrl+Return", "Ctrl+Enter"), "Grid or single image", MOVE, shown="Ctrl+Enter"),
    KeySpec("select", (), "Select several", MOVE, Scope.VIEW, "Shift + arrows or click"),
    KeySpec("select_one", (), "Add one to the selection, or take it out", MOVE, Scope.VIEW, "Ctrl + click"),
    KeySpec("select_all", (), "Select all", MOVE, Scope.VIEW, "Ctrl+A"),
    KeySpec("size", (), "Larger or smaller pictures", MOVE, Scope.VIEW, "Ctrl + wheel"),
    KeySpec("refresh", ("Ctrl+L",), "Take out of the list what is done", MOVE),
    KeySpec("clear_filters", ("Ctrl+Shift+L",), "Show all images again", MOVE),
    KeySpec("search", ("Ctrl+F",), "Search in file names", MOVE),
    KeySpec("next_pane", ("F6",), "To the next part of the window", MOVE),
    KeySpec("previous_pane", ("Shift+F6",), "To the part before", MOVE),
    KeySpec("leave", ("Escape",), "Back to the images", MOVE, Scope.LEFT, "Esc"),
    KeySpec("zoom", (), "Larger or smaller, around the pointer", SINGLE, Scope.VIEW, "Wheel, +, -"),
    KeySpec("zoom_fit", (), "Whole image", SINGLE, Scope.VIEW, "Ctrl+0"),
    KeySpec("zoom_pixels", (), "Every pixel (100 %), and back", SINGLE, Scope.VIEW, "Ctrl+1, double click"),
    KeySpec("zoom_fill", (), "Fill the view", SINGLE, Scope.VIEW, "Ctrl+2"),
    KeySpec("pan", (), "Move the zoomed image", SINGLE, Scope.VIEW, "Drag, Shift + arrows"),
    KeySpec("brightness", (), "Brightness of dark and 16-bit pictures", SINGLE, Scope.VIEW, "Ctrl+B, Ctrl + drag"),
    KeySpec("contrast", (), "More contrast, less; brighter, darker", SINGLE, Scope.VIEW, "Ctrl+Shift + arrows"),
    KeySpec("auto_brightness", (), "Brightness by itself", SINGLE, Scope.VIEW, "Ctrl+Shift+B"),
    KeySpec("heat", ("H",), "Where the model looks, and back", SINGLE, Scope.IMAGES),
    KeySpec("class_label", (), "Give the class to the selected images", CLASSES, Scope.VIEW, "Enter"),
    KeySpec("class_rename", (), "Rename", CLASSES, Scope.VIEW, "F2"),
    KeySpec("class_key", (), "Change the key", CLASSES, Scope.VIEW, "F3"),
    KeySpec("class_color", (), "Change the colour", CLASSES, Scope.VIEW, "F7"),
    KeySpec("class_move", (), "Move up or down", CLASSES, Scope.VIEW, "Alt + up, down"),
    KeySpec("class_delete", (), "Delete (Ctrl+Z brings it back)", CLASSES, Scope.VIEW, "Del"),
    KeySpec("class_menu", (), "Everything else, merging too", CLASSES, Scope.VIEW, "Menu, Shift+F10"),
    KeySpec("stack_move", (), "To another stack, to another picture", STACKS, Scope.VIEW, "Arrow keys"),
    KeySpec("stack_name", (), "Name as suggested, or with a class that you type", STACKS, Scope.VIEW, "Enter"),
    KeySpec("stack_aside", (), "Set the picture aside, or take it in", STACKS, Scope.VIEW, "Space, click"),
    KeySpec("stack_take_in", (), "Take in all that is set aside", STACKS, Scope.VIEW, "Ctrl+A"),
    KeySpec("stack_select", (), "Select several stacks", STACKS, Scope.VIEW, "Shift + up, down"),
    KeySpec("stack_join", ("Ctrl+J",), "Join with the next, or the selected ones", STACKS, Scope.IMAGES),
    KeySpec("stack_split", ("Ctrl+Shift+J",), "Split in two", STACKS, Scope.IMAGES),
    KeySpec("stack_open", (), "Open in the grid", STACKS, Scope.VIEW, "Ctrl+Enter"),
    KeySpec("stack_new", (), "New stacks", STACKS, Scope.VIEW, "Ctrl+L"),
    KeySpec("stack_leave", (), "Back to the grid", STACKS, Scope.VIEW, "Esc"),
    KeySpec("block_accept", (), "Accept what is left, and show the next page", BLOCKS, Scope.VIEW, "Enter",
            mode=LabelMode.ONE),
    KeySpec("block_toggle", (), "Take the picture out, or put it back", BLOCKS, Scope.VIEW, "Space, click",
            mode=LabelMode.ONE),
    KeySpec("block_class", (), "Give the picture another class at once", BLOCKS, Scope.VIEW, "1 … 9, letters",
            mode=LabelMode.ONE),
    KeySpec("block_step", (), "To the next class, to the one before", BLOCKS, Scope.VIEW, "Page down, up",
            mode=LabelMode.ONE),
    KeySpec("block_leave", (), "Back to the images", BLOCKS, Scope.VIEW, "Esc", mode=LabelMode.ONE),
    KeySpec("review_page", (), "To another page", REVIEW, Scope.VIEW, "Ctrl + Page up, down"),
    KeySpec("review_cell", (), "To another cell of the matrix", REVIEW, Scope.VIEW, "Arrow keys"),
    KeySpec("review_open", (), "See the images behind a figure; class keys relabel them", REVIEW, Scope.VIEW, "Enter"),
    KeySpec("review_close", (), "Put the images away", REVIEW, Scope.VIEW, "Esc"),
    KeySpec("review_zoom", (), "Larger or smaller cells; all of them", REVIEW, Scope.VIEW, "+, -, Ctrl+0"),
    KeySpec("review_accept", (), "Suspects: give the class that is suggested", REVIEW, Scope.VIEW, "A"),
    KeySpec("review_dismiss", (), "Suspects: the class is right", REVIEW, Scope.VIEW, "D"),
    KeySpec("use_correct", (), "It is of the class with that key: labels it in the project", USE, Scope.VIEW,
            "1 … 9, letters"),
    KeySpec("use_confirm", (), "The prediction is right: take it over as a label", USE, Scope.VIEW, "Space"),
    KeySpec("use_paste", (), "Classify a picture or files from the clipboard", USE, Scope.VIEW, "Ctrl+V"),
    KeySpec("use_find", (), "Find the class by typing", USE, Scope.VIEW, "/"),
    KeySpec("use_heat", (), "Where the model looks", USE, Scope.VIEW, "H"),
    KeySpec("use_clear", (), "Empty the list; nothing happens to the files", USE, Scope.VIEW, "Ctrl+Shift+Del"),
    KeySpec("duplicates_keep", (), "Keep this one, skip the others of the group", DUPLICATES, Scope.VIEW, "Enter"),
    KeySpec("duplicates_other", (), "Keep another one", DUPLICATES, Scope.VIEW, "Left, right"),
    KeySpec("duplicates_next", (), "To the next group", DUPLICATES, Scope.VIEW, "Up, down"),
)  # fmt: skip


def keys_for(mode: LabelMode) -> list[KeySpec]:
    """Returns the keys that mean something in a project of this kind."""
    return [spec for spec in WORKSPACE_KEYS if spec.mode in (None, mode)]


def key_text(keys: str) -> str:
    """Returns a key as people name it, e.g. "Ctrl+L", "Esc", "Mouse 4"."""
    if keys.startswith("mouse"):
        return f"Mouse {keys.removeprefix('mouse')}"
    return QKeySequence(keys).toString(QKeySequence.SequenceFormat.NativeText)


def class_key_text(key: str | None) -> str:
    """Returns what stands on the keycap of a class: "A", or "M4" for a button of the mouse."""
    if not key:
        return ""
    return f"M{key.removeprefix('mouse')}" if key.startswith("mouse") else key.upper()
