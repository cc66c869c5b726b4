"""The backups of the open project: when and how large, one more now, and back to one of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QModelIndex, Qt
from PySide6.QtWidgets import QHBoxLayout, QHeaderView, QTreeWidget, QTreeWidgetItem
from shiboken6 import isValid

from engine.language import count, tr, trn
from gui import wording
from gui.dialogs import ask
from gui.dialogs.preferences_page import PreferencesPage
from gui.folders import open_in_system
from gui.session import Session
from gui.widgets.buttons import button
from gui.widgets.text import set_role, text_label

if TYPE_CHECKING:
    from engine.domain import Change
    from engine.project import Project
    from engine.project.backups import BackupFile, GoingBackPlan, LabelState

WHEN = tr(
    "While you label, a backup is made every ten minutes, and one when the project is closed; the ten newest are kept."
)
MAX_NAMED = 4
_ROLE = int(Qt.ItemDataRole.UserRole)


class BackupsPage(PreferencesPage):
    """Going back changes labels and classes, backs the present state up before, and can be undone."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._files: Sequence[BackupFile] = ()
        self.column.addWidget(text_label(WHEN, "dim", wrap=True))
        self.list = QTreeWidget()
        self.list.setProperty("role", "lines")
        self.list.setAccessibleName(tr("Backups of the open project, newest first"))
        self.list.setHeaderLabels([tr("Made"), tr("Size"), ""])
        self.list.setRootIsDecorated(False)
        self.list.setUniformRowHeights(True)
        self.list.header().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        self.list.currentItemChanged.connect(self._show_buttons)
        self.list.itemActivated.connect(lambda _item: self._on_restore())
        self.column.addWidget(self.list, 1)
        self.news = text_label(wrap=True)
        self.column.addWidget(self.news)
        row = QHBoxLayout()
        row.setSpacing(8)
        self.folder_button = button(tr("Open folder"))
        self.now_button = button(tr("Back up now"), "", "save")
        self.restore_button = button(tr("Restore…"), "", "undo", tr("Back to the labels of the chosen backup"))
        for each, act in (
            (self.now_button, self._on_now),
            (self.restore_button, self._on_restore),
            (self.folder_button, self._on_folder),
        ):
            each.setAutoDefault(False)
            each.clicked.connect(act)
            row.addWidget(each)
        row.addStretch(1)
        self.column.addLayout(row)
        if session.project is None:
            self._say(tr("No project is open."))
        elif session.is_read_only:
            self._say(tr("The project is open for reading only: nothing of it can be changed."))
        self._show_buttons()

    def begin(self) -> None:
        project = self._session.project
        if project is not None:
            from engine.project.backups import list_backups

            self._session.read_in_background(lambda: list_backups(project), self._fill)

    def _fill(self, files: Sequence[BackupFile]) -> None:
        if not isValid(self):  # closed meanwhile
            return
        chosen = self._chosen()
        self._files = files
        self.list.clear()
        for at, each in enumerate(files):
            about = tr("before an update of Graft; it stays") if each.is_before_update else ""
            when = f"{wording.day_and_time(each.made_at)}  ({wording.moment(each.made_at)})"
            item = QTreeWidgetItem([when, wording.size(each.size_bytes), about])
            item.setData(0, _ROLE, at)
            item.setToolTip(0, each.file.name)
            self.list.addTopLevelItem(item)
            if chosen is not None and each.file == chosen.file:
                self.list.setCurrentItem(item)
        first = self.list.topLevelItem(0)
        if self.list.currentItem() is None and first is not None:
            self.list.setCurrentItem(first)
        if not files and not self.news.text():
            self._say(tr("There is no backup yet."))
        self._show_buttons()

    def _chosen(self) -> BackupFile | None:
        item = self.list.currentItem()
        return self._files[int(item.data(0, _ROLE))] if item is not None else None

    def _show_buttons(self, *_: object) -> None:
        can_write = self._session.project is not None and not self._session.is_read_only
        self.folder_button.setEnabled(self._session.project is not None)
        self.now_button.setEnabled(can_write)
        self.restore_button.setEnabled(can_write and self._chosen() is not None)

    def _on_folder(self) -> None:
        if self._session.project is not None:
            open_in_system(self._session.project.backups_dir)

    # ---- one more

    def _on_now(self) -> None:
        project = self._session.project
        if project is None:
            return
        from engine.project.backups import back_up

        self._wait(tr("Making a backup…"))
        session = self._session
        session.when_saved(lambda: session.read_in_background(lambda: back_up(project), self._on_made, self._failed))

    def _on_made(self, _file: object) -> None:
        if isValid(self):
            self._say(tr("A backup was made."), "success")
            self.list.setCurrentIndex(QModelIndex())  # the new one is to be chosen
            self.begin()

    # ---- back to one

    def _on_restore(self) -> None:
        project, chosen = self._session.project, self._chosen()
        if project is None or chosen is None or not self.restore_button.isEnabled():
            return
        from engine.project.backups import plan_going_back

        self._wait(tr("Reading the backup…"))
        session = self._session

        def ask_then(found: tuple[LabelState, GoingBackPlan]) -> None:
            self._ask(project, chosen, *found)

        session.when_saved(
            lambda: session.read_in_background(lambda: plan_going_back(project, chosen.file), ask_then, self._failed)
        )

    def _ask(self, project: Project, chosen: BackupFile, wanted: LabelState, plan: GoingBackPlan) -> None:
        if not isValid(self):
            return
        self._show_buttons()
        if plan.changes_nothing:
            self._say(tr("Labels, classes, marks and notes are as in this backup: there is nothing to restore."))
            return
        self._say("")
        moment = wording.day_and_time(chosen.made_at)
        choice = ask.ask_choice(
            self,
            tr("Go back to the backup of {moment}?", moment=moment),
            plan_text(plan),
            [tr("Back up, then go back"), tr("Cancel")],
        )
        if choice != 0:
            return
        from engine.project.backups import go_back

        self._wait(tr("Going back…"))
        session = self._session
        session.when_saved(
            lambda: session.read_in_background(
                lambda: go_back(project, wanted, chosen.made_at), self._on_gone_back, self._failed
            )
        )

    def _on_gone_back(self, _change: Change | None) -> None:
        self._session.reload()
        if isValid(self):
            self._say(tr("Everything is as it was then. Undo takes it back."), "success")
            self.begin()

    def _failed(self, error: BaseException) -> None:
        if isValid(self):
            self._say("")
            self._show_buttons()
        self._session.error_raised.emit(error)

    def _wait(self, text: str) -> None:
        self.now_button.setEnabled(False)
        self.restore_button.setEnabled(False)
        self._say(text)

    def _say(self, text: str, role: str = "dim") -> None:
        self.news.setText(text)
        set_role(self.news, role)


def plan_text(plan: GoingBackPlan) -> str:
    """Returns what going back would change, and what stays, in sentences."""
    lines: list[str] = []
    if plan.num_losing:
        lines.append(trn("{number:,} image loses its label.", "{number:,} images lose their labels.", plan.num_losing))
    if plan.num_changing:
        lines.append(
            trn("{number:,} image gets another class.", "{number:,} images get another class.", plan.num_changing)
        )
    if plan.num_regaining:
        lines.append(
            trn("{number:,} image is labelled again.", "{number:,} images are labelled again.", plan.num_regaining)
        )
    if plan.num_marks_and_notes:
        lines.append(
            trn(
                "{number:,} image has another mark or note.",
                "{number:,} images have other marks or notes.",
                plan.num_marks_and_notes,
            )
        )
    if plan.classes_going:
        lines.append(tr("These classes go: {names}.", names=_names(plan.classes_going)))
    if plan.classes_coming:
        lines.append(tr("These classes come back: {names}.", names=_names(plan.classes_coming)))
    if plan.num_classes_changing:
        lines.append(
            trn(
                "{number:,} class has its name, key, colour or place of then.",
                "{number:,} classes have their name, key, colour or place of then.",
                plan.num_classes_changing,
            )
        )
    if plan.mode_changes:
        lines.append(tr("How many classes an image may have changes, too."))
    if plan.num_images_gone:
        lines.append(
            tr(
                "The backup speaks of {images} that the project does not know.",
                images=count(plan.num_images_gone, "image"),
            )
        )
    stays = tr(
        "Images and versions of the model stay. The present state is backed up first, and undo takes all of it back in "
        "one step."
    )
    return "\n".join(lines) + f"\n\n{stays}"


def _names(names: Sequence[str]) -> str:
    listed = ", ".join(names[:MAX_NAMED])
    if len(names) <= MAX_NAMED:
        return listed
    return trn("{names} and {number:,} more", "{names} and {number:,} more", len(names) - MAX_NAMED, names=listed)
