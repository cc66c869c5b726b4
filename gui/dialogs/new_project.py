"""Asks what a new project needs: the folder of images, where the project lives, whether sub-folders are classes."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QStandardPaths, QTimer
from PySide6.QtWidgets import QCheckBox, QGridLayout, QLineEdit, QPushButton, QRadioButton, QWidget
from shiboken6 import isValid

from engine.domain import LabelMode
from engine.language import tr, trn
from gui import wording
from gui.backbone_advice import Advice, ask_advice
from gui.dialogs import ask
from gui.dialogs.frame import FramedDialog
from gui.widgets.buttons import button
from gui.widgets.text import set_role, text_label

if TYPE_CHECKING:
    from gui.session import Session

MAX_NAMED_CLASSES = 5
ADVICE_PAUSE_MS = 300


@dataclass(frozen=True, slots=True)
class ProjectPlan:
    """What the user decided."""

    images_folder: Path
    project_folder: Path
    name: str
    has_class_folders: bool
    label_mode: LabelMode = LabelMode.ONE
    backbone: str = ""
    """The one that was recommended, where it is on this machine and not what a project takes by itself."""
    download: str = ""
    """The one that was recommended, where it is to be fetched and then used."""


class NewProjectDialog(FramedDialog):
    """Suggests everything from the folder of images, so that one choice is enough."""

    def __init__(
        self, images: Path | None = None, parent: QWidget | None = None, session: Session | None = None
    ) -> None:
        super().__init__(tr("New project"), tr("The images stay where they are and are never changed."), parent)
        self.resize(620, 540)
        self._is_place_typed = False
        self._session = session
        self._advice: Advice | None = None
        self._advice_pause = QTimer(self, singleShot=True, interval=ADVICE_PAUSE_MS)
        self._advice_pause.timeout.connect(self._ask_advice)
        self.images_field = QLineEdit()
        self.images_field.setPlaceholderText(tr("Folder of images"))
        self.images_field.textChanged.connect(self._on_images_changed)
        self.name_field = QLineEdit()
        self.name_field.textChanged.connect(self._on_name_changed)
        self.place_field = QLineEdit()
        self.place_field.setPlaceholderText(tr("Folder for labels, models and cache"))
        self.place_field.textEdited.connect(self._on_place_edited)
        self.place_field.textChanged.connect(self._check)
        browse_images = button(tr("Choose…"), tooltip=tr("Choose the folder of images"))
        browse_images.clicked.connect(self._on_browse_images)
        browse_place = button(tr("Choose…"), tooltip=tr("Choose where the project is kept"))
        browse_place.clicked.connect(self._on_browse_place)
        self._add_fields(browse_images, browse_place)
        self.class_folders_box = QCheckBox(tr("The sub-folders are the classes"))
        self.class_folders_box.setToolTip(tr("Every image gets the name of the folder it is in as its class"))
        self.class_folders_note = text_label(role="faint", wrap=True)
        self.class_folders_note.setIndent(25)
        self._add_modes()
        self.body.addSpacing(8)
        self.body.addWidget(self.class_folders_box)
        self.body.addWidget(self.class_folders_note)
        self.advice_note = text_label(role="dim", wrap=True)
        self.body.addSpacing(8)
        self.body.addWidget(self.advice_note)
        self.get_box = QCheckBox()
        self.get_box.setToolTip(tr("In the background, while you label. Without this nothing is downloaded"))
        self.body.addWidget(self.get_box)
        self.body.addStretch(1)
        self.problem = text_label(role="warning", wrap=True)
        self.body.addWidget(self.problem)
        cancel = self.add_button(button(tr("Cancel")))
        cancel.clicked.connect(self.reject)
        self.create_button = self.add_button(button(tr("Create project"), "primary"))
        self.create_button.clicked.connect(self.accept)
        self.get_box.hide()
        self._show_class_folders([])
        if images is not None:
            self.images_field.setText(str(images))
        self._check()
        (self.images_field if images is None else self.create_button).setFocus()

    def plan(self) -> ProjectPlan:
        """Returns what was decided."""
        return ProjectPlan(
            images_folder=self._images_folder(),
            project_folder=Path(self.place_field.text().strip()).expanduser(),
            name=self.name_field.text().strip(),
            has_class_folders=self.class_folders_box.isChecked(),
            label_mode=LabelMode.SEVERAL if self.several_button.isChecked() else LabelMode.ONE,
            backbone=self._advised_key(),
            download=self._key_to_get() if self.get_box.isChecked() else "",
        )

    def _add_fields(self, browse_images: QPushButton, browse_place: QPushButton) -> None:
        grid = QGridLayout()
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(10)
        grid.setColumnStretch(1, 1)
        rows: list[tuple[str, QLineEdit, QPushButton | None]] = [
            (tr("&Images"), self.images_field, browse_images),
            (tr("&Name"), self.name_field, None),
            (tr("&Kept in"), self.place_field, browse_place),
        ]
        for place, (text, field, browse) in enumerate(rows):
            label = text_label(text, "dim")
            label.setBuddy(field)
            field.setAccessibleName(text.replace("&", ""))
            grid.addWidget(label, place, 0)
            grid.addWidget(field, place, 1)
            if browse is not None:
                grid.addWidget(browse, place, 2)
        self.body.addLayout(grid)

    def _add_modes(self) -> None:
        self.one_button = QRadioButton(tr("&One class per image"))
        self.one_button.setToolTip(tr("A key gives the class and goes on to the next image"))
        self.several_button = QRadioButton(tr("&Several classes per image"))
        self.several_button.setToolTip(tr("Keys give and take classes; Enter says that they are complete and goes on"))
        self.one_button.setChecked(True)
        self.mode_note = text_label(role="faint", wrap=True)
        self.mode_note.setIndent(25)
        self.several_button.toggled.connect(self._show_mode)
        self.body.addSpacing(8)
        self.body.addWidget(self.one_button)
        self.body.addWidget(self.several_button)
        self.body.addWidget(self.mode_note)
        self._show_mode(False)

    def _show_mode(self, several: bool) -> None:
        self.mode_note.setText(
            tr("For example: a street scene with a car, a tree and rain. Enter says that an image is complete.")
            if several
            else tr("For example: this part is good, scratched or bent. It can be changed to several later.")
        )

    def _images_folder(self) -> Path:
        return Path(self.images_field.text().strip()).expanduser()

    def _on_browse_images(self) -> None:
        folder = ask.ask_folder(self, tr("Choose the folder of images"), self._images_folder())
        if folder is not None:
            self.images_field.setText(str(folder))

    def _on_browse_place(self) -> None:
        folder = ask.ask_folder(self, tr("Choose where the project is kept"), Path(self.place_field.text()).parent)
        if folder is not None:
            self._is_place_typed = True
            is_used = any(folder.iterdir())
            self.place_field.setText(str(folder / self.name_field.text() if is_used else folder))

    def _on_images_changed(self) -> None:
        folder = self._images_folder()
        self._take_advice(folder, None)
        self._advice_pause.start()
        names = class_folders(folder) if folder.is_dir() else []
        self._show_class_folders(names)
        if folder.is_dir() and folder.name:
            self.name_field.setText(folder.name.replace("_", " ").strip())
        self._check()

    def _ask_advice(self) -> None:
        folder = self._images_folder()
        if self._session is not None and folder.is_dir() and folder.name:
            ask_advice(self._session, folder, lambda advice: self._take_advice(folder, advice))

    def _take_advice(self, folder: Path, advice: Advice | None) -> None:
        if not isValid(self) or folder != self._images_folder():
            return  # closed or changed meanwhile
        self._advice = advice
        self.advice_note.setText(advice.text() if advice is not None else "")
        if advice is not None:
            found = advice.recommendation.spec
            words = {"name": found.display_name, "size": wording.size(found.size_bytes)}
            self.get_box.setText(tr("Download {name} ({size}) and use it", **words))
            self.get_box.setAccessibleName(self.get_box.text())
        self.get_box.setChecked(False)
        self.get_box.setVisible(bool(self._key_to_get()))

    def _key_to_get(self) -> str:
        advice = self._advice
        is_to_get = advice is not None and not advice.recommendation.is_here
        return advice.recommendation.spec.key if advice is not None and is_to_get else ""

    def _advised_key(self) -> str:
        advice = self._advice
        if advice is None or advice.is_usual or not advice.recommendation.is_here:
            return ""
        return advice.recommendation.spec.key

    def _on_name_changed(self) -> None:
        name = self.name_field.text().strip()
        if not self._is_place_typed:
            self.place_field.setText(str(suggest_place(name, self._images_folder())) if name else "")
        self._check()

    def _on_place_edited(self) -> None:
        self._is_place_typed = True

    def _show_class_folders(self, names: list[str]) -> None:
        self.class_folders_box.setEnabled(bool(names))
        self.class_folders_box.setChecked(False)
        shown = ", ".join(names[:MAX_NAMED_CLASSES]) + (" …" if len(names) > MAX_NAMED_CLASSES else "")
        self.class_folders_note.setText(
            trn("{number} sub-folder: {names}", "{number} sub-folders: {names}", len(names), names=shown)
            if names
            else tr("Turn this on where images are sorted into folders already.")
        )

    def _check(self) -> None:
        text = self._problem_with_images() or self._problem_with_place()
        self.problem.setText(text)
        self.create_button.setEnabled(not text and bool(self.images_field.text().strip()))
        set_role(self.problem, "warning")

    def _problem_with_images(self) -> str:
        if not self.images_field.text().strip():
            return ""
        folder = self._images_folder()
        if folder.is_file():
            return tr("“{file}” is a file. Choose the folder that it is in.", file=folder.name)
        if not folder.is_dir():
            return tr("There is no such folder of images.")
        return "" if os.access(folder, os.R_OK | os.X_OK) else tr("This folder of images may not be read.")

    def _problem_with_place(self) -> str:
        if not self.images_field.text().strip():
            return ""
        text = self.place_field.text().strip()
        if not self.name_field.text().strip():
            return tr("Give the project a name.")
        if not text:
            return tr("Choose where the project is kept.")
        place = Path(text).expanduser()
        if not place.is_absolute():
            return tr("Give the whole path of the project folder.")
        if self._images_folder().resolve() in (place.resolve(), *place.resolve().parents):
            return tr("Keep the project outside of the folder of images.")
        if (place / "project.db").exists():
            return tr("There is a project in this folder already. Open it, or choose another folder.")
        if place.is_file():
            return tr("The place for the project is a file. Choose a folder.")
        if not os.access(_nearest_existing(place), os.W_OK):
            return tr("The place for the project may not be written. Choose another folder.")
        return ""


def class_folders(folder: Path) -> list[str]:
    """Returns the names of the direct sub-folders that could be classes; empty when the folder cannot be read."""
    try:
        with os.scandir(folder) as entries:
            return sorted(each.name for each in entries if each.is_dir() and not each.name.startswith("."))
    except OSError:
        return []


def suggest_place(name: str, images_folder: Path) -> Path:
    """Returns a folder that does not exist yet: in the documents, or beside the images where there are none."""
    documents = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.DocumentsLocation)
    base = Path(documents) / "Graft" if documents and Path(documents).is_dir() else images_folder.parent
    safe = "".join(each if each.isalnum() or each in " -_.()" else "-" for each in name).strip(" .") or tr("Project")
    plain = base / (safe if base.name == "Graft" else f"{safe} (Graft)")
    place, number = plain, 2
    while place.exists():
        place = plain.with_name(f"{plain.name} {number}")
        number += 1
    return place


def _nearest_existing(path: Path) -> Path:
    while not path.exists() and path != path.parent:
        path = path.parent
    return path
