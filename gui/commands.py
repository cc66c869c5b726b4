"""What the menus and buttons of one window do: they ask what is needed and call the session."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt

from engine.domain import LabelMode, Run
from gui.block_commands import BlockCommands
from gui.duplicate_commands import DuplicateCommands
from gui.project_commands import ProjectCommands
from gui.report import ReportWriter
from gui.server_commands import ServerCommands
from gui.session import Session
from gui.theme import set_choice
from gui.use_commands import UseCommands

if TYPE_CHECKING:
    from gui.main_window import MainWindow


class Commands(ProjectCommands):
    """One method per action. Dialogs are imported when they are first shown, for a quick first paint."""

    def __init__(self, session: Session, window: MainWindow) -> None:
        super().__init__(session, window)
        self.assistance = session.assistance
        self.report = ReportWriter(session, window)
        self.blocks = BlockCommands(session, window)
        self.duplicates = DuplicateCommands(session, window)
        self.use = UseCommands(session, window)
        self.local_server = ServerCommands(session, window)

    def close_project(self) -> None:
        """Closes the project; without one, leaves the Use workspace."""
        if self._session.project is None:
            self._window.leave_use()
        else:
            super().close_project()

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
        self.use_theme("system")

    def use_light_theme(self) -> None:
        self.use_theme("light")

    def use_dark_theme(self) -> None:
        self.use_theme("dark")

    def use_theme(self, choice: str) -> None:
        """Shows the window in another theme, now and at the next start."""
        self._session.preferences.set_theme(choice)
        set_choice(choice)
        self._window.action_set.show_theme(choice)

    def use_keys(self, keys: Mapping[str, str]) -> None:
        """Gives actions the keys that the user chose (see `gui.action_keys`), now and at the next start."""
        self._session.preferences.set_keys(keys)
        self._window.action_set.take_keys(keys)
        self._window.model_bar.show_keys()

    def show_label(self) -> None:
        self._window.show_label()

    def show_review(self) -> None:
        self._window.show_review()

    def show_stacks(self) -> None:
        self._window.workspace.pages.show_stacks()

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

    def export_version(self, run: Run) -> None:
        from gui.dialogs.export import ExportDialog

        self._open(ExportDialog(self._session, self._window, run))

    # ---- help and end

    def show_first_keys(self) -> None:
        """Lays the keys that matter over the workspace."""
        from gui.panels.first_keys import FirstKeysLayer

        if self._session.project is None:
            self.show_shortcuts()
            return
        self._window.show_label()
        if self._window.training_drawer.isVisible():
            self._window.training_drawer.toggle()  # the keys need its room
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

    def begin_tour(self) -> None:
        """Leads through the first loop in the real screens."""
        self._window.show_label()
        self._window.tour.begin(lambda: self.use.session, self.use.add)

    def show_guide(self) -> None:
        from gui.dialogs.help import HelpDialog

        dialog = HelpDialog(parent=self._window)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.show()  # beside the window, so that one can read and do

    def show_preferences(self) -> None:
        from gui.dialogs.preferences import PreferencesDialog

        self._open(PreferencesDialog(self._session, self, self._window.workspace.thumbnails, self._window))

    def show_shortcuts(self) -> None:
        from gui.dialogs.shortcuts import ShortcutsDialog

        session = self._session
        self._open(ShortcutsDialog(session.classes, session.label_mode, self._window, session.preferences.keys))

    def show_about(self) -> None:
        from gui.dialogs.about import AboutDialog

        self._open(AboutDialog(self._window))

    def quit(self) -> None:
        self._window.close()
