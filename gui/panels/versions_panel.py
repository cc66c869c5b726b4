"""The versions of the model: a list, what one is made of, what differs between two, and what can be done to them."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFocusEvent, QPainter, QPaintEvent, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QSplitter, QStackedWidget, QVBoxLayout, QWidget

from engine.domain import Run
from engine.errors import AppError
from engine.language import tr, trn
from gui.models.version_list import VersionListModel
from gui.panels.version_details import VersionDetails
from gui.session import Session
from gui.theme import theme
from gui.thumbnails import Thumbnails
from gui.versions import Versions
from gui.widgets.banner import Banner, Remedy
from gui.widgets.buttons import button
from gui.widgets.empty_state import EmptyState
from gui.widgets.version_table import ROW_PX, VersionTable

HINT = tr("Choose a version to see what it is made of, and two (Ctrl+click, Shift+arrow) to compare them.")
MANY = tr("Choose two versions to compare them. Delete takes away all that are chosen.")
DELETE = tr("Delete the chosen versions with their files (Del)")
IN_USE = tr("The version in use cannot be deleted: use another one first")
FEWEST_ROWS, MOST_ROWS, BAR_PX = 3, 7, 72


class VersionsPanel(QWidget):
    """Reads nothing while it is not seen."""

    export_wanted = Signal(object)
    """The Run that is to be exported."""

    def __init__(self, session: Session, thumbnails: Thumbnails, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.versions = Versions(session)
        self.model = VersionListModel()
        self.table = VersionTable(self.model)
        self.details = VersionDetails(session, thumbnails)
        self._empty = EmptyState()
        self._empty.set_state(
            "layers",
            tr("No version yet"),
            tr("Each training makes one. Label some images of two classes, then retrain."),
        )
        self._stack = QStackedWidget()
        self._page = QWidget()
        self._is_laid_out = False
        self._build()
        self.banner = Banner(self)
        self._connect()
        self._show_versions()

    # ------------------------------------------------------------------------------------------------- for the window

    def take_back(self) -> bool:
        """Brings back what was deleted last; tells whether there was anything."""
        if not self.versions.bin:
            return False
        self.versions.bring_back(self.versions.bin[-1:])
        return True

    # --------------------------------------------------------------------------------------------------------- set-up

    def _build(self) -> None:
        self.use_button = button(
            tr("Use this version"),
            "primary",
            tooltip=tr("Show its suggestions and figures from now on, and train on from it"),
        )
        self.compare_button = button(
            tr("Compare"), "", "matrix", tr("What differs from the version in use, image by image")
        )
        self.note_button = button(tr("Note"), "", "pencil", tr("Write a note on this version (F2)"))
        self.delete_button = button(tr("Delete"), "", "trash", DELETE)
        self.bring_back_button = button(tr("Bring back"), "chip", "undo")
        self.tidy_button = button(tr("Tidy up…"), "", "", tr("Delete old versions that nothing needs"))
        self.export_button = button(tr("Export…"), "", "export", tr("Take this version out of the program"))
        bar = QHBoxLayout()
        bar.setContentsMargins(24, 12, 24, 12)
        bar.setSpacing(8)
        for made in (self.use_button, self.compare_button, self.note_button, self.delete_button):
            bar.addWidget(made)
        bar.addWidget(self.bring_back_button)
        bar.addStretch(1)
        for made in (self.tidy_button, self.export_button):
            bar.addWidget(made)
        upper = QWidget()
        column = QVBoxLayout(upper)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(bar)
        inset = QHBoxLayout()
        inset.setContentsMargins(16, 0, 16, 4)
        inset.addWidget(self.table)
        column.addLayout(inset, 1)
        self._splitter = QSplitter(Qt.Orientation.Vertical)
        self._splitter.setHandleWidth(1)
        self._splitter.setChildrenCollapsible(False)
        self._splitter.addWidget(upper)
        self._splitter.addWidget(self.details)
        self._splitter.setStretchFactor(1, 1)
        whole = QVBoxLayout(self._page)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(self._splitter)
        self._stack.addWidget(self._page)
        self._stack.addWidget(self._empty)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(self._stack)
        self.setFocusProxy(self.table)

    def _connect(self) -> None:
        session, versions = self._session, self.versions
        for signal in (session.run_changed, session.project_opened):
            signal.connect(self._read_when_seen)
        session.project_closed.connect(self._on_closed)
        versions.changed.connect(self._show_versions)
        versions.compared.connect(self._show_comparison)
        versions.deleted.connect(self._on_deleted)
        versions.used.connect(self._on_used)
        self.table.chosen.connect(self._show_chosen)
        self.table.delete_wanted.connect(self._on_delete)
        self.model.note_changed.connect(versions.set_note)
        self.details.network_wanted.connect(self._on_network)
        self.use_button.clicked.connect(self._on_use)
        self.compare_button.clicked.connect(self._on_compare)
        self.note_button.clicked.connect(self.table.edit_note)
        self.delete_button.clicked.connect(self._on_delete)
        self.bring_back_button.clicked.connect(lambda: versions.bring_back(versions.bin))
        self.tidy_button.clicked.connect(self._on_tidy)
        self.export_button.clicked.connect(self._on_export)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.versions.read()

    def focusInEvent(self, event: QFocusEvent) -> None:
        self.table.setFocus(Qt.FocusReason.OtherFocusReason)

    def paintEvent(self, event: QPaintEvent) -> None:
        QPainter(self).fillRect(self.rect(), theme().color("panel"))

    # --------------------------------------------------------------------------------------------------------- showing

    def _on_closed(self) -> None:
        self._is_laid_out = False
        self.banner.close_banner()

    def _read_when_seen(self) -> None:
        if self.isVisible():
            self.versions.read()

    def _show_versions(self) -> None:
        chosen = self.table.chosen_ids()
        self.model.set_rows(self.versions.rows)
        if self.versions.rows and not self._is_laid_out:
            self._is_laid_out = True
            num_rows = min(max(len(self.versions.rows), FEWEST_ROWS), MOST_ROWS) + 1
            list_px = BAR_PX + num_rows * ROW_PX
            self._splitter.setSizes([list_px, max(1, self.height() - list_px)])
        self._stack.setCurrentWidget(self._page if self.versions.rows or self.versions.bin else self._empty)
        if self.table.chosen_ids() != chosen or not chosen:
            active = [each.run.id for each in self.versions.rows if each.run.is_active]
            self.table.choose(chosen if any(map(self.versions.of_id, chosen)) else active)
        num_deleted = len(self.versions.bin)
        self.bring_back_button.setVisible(num_deleted > 0)
        self.bring_back_button.setText(
            trn("Bring back {number:,} version", "Bring back {number:,} versions", num_deleted)
        )
        self.bring_back_button.setToolTip(tr("Undo the deletions. When the project is closed, they are gone for good"))
        self._show_chosen()

    def _show_chosen(self) -> None:
        chosen = [found for each in self.table.chosen_ids() if (found := self.versions.of_id(each)) is not None]
        one = chosen[0] if len(chosen) == 1 else None
        active = next((each.run.id for each in self.versions.rows if each.run.is_active), None)
        is_free = not self._session.is_read_only
        self.use_button.setEnabled(is_free and one is not None and not one.run.is_active and not one.is_missing)
        can_compare = len(chosen) == 2 or (one is not None and active not in (None, one.run.id))
        self.compare_button.setEnabled(can_compare)
        self.note_button.setEnabled(is_free and one is not None)
        self.tidy_button.setEnabled(is_free and len(self.versions.rows) > 1)
        self.export_button.setEnabled(one is not None and not one.is_missing)
        has_active = any(each.run.is_active for each in chosen)
        self.delete_button.setEnabled(is_free and bool(chosen) and not has_active)
        self.delete_button.setToolTip(IN_USE if has_active else DELETE)
        if len(chosen) == 2:
            self.versions.compare(chosen[0].run.id, chosen[1].run.id)
            return
        self.versions.forget_comparison()
        if one is not None:
            self.details.show_version(one)
        else:
            self.details.show_sentence(MANY if chosen else HINT)

    def _show_comparison(self, found: object) -> None:
        if isinstance(found, AppError):
            self.details.show_problem(found)
        else:
            self.details.show_comparison(found)

    # --------------------------------------------------------------------------------------------------------- acting

    def _on_use(self) -> None:
        self.table.setFocus(Qt.FocusReason.OtherFocusReason)  # the button is about to be of no use
        for run_id in self.table.chosen_ids()[:1]:
            self.versions.use(run_id)

    def _on_used(self, run_id: int, before: int) -> None:
        back = tr("Back to version {before}", before=before)
        remedies = [Remedy(back, partial(self.versions.use, before))] if before else []
        sentence = tr("Its suggestions and figures are shown, and new labels are counted from it.")
        if run_id < before and self._session.auto_retrain.is_on:
            sentence = f"{sentence} {tr('Auto is switched off, so that it stays in use.')}"
        self.banner.show_text(
            tr("Version {run_id} is in use now.", run_id=run_id),
            sentence,
            "check-circle",
            "success",
            remedies,
            is_lasting=False,
        )

    def _on_network(self, run_id: int) -> None:
        self.versions.begin_with(run_id)
        sentence = tr(
            "The images are looked at anew with it. Another network can be chosen in the corner on the right."
        )
        headline = tr("The next training begins with the network of version {run_id}.", run_id=run_id)
        self.banner.show_text(headline, sentence, "layers", "accent", [], is_lasting=False)

    def _on_export(self) -> None:
        chosen = [found for each in self.table.chosen_ids() if (found := self.versions.of_id(each)) is not None]
        if len(chosen) == 1:
            self.export_wanted.emit(chosen[0].run)

    def _on_compare(self) -> None:
        active = [each.run.id for each in self.versions.rows if each.run.is_active]
        chosen = self.table.chosen_ids()
        if len(chosen) == 1:
            self.table.choose([*chosen, *active])
        self.details.setFocus(Qt.FocusReason.OtherFocusReason)

    def _on_delete(self) -> None:
        if self.delete_button.isEnabled():
            self.versions.delete(self.table.chosen_ids())

    def _on_deleted(self, runs: list[Run]) -> None:
        numbers = ", ".join(str(run.id) for run in sorted(runs, key=lambda run: run.id))
        headline = trn("Version {numbers} is deleted.", "Versions {numbers} are deleted.", len(runs), numbers=numbers)
        undo = Remedy(tr("Undo"), partial(self.versions.bring_back, runs))
        sentence = tr("The files are kept until the project is closed.")
        self.banner.show_text(headline, sentence, "trash", "text_dim", [undo], is_lasting=False)

    def _on_tidy(self) -> None:
        from gui.dialogs.tidy_versions import TidyVersionsDialog

        dialog = TidyVersionsDialog(self.versions, self.window())
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()
