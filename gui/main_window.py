"""The window: places the bars, the welcome page and the workspace, and connects them. No logic.

It comes in two parts, so that it is on the screen before anything heavy is imported: made, it shows the top bar and the
welcome page; `fill` gives it a session and with it everything else, in steps between which it stays awake.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDragLeaveEvent, QDropEvent, QPaintEvent
from PySide6.QtWidgets import QMainWindow, QMenu, QMenuBar, QStackedWidget, QVBoxLayout, QWidget

from engine.language import tr, trc
from gui.error_view import ErrorView
from gui.panels.top_bar import LABEL, REVIEW, USE, TopBar
from gui.panels.welcome import WelcomePanel
from gui.preferences import Preferences

if TYPE_CHECKING:
    from gui.actions import ActionSet
    from gui.commands import Commands
    from gui.panels.label_page import LabelPage
    from gui.panels.label_workspace import LabelWorkspace
    from gui.panels.model_bar import ModelBar
    from gui.panels.review_workspace import ReviewWorkspace
    from gui.panels.use_workspace import UseWorkspace
    from gui.session import Session
    from gui.tour import Tour

MENUS = {
    "File": tr("&File"),
    "Edit": trc("menu", "&Edit"),
    "Classes": tr("&Classes"),
    "View": trc("menu", "&View"),
    "Model": tr("&Model"),
    "Help": tr("&Help"),
}
"""The titles of the menus in the bar, by the names that `gui.action_table` uses."""
MIN_WIDTH_PX, MIN_HEIGHT_PX = 1024, 680
START_WIDTH_PX, START_HEIGHT_PX = 1440, 900
FRAME_PX = 24
"""Room for the frame on each side that a window manager may put around the window."""


class MainWindow(QMainWindow):
    """One window on one session."""

    painted = Signal()
    """The window was painted for the first time."""
    closed = Signal()

    session: Session
    commands: Commands
    action_set: ActionSet
    workspace: LabelWorkspace
    model_bar: ModelBar
    tour: Tour

    def __init__(self, preferences: Preferences) -> None:
        super().__init__()
        self._preferences = preferences
        self.is_attached = False
        """Whether it has a session and everything that works on it."""
        self._waiting: list[Callable[[], None]] = []
        self._may_close = False
        self._is_deciding = False
        self._was_painted = False
        self._review: ReviewWorkspace | None = None
        self._use: UseWorkspace | None = None
        self._last_focus: dict[QWidget, QWidget | None] = {}
        self.setWindowTitle("Graft")
        self.setAcceptDrops(True)
        self.setMinimumSize(MIN_WIDTH_PX, MIN_HEIGHT_PX)
        self.menu_bar = QMenuBar()
        self.menu_bar.setNativeMenuBar(False)
        self.menus = {name: self.menu_bar.addMenu(title) for name, title in MENUS.items()}
        for menu in self.menus.values():
            # A menu without an entry does not open, and would not later: one that was opened at once fills in sight.
            menu.addAction(tr("Starting…")).setEnabled(False)
        self.menus["Theme"] = QMenu(tr("&Theme"), self)
        self.top_bar = TopBar(self.menu_bar)
        self.welcome = WelcomePanel(preferences)
        self._pages = QStackedWidget()
        self._pages.addWidget(self.welcome)
        centre = QWidget()
        self._column = QVBoxLayout(centre)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(0)
        self._column.addWidget(self.top_bar)
        self._column.addWidget(self._pages, 1)
        self.setCentralWidget(centre)
        self.errors = ErrorView(self, self._pages)
        self.welcome.new_asked.connect(lambda: self.when_attached(lambda: self.commands.new_project()))
        self.welcome.open_asked.connect(lambda: self.when_attached(lambda: self.commands.open_project()))
        self.welcome.sample_asked.connect(lambda: self.when_attached(lambda: self.commands.open_sample()))
        self.welcome.recent_asked.connect(self.open_folder)
        self.welcome.model_asked.connect(lambda: self.when_attached(lambda: self.commands.use.open_model()))
        if not self.restoreGeometry(preferences.geometry()):
            self.resize(start_size(self.screen().availableGeometry().size()))

    def attach(self, session: Session) -> None:
        """Fills the window at once (see `fill`)."""
        for _ in self.fill(session):
            pass

    def fill(self, session: Session) -> Iterator[None]:
        """Fills the window: menus, workspace and model bar work on `session` from now on.

        In steps of some milliseconds. What can be clicked or has a key comes with the last.
        """
        from gui.actions import ActionSet
        from gui.commands import Commands
        from gui.panels.interrupted_bar import InterruptedBar
        from gui.panels.label_workspace import LabelWorkspace
        from gui.panels.model_bar import ModelBar
        from gui.panels.tour_bar import TourBar
        from gui.panels.training_drawer import TrainingDrawer
        from gui.panels.unknown_menu import UnknownMenu
        from gui.tour import Tour

        self.session = session
        self.commands = Commands(session, self)
        self.top_bar.attach(session)
        self.workspace = LabelWorkspace(session, self._pages, is_filled=False)
        yield from self.workspace.fill()
        yield
        self._pages.addWidget(self.workspace)
        self.tour = Tour(session)
        self.tour_bar = TourBar(self.tour)
        self.interrupted_bar = InterruptedBar(session)
        yield
        self.training_drawer = TrainingDrawer(session)
        yield
        self.model_bar = ModelBar(session)
        yield
        self.action_set = ActionSet(session, self.commands, self)
        for menu in self.menus.values():
            menu.clear()
        self.action_set.fill(self.menus)
        self.menus["Model"].addMenu(UnknownMenu(session, self))
        self.menus["View"].addSeparator()
        self.menus["View"].addMenu(self.menus["Theme"])
        self.action_set.show_theme(self._preferences.theme)
        for bar in (self.tour_bar, self.interrupted_bar, self.training_drawer, self.model_bar):
            self._column.addWidget(bar)
        self._connect()
        self.is_attached = True
        self._show_page()
        waiting, self._waiting = self._waiting, []
        for act in waiting:
            act()

    def when_attached(self, act: Callable[[], None]) -> None:
        """Calls `act` as soon as there is a session: now, if there is one."""
        if self.is_attached:
            act()
        else:
            self._waiting.append(act)

    def open_folder(self, folder: Path) -> None:
        """Opens the project in a folder, as soon as there is a session."""
        self.welcome.show_opening(folder.name)
        self.when_attached(lambda: self.commands.open_folder(folder))

    def _connect(self) -> None:
        session, commands = self.session, self.commands
        session.project_opening.connect(self.welcome.show_opening)
        session.project_opened.connect(self._show_page)
        session.project_closed.connect(self._show_page)
        session.project_closed.connect(self.welcome.refresh)
        # Later: at this moment the workspace is not on the screen yet.
        session.columns_reset.connect(commands.show_first_keys_once, Qt.ConnectionType.QueuedConnection)
        session.error_raised.connect(commands.show_session_error)
        session.work.scan_ended.connect(commands.show_scan_report)
        session.work.images_failed.connect(commands.show_failed_images)
        session.images_wanted.connect(lambda _picked: self.show_label())
        self.top_bar.switch.chosen.connect(self._on_switch)
        self.workspace.add_folder_wanted.connect(commands.add_folder)
        self.model_bar.retrain_asked.connect(commands.retrain)
        self.model_bar.cancel_asked.connect(commands.cancel)
        self.model_bar.details_asked.connect(commands.show_review)
        self.model_bar.backbones_asked.connect(commands.choose_backbone)
        self.model_bar.training_asked.connect(commands.toggle_training)
        self.training_drawer.closed.connect(self.workspace.setFocus)

    # ---- workspaces

    @property
    def review(self) -> ReviewWorkspace:
        """The Review workspace, made when it is first asked for."""
        if self._review is None:
            from gui.panels.review_workspace import ReviewWorkspace

            self._review = made = ReviewWorkspace(self.session, self.workspace.thumbnails)
            made.retrain_asked.connect(self.commands.retrain)
            made.label_asked.connect(self.show_label)
            made.export_asked.connect(self.commands.export_version)
            made.groups_asked.connect(self.commands.choose_groups)
            made.report_asked.connect(self.commands.report.write)
            made.view_wanted.connect(self._view_in_label)
            made.notice_wanted.connect(lambda text, small: self.errors.show_notice(text, small))
            self._pages.addWidget(made)
        return self._review

    @property
    def use(self) -> UseWorkspace:
        """The Use workspace, made when it is first asked for; it is there without a project, too."""
        if self._use is None:
            from gui.panels.use_workspace import UseWorkspace

            self._use = made = UseWorkspace(self.session, self.commands.use.session)
            self.commands.use.attach(made)
            self._pages.addWidget(made)
        return self._use

    @property
    def current_workspace(self) -> LabelWorkspace | ReviewWorkspace | UseWorkspace:
        """The workspace that is seen."""
        shown = self._pages.currentWidget()
        return next((each for each in (self._review, self._use) if each is not None and each is shown), self.workspace)

    @property
    def is_using(self) -> bool:
        """Whether the Use workspace is seen."""
        return self._use is not None and self._pages.currentWidget() is self._use

    def show_label(self) -> None:
        """Goes to the Label workspace, which is as it was left."""
        if self.session.project is not None:
            self._show_workspace(self.workspace)

    def toggle_page(self, page: LabelPage) -> None:
        """Goes to a page of the Label workspace, or leaves it where it is the one that is shown."""
        pages = self.workspace.pages
        if pages.current is page:
            pages.close()
        else:
            self.show_label()
            pages.open(page)

    def show_review(self, page: str = "") -> None:
        """Goes to the Review workspace, or to one of its pages."""
        if self.session.project is not None:
            self._show_workspace(self.review)
            if page:
                self.review.show_page(page)

    def show_use(self) -> None:
        """Goes to the Use workspace, with or without a project."""
        self._show_workspace(self.use)

    def leave_use(self) -> None:
        """Goes back to where there is something without it: to Label, or to the page that greets."""
        self._show_workspace(self.workspace if self.session.project is not None else self.welcome)

    def take_back(self) -> bool:
        """Takes back what was done last in Review, or on a page of Label, and is no step of the labels.

        Tells whether there was anything.
        """
        page = self.workspace.page if self.current_workspace is self.workspace else None
        if page is not None and page.take_back():
            return True
        return self._review is not None and self._review.take_back()

    def _show_workspace(self, wanted: QWidget) -> None:
        before = self._pages.currentWidget()
        if wanted is before:
            return
        if before is not None:
            self._last_focus[before] = before.focusWidget()
        self._pages.setCurrentWidget(wanted)
        key = {id(self._review): REVIEW, id(self._use): USE}.get(id(wanted), LABEL)
        self.top_bar.switch.set_current(key)
        self.action_set.show_workspace(key)
        self.tour.saw_workspace(key)
        last = self._last_focus.get(wanted)
        (last if last is not None and last.isVisible() else wanted).setFocus()

    def _on_switch(self, key: str) -> None:
        {LABEL: self.show_label, REVIEW: self.show_review, USE: self.show_use}[key]()

    def _view_in_label(self, image_ids: object, title: str, position: int) -> None:
        """Looks at one of the images of Review in the single image of Label."""
        self.session.show_images(image_ids, title)  # type: ignore[arg-type]
        self.workspace.grid.go_to(position)
        self.workspace.open_viewer()

    def _show_page(self) -> None:
        project = self.session.project
        self._last_focus.clear()
        self._show_workspace(self.workspace if project is not None else self.welcome)
        self.model_bar.setVisible(project is not None)
        self.training_drawer.hide()
        self.setWindowTitle(f"{project.name} – Graft" if project is not None else "Graft")
        self.errors.banner.close_banner()
        if project is not None:
            self.workspace.setFocus()

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if not self._was_painted:
            self._was_painted = True
            self.painted.emit()

    def closeEvent(self, event: QCloseEvent) -> None:
        if self.is_attached and not self._may_close:
            self._is_deciding = True
            self.commands.leave_project(self._close_now)
            self._is_deciding = False
            if not self._may_close:
                event.ignore()
                return
        self._preferences.set_geometry(self.saveGeometry())
        event.accept()
        self.closed.emit()

    def _close_now(self) -> None:
        self._may_close = True
        if not self._is_deciding:
            self.close()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if _dropped_paths(event):
            event.acceptProposedAction()
            self._show_drop_target(True)

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        self._show_drop_target(False)

    def _show_drop_target(self, on: bool) -> None:
        self.welcome.set_is_drop_target(on)
        if self._use is not None:
            self._use.set_is_drop_target(on)

    def dropEvent(self, event: QDropEvent) -> None:
        self._show_drop_target(False)
        if self.is_using:
            event.acceptProposedAction()
            self.commands.use.add([Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()])
            return
        paths = _dropped_paths(event)
        if paths:
            event.acceptProposedAction()
            self.when_attached(lambda: self._drop(paths))

    def _drop(self, paths: list[Path]) -> None:
        """Opens or adds what was dropped; a new project begins with the first folder."""
        for path in paths if self.session.project is not None else paths[:1]:
            self.commands.drop(path)


def start_size(available: QSize) -> QSize:
    """Returns the size of the very first window: it leaves room on the screen for frame and title."""
    width, height = available.width() - FRAME_PX, available.height() - 2 * FRAME_PX
    return QSize(min(START_WIDTH_PX, width), min(START_HEIGHT_PX, height)).expandedTo(
        QSize(MIN_WIDTH_PX, MIN_HEIGHT_PX)
    )


def _dropped_paths(event: QDropEvent) -> list[Path]:
    """Returns the files and folders of a drop, of the files in one folder only the first: it stands for the folder."""
    paths = [Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()]
    folders = {path if path.is_dir() else path.parent: path for path in reversed(paths)}
    return [path for path in paths if path in folders.values()]
