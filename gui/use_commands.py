"""What the menus, buttons and drops of the Use workspace do: they ask what is needed and call its session."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QMimeData, QObject, Qt
from PySide6.QtGui import QGuiApplication, QImage
from PySide6.QtWidgets import QDialog

from engine.errors import ImportFormatError, ProjectError
from engine.language import tr
from gui.dialogs import ask
from gui.folders import open_in_system
from gui.panels.use_work import FOLDER, WATCH, WorkState, folder_row
from gui.session import Session

if TYPE_CHECKING:
    from gui.main_window import MainWindow
    from gui.panels.use_workspace import UseWorkspace
    from gui.use_folder import FolderRun
    from gui.use_session import UseSession
    from gui.use_watch import UseWatch

PICTURES = tr("Pictures (*.jpg *.jpeg *.png *.tif *.tiff *.webp *.bmp *.gif *.avif *.jp2);;All files (*)")
MODELS = tr("Exported models (*.onnx *.safetensors model.json);;All files (*)")


class UseCommands(QObject):
    """One method per action. The session of the workspace is made when it is first needed."""

    def __init__(self, session: Session, window: MainWindow) -> None:
        super().__init__(window)
        self._session = session
        self._window = window
        self._use: UseSession | None = None
        self._run: FolderRun | None = None
        self._watch: UseWatch | None = None
        self._page: UseWorkspace | None = None

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
        self._page = workspace
        workspace.files_wanted.connect(self.choose_files)
        workspace.folder_wanted.connect(self.choose_folder)
        workspace.model_wanted.connect(self.open_model)
        workspace.label_wanted.connect(self._window.show_label)
        workspace.leave_wanted.connect(self._window.leave_use)
        workspace.folder_button.clicked.connect(self.classify_folder)
        workspace.watch_button.clicked.connect(self.watch_folder)
        workspace.work_rows.acted.connect(self._act)
        workspace.server_button.clicked.connect(self._window.commands.local_server.show)
        self.run.changed.connect(self._show_run)
        self.watch.changed.connect(self._show_watch)

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
            self.add(ask.ask_files(self._window, tr("Classify pictures"), PICTURES))

    def choose_folder(self) -> None:
        self.show()
        folder = ask.ask_folder(self._window, tr("Classify the pictures of a folder"))
        if folder is not None:
            self.add([folder])

    def open_model(self) -> None:
        """Asks for an exported model and uses it."""
        file = ask.ask_file(self._window, tr("Use an exported model: choose its .onnx or .safetensors file"), MODELS)
        if file is not None:
            self.show()
            self.session.open_model(file)

    def paste(self) -> None:
        """Classifies what is in the clipboard: a picture, or files."""
        data: QMimeData | None = QGuiApplication.clipboard().mimeData()  # None where the system has no clipboard
        urls = data.urls() if data is not None else []
        paths = [Path(url.toLocalFile()) for url in urls if url.isLocalFile()]
        image = data.imageData() if data is not None and data.hasImage() and not paths else None
        self.show()
        if paths:
            self.session.add(paths)
        elif isinstance(image, QImage) and not image.isNull():
            self.session.add_picture(image)
        else:
            self._window.errors.show_error(
                ImportFormatError(
                    tr("There is no picture in the clipboard."), tr("Copy a picture, or picture files, first.")
                )
            )

    def classify_folder(self) -> None:
        """Asks for a folder and what is to be made of it."""
        from gui.dialogs.use_folder import UseFolderDialog

        self.show()
        if not self._has_model():
            return
        if self.run.is_running:
            self._window.errors.show_warning(
                tr("A folder is being classified."), tr("Stop it first, or wait until it is done.")
            )
            return
        dialog = UseFolderDialog(self.session, is_watch=False, parent=self._window)
        dialog.accepted.connect(lambda: self.run.start(dialog.folder_plan()))
        self._open(dialog)

    def watch_folder(self) -> None:
        """Asks for a folder to watch; while one is watched, stops that."""
        from gui.dialogs.use_folder import UseFolderDialog

        self.show()
        if self.watch.is_running:
            self.watch.stop()
        elif self._has_model():
            dialog = UseFolderDialog(self.session, is_watch=True, parent=self._window)
            dialog.accepted.connect(lambda: self.watch.start(dialog.watch_plan()))
            self._open(dialog)

    @property
    def run(self) -> FolderRun:
        """The run over a whole folder."""
        if self._run is None:
            from gui.use_folder import FolderRun

            self._run = FolderRun(self.session)
        return self._run

    @property
    def watch(self) -> UseWatch:
        """The folder that is watched."""
        if self._watch is None:
            from gui.use_watch import UseWatch

            self._watch = UseWatch(self.session)
        return self._watch

    def _open(self, dialog: QDialog) -> None:
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()

    def _act(self, row: str, action: str) -> None:
        """Does what a button of a row below the files says."""
        state = self.run.state
        if row == WATCH and action == "stop":
            self.watch.stop()
        elif row == FOLDER and action == "stop":
            self.run.cancel()
        elif row == FOLDER and action == "close":
            self.run.put_away()
        elif row == FOLDER and state is not None:
            table, sort = state.plan.table, state.plan.sort
            if action == "again":
                self.run.put_away()
                self.run.start(replace(state.plan, is_resumed=table is not None))
            elif action == "table" and table is not None:
                open_in_system(table)
            elif action == "folder":
                folder = sort.folder if sort is not None else table.parent if table is not None else state.plan.folder
                open_in_system(folder)

    def _show_run(self) -> None:
        self._window.use.work_rows.set_state(FOLDER, folder_row(self.run.state))

    def _show_watch(self) -> None:
        watch, page = self.watch, self._window.use
        page.watch_button.setText(tr("Stop watching") if watch.is_running else tr("Watch a folder…"))
        state = None
        if watch.is_running:
            title, note = watch.words()
            state = WorkState(title, note, actions=(("stop", tr("Stop"), tr("Watch no longer (Ctrl+Shift+W)")),))
        page.work_rows.set_state(WATCH, state)

    def shutdown(self) -> None:
        """Stops what is going on."""
        if self._watch is not None:
            self._watch.stop()
        if self._run is not None:
            self._run.cancel()
        if self._use is not None:
            self._use.shutdown()
        if self._page is not None:
            self._page.shutdown()

    def _has_model(self) -> bool:
        if self.session.model is None:
            self._window.errors.show_error(
                ProjectError(tr("There is no model yet."), tr("Retrain in Label first, or use an exported model."))
            )
        return self.session.model is not None
