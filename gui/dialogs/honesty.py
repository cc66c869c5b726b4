"""How models are measured: what is held out together, and a test set that no training sees."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QDateTime, QLocale, QTimer
from PySide6.QtWidgets import QButtonGroup, QCheckBox, QComboBox, QHBoxLayout, QLineEdit, QRadioButton, QWidget
from shiboken6 import isValid

from engine.evaluation.groups import BY_COLUMN, BY_FOLDER
from engine.language import tr, trn
from gui import wording
from gui.dialogs import ask
from gui.dialogs.frame import FramedDialog
from gui.widgets.buttons import button
from gui.widgets.text import set_role, text_label

if TYPE_CHECKING:
    from engine.project import Project
    from engine.project.honesty import TestSet
    from engine.tasks.grouping import GroupPreview
    from gui.session import Session

TYPING_PAUSE_MS: Final = 250
SHARES: Final = (10, 15, 20, 30, 50)
DEFAULT_SHARE: Final = 20
NO_RULE, FOLDER, PATTERN, TABLE = range(4)
_NOTHING: Final = tr("Each image by itself, but for what is found automatically.")


class HonestyDialog(FramedDialog):
    """Groups are saved together; the test set is locked and unlocked at once, because it cannot be taken lightly."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(
            tr("Groups and test set"),
            tr(
                "A model is measured on images that it has not seen. What belongs together is kept on one side, or the "
                "figures flatter."
            ),
            parent,
        )
        self.setMinimumWidth(600)
        self._session = session
        self._asked = 0
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(TYPING_PAUSE_MS)
        self._timer.timeout.connect(self._ask_preview)
        self._add_groups()
        self.body.addSpacing(16)
        self._add_test_set()
        self.body.addStretch(1)
        cancel = self.add_button(button(tr("Cancel")))
        cancel.clicked.connect(self.reject)
        self.save_button = self.add_button(button(tr("Save groups"), "primary"))
        self.save_button.setToolTip(tr("They count from the next training on"))
        self.save_button.clicked.connect(self._on_save)
        self.setEnabled(False)
        project = session.project
        if project is not None:
            session.read_in_background(
                lambda: (project.has_automatic_groups(), project.group_rule(), bool(project.group_table())),
                lambda found: self._show_groups(*found),
            )
            self._read_test_set(project)

    # ---- groups

    def _add_groups(self) -> None:
        self.body.addWidget(text_label(tr("Kept together"), "heading"))
        self.automatic = QCheckBox(tr("Near-duplicates and bursts, found automatically"))
        self.automatic.setToolTip(
            tr("The same picture resized, saved again, cut or moved a little; pictures of one camera seconds apart")
        )
        self.found = text_label("", "faint", wrap=True)
        self.found.setIndent(25)
        self.body.addWidget(self.automatic)
        self.body.addWidget(self.found)
        words = str(self._session.run.settings.get("alike") or "") if self._session.run is not None else ""
        self.found.setText(tr("The present model: {grouping}.", grouping=words) if words else "")
        self.found.setVisible(bool(words))
        self.body.addWidget(text_label(tr("And also"), "dim"))
        self.choices = QButtonGroup(self)
        for key, text, tooltip in (
            (NO_RULE, tr("Nothing else"), tr("Only what is found automatically")),
            (
                FOLDER,
                tr("Images of one folder"),
                tr("For folders that are days, plants, patients or parts, not classes"),
            ),
            (
                PATTERN,
                tr("Images with the same part in their file name:"),
                tr("A regular expression, such as plant(\\d+)"),
            ),
            (
                TABLE,
                tr("Groups from the table that was read"),
                tr("From a column of a CSV file: graft new --group-by FILE"),
            ),
        ):
            choice = QRadioButton(text)
            choice.setToolTip(tooltip)
            choice.toggled.connect(self._timer.start)
            self.choices.addButton(choice, key)
            self.body.addWidget(choice)
        self.choices.button(TABLE).hide()
        self.pattern = QLineEdit()
        self.pattern.setPlaceholderText(tr("plant(\\d+)  or  ^([^_]+)_"))
        self.pattern.setAccessibleName(tr("Part of the file name that names the group"))
        self.pattern.setToolTip(
            tr("What the first brackets match names the group; without brackets the whole match does")
        )
        self.pattern.textEdited.connect(self._on_pattern_edited)
        row = QHBoxLayout()
        row.setContentsMargins(25, 0, 0, 0)
        row.addWidget(self.pattern)
        self.body.addLayout(row)
        self.preview = text_label(_NOTHING, "dim", wrap=True)
        self.preview.setIndent(25)
        self.body.addWidget(self.preview)

    def _show_groups(self, is_automatic: bool, rule: str | None, has_table: bool) -> None:
        self.automatic.setChecked(is_automatic)
        self.choices.button(TABLE).setVisible(has_table)
        if rule is not None and rule not in (BY_FOLDER, BY_COLUMN):
            self.pattern.setText(rule)
        key = {None: NO_RULE, BY_FOLDER: FOLDER, BY_COLUMN: TABLE}.get(rule, PATTERN)
        self.choices.button(key).setChecked(True)
        self.setEnabled(True)
        can_write = not self._session.is_read_only
        self.save_button.setEnabled(can_write)
        self.test_button.setEnabled(can_write)

    def rule(self) -> str | None:
        """Returns the rule that is chosen, None for no rule."""
        key = self.choices.checkedId()
        return {FOLDER: BY_FOLDER, PATTERN: self.pattern.text().strip(), TABLE: BY_COLUMN}.get(key)

    def _on_pattern_edited(self, _text: str) -> None:
        self.choices.button(PATTERN).setChecked(True)
        self._timer.start()

    def _ask_preview(self) -> None:
        from engine.tasks.grouping import preview_rule

        project, rule = self._session.project, self.rule()
        self._asked += 1
        asked = self._asked
        if project is None or rule is None:
            self._show_preview(asked, None)
            return
        self._session.read_in_background(
            lambda: preview_rule(project, rule), lambda found: self._show_preview(asked, found)
        )

    def _show_preview(self, asked: int, found: GroupPreview | None) -> None:
        if not isValid(self) or asked != self._asked:  # closed, or something else was chosen meanwhile
            return
        if found is None:
            text, problem = _NOTHING, ""
        else:
            problem = found.problem
            text = trn(
                "{number:,} group; the largest has {images}.",
                "{number:,} groups; the largest has {images}.",
                found.num_groups,
                images=wording.count(found.largest, "image"),
            )
            if found.num_without:
                in_none = trn("{number:,} image in no group.", "{number:,} images in no group.", found.num_without)
                text = f"{text} {in_none}"
        set_role(self.preview, "warning" if problem else "dim")
        self.preview.setText(problem or text)
        self.save_button.setEnabled(not problem and not self._session.is_read_only)

    def _on_save(self) -> None:
        from engine.tasks.grouping import set_group_rule

        project, rule, is_automatic = self._session.project, self.rule(), self.automatic.isChecked()
        if project is None:
            return

        def save() -> None:
            set_group_rule(project, rule)
            project.set_automatic_groups(is_automatic)

        self._session.read_in_background(save, lambda _none: self.accept())

    # ---- the test set

    def _add_test_set(self) -> None:
        self.body.addWidget(text_label(tr("Locked test set"), "heading"))
        self.test_words = text_label("", "dim", wrap=True)
        self.body.addWidget(self.test_words)
        row = QHBoxLayout()
        row.setSpacing(8)
        self.share = QComboBox()
        for share in SHARES:
            self.share.addItem(f"{share} %", share)
        self.share.setCurrentIndex(SHARES.index(DEFAULT_SHARE))
        self.share.setAccessibleName(tr("Share of the labelled images for the test set"))
        self.share.setToolTip(tr("Share of the labelled images, of every class alike"))
        self.test_button = button(tr("Lock away"), tooltip=tr("Draw images at random; no later training sees them"))
        self.test_button.clicked.connect(self._on_test_button)
        row.addWidget(self.share)
        row.addWidget(self.test_button)
        row.addStretch(1)
        self.body.addLayout(row)
        self._test: TestSet | None = None

    def _read_test_set(self, project: Project) -> None:
        self._session.read_in_background(project.test_set, self._show_test_set)

    def _show_test_set(self, test: TestSet | None) -> None:
        self._test = test
        is_locked = test is not None and test.is_locked
        self.share.setVisible(not is_locked)
        self.test_button.setText(tr("Unlock…") if is_locked else tr("Lock away"))
        self.test_button.setAccessibleName(tr("Unlock the test set") if is_locked else tr("Lock a test set away"))
        if test is None:
            words = tr(
                "None. A share of the labelled images, drawn at random with whole groups, can be locked away from "
                "every later training. It is measured beside the other figures, and costs the model those images."
            )
        elif test.is_locked:
            words = trn(
                "{number:,} image locked since {day}. No training sees them.",
                "{number:,} images locked since {day}. No training sees them.",
                len(test.hashes),
                day=_day(test.locked_at),
            )
        else:
            words = trn(
                "Unlocked on {day}: its {number:,} image may have been trained on since.",
                "Unlocked on {day}: its {number:,} images may have been trained on since.",
                len(test.hashes),
                day=_day(test.unlocked_at or 0),
            )
        self.test_words.setText(words)

    def _on_test_button(self) -> None:
        project, test = self._session.project, self._test
        if project is None:
            return
        if test is not None and test.is_locked:
            answer = ask.ask_choice(
                self,
                tr("Unlock the test set?"),
                tr(
                    "Its images are trained on again from then on. They can never again say what a model is worth that "
                    "has seen them, and Review will say so."
                ),
                [tr("Unlock"), tr("Keep it locked")],
            )
            if answer == 0:
                self._session.read_in_background(project.unlock_test_set, lambda _none: self._read_test_set(project))
            return
        from engine.tasks.locked_test import lock_test_set

        share = self.share.currentData() / 100
        self._session.read_in_background(lambda: lock_test_set(project, share), self._show_test_set)


def _day(posix_s: float) -> str:
    """Returns e.g. "04 March 2026", its month in the user's language."""
    return QLocale().toString(QDateTime.fromSecsSinceEpoch(int(posix_s)), tr("dd MMMM yyyy"))
