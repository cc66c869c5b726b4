"""The questions that the system's own dialogs ask: files, folders, yes or no. Tests replace these functions.

A file dialog starts where it is told; else where the user was last, else beside the pictures of the open project.
"""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QStandardPaths
from PySide6.QtWidgets import QFileDialog, QMessageBox, QWidget

_places: dict[str, Path] = {}
"""Where the user was "last", and what is "beside" the pictures."""


def begin_beside(pictures: Path) -> None:
    """Says which folder of pictures the open project has; with another one, the user was nowhere yet."""
    if _places.get("beside") != pictures.parent:
        _places.clear()
        _places["beside"] = pictures.parent


def _start(wanted: Path | None) -> str:
    """Returns where a dialog starts; never in the folder that the program happens to run in."""
    if wanted is not None and wanted.is_absolute():
        return str(wanted)
    known = [_places[name] for name in ("last", "beside") if name in _places]
    places = QStandardPaths.StandardLocation
    known += [Path(QStandardPaths.writableLocation(each)) for each in (places.PicturesLocation, places.HomeLocation)]
    found = next((each for each in known if each.is_dir()), Path.home())
    return str(found / wanted.name) if wanted is not None and wanted.name else str(found)


def _note(chosen: str, is_file: bool) -> Path | None:
    if not chosen:
        return None
    path = Path(chosen)
    _places["last"] = path.parent if is_file else path
    return path


def ask_folder(parent: QWidget, title: str, start: Path | None = None) -> Path | None:
    """Returns the chosen folder, None when the user thought better of it."""
    return _note(QFileDialog.getExistingDirectory(parent, title, _start(start)), is_file=False)


def ask_file(parent: QWidget, title: str, name_filter: str, start: Path | None = None) -> Path | None:
    """Returns the chosen file."""
    chosen, _filter = QFileDialog.getOpenFileName(parent, title, _start(start), name_filter)
    return _note(chosen, is_file=True)


def ask_files(parent: QWidget, title: str, name_filter: str, start: Path | None = None) -> list[Path]:
    """Returns the chosen files, none when the user thought better of it."""
    chosen, _filter = QFileDialog.getOpenFileNames(parent, title, _start(start), name_filter)
    for each in chosen[:1]:
        _note(each, is_file=True)
    return [Path(each) for each in chosen]


def ask_save_file(parent: QWidget, title: str, name_filter: str, start: Path) -> Path | None:
    """Returns the name to save under."""
    chosen, _filter = QFileDialog.getSaveFileName(parent, title, _start(start), name_filter)
    return _note(chosen, is_file=True)


def ask_choice(parent: QWidget, title: str, text: str, choices: list[str]) -> int:
    """Returns the index of the button that was pressed; closing the question counts as the last one."""
    box = QMessageBox(QMessageBox.Icon.NoIcon, title, f"<b>{title}</b>", parent=parent)
    box.setInformativeText(text)
    buttons = [box.addButton(choice, QMessageBox.ButtonRole.AcceptRole) for choice in choices[:-1]]
    last = box.addButton(choices[-1], QMessageBox.ButtonRole.RejectRole)
    box.setDefaultButton(last)
    box.exec()
    clicked = box.clickedButton()
    return next((place for place, each in enumerate(buttons) if each is clicked), len(choices) - 1)
