"""What an import came to: one sentence, and the list of what could not be used with the reasons."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QPlainTextEdit, QWidget

from engine.language import tr, trn
from gui.dialogs.frame import FramedDialog
from gui.widgets.buttons import button

if TYPE_CHECKING:
    from engine.project.merging import MergePlan

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
            (report.num_changed, tr("{number:,} changed", number=report.num_changed)),
            (report.num_moved, tr("{number:,} moved", number=report.num_moved)),
            (report.num_missing, trn("{number:,} missing", "{number:,} missing", report.num_missing)),
            (report.num_returned, tr("{number:,} there again", number=report.num_returned)),
        )
        if number
    ]
    headline = ""
    if report.num_added or not parts:
        headline = trn("{number:,} image added.", "{number:,} images added.", report.num_added)
    if parts:
        headline = f"{headline} {', '.join(parts)}.".strip()
    if not report.num_added and not parts and not report.failed:
        headline = tr("Nothing new.")
    num_labelled, num_failed = report.num_labelled, len(report.failed)
    sentences = []
    if num_labelled:
        sentences.append(
            trn("{number:,} image labelled by folder.", "{number:,} images labelled by folder.", num_labelled)
        )
    if report.num_unread:
        sentences.append(tr("Their files are being read in the background."))
    if num_failed:
        sentences.append(
            trn(
                "{number:,} file could not be read and will be left out.",
                "{number:,} files could not be read and will be left out.",
                num_failed,
            )
        )
    return Report(headline, " ".join(sentences), [f"{name}: {reason}" for name, reason in report.failed])


def failed_report(failed: list[tuple[str, str]]) -> Report:
    """Puts into words which images the network could not look at."""
    return Report(
        trn("{number:,} image could not be read.", "{number:,} images could not be read.", len(failed)),
        tr("The model leaves them out; they stand under “Unreadable”."),
        [f"{name}: {reason}" for name, reason in failed],
    )


def label_report(report: Any) -> Report:
    """Puts a LabelReport of the CSV import into words."""
    lines = [tr("{image}: no such image in the project", image=name) for name in report.unknown_images]
    lines += [
        tr("{image}: several images have this name; give the folder too", image=name)
        for name in report.ambiguous_images
    ]
    lines += [str(each) for each in report.errors]
    new = [getattr(each, "name", str(each)) for each in report.new_classes]
    sentences = []
    if new:
        sentences.append(trn("New class: {names}.", "New classes: {names}.", len(new), names=", ".join(new)))
    if report.num_notes:
        sentences.append(trn("{number:,} note taken over.", "{number:,} notes taken over.", report.num_notes))
    if lines:
        sentences.append(trn("{number:,} row could not be used.", "{number:,} rows could not be used.", len(lines)))
    headline = trn("{number:,} label imported.", "{number:,} labels imported.", report.num_applied)
    return Report(headline, " ".join(sentences), lines)


def merge_report(plan: MergePlan) -> Report:
    """Puts into words what was taken over from another project; what both say differently stayed as it was here."""
    none = tr("none")
    lines = [
        tr(
            "{image}: {here} here, {there} there{reason}",
            image=each.image,
            here=each.here or none,
            there=each.there or none,
            reason=f" ({each.reason})" if each.reason else "",
        )
        for each in plan.conflicts
    ]
    lines += [f"{image}: {reason}" for image, reason in plan.not_found]
    sentences = []
    if plan.new_classes:
        names = ", ".join(plan.new_classes)
        sentences.append(trn("New class: {names}.", "New classes: {names}.", len(plan.new_classes), names=names))
    if plan.num_notes:
        sentences.append(trn("{number:,} note taken over.", "{number:,} notes taken over.", plan.num_notes))
    if plan.num_equal:
        sentences.append(
            trn("{number:,} image had the same here.", "{number:,} images had the same here.", plan.num_equal)
        )
    if plan.conflicts:
        sentences.append(
            trn(
                "{number:,} image is labelled differently there and stays as it is.",
                "{number:,} images are labelled differently there and stay as they are.",
                len(plan.conflicts),
            )
        )
    if plan.not_found:
        number = len(plan.not_found)
        sentences.append(trn("{number:,} image is not here.", "{number:,} images are not here.", number))
    headline = trn("Labels of {number:,} image taken over.", "Labels of {number:,} images taken over.", plan.num_new)
    return Report(headline, " ".join(sentences), lines)


class ReportDialog(FramedDialog):
    """Shows the lines of a report, ready to be copied."""

    def __init__(self, report: Report, parent: QWidget | None = None) -> None:
        super().__init__(report.headline.rstrip("."), report.sentence, parent)
        self.resize(640, 420)
        self._text = "\n".join(report.lines)
        shown = "\n".join(report.lines[:MAX_SHOWN_LINES])
        if len(report.lines) > MAX_SHOWN_LINES:
            shown += "\n" + tr(
                "… and {number:,} more (all of them are copied)", number=len(report.lines) - MAX_SHOWN_LINES
            )
        self.box = QPlainTextEdit(shown)
        self.box.setReadOnly(True)
        self.box.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.box.setAccessibleName(tr("What could not be used"))
        self.body.addWidget(self.box, 1)
        self.copy_button = self.add_button(button(tr("Copy"), "", "copy", tr("Copy the whole list")))
        self.copy_button.clicked.connect(self._copy)
        close = self.add_button(button(tr("Close"), "primary"))
        close.clicked.connect(self.accept)

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(self._text)
        self.copy_button.setText(tr("Copied"))
