"""The questions that the system's own dialogs ask: files, folders, yes or no. Tests replace these functions."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtWidgets import QFileDialog, QMessageBox, QWidget


def ask_folder(parent: QWidget, title: str, start: Path | None = None) -> Path | None:
    """Returns the chosen folder, None when the user thought better of it."""
    chosen = QFileDialog.getExistingDirectory(parent, title, str(start) if start is not None else "")
    return Path(chosen) if chosen else None


def ask_file(parent: QWidget, title: str, name_filter: str, start: Path | None = None) -> Path | None:
    """Returns the chosen file."""
    chosen, _filter = QFileDialog.getOpenFileName(parent, title, str(start) if start is not None else "", name_filter)
    return Path(chosen) if chosen else None


def ask_files(parent: QWidget, title: str, name_filter: str, start: Path | None = None) -> list[Path]:
    """Returns the chosen files, none when the user thought better of it."""
    chosen, _filter = QFileDialog.getOpenFileNames(parent, title, str(start) if start is not None else "", name_filter)
    return [Path(each) for each in chosen]


def ask_save_file(parent: QWidget, title: str, name_filter: str, start: Path) -> Path | None:
    """Returns the name to save under."""
    chosen, _filter = QFileDialog.getSaveFileName(parent, title, str(start), name_filter)
    return Path(chosen) if chosen else None


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
