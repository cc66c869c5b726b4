"""Exports the model: formats, folder, how far each is, and what the check against the program came to."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QScrollArea, QVBoxLayout, QWidget

from engine.domain import Run
from engine.exporters.registry import FORMATS
from engine.extras import sizes_in_words
from engine.language import decimal, tr, trc, trn
from gui import wording
from gui.activities import EXPORT
from gui.dialogs import ask
from gui.dialogs.frame import FramedDialog
from gui.exports import ExportRow, ExportState
from gui.folders import open_in_system
from gui.session import Session
from gui.widgets.buttons import button
from gui.widgets.export_row import ExportRowView
from gui.widgets.text import text_label

if TYPE_CHECKING:
    from engine.exporters.parity import Parity

WIDTH_PX, HEIGHT_PX, MARGIN_PX = 740, 760, 56
CLOSE = (1e-6, 1e-5, 1e-4, 1e-3, 1e-2)
"""How far probabilities differ is said in these steps."""


class ExportDialog(FramedDialog):
    """Stays usable while the engine works; closing it leaves the exports running."""

    def __init__(self, session: Session, parent: QWidget | None = None, run: Run | None = None) -> None:
        self._run = run or session.run
        assert self._run is not None
        super().__init__(
            tr("Export the model"),
            tr(
                "{model} {interval}. What is exported is loaded again and compared with this program on your images "
                "before it is called done.",
                model=wording.run_title(self._run),
                interval=wording.run_interval(self._run),
            ),
            parent,
        )
        self._session = session
        self._exports = session.exports
        self._suggested = ""
        self.rows: dict[str, ExportRowView] = {}
        self.body.addWidget(self._make_list(), 1)
        self.body.addSpacing(4)
        self.body.addLayout(self._make_place())
        self.summary = text_label(role="dim", wrap=True)
        self.body.addWidget(self.summary)
        self.close_button = self.add_button(button(tr("Close")))
        self.close_button.clicked.connect(self.reject)
        self.export_button = self.add_button(button(trc("verb", "Export"), "primary"))
        self.export_button.clicked.connect(self._on_export)
        room = parent.height() - MARGIN_PX if parent is not None else HEIGHT_PX
        self.resize(WIDTH_PX, max(480, min(HEIGHT_PX, room)))
        session.work.has_own_view(EXPORT, True)
        self._exports.changed.connect(self._show_state)
        self._exports.look_up(self._run)
        if not self._exports.is_running:
            first = next(iter(self.rows.values()))
            first.box.setChecked(first.box.isEnabled())
            first.box.setFocus(Qt.FocusReason.OtherFocusReason)
        self._suggest_folder()
        self._show_state()

    # ---- made once

    def _make_list(self) -> QWidget:
        inside = _List()
        column = QVBoxLayout(inside)
        column.setContentsMargins(0, 0, 10, 0)
        column.setSpacing(8)
        for name, record in FORMATS.items():
            row = ExportRowView(record.title, record.description, record.caution)
            row.toggled.connect(self._show_state)
            row.cancel_asked.connect(partial(self._exports_cancel, name))
            row.open_asked.connect(partial(self._on_open, name))
            self.rows[name] = row
            column.addWidget(row)
        column.addStretch(1)
        self.list = QScrollArea()
        self.list.setProperty("role", "thin")
        self.list.setWidgetResizable(True)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setWidget(inside)
        self.list.setAccessibleName(tr("Formats"))
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        return self.list

    def _make_place(self) -> QHBoxLayout:
        self.folder_field = QLineEdit()
        self.folder_field.setAccessibleName(tr("Export to"))
        self.folder_field.setToolTip(tr("Each format gets a folder of its own in it"))
        self.folder_field.textChanged.connect(lambda _text: self._show_state())
        self.browse_button = button(tr("Choose…"), tooltip=tr("Choose the folder to export to"))
        self.browse_button.clicked.connect(self._on_browse)
        place = QHBoxLayout()
        place.setSpacing(12)
        place.addWidget(text_label(tr("Folder"), "dim"))
        place.addWidget(self.folder_field, 1)
        place.addWidget(self.browse_button)
        return place

    # ---- what is shown

    def chosen(self) -> list[str]:
        """Returns the formats that are ticked and can be exported now."""
        return [name for name, row in self.rows.items() if row.box.isChecked() and row.box.isEnabled()]

    def _show_state(self) -> None:
        if not hasattr(self, "export_button") or self._exports.run is None:
            return
        is_other = self._exports.run.id != self._run_id
        if is_other and not self._exports.is_running and self._run is not None:
            self._exports.look_up(self._run)  # comes here again
            return
        for name, view in self.rows.items():
            self._show_row(name, self._exports.rows[name], view)
        is_busy = self._exports.is_running
        for widget in (self.folder_field, self.browse_button):
            widget.setEnabled(not is_busy)
        names = self.chosen()
        self.export_button.setEnabled(bool(names) and bool(self.folder_field.text().strip()) and not is_other)
        self.close_button.setText(tr("Hide") if is_busy else tr("Close"))
        self.close_button.setToolTip(tr("The exports go on") if is_busy else "")
        self.summary.setText(self._summary_of(names, is_other))

    @property
    def _run_id(self) -> int:
        assert self._run is not None
        return self._run.id

    def _show_row(self, name: str, row: ExportRow, view: ExportRowView) -> None:
        is_running = row.state is ExportState.RUNNING
        needs = (
            tr("Needs {title}: {sizes}.", title=row.missing.title, sizes=sizes_in_words(row.missing))
            if row.missing is not None
            else ""
        )
        view.show_needs("" if is_running else row.cannot or needs, not is_running and not row.cannot)
        view.size_label.setText(tr("about {size}", size=wording.size(row.num_bytes)) if row.num_bytes else "")
        if is_running:
            view.show_progress(*self._exports.progress(name))
        elif row.state is ExportState.DONE and row.report is not None:
            icon, color, sentence = parity_words(row.report.parity)
            view.size_label.setText(wording.size(row.report.size_bytes))
            view.show_outcome(icon, color, sentence, True)
        elif row.state is ExportState.FAILED and row.error is not None:
            view.show_outcome("error", "danger", str(row.error), False)
        elif row.state is ExportState.CANCELLED:
            view.show_outcome("close", "text_dim", tr("Cancelled. Nothing was written."), False)
        else:
            view.show_ready()

    def _summary_of(self, names: list[str], is_other: bool) -> str:
        if is_other and self._exports.run is not None:
            return tr("Version {id} is being exported; this one can follow when that is done.", id=self._exports.run.id)
        rows = [self._exports.rows[name] for name in names]
        if not rows and self._exports.is_running:
            waiting = sum(row.state is ExportState.RUNNING for row in self._exports.rows.values())
            return trn(
                "{number:,} format to go. Esc cancels all of them.",
                "{number:,} formats to go. Esc cancels all of them.",
                waiting,
            )
        if not rows:
            return tr("Tick one format or several.")
        parts = [wording.count(len(rows), "format")]
        if all(row.num_bytes for row in rows):
            size = wording.size(sum(row.num_bytes for row in rows))
            parts[0] = trn(
                "{number:,} format, about {size}.", "{number:,} formats, about {size}.", len(rows), size=size
            )
        missing = {row.missing.key: row.missing for row in rows if row.missing is not None}.values()
        if missing:
            down, held = sum(each.download_bytes for each in missing), sum(each.installed_bytes for each in missing)
            titles = tr(" and ").join(each.title for each in missing)
            parts.append(
                trn(
                    "{titles} will be installed first: {download} from the internet, {installed} on the disk.",
                    "{titles} will be installed first: {download} from the internet, {installed} on the disk.",
                    len(missing),
                    titles=titles,
                    download=wording.size(down),
                    installed=wording.size(held),
                )
            )
        return " ".join(parts)

    # ---- what the user does

    def _folder(self) -> Path:
        return Path(self.folder_field.text().strip()).expanduser()

    def _suggest_folder(self) -> None:
        """Suggests a folder in the project that is not there yet; what the user wrote stays."""
        project = self._session.project
        if project is None or self.folder_field.text() != self._suggested:
            return
        plain = project.folder / "exports" / f"model-{self._run_id}"
        place, number = plain, 2
        while place.exists():
            place = plain.with_name(f"{plain.name}-{number}")
            number += 1
        self._suggested = str(place)
        self.folder_field.setText(self._suggested)

    def _on_browse(self) -> None:
        folder = ask.ask_folder(self, tr("Export to"), self._folder().parent)
        if folder is not None:
            self.folder_field.setText(str(folder / f"model-{self._run_id}" if any(folder.iterdir()) else folder))

    def _on_export(self) -> None:
        names = self.chosen()
        self._exports.start(names, self._folder())
        for name in names:
            self.rows[name].box.setChecked(False)
        if names:
            self.list.ensureWidgetVisible(self.rows[names[0]])

    def _exports_cancel(self, name: str) -> None:
        self._exports.cancel(name)

    def _on_open(self, name: str) -> None:
        report = self._exports.rows[name].report
        if report is not None:
            open_in_system(report.folder)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and self._exports.is_running:
            self._exports.cancel_all()
            return
        super().keyPressEvent(event)

    def done(self, result: int) -> None:
        """Ends the dialog; how the exports end is told by the window from now on."""
        self._session.work.has_own_view(EXPORT, False)
        self._exports.changed.disconnect(self._show_state)
        super().done(result)


class _List(QWidget):
    """As high as its rows are at its width: their smallest width would make it higher than it needs to be."""

    def minimumSizeHint(self) -> QSize:
        return QSize(0, 0)


def parity_words(parity: Parity) -> tuple[str, str, str]:
    """Returns what the check came to: icon, colour, sentence."""
    if parity.top1_agreement is None or parity.max_abs_diff is None:
        return (
            "warning",
            "warning",
            tr("Written, but not checked. {reason}", reason=parity.unchecked_because),
        )
    step = next((step for step in CLOSE if parity.max_abs_diff <= step), None)
    within = decimal(step, ".6f").rstrip("0") if step is not None else decimal(parity.max_abs_diff, ".2f")
    if parity.top1_agreement >= 1.0:
        sentence = trn(
            "Checked in {runtime}: the same class on {number:,} image, probabilities within {within}.",
            "Checked in {runtime}: the same class on all {number:,} images, probabilities within {within}.",
            parity.num_images,
            runtime=parity.runtime,
            within=within,
        )
    else:
        sentence = trn(
            "Checked in {runtime}: the same class on {share} of {number:,} image, probabilities within {within}.",
            "Checked in {runtime}: the same class on {share} of {number:,} images, probabilities within {within}.",
            parity.num_images,
            share=wording.percent(parity.top1_agreement),
            runtime=parity.runtime,
            within=within,
        )
    return "check-circle", "success", sentence
