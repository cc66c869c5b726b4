"""Asks what is to be made of the pictures of a folder, now or as they come: a table, sorted folders, or both."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QCheckBox, QGridLayout, QHBoxLayout, QLineEdit, QPushButton, QSpinBox, QWidget

from engine.errors import AppError
from engine.exporters.sorted_files import Placing, SortPlan, check_place, free_bytes
from engine.images.scan import walk_images
from engine.language import tr
from gui import wording
from gui.dialogs import ask
from gui.dialogs.frame import FramedDialog
from gui.use_files import UNSURE_BELOW
from gui.use_folder import FolderPlan
from gui.use_session import UseSession
from gui.use_watch import WatchPlan
from gui.widgets.buttons import button
from gui.widgets.segments import Segment, Segments
from gui.widgets.text import set_role, text_label

LOOK_DELAY_MS = 350
WIDTH_PX, INDENT_PX, NAME_PX = 700, 28, 44
HOWS = (
    Segment(Placing.COPY, tr("Copies"), tr("Independent of the originals; needs as much room again")),
    Segment(Placing.HARD_LINK, tr("Hard links"), tr("A second name for the same file: no room, same disk only")),
    Segment(
        Placing.SYMBOLIC_LINK, tr("Symbolic links"), tr("Points to the original: no room, broken when that is moved")
    ),
)


@dataclass(frozen=True, slots=True)
class Survey:
    """What a look at the folders found. `num_bytes` is what copies would need; `sample` is one of the pictures."""

    num_images: int = 0
    num_bytes: int = 0
    num_free: int = 0
    has_part: bool = False
    has_table: bool = False
    problem: str = ""


class UseFolderDialog(FramedDialog):
    """For one run over a folder, or (`is_watch`) for watching one."""

    def __init__(self, use: UseSession, is_watch: bool, folder: Path | None = None, parent: QWidget | None = None):
        title = tr("Watch a folder") if is_watch else tr("Classify a folder")
        sentence = (
            tr(
                "New pictures are classified as they come. Files that are still being written are waited for, and a "
                "folder that vanishes is looked for until it is back."
            )
            if is_watch
            else tr(
                "Every picture in it goes into a table, into sorted folders, or both. The originals are never moved "
                "nor changed, and a run that was stopped can be gone on with."
            )
        )
        super().__init__(title, sentence, parent)
        self._use = use
        self._is_watch = is_watch
        self._asked = 0
        self._suggested: dict[QLineEdit, str] = {}
        self.survey = Survey()
        self.setMinimumWidth(WIDTH_PX)
        self.folder_field, self._folder_button = _path_row(tr("Folder of pictures"), tr("Choose: folder of pictures"))
        self.sub_folders = QCheckBox(tr("With its sub-folders"))
        self.sub_folders.setChecked(True)
        self.present = QCheckBox(tr("Also the pictures that are there now"))
        self.count = text_label("", "dim", wrap=True)
        self.table_box = QCheckBox(tr("Table (CSV): class, confidence, unknown score and all probabilities"))
        self.table_box.setChecked(True)
        self.table_field, self._table_button = _path_row(tr("Table"), tr("Choose: table"))
        self.resume_box = QCheckBox(tr("Go on with the table that is there; what it has is not classified again"))
        self.sort_box = QCheckBox(tr("Sort into a folder for each class; unknown and unsure ones apart"))
        self.sort_field, self._sort_button = _path_row(
            tr("Folder of sorted pictures"), tr("Choose: folder of sorted pictures")
        )
        self.how = Segments(tr("Copies or links"), HOWS)
        self.unsure = QSpinBox()
        self.unsure.setRange(0, 99)
        self.unsure.setValue(round(100 * UNSURE_BELOW))
        self.unsure.setSuffix(" %")
        # NoButtons would leave the number a single pixel beside the padding of the theme (Qt 6.11): it was not seen.
        self.unsure.setStyleSheet("QSpinBox::up-button, QSpinBox::down-button { width: 0; border: none; }")
        self.unsure.lineEdit().setTextMargins(10, 0, 0, 0)
        self.unsure.setFixedWidth(84)
        self.unsure.setAccessibleName(tr("Unsure below"))
        self.unsure.setToolTip(tr("Predictions less sure than this go into the folder “unsure”"))
        self.room = text_label("", "dim", wrap=True)
        self._build()
        cancel = self.add_button(button(tr("Cancel")))
        cancel.clicked.connect(self.reject)
        self.start_button = self.add_button(button(tr("Watch") if is_watch else tr("Start"), "primary"))
        self.start_button.clicked.connect(self.accept)
        self._timer = QTimer(self, singleShot=True, interval=LOOK_DELAY_MS)
        self._timer.timeout.connect(self._look)
        # Once the layout knows what is seen now; at once it would still count what was hidden.
        self._fit_timer = QTimer(self, singleShot=True, interval=0)
        self._fit_timer.timeout.connect(self._fit)
        self._connect()
        if folder is not None:
            self.folder_field.setText(str(folder))
        self._show_state()
        self.folder_field.setFocus()

    # ---- what was asked for

    def folder_plan(self) -> FolderPlan:
        """Returns what was asked for, for a run."""
        is_resumed = self.table_box.isChecked() and self.resume_box.isChecked() and self._can_resume()
        return FolderPlan(self._folder(), self.sub_folders.isChecked(), self._table(), is_resumed, self._sort())

    def watch_plan(self) -> WatchPlan:
        """Returns what was asked for, for watching."""
        return WatchPlan(self._folder(), self.present.isChecked(), self._table(), self._sort())

    def _folder(self) -> Path:
        return _path(self.folder_field)

    def _table(self) -> Path | None:
        if not self.table_box.isChecked():
            return None
        path = _path(self.table_field)
        return path if path.suffix else path.with_suffix(".csv")

    def _sort(self) -> SortPlan | None:
        if not self.sort_box.isChecked():
            return None
        return SortPlan(_path(self.sort_field), Placing(self.how.current), self.unsure.value() / 100)

    # ---- set-up

    def _build(self) -> None:
        grid = QGridLayout()
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(8)
        grid.setColumnMinimumWidth(0, INDENT_PX + NAME_PX)
        grid.setColumnStretch(1, 1)
        self._place(grid, 0, tr("Folder"), self.folder_field, self._folder_button)
        grid.addWidget(self.present if self._is_watch else self.sub_folders, 1, 1, 1, 2)
        grid.addWidget(self.count, 2, 1, 1, 2)
        self.body.addLayout(grid)
        self.body.addSpacing(10)
        self.body.addWidget(self.table_box)
        self._table_part, table = _part()
        self._place(table, 0, tr("File"), self.table_field, self._table_button)
        table.addWidget(self.resume_box, 1, 1, 1, 2)
        self.body.addWidget(self._table_part)
        self.body.addSpacing(10)
        self.body.addWidget(self.sort_box)
        self._sort_part, sort = _part()
        self._place(sort, 0, tr("Into"), self.sort_field, self._sort_button)
        line = QHBoxLayout()
        line.setSpacing(12)
        line.addWidget(self.how)
        line.addStretch(1)
        line.addWidget(text_label(tr("Unsure below"), "dim"))
        line.addWidget(self.unsure)
        sort.addLayout(line, 1, 1, 1, 2)
        sort.addWidget(self.room, 2, 1, 1, 2)
        self.body.addWidget(self._sort_part)
        self.body.addStretch(1)

    def _place(self, grid: QGridLayout, row: int, name: str, field: QLineEdit, browse: QPushButton) -> None:
        label = text_label(name, "dim")
        label.setBuddy(field)
        grid.addWidget(label, row, 0)
        grid.addWidget(field, row, 1)
        grid.addWidget(browse, row, 2)

    def _connect(self) -> None:
        self._folder_button.clicked.connect(self._choose_folder)
        self._table_button.clicked.connect(self._choose_table)
        self._sort_button.clicked.connect(self._choose_sort)
        self.folder_field.textChanged.connect(self._on_folder)
        for field in (self.table_field, self.sort_field):
            field.textChanged.connect(lambda _text: self._ask())
        for box in (self.sub_folders, self.present, self.table_box, self.resume_box, self.sort_box):
            box.toggled.connect(lambda _on: self._ask())
        self.how.chosen.connect(lambda _key: self._ask())

    # ---- what the user does

    def _choose_folder(self) -> None:
        chosen = ask.ask_folder(self, tr("Folder of pictures"))
        if chosen is not None:
            self.folder_field.setText(str(chosen))

    def _choose_table(self) -> None:
        chosen = ask.ask_save_file(self, tr("Table"), tr("Table (*.csv)"), _path(self.table_field))
        if chosen is not None:
            self.table_field.setText(str(chosen))

    def _choose_sort(self) -> None:
        chosen = ask.ask_folder(self, tr("Folder of sorted pictures"))
        if chosen is not None:
            self.sort_field.setText(str(chosen))

    def _on_folder(self) -> None:
        """Suggests places for the results beside the folder."""
        folder = self._folder()
        name = folder.name
        self._suggest(
            self.table_field, str(folder.with_name(tr("{folder} classified.csv", folder=name))) if folder.name else ""
        )
        self._suggest(self.sort_field, str(folder.with_name(tr("{folder} sorted", folder=name))) if folder.name else "")
        self._ask()

    def _suggest(self, field: QLineEdit, text: str) -> None:
        if field.text() == self._suggested.get(field, ""):
            self._suggested[field] = text
            field.setText(text)

    # ---- looking

    def _ask(self) -> None:
        self._show_state()
        self._timer.start()

    def _look(self) -> None:
        """Counts pictures and room in the background."""
        self._asked += 1
        asked, folder, table, sort = self._asked, self._folder(), self._table(), self._sort()
        is_recursive, is_watch = self.sub_folders.isChecked() or self._is_watch, self._is_watch

        def found(survey: Survey) -> None:
            if asked == self._asked:
                self.survey = survey
                self._show_state()

        self._use.in_background(
            lambda: look_at(folder, is_recursive, table, sort, is_watch), found, lambda _error: None
        )

    def _fit(self) -> None:
        """Makes room for everything that is seen."""
        layout = self.layout()
        if layout is not None:
            layout.activate()
            needed = (
                layout.totalHeightForWidth(self.width()) if layout.hasHeightForWidth() else self.sizeHint().height()
            )
            if needed > self.height():
                self.resize(self.width(), needed)

    def _can_resume(self) -> bool:
        return self.survey.has_part or self.survey.has_table

    def _show_state(self) -> None:
        survey, has_folder = self.survey, bool(self.folder_field.text().strip())
        self._table_part.setVisible(self.table_box.isChecked())
        self._sort_part.setVisible(self.sort_box.isChecked())
        self._fit_timer.start()
        self.resume_box.setVisible(self._can_resume() and not self._is_watch)
        if survey.has_part and not self.resume_box.property("was_offered"):
            self.resume_box.setProperty("was_offered", True)
            self.resume_box.setChecked(True)
        self.count.setText(survey.problem or _count_words(survey) if has_folder else "")
        self.count.setVisible(bool(self.count.text()))
        set_role(self.count, "danger" if survey.problem and has_folder else "dim")
        copies = self.sort_box.isChecked() and Placing(self.how.current) is Placing.COPY
        is_tight = copies and survey.num_bytes > survey.num_free > 0
        self.room.setText(_room_words(survey, copies, self._is_watch))
        set_role(self.room, "danger" if is_tight else "dim")
        has_goal = self.table_box.isChecked() or self.sort_box.isChecked()
        has_places = (not self.table_box.isChecked() or bool(self.table_field.text().strip())) and (
            not self.sort_box.isChecked() or bool(self.sort_field.text().strip())
        )
        can = has_folder and (has_goal or self._is_watch) and has_places and not survey.problem and not is_tight
        self.start_button.setEnabled(can)
        self.start_button.setToolTip(
            "" if has_goal or self._is_watch else tr("Choose a table, sorted folders, or both")
        )


def look_at(folder: Path, is_recursive: bool, table: Path | None, sort: SortPlan | None, is_watch: bool) -> Survey:
    """Returns what there is to do, and whether it can be done. Blocks."""
    from engine.tasks.prediction_table import part_of

    if not folder.is_dir():
        return Survey(problem="" if is_watch else tr("There is no such folder."))
    number, size, sample = 0, 0, None
    for file in walk_images(folder, lambda _name, _reason: None):
        if not is_recursive and "/" in file.relative_path:
            break  # a folder's own files come before those of its sub-folders
        number, size, sample = number + 1, size + file.size_bytes, sample or file.path
    problem = "" if number or is_watch else tr("There are no pictures in it.")
    free = 0
    if sort is not None:
        try:
            free = free_bytes(sort.folder)
            if sample is not None:
                check_place(sort, sample)
        except AppError as err:
            problem = str(err)
    has_part = table is not None and part_of(table).is_file()
    return Survey(number, size, free, has_part, table is not None and table.is_file(), problem)


def _count_words(survey: Survey) -> str:
    if not survey.num_images:
        return ""
    return f"{wording.count(survey.num_images, 'picture')}, {wording.size(survey.num_bytes)}"


def _room_words(survey: Survey, copies: bool, is_watch: bool) -> str:
    if not copies:
        return tr("Links need no room.")
    if not survey.num_free:
        return ""
    needed, free = wording.size(survey.num_bytes), wording.size(survey.num_free)
    if is_watch:
        return tr("{free} are free on that disk.", free=free)
    return tr("Copies need {size}; {free} are free on that disk.", size=needed, free=free)


def _part() -> tuple[QWidget, QGridLayout]:
    """Returns what belongs to a check box, below it."""
    part = QWidget()
    grid = QGridLayout(part)
    grid.setContentsMargins(INDENT_PX, 0, 0, 0)
    grid.setHorizontalSpacing(12)
    grid.setVerticalSpacing(8)
    grid.setColumnMinimumWidth(0, NAME_PX)
    grid.setColumnStretch(1, 1)
    return part, grid


def _path_row(name: str, choose: str) -> tuple[QLineEdit, QPushButton]:
    field = QLineEdit()
    field.setAccessibleName(name)
    browse = button(tr("Choose…"), tooltip=choose)
    browse.setAccessibleName(choose)
    return field, browse


def _path(field: QLineEdit) -> Path:
    return Path(field.text().strip()).expanduser().absolute()
