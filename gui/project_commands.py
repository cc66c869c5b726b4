"""What the menus and drops do with whole projects: make, open, leave them, bring images and labels in and out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt
from PySide6.QtWidgets import QDialog

from engine.backbones import CATALOGUE
from engine.errors import ProjectDamagedError, ProjectError, ProjectInUseError
from engine.events import JobSucceeded
from engine.language import tr, trc, trn
from gui.activities import DOWNLOAD
from gui.dialogs import ask
from gui.error_view import ErrorView
from gui.folders import can_only_be_read, open_remedy
from gui.save_states import NOT_SAVED, SAVED
from gui.session import Session
from gui.widgets.banner import Remedy

if TYPE_CHECKING:
    from gui.dialogs.new_project import ProjectPlan
    from gui.main_window import MainWindow


class ProjectCommands(QObject):
    """One method per action. Dialogs are imported when they are first shown, for a quick first paint."""

    def __init__(self, session: Session, window: MainWindow) -> None:
        super().__init__(window)
        self._session = session
        self._window = window
        self._asked_folder: Path | None = None
        self._was_not_saved = False
        self._wanted_backbone: tuple[Path, str] | None = None
        session.work.ended.connect(self._on_work_ended)
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

        dialog = NewProjectDialog(images, self._window, self._session)

        def create() -> None:
            plan = dialog.plan()
            self._asked_folder = plan.project_folder
            self._session.create_project(plan.project_folder, plan.name, then=lambda: self._fill(plan))

        dialog.accepted.connect(lambda: self.leave_project(create))
        self._open(dialog)

    def _fill(self, plan: ProjectPlan) -> None:
        if plan.label_mode is not self._session.label_mode:
            self._session.set_label_mode(plan.label_mode)
        if plan.backbone:
            self._session.backbones.choose(plan.backbone)
        self._session.add_folder(plan.images_folder, plan.has_class_folders)
        if plan.download:
            self._wanted_backbone = (plan.project_folder, plan.download)
            self._session.work.download(CATALOGUE[plan.download])

    def _on_work_ended(self, kind: str, end: object) -> None:
        if kind != DOWNLOAD or self._wanted_backbone is None:
            return
        (folder, key), self._wanted_backbone = self._wanted_backbone, None
        project = self._session.project
        if isinstance(end, JobSucceeded) and project is not None and project.folder == folder:
            self._session.backbones.choose(key)

    def open_project(self) -> None:
        folder = ask.ask_folder(self._window, tr("Open a project: choose its folder"))
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
        from engine import sample

        folder = sample.project_folder()
        if (folder / "project.db").is_file():
            self.open_folder(folder)
            return

        def create() -> None:
            self._asked_folder = folder
            self._session.create_project(folder, trc("project", "Sample"), then=self._fill_sample)

        self.leave_project(create)

    def _fill_sample(self) -> None:
        from engine import sample

        names = {"intact": tr("intact"), "missing_hole": tr("missing hole"), "scratched": tr("scratched")}
        for name in sample.class_names():
            self._session.add_class(names.get(name, name.replace("_", " ")))
        self._window.commands.begin_tour()
        self._session.read_in_background(sample.lay_out, self._session.add_folder)

    def drop(self, path: Path) -> None:
        """Takes what was dropped on the window: a project is opened, a folder of images starts or joins a project.

        An image stands for the folder that it is in.
        """
        from engine.images.files import is_image_name

        folder = path if path.is_dir() else path.parent
        if path.is_file() and not is_image_name(path.name) and path.name != "project.db":
            self._errors.show_error(
                ProjectError(
                    tr("“{file}” is not an image.", file=path.name), tr("Drop the folder that holds the images.")
                )
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
        choice = ask.ask_choice(
            self._window,
            tr("Your last labels are not saved"),
            trn(
                "The disk did not take {number:,} step. Make room or reconnect the drive, then try again. "
                "If you close now, they are lost.",
                "The disk did not take {number:,} steps. Make room or reconnect the drive, then try again. "
                "If you close now, they are lost.",
                session.num_unsaved,
            ),
            [tr("Close and lose them"), tr("Try again"), tr("Go back")],
        )
        if choice == 0:
            then()
        elif choice == 1:
            session.when_saved(then)
            session.retry_saving()

    def _on_save_state(self, state: str) -> None:
        """Replaces the message about a full disk by good news as soon as everything is saved after all."""
        if state == SAVED and self._was_not_saved and self._session.project is not None:
            self._errors.show_notice(tr("Everything is saved now."))
        self._was_not_saved = state == NOT_SAVED or (self._was_not_saved and state != SAVED)

    def show_session_error(self, error: BaseException) -> None:
        """Shows an error of the session, with the remedy where there is one."""
        folder = self._asked_folder
        remedies: list[Remedy] = []
        if isinstance(error, ProjectInUseError) and folder is not None:
            remedies.append(
                Remedy(tr("Open a read-only copy"), lambda: self._session.open_project(folder, read_only=True))
            )
        elif isinstance(error, ProjectDamagedError) and folder is not None:
            remedies.append(
                Remedy(tr("Restore the project"), lambda: self._session.restore_project(folder, self._session.rescan))
            )
        elif folder is not None and self._session.project is None and can_only_be_read(folder):
            remedies.append(Remedy(tr("Open it read-only"), lambda: self._session.open_project(folder, read_only=True)))
        elif self._session.save_state == NOT_SAVED:
            remedies.append(Remedy(tr("Try again now"), self._session.retry_saving))
        self._errors.show_error(error, remedies)

    # ---- images and labels

    def add_folder(self) -> None:
        folder = ask.ask_folder(self._window, tr("Add images: choose a folder"))
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
            tr("“{folder}” has sub-folders", folder=folder.name),
            tr("Are they classes ({names})?", names=", ".join(names[:4]) + (" …" if len(names) > 4 else "")),
            [tr("Yes, label by folder"), tr("No, only add the images"), tr("Cancel")],
        )
        if choice < 2:
            self._session.add_folder(folder, classes_from_folders=choice == 0)

    def rescan(self) -> None:
        self._session.rescan()

    def import_labels(self) -> None:
        file = ask.ask_file(self._window, tr("Import labels"), tr("Labels as image,class (*.csv);;All files (*)"))
        project = self._session.project
        if file is None or project is None:
            return
        from engine.importers.label_csv import import_label_csv
        from gui.dialogs.reports import label_report

        def done(report: object) -> None:
            self._session.reload()
            self._show_report(label_report(report))

        self._session.read_in_background(lambda: import_label_csv(project, file), done)

    def merge_project(self) -> None:
        """Takes over what another project, a colleague's for instance, says of the same pictures."""
        folder = ask.ask_folder(self._window, tr("Take over labels: choose the folder of the other project"))
        project = self._session.project
        if folder is None or project is None:
            return
        from engine.project.merging import MergePlan, merge_project
        from gui.dialogs.reports import merge_report

        def done(result: tuple[MergePlan, object]) -> None:
            self._session.reload()
            self._show_report(merge_report(result[0]))

        self._session.read_in_background(lambda: merge_project(project, folder), done)

    def export_labels(self) -> None:
        project = self._session.project
        if project is None:
            return
        file = ask.ask_save_file(
            self._window,
            tr("Export labels"),
            tr("Labels as image,class (*.csv)"),
            project.folder.parent / f"{project.name}.csv",
        )
        if file is None:
            return
        from engine.exporters.label_csv import export_label_csv

        def done(_result: object) -> None:
            self._errors.show_notice(
                tr("Labels exported to {file}.", file=file.name), str(file.parent), [open_remedy(file.parent)]
            )

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
            show = Remedy(tr("Show them"), lambda: self._open(ReportDialog(report, self._window)))
            self._errors.show_warning(report.headline, report.sentence, [show])
        else:
            self._errors.show_notice(report.headline, report.sentence)

    def _open(self, dialog: QDialog) -> None:
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()
