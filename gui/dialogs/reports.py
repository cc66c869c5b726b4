"""What an import came to: one sentence, and the list of what could not be used with the reasons."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QPlainTextEdit, QWidget

from gui import wording
from gui.dialogs.frame import FramedDialog
from gui.widgets.buttons import button

MAX_SHOWN_LINES = 5000


@dataclass(frozen=True, slots=True)
class Report:
    """A headline and a sentence; `lines` name what could not be used."""

    headline: str
    sentence: str
    lines: list[str]


def scan_report(report: Any) -> Report:
    """Puts a ScanReport of the scan task into words."""
    parts = [
        text
        for number, text in (
            (report.num_changed, "changed"),
            (report.num_moved, "moved"),
            (report.num_missing, "missing"),
            (report.num_returned, "there again"),
        )
        if number
        for text in [f"{number:,} {text}"]
    ]
    headline = f"{wording.count(report.num_added, 'image')} added." if report.num_added or not parts else ""
    if parts:
        headline = f"{headline} {', '.join(parts).capitalize()}.".strip()
    if not report.num_added and not parts and not report.failed:
        headline = "Nothing new."
    failed = len(report.failed)
    sentences = [f"{wording.count(report.num_labelled, 'image')} labelled by folder."] if report.num_labelled else []
    if report.num_unread:
        sentences.append("Their files are being read in the background.")
    if failed:
        sentences.append(f"{wording.count(failed, 'file')} could not be read and will be left out.")
    return Report(headline, " ".join(sentences), [f"{name}: {reason}" for name, reason in report.failed])


def failed_report(failed: list[tuple[str, str]]) -> Report:
    """Puts into words which images the network could not look at."""
    return Report(
        f"{wording.count(len(failed), 'image')} could not be read.",
        "The model leaves them out; they stand under “Unreadable”.",
        [f"{name}: {reason}" for name, reason in failed],
    )


def label_report(report: Any) -> Report:
    """Puts a LabelReport of the CSV import into words."""
    lines = [f"{name}: no such image in the project" for name in report.unknown_images]
    lines += [f"{name}: several images have this name; give the folder too" for name in report.ambiguous_images]
    lines += [str(each) for each in report.errors]
    new = [getattr(each, "name", str(each)) for each in report.new_classes]
    sentence = f"New {'class' if len(new) == 1 else 'classes'}: {', '.join(new)}." if new else ""
    if report.num_notes:
        sentence = f"{sentence} {wording.count(report.num_notes, 'note')} taken over.".strip()
    if lines:
        sentence = f"{sentence} {wording.count(len(lines), 'row')} could not be used.".strip()
    return Report(f"{wording.count(report.num_applied, 'label')} imported.", sentence, lines)


class ReportDialog(FramedDialog):
    """Shows the lines of a report, ready to be copied."""

    def __init__(self, report: Report, parent: QWidget | None = None) -> None:
        super().__init__(report.headline.rstrip("."), report.sentence, parent)
        self.resize(640, 420)
        self._text = "\n".join(report.lines)
        shown = "\n".join(report.lines[:MAX_SHOWN_LINES])
        if len(report.lines) > MAX_SHOWN_LINES:
            shown += f"\n… and {len(report.lines) - MAX_SHOWN_LINES:,} more (all of them are copied)"
        self.box = QPlainTextEdit(shown)
        self.box.setReadOnly(True)
        self.box.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.box.setAccessibleName("What could not be used")
        self.body.addWidget(self.box, 1)
        self.copy_button = self.add_button(button("Copy", "", "copy", "Copy the whole list"))
        self.copy_button.clicked.connect(self._copy)
        close = self.add_button(button("Close", "primary"))
        close.clicked.connect(self.accept)

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(self._text)
        self.copy_button.setText("Copied")
