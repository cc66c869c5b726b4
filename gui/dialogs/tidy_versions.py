"""Deletes old versions of the model that nothing needs, and says before what that frees."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QComboBox, QHBoxLayout, QListWidget, QWidget

from engine.language import tr, trc, trn
from gui import wording
from gui.dialogs.frame import FramedDialog
from gui.versions import Versions
from gui.widgets.buttons import button
from gui.widgets.text import text_label

if TYPE_CHECKING:
    from engine.project.pruning import PrunePlan

CHOICES = (0, 1, 2, 3, 5, 10, 20, 50)
DEFAULT_NEWEST = 5
NOTHING = tr("There is nothing to delete: every version is among those that stay.")


class TidyVersionsDialog(FramedDialog):
    """One number to choose; the rest is told."""

    def __init__(self, versions: Versions, parent: QWidget | None = None) -> None:
        super().__init__(
            tr("Tidy up versions"),
            tr(
                "The version in use, the one with the best score, all with a note, and those that one of them began "
                "with stay in any case."
            ),
            parent,
        )
        self.setMinimumWidth(560)
        self._versions = versions
        self._plan: PrunePlan | None = None
        self.newest = QComboBox()
        self.newest.setAccessibleName(tr("How many of the newest versions stay"))
        self.newest.setToolTip(tr("How many of the newest versions stay"))
        for number in CHOICES:
            self.newest.addItem(wording.count(number, "version") if number else trc("versions", "none"), number)
        fitting = [number for number in CHOICES if number < len(versions.rows)]
        self.newest.setCurrentIndex(CHOICES.index(min(DEFAULT_NEWEST, max(fitting, default=0))))
        self.newest.currentIndexChanged.connect(self._ask)
        row = QHBoxLayout()
        row.setSpacing(10)
        row.addWidget(text_label(tr("Also keep the newest")))
        row.addWidget(self.newest)
        row.addStretch(1)
        self.body.addLayout(row)
        self.summary = text_label("", "heading", wrap=True)
        self.body.addSpacing(8)
        self.body.addWidget(self.summary)
        self.list = QListWidget()
        self.list.setProperty("role", "lines")
        self.list.setAccessibleName(tr("What becomes of each version"))
        self.list.setMinimumHeight(180)
        self.body.addWidget(self.list, 1)
        cancel = self.add_button(button(tr("Cancel")))
        cancel.clicked.connect(self.reject)
        self.delete_button = self.add_button(button(tr("Delete"), "primary"))
        self.delete_button.clicked.connect(self._on_delete)
        self._ask()

    def _ask(self, _index: int = 0) -> None:
        self.delete_button.setEnabled(False)
        self._versions.plan_tidying(self.newest.currentData(), self._show)

    def _show(self, plan: PrunePlan) -> None:
        self._plan = plan
        number = len(plan.run_ids)
        frees = trn(
            "{number:,} version will be deleted, which frees {size}.",
            "{number:,} versions will be deleted, which frees {size}.",
            number,
            size=wording.size(plan.size_bytes),
        )
        self.summary.setText(frees if number else NOTHING)
        self.list.clear()
        for version in self._versions.rows:
            run = version.run
            fate = plan.reasons.get(run.id)
            size = wording.size(version.size_bytes)
            what = tr("stays: {reason}", reason=fate) if fate else tr("is deleted, {size}", size=size)
            self.list.addItem(
                tr(
                    "Version {id}  ·  {accuracy}  ·  {fate}",
                    id=run.id,
                    accuracy=wording.percent(run.validation.accuracy),
                    fate=what,
                )
            )
        self.delete_button.setText(
            trn("Delete {number:,} version", "Delete {number:,} versions", number) if number else tr("Delete")
        )
        self.delete_button.setEnabled(number > 0)

    def _on_delete(self) -> None:
        if self._plan is not None:
            self._versions.delete(self._plan.run_ids)
        self.accept()
