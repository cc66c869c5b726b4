"""Where the system's file dialogs start: where one was last, else beside the pictures, never where the program lies."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from PySide6.QtWidgets import QFileDialog

from gui.dialogs import ask


@pytest.fixture
def starts(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Where the dialogs started ("at"), and what the user chooses in the next ("answer")."""
    seen: dict[str, Any] = {"at": [], "answer": ""}
    monkeypatch.setattr(ask, "_places", {})

    def folder(_parent: object, _title: str, start: str) -> str:
        seen["at"].append(Path(start))
        return str(seen["answer"])

    def file(_parent: object, _title: str, start: str, _filter: str) -> tuple[Any, str]:
        seen["at"].append(Path(start))
        return seen["answer"], ""

    monkeypatch.setattr(QFileDialog, "getExistingDirectory", folder)
    for name in ("getOpenFileName", "getOpenFileNames", "getSaveFileName"):
        monkeypatch.setattr(QFileDialog, name, file)
    return seen


def test_dialogs_of_use_start_beside_the_pictures_and_then_where_the_user_was_last(
    room: Any, tmp_path: Path, starts: dict[str, Any]
) -> None:
    pictures, elsewhere = tmp_path / "place" / "pictures", tmp_path / "elsewhere"
    for folder in (pictures, elsewhere):
        folder.mkdir(parents=True)
    Image.new("RGB", (24, 24), (8, 90, 200)).save(pictures / "1.png")
    room.create(tmp_path / "project")
    room.import_folder(pictures)
    room.wait_for(lambda: ask._places)
    room.window.show_use()
    room.window.commands.use.choose_folder()
    assert starts["at"] == [pictures.parent]
    starts["answer"] = str(elsewhere)
    assert ask.ask_folder(room.window, "Another") == elsewhere
    room.window.commands.use.open_model()
    assert starts["at"][-1] == elsewhere


def test_without_a_project_they_start_at_home_and_a_field_left_empty_is_no_place(
    qapp: Any, starts: dict[str, Any], tmp_path: Path
) -> None:
    ask.ask_folder(None, "Folder")  # type: ignore[arg-type]
    ask.ask_folder(None, "Folder", Path())  # type: ignore[arg-type]
    ask.ask_save_file(None, "Table", "", Path("table.csv"))  # type: ignore[arg-type]
    assert all(each.is_absolute() and Path.cwd() not in (each, each.parent) for each in starts["at"])
    assert starts["at"][-1].name == "table.csv"
    ask.ask_folder(None, "Folder", tmp_path)  # type: ignore[arg-type]
    assert starts["at"][-1] == tmp_path  # who says where is heard
