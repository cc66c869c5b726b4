"""What the menus, buttons and drops of the Use workspace do: they ask what is needed and call its session."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject
from PySide6.QtGui import QGuiApplication, QImage

from engine.errors import ImportFormatError, ProjectError
from gui.dialogs import ask
from gui.session import Session

if TYPE_CHECKING:
    from gui.main_window import MainWindow
    from gui.panels.use_workspace import UseWorkspace
    from gui.use_session import UseSession

PICTURES = "Pictures (*.jpg *.jpeg *.png *.tif *.tiff *.webp *.bmp *.gif *.avif *.jp2);;All files (*)"
MODELS = "Exported models (*.onnx *.safetensors model.json);;All files (*)"


class UseCommands(QObject):
    """One method per action. The session of the workspace is made when it is first needed."""

    def __init__(self, session: Session, window: MainWindow) -> None:
        super().__init__(window)
        self._session = session
        self._window = window
        self._use: UseSession | None = None

    @property
    def session(self) -> UseSession:
        if self._use is None:
            from gui.use_session import UseSession

            self._use = made = UseSession(self._session)
            made.failed.connect(self._window.errors.show_error)
            self._window.closed.connect(self.shutdown)
        return self._use

    def attach(self, workspace: UseWorkspace) -> None:
        """Answers what the workspace asks for."""
        workspace.files_wanted.connect(self.choose_files)
        workspace.folder_wanted.connect(self.choose_folder)
        workspace.model_wanted.connect(self.open_model)
        workspace.label_wanted.connect(self._window.show_label)
        workspace.leave_wanted.connect(self._window.leave_use)
        workspace.folder_button.clicked.connect(self.classify_folder)
        workspace.watch_button.clicked.connect(self.watch_folder)

    def show(self) -> None:
        self._window.show_use()

    def add(self, paths: Sequence[Path]) -> None:
        """Classifies files and folders, or uses an exported model that is among them."""
        if paths:
            self.show()
            self.session.add(paths)

    def choose_files(self) -> None:
        self.show()
        if self._has_model():
            self.add(ask.ask_files(self._window, "Classify pictures", PICTURES))

    def choose_folder(self) -> None:
        self.show()
        folder = ask.ask_folder(self._window, "Classify the pictures of a folder")
        if folder is not None:
            self.add([folder])

    def open_model(self) -> None:
        """Asks for an exported model and uses it."""
        file = ask.ask_file(self._window, "Use an exported model: choose its .onnx or .safetensors file", MODELS)
        if file is not None:
            self.show()
            self.session.open_model(file)

    def paste(self) -> None:
        """Classifies what is in the clipboard: a picture, or files."""
        data = QGuiApplication.clipboard().mimeData()
        paths = [Path(url.toLocalFile()) for url in data.urls() if url.isLocalFile()]
        image = data.imageData() if data.hasImage() and not paths else None
        self.show()
        if paths:
            self.session.add(paths)
        elif isinstance(image, QImage) and not image.isNull():
            self.session.add_picture(image)
        else:
            self._window.errors.show_error(
                ImportFormatError("There is no picture in the clipboard.", "Copy a picture, or picture files, first.")
            )

    def classify_folder(self) -> None:
        """Asks for a folder and what is to be made of it."""
        self.show()

    def watch_folder(self) -> None:
        """Asks for a folder to watch."""
        self.show()

    def shutdown(self) -> None:
        """Stops what is going on."""
        if self._use is not None:
            self._use.shutdown()
            self._window.use.shutdown()

    def _has_model(self) -> bool:
        if self.session.model is None:
            self._window.errors.show_error(
                ProjectError("There is no model yet.", "Retrain in Label first, or use an exported model.")
            )
        return self.session.model is not None
