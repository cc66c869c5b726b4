"""The table of keys of the Label workspace: the shortcuts are made from it, and so is the sheet of keys (F1).

Keys of the menus stand in `gui.action_table`, those of the classes in the project.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

from PySide6.QtGui import QKeySequence

from engine.domain import LabelMode
from engine.language import tr, trc


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


LABEL, MOVE, SINGLE = trc("workspace", "Label"), tr("Move and select"), tr("Single image")
CLASSES = tr("Classes (F6 goes there)")
BLOCKS = tr("Suggestions in blocks (Ctrl+Shift+K goes there)")
REVIEW = tr("Review (Alt+2 goes there)")
USE = tr("Use (Alt+3 goes there)")
STACKS = tr("Stacks of look-alikes (Ctrl+Shift+G goes there)")
DUPLICATES = tr("Near-duplicates (Ctrl+Shift+D goes there)")

WORKSPACE_KEYS: Final = (
    KeySpec("label", (), tr("Give the class with that key, and on to the next"), LABEL, Scope.VIEW,
            tr("1 … 9, letters"), mode=LabelMode.ONE),
    KeySpec("toggle", (), tr("Give or take the class with that key"), LABEL, Scope.VIEW, tr("1 … 9, letters"),
            mode=LabelMode.SEVERAL),
    KeySpec("confirm", ("Return", "Enter"), tr("Confirm these classes, and on to the next"), LABEL, Scope.IMAGES,
            tr("Enter"), LabelMode.SEVERAL),
    KeySpec("paint", (), tr("Paint: every image reached gets the class"), LABEL, Scope.VIEW, tr("Hold 1 … 9 + arrows")),
    KeySpec("find", ("/",), tr("Find any class by typing, or make a new one"), LABEL),
    KeySpec("drag", (), tr("Give a class with the mouse"), LABEL, Scope.VIEW, tr("Drag onto the class")),
    KeySpec("accept", ("Space",), tr("Accept the suggestion"), LABEL, Scope.IMAGES),
    KeySpec("accept_confident", ("Shift+Space",), tr("Accept all confident suggestions"), LABEL, Scope.IMAGES),
    KeySpec("copy_previous", ("V",), tr("Same as the picture before"), LABEL, Scope.IMAGES),
    KeySpec("copy_burst", ("Shift+V",), tr("… and all pictures of the same burst"), LABEL, Scope.IMAGES),
    KeySpec("skip", ("X",), tr("Skip, and on to the next"), LABEL),
    KeySpec("unsure", ("?",), tr("Mark as unsure"), LABEL),
    KeySpec("clear", ("Backspace",), tr("Take the class away"), LABEL, mode=LabelMode.ONE),
    KeySpec("clear_all", ("Backspace",), tr("Take all classes away"), LABEL, mode=LabelMode.SEVERAL),
    KeySpec("move", (), tr("To the next image"), MOVE, Scope.VIEW, tr("Arrow keys")),
    KeySpec("next_unlabelled", ("Tab",), tr("To the next unlabelled image"), MOVE, Scope.IMAGES),
    KeySpec("ends", (), tr("To the first or the last image"), MOVE, Scope.VIEW, tr("Home, End")),
    KeySpec("view", (), tr("Grid or single image"), MOVE, Scope.VIEW, tr("Enter"), LabelMode.ONE),
    KeySpec("toggle_viewer", ("Ctrl+Return", "Ctrl+Enter"), tr("Grid or single image"), MOVE, shown=tr("Ctrl+Enter")),
    KeySpec("select", (), tr("Select several"), MOVE, Scope.VIEW, tr("Shift + arrows or click")),
    KeySpec("select_one", (), tr("Add one to the selection, or take it out"), MOVE, Scope.VIEW, tr("Ctrl + click")),
    KeySpec("select_all", (), tr("Select all"), MOVE, Scope.VIEW, tr("Ctrl+A")),
    KeySpec("size", (), tr("Larger or smaller pictures"), MOVE, Scope.VIEW, tr("Ctrl + wheel")),
    KeySpec("refresh", ("Ctrl+L",), tr("Take out of the list what is done"), MOVE),
    KeySpec("clear_filters", ("Ctrl+Shift+L",), tr("Show all images again"), MOVE),
    KeySpec("search", ("Ctrl+F",), tr("Search in file names"), MOVE),
    KeySpec("next_pane", ("F6",), tr("To the next part of the window"), MOVE),
    KeySpec("previous_pane", ("Shift+F6",), tr("To the part before"), MOVE),
    KeySpec("leave", ("Escape",), tr("Back to the images"), MOVE, Scope.LEFT, tr("Esc")),
    KeySpec("zoom", (), tr("Larger or smaller, around the pointer"), SINGLE, Scope.VIEW, tr("Wheel, +, -")),
    KeySpec("zoom_fit", (), tr("Whole image"), SINGLE, Scope.VIEW, tr("Ctrl+0")),
    KeySpec("zoom_pixels", (), tr("Every pixel (100 %), and back"), SINGLE, Scope.VIEW, tr("Ctrl+1, double click")),
    KeySpec("zoom_fill", (), tr("Fill the view"), SINGLE, Scope.VIEW, tr("Ctrl+2")),
    KeySpec("pan", (), tr("Move the zoomed image"), SINGLE, Scope.VIEW, tr("Drag, Shift + arrows")),
    KeySpec("brightness", (), tr("Brightness of dark and 16-bit pictures"), SINGLE, Scope.VIEW,
            tr("Ctrl+B, Ctrl + drag")),
    KeySpec("contrast", (), tr("More contrast, less; brighter, darker"), SINGLE, Scope.VIEW, tr("Ctrl+Shift + arrows")),
    KeySpec("auto_brightness", (), tr("Brightness by itself"), SINGLE, Scope.VIEW, tr("Ctrl+Shift+B")),
    KeySpec("heat", ("H",), tr("Where the model looks, and back"), SINGLE, Scope.IMAGES),
    KeySpec("class_label", (), tr("Give the class to the selected images"), CLASSES, Scope.VIEW, tr("Enter")),
    KeySpec("class_rename", (), tr("Rename"), CLASSES, Scope.VIEW, "F2"),
    KeySpec("class_key", (), tr("Change the key"), CLASSES, Scope.VIEW, "F3"),
    KeySpec("class_color", (), tr("Change the colour"), CLASSES, Scope.VIEW, "F7"),
    KeySpec("class_move", (), tr("Move up or down"), CLASSES, Scope.VIEW, tr("Alt + up, down")),
    KeySpec("class_delete", (), tr("Delete (Ctrl+Z brings it back)"), CLASSES, Scope.VIEW, tr("Del")),
    KeySpec("class_menu", (), tr("Everything else, merging too"), CLASSES, Scope.VIEW, tr("Menu, Shift+F10")),
    KeySpec("stack_move", (), tr("To another stack, to another picture"), STACKS, Scope.VIEW, tr("Arrow keys")),
    KeySpec("stack_name", (), tr("Name as suggested, or with a class that you type"), STACKS, Scope.VIEW, tr("Enter")),
    KeySpec("stack_aside", (), tr("Set the picture aside, or take it in"), STACKS, Scope.VIEW, tr("Space, click")),
    KeySpec("stack_take_in", (), tr("Take in all that is set aside"), STACKS, Scope.VIEW, tr("Ctrl+A")),
    KeySpec("stack_select", (), tr("Select several stacks"), STACKS, Scope.VIEW, tr("Shift + up, down")),
    KeySpec("stack_join", ("Ctrl+J",), tr("Join with the next, or the selected ones"), STACKS, Scope.IMAGES),
    KeySpec("stack_split", ("Ctrl+Shift+J",), tr("Split in two"), STACKS, Scope.IMAGES),
    KeySpec("stack_later", ("Ctrl+End",), tr("Later: to the end of the stacks"), STACKS, Scope.IMAGES),
    KeySpec("stack_open", (), tr("Open in the grid"), STACKS, Scope.VIEW, tr("Ctrl+Enter")),
    KeySpec("stack_new", (), tr("New stacks"), STACKS, Scope.VIEW, tr("Ctrl+L")),
    KeySpec("stack_leave", (), tr("Back to the grid"), STACKS, Scope.VIEW, tr("Esc")),
    KeySpec("block_accept", (), tr("Accept what is left, and show the next page"), BLOCKS, Scope.VIEW, tr("Enter"),
            mode=LabelMode.ONE),
    KeySpec("block_toggle", (), tr("Take the picture out, or put it back"), BLOCKS, Scope.VIEW, tr("Space, click"),
            mode=LabelMode.ONE),
    KeySpec("block_class", (), tr("Give the picture another class at once"), BLOCKS, Scope.VIEW, tr("1 … 9, letters"),
            mode=LabelMode.ONE),
    KeySpec("block_step", (), tr("To the next class, to the one before"), BLOCKS, Scope.VIEW, tr("Page down, up"),
            mode=LabelMode.ONE),
    KeySpec("block_leave", (), tr("Back to the images"), BLOCKS, Scope.VIEW, tr("Esc"), mode=LabelMode.ONE),
    KeySpec("review_page", (), tr("To another page"), REVIEW, Scope.VIEW, tr("Ctrl + Page up, down")),
    KeySpec("review_cell", (), tr("To another cell of the matrix"), REVIEW, Scope.VIEW, tr("Arrow keys")),
    KeySpec("review_open", (), tr("See the images behind a figure; class keys relabel them"), REVIEW, Scope.VIEW,
            tr("Enter")),
    KeySpec("review_close", (), tr("Put the images away"), REVIEW, Scope.VIEW, tr("Esc")),
    KeySpec("review_zoom", (), tr("Larger or smaller cells; all of them"), REVIEW, Scope.VIEW, tr("+, -, Ctrl+0")),
    KeySpec("review_accept", (), tr("Suspects: give the class that is suggested"), REVIEW, Scope.VIEW, "A"),
    KeySpec("review_dismiss", (), tr("Suspects: the class is right"), REVIEW, Scope.VIEW, "D"),
    KeySpec("use_correct", (), tr("It is of the class with that key: labels it in the project"), USE, Scope.VIEW,
            tr("1 … 9, letters")),
    KeySpec("use_confirm", (), tr("The prediction is right: take it over as a label"), USE, Scope.VIEW, tr("Space")),
    KeySpec("use_paste", (), tr("Classify a picture or files from the clipboard"), USE, Scope.VIEW, tr("Ctrl+V")),
    KeySpec("use_find", (), tr("Find the class by typing"), USE, Scope.VIEW, "/"),
    KeySpec("use_heat", (), tr("Where the model looks"), USE, Scope.VIEW, "H"),
    KeySpec("use_clear", (), tr("Empty the list; nothing happens to the files"), USE, Scope.VIEW, tr("Ctrl+Shift+Del")),
    KeySpec("duplicates_keep", (), tr("Keep this one, skip the others of the group"), DUPLICATES, Scope.VIEW,
            tr("Enter")),
    KeySpec("duplicates_other", (), tr("Keep another one"), DUPLICATES, Scope.VIEW, tr("Left, right")),
    KeySpec("duplicates_next", (), tr("To the next group"), DUPLICATES, Scope.VIEW, tr("Up, down")),
)  # fmt: skip


def keys_for(mode: LabelMode) -> list[KeySpec]:
    """Returns the keys that mean something in a project of this kind."""
    return [spec for spec in WORKSPACE_KEYS if spec.mode in (None, mode)]


def key_text(keys: str) -> str:
    """Returns a key as people name it, e.g. "Ctrl+L", "Esc", "Mouse 4"."""
    if keys.startswith("mouse"):
        return tr("Mouse {button}", button=keys.removeprefix("mouse"))
    return QKeySequence(keys).toString(QKeySequence.SequenceFormat.NativeText)


def class_key_text(key: str | None) -> str:
    """Returns what stands on the keycap of a class: "A", or "M4" for a button of the mouse."""
    if not key:
        return ""
    return f"M{key.removeprefix('mouse')}" if key.startswith("mouse") else key.upper()
