"""What the menus, buttons and drops of one window do: they ask what is needed and call the session."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt
from PySide6.QtWidgets import QDialog

from engine.domain import LabelMode
from engine.errors import ProjectDamagedError, ProjectError, ProjectInUseError
from gui import wording
from gui.assistance import Assistance
from gui.dialogs import ask
from gui.error_view import ErrorView
from gui.folders import can_only_be_read, open_remedy
from gui.report import ReportWriter
from gui.save_states import NOT_SAVED, SAVED
from gui.session import Session
from gui.theme import RESOURCES, set_choice
from gui.widgets.banner import Remedy

if TYPE_CHECKING:
    from gui.dialogs.new_project import ProjectPlan
    from gui.main_window import MainWindow

SAMPLE = RESOURCES / "sample"


class Commands(QObject):
    """One method per action. Dialogs are imported when they are first shown, for a quick first paint."""

    def __init__(self, session: Session, window: MainWindow) -> None:
        super().__init__(window)
        self._session = session
        self._window = window
        self._asked_folder: Path | None = None
        self._was_not_saved = False
        self.assistance = Assistance(session)
        self.report = ReportWriter(session, window)
        session.save_state_changed.connect(self._on_save_state)

    @property
    def _errors(self) -> ErrorView:
        return self._window.errors

    # ---- projects

    def new_project(self) -> None:
        self.new_project_from(None)

    def new_project_from(self, images: Path | None) -> None:
        """Asks for the particulars of a new project; `images` is filled in (a dropped folder)."""
        from gui.dialogs.new_project import NewProjectDialog

        dialog = NewProjectDialog(images, self._window)

        def create() -> None:
            plan = dialog.plan()
            self._asked_folder = plan.project_folder
            self._session.create_project(plan.project_folder, plan.name, then=lambda: self._fill(plan))

        dialog.accepted.connect(lambda: self.leave_project(create))
        self._open(dialog)

    def _fill(self, plan: ProjectPlan) -> None:
        if plan.label_mode is not self._session.label_mode:
            self._session.set_label_mode(plan.label_mode)
        self._session.add_folder(plan.images_folder, plan.has_class_folders)

    def open_project(self) -> None:
        folder = ask.ask_folder(self._window, "Open a project: choose its folder")
        if folder is not None:
            self.open_folder(folder)

    def open_folder(self, folder: Path, read_only: bool = False) -> None:
        """Opens the project in a folder, after the present one was left."""

        def open_it() -> None:
            self._asked_folder = folder
            self._session.open_project(folder, read_only)

        self.leave_project(open_it)

    def open_sample(self) -> None:
        """Opens the sample project; the first time it is made, with the classes ready and nothing labelled."""
        from engine.settings import user_data_folder

        folder = user_data_folder() / "sample-project"
        if (folder / "project.db").is_file():
            self.open_folder(folder)
            return

        def create() -> None:
            self._asked_folder = folder
            self._session.create_project(folder, "Sample", then=self._fill_sample)

        self.leave_project(create)

    def _fill_sample(self) -> None:
        for name in sorted(each.name for each in SAMPLE.iterdir() if each.is_dir()):
            self._session.add_class(name.replace("_", " "))
        self._session.add_folder(SAMPLE)

    def drop(self, path: Path) -> None:
        """Takes what was dropped on the window: a project is opened, a folder of images starts or joins a project.

        An image stands for the folder that it is in.
        """
        from engine.images.files import is_image_name

        folder = path if path.is_dir() else path.parent
        if path.is_file() and not is_image_name(path.name) and path.name != "project.db":
            self._errors.show_error(
                ProjectError(f"“{path.name}” is not an image.", "Drop the folder that holds the images.")
            )
        elif (folder / "project.db").is_file():
            self.open_folder(folder)
        elif self._session.project is None:
            self.new_project_from(folder)
        elif not self._session.is_read_only:
            self._ask_and_add(folder)

    def close_project(self) -> None:
        self.leave_project(self._session.close_project)

    def leave_project(self, then: Callable[[], None]) -> None:
        """Calls `then` once everything is saved; asks first when the disk does not take it."""
        session = self._session
        self._window.workspace.focus_images()  # a note that is being written is handed over
        if session.save_state != NOT_SAVED:
            session.when_saved(then)
            return
        steps = wording.count(session.num_unsaved, "step")
        choice = ask.ask_choice(
            self._window,
            "Your last labels are not saved",
            f"The disk did not take {steps}. Make room or reconnect the drive, then try again. "
            "If you close now, they are lost.",
            ["Close and lose them", "Try again", "Go back"],
        )
        if choice == 0:
            then()
        elif choice == 1:
            session.when_saved(then)
            session.retry_saving()

    def _on_save_state(self, state: str) -> None:
        """Replaces the message about a full disk by good news as soon as everything is saved after all."""
        if state == SAVED and self._was_not_saved and self._session.project is not None:
            self._errors.show_notice("Everything is saved now.")
        self._was_not_saved = state == NOT_SAVED or (self._was_not_saved and state != SAVED)

    def show_session_error(self, error: BaseException) -> None:
        """Shows an error of the session, with the remedy where there is one."""
        folder = self._asked_folder
        remedies: list[Remedy] = []
        if isinstance(error, ProjectInUseError) and folder is not None:
            remedies.append(Remedy("Open a read-only copy", lambda: self._session.open_project(folder, read_only=True)))
        elif isinstance(error, ProjectDamagedError) and folder is not None:
            remedies.append(
                Remedy("Restore the project", lambda: self._session.restore_project(folder, self._session.rescan))
            )
        elif folder is not None and self._session.project is None and can_only_be_read(folder):
            remedies.append(Remedy("Open it read-only", lambda: self._session.open_project(folder, read_only=True)))
        elif self._session.save_state == NOT_SAVED:
            remedies.append(Remedy("Try again now", self._session.retry_saving))
        self._errors.show_error(error, remedies)

    # ---- images and labels

    def add_folder(self) -> None:
        folder = ask.ask_folder(self._window, "Add images: choose a folder")
        if folder is not None:
            self._ask_and_add(folder)

    def _ask_and_add(self, folder: Path) -> None:
        from gui.dialogs.new_project import class_folders

        names = class_folders(folder)
        if not names:
            self._session.add_folder(folder)
            return
        choice = ask.ask_choice(
            self._window,
            f"“{folder.name}” has sub-folders",
            f"Are they classes ({', '.join(names[:4])}{' …' if len(names) > 4 else ''})?",
            ["Yes, label by folder", "No, only add the images", "Cancel"],
        )
        if choice < 2:
            self._session.add_folder(folder, classes_from_folders=choice == 0)

    def rescan(self) -> None:
        self._session.rescan()

    def import_labels(self) -> None:
        file = ask.ask_file(self._window, "Import labels", "Labels as image,class (*.csv);;All files (*)")
        project = self._session.project
        if file is None or project is None:
            return
        from engine.importers.label_csv import import_label_csv
        from gui.dialogs.reports import label_report

        def done(report: object) -> None:
            self._session.reload()
            self._show_report(label_report(report))

        self._session.read_in_background(lambda: import_label_csv(project, file), done)

    def export_labels(self) -> None:
        project = self._session.project
        if project is None:
            return
        file = ask.ask_save_file(
            self._window,
            "Export labels",
            "Labels as image,class (*.csv)",
            project.folder.parent / f"{project.name}.csv",
        )
        if file is None:
            return
        from engine.exporters.label_csv import export_label_csv

        def done(_result: object) -> None:
            self._errors.show_notice(f"Labels exported to {file.name}.", str(file.parent), [open_remedy(file.parent)])

        self._session.read_in_background(lambda: export_label_csv(project, file), done)

    def show_scan_report(self, report: object) -> None:
        """Says what a scan found, in one line; files that cannot be read are one click away."""
        from gui.dialogs.reports import scan_report

        self._show_report(scan_report(report))

    def show_failed_images(self, failed: object) -> None:
        """Says that images could not be looked at."""
        from gui.dialogs.reports import failed_report

        assert isinstance(failed, list)
        self._show_report(failed_report(failed))

    def _show_report(self, report: object) -> None:
        from gui.dialogs.reports import Report, ReportDialog

        assert isinstance(report, Report)
        if report.lines:
            show = Remedy("Show them", lambda: self._open(ReportDialog(report, self._window)))
            self._errors.show_warning(report.headline, report.sentence, [show])
        else:
            self._errors.show_notice(report.headline, report.sentence)

    # ---- edit and view

    def undo(self) -> None:
        if not self._window.take_back():
            self._session.undo()

    def redo(self) -> None:
        self._session.redo()

    def show_undo_history(self) -> None:
        from gui.dialogs.undo_history import UndoHistoryDialog

        self._open(UndoHistoryDialog(self._session, self._window))

    def edit_note(self) -> None:
        self._window.workspace.details.edit_note()

    def toggle_auto_advance(self) -> None:
        self._session.set_auto_advance(not self._session.has_auto_advance)

    # ---- classes

    def new_class(self) -> None:
        self._window.workspace.palette_panel.new_name.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def split_class(self) -> None:
        self._window.workspace.split_selection()

    def find_class(self) -> None:
        self._window.workspace.find_class()

    def toggle_label_mode(self) -> None:
        """Lets images have several classes, or only one again; the store refuses what would lose classes."""
        several = not self._session.has_several_classes
        self._session.set_label_mode(LabelMode.SEVERAL if several else LabelMode.ONE)

    # ---- look

    def follow_system_theme(self) -> None:
        self._use_theme("system")

    def use_light_theme(self) -> None:
        self._use_theme("light")

    def use_dark_theme(self) -> None:
        self._use_theme("dark")

    def _use_theme(self, choice: str) -> None:
        self._session.preferences.set_theme(choice)
        set_choice(choice)
        self._window.action_set.show_theme(choice)

    def show_label(self) -> None:
        self._window.show_label()

    def show_review(self) -> None:
        self._window.show_review()

    def toggle_viewer(self) -> None:
        self._window.workspace.toggle_viewer()

    def next_unlabelled(self) -> None:
        self._window.workspace.next_unlabelled()

    def zoom_in(self) -> None:
        self._zoom(1.2)

    def zoom_out(self) -> None:
        self._zoom(1 / 1.2)

    def _zoom(self, factor: float) -> None:
        self._window.current_workspace.zoom_by(factor)

    # ---- model

    def retrain(self) -> None:
        self._errors.banner.close_banner()  # what kept the last training from happening is being seen to
        self._session.retrain()

    def cancel(self) -> None:
        self._session.cancel_job()

    def toggle_training(self) -> None:
        self._window.training_drawer.toggle()

    def choose_backbone(self) -> None:
        from gui.dialogs.backbones import BackbonesDialog

        self._open(BackbonesDialog(self._session, self._window))

    def choose_groups(self) -> None:
        from gui.dialogs.honesty import HonestyDialog

        self._open(HonestyDialog(self._session, self._window))

    def export_model(self) -> None:
        from gui.dialogs.export import ExportDialog

        self._open(ExportDialog(self._session, self._window))

    # ---- help and end

    def show_first_keys(self) -> None:
        """Lays the keys that matter over the workspace."""
        from gui.panels.first_keys import FirstKeysLayer

        if self._session.project is None:
            self.show_shortcuts()
            return
        self._window.show_label()
        workspace = self._window.workspace
        layer = FirstKeysLayer(self._session.label_mode, workspace)
        self._session.project_closing.connect(layer.dismiss)
        layer.closed.connect(workspace.focus_images)
        layer.open()

    def show_first_keys_once(self) -> None:
        """The same, when there are images for the first time ever."""
        preferences = self._session.preferences
        if self._session.project is not None and len(self._session.columns) and not preferences.has_seen_first_keys:
            preferences.set_first_keys_seen()
            self.show_first_keys()

    def show_shortcuts(self) -> None:
        from gui.dialogs.shortcuts import ShortcutsDialog

        self._open(ShortcutsDialog(self._session.classes, self._session.label_mode, self._window))

    def show_about(self) -> None:
        from gui.dialogs.about import AboutDialog

        self._open(AboutDialog(self._window))

    def quit(self) -> None:
        self._window.close()

    def _open(self, dialog: QDialog) -> None:
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()
