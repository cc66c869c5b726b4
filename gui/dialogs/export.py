"""Exports the model: format, folder, progress, and what the check against the program came to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QCloseEvent, QDesktopServices, QKeyEvent
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QStackedWidget, QVBoxLayout, QWidget

from engine.events import JobCancelled, JobFailed, JobSucceeded
from engine.exporters.registry import FORMATS
from gui import wording
from gui.activities import EXPORT
from gui.dialogs import ask
from gui.dialogs.frame import FramedDialog
from gui.session import Session
from gui.widgets.buttons import button
from gui.widgets.card_button import CardButton
from gui.widgets.progress import SlimProgress
from gui.widgets.text import ElidedLabel, text_label
from gui.widgets.verdict import Verdict

STATUS_PX, SIDE_PX = 76, 24


class ExportDialog(FramedDialog):
    """Stays usable while the engine works; closing it leaves the export running."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        run = session.run
        assert run is not None
        super().__init__(
            "Export the model",
            f"{wording.run_title(run)} {wording.run_interval(run)}. "
            "What is exported is loaded again and compared with this program on your images before it is called done.",
            parent,
        )
        self.setMinimumWidth(620)
        self._session = session
        self._suggested = ""
        self._exported_to: Path | None = None
        self.cards: dict[str, CardButton] = {}
        row = QHBoxLayout()
        row.setSpacing(12)
        for name, record in FORMATS.items():
            card = CardButton("", record.title, record.description)
            card.setCheckable(True)
            card.setAutoExclusive(True)
            card.setMinimumHeight(92)
            card.toggled.connect(self._suggest_folder)
            self.cards[name] = card
            row.addWidget(card)
        self.body.addLayout(row)
        self.folder_field = QLineEdit()
        self.folder_field.setAccessibleName("Export to")
        self.folder_field.textChanged.connect(self._show_state)
        self._browse = button("Choose…", tooltip="Choose the folder to export to")
        self._browse.clicked.connect(self._on_browse)
        place = QHBoxLayout()
        place.setSpacing(12)
        place.addWidget(text_label("Folder", "dim"))
        place.addWidget(self.folder_field, 1)
        place.addWidget(self._browse)
        self.body.addSpacing(8)
        self.body.addLayout(place)
        self.body.addSpacing(8)
        self._status = QStackedWidget()
        self._status.hide()
        self._status.addWidget(QWidget())
        self._status.addWidget(self._make_progress())
        self.verdict = Verdict()
        self._status.addWidget(self.verdict)
        self.body.addWidget(self._status)
        self.open_button = self.add_button(button("Open folder", "", "folder-open"))
        self.open_button.clicked.connect(self._on_open)
        self.open_button.hide()
        self.close_button = self.add_button(button("Close"))
        self.close_button.clicked.connect(self.reject)
        self.export_button = self.add_button(button("Export", "primary"))
        self.export_button.clicked.connect(self._on_export)
        next(iter(self.cards.values())).setChecked(True)
        session.work.changed.connect(self._show_state)
        session.work.ended.connect(self._on_ended)
        session.work.has_own_view(EXPORT, True)
        self._show_state()

    def _make_progress(self) -> QWidget:
        widget = QWidget()
        column = QVBoxLayout(widget)
        column.setContentsMargins(0, 8, 0, 8)
        column.setSpacing(8)
        self.note = ElidedLabel(role="dim")
        self.progress = SlimProgress()
        column.addWidget(self.note)
        column.addWidget(self.progress)
        column.addStretch(1)
        return widget

    @property
    def format_name(self) -> str:
        return next(name for name, card in self.cards.items() if card.isChecked())

    def _folder(self) -> Path:
        return Path(self.folder_field.text().strip()).expanduser()

    def _suggest_folder(self, is_on: bool) -> None:
        project, run = self._session.project, self._session.run
        if not is_on or project is None or run is None or self.folder_field.text() != self._suggested:
            return
        plain = project.folder / "exports" / f"model-{run.id}-{self.format_name}"
        place, number = plain, 2
        while place.exists():
            place = plain.with_name(f"{plain.name}-{number}")
            number += 1
        self._suggested = str(place)
        self.folder_field.setText(self._suggested)

    def _on_browse(self) -> None:
        folder = ask.ask_folder(self, "Export to", self._folder().parent)
        if folder is not None:
            run = self._session.run
            is_used = any(folder.iterdir())
            name = f"model-{run.id if run is not None else 1}-{self.format_name}"
            self.folder_field.setText(str(folder / name if is_used else folder))

    def _on_export(self) -> None:
        self.open_button.hide()
        self._session.export(self.format_name, self._folder())

    def _on_open(self) -> None:
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._folder())))

    def _show_state(self) -> None:
        is_busy = self._session.work.is_running(EXPORT)
        for widget in (*self.cards.values(), self.folder_field, self._browse):
            widget.setEnabled(not is_busy)
        is_done = self._folder() == self._exported_to
        self.export_button.setEnabled(not is_busy and bool(self.folder_field.text().strip()) and not is_done)
        self.export_button.setToolTip("Choose another folder to export once more" if is_done else "")
        self.close_button.setText("Close" if not is_busy else "Hide")
        if is_busy:
            self._status.setCurrentIndex(1)
            self._show_status()
            activity = self._session.work.of_kind(EXPORT)
            if activity is not None:
                self.note.setText(activity.note[:1].upper() + activity.note[1:] or "Waiting for the engine")
                self.progress.set_progress(activity.done, activity.total)

    def _show_status(self) -> None:
        """Shows progress or verdict, and makes room for all of its words."""
        page = self._status.currentWidget()
        assert page is not None
        width = self.width() - 2 * SIDE_PX
        needed = page.heightForWidth(width) if page.hasHeightForWidth() else page.sizeHint().height()
        if self._status.isHidden() or self._status.height() < needed:
            self._status.setFixedHeight(max(STATUS_PX, needed))
            self._status.show()
            self.adjustSize()

    def _on_ended(self, kind: str, end: object) -> None:
        if kind != EXPORT:
            return
        if isinstance(end, JobSucceeded):
            report: Any = end.result
            self._exported_to = Path(report.folder)
            self.folder_field.setText(str(report.folder))
            self.verdict.show_good(*parity_words(report.parity))
            self.open_button.show()
            self.open_button.setFocus(Qt.FocusReason.OtherFocusReason)
            self._suggested = self.folder_field.text()
        elif isinstance(end, JobFailed):
            self.verdict.show_bad(end.error.message, end.error.hint)
        elif isinstance(end, JobCancelled):
            self.verdict.show_bad("The export was cancelled.", "Nothing was written.")
        self._status.setCurrentIndex(2)
        self._show_status()
        self._show_state()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and self._session.work.is_running(EXPORT):
            self._session.cancel_job()
            return
        super().keyPressEvent(event)

    def done(self, result: int) -> None:
        """Ends the dialog; how the export ends is told by the window from now on."""
        self._session.work.has_own_view(EXPORT, False)
        super().done(result)

    def closeEvent(self, event: QCloseEvent) -> None:
        self._session.work.changed.disconnect(self._show_state)
        self._session.work.ended.disconnect(self._on_ended)
        super().closeEvent(event)


def parity_words(parity: Any) -> tuple[str, str]:
    """Returns what the check came to: a headline and the particulars."""
    images = wording.count(parity.num_images, "image")
    same = (
        "the same class on all of them"
        if parity.top1_agreement >= 1.0
        else f"the same class on {wording.percent(parity.top1_agreement, 2)}"
    )
    return (
        "Exported and checked.",
        f"Loaded again in {parity.runtime} on {images}: {same}, probabilities within {parity.max_abs_diff:.0e}.",
    )
