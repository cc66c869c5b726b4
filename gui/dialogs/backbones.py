"""Choose the network that looks at the images: from the catalogue, any of timm's by name, or one of the user's own."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, Qt, QTimer
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLineEdit, QListView, QVBoxLayout, QWidget
from shiboken6 import isValid

from engine import weights
from engine.backbones import BackboneSpec
from engine.events import JobCancelled, JobEnded, JobFailed, JobSucceeded
from engine.language import tr
from gui import wording
from gui.activities import DOWNLOAD
from gui.backbone_advice import Advice, ask_advice
from gui.backbone_choice import depends_on, install_file
from gui.dialogs import ask
from gui.dialogs.backbone_details import BackboneDetails
from gui.dialogs.frame import FramedDialog
from gui.dialogs.views_choice import ViewsChoice, num_looks
from gui.models.backbone_list import SPEC_ROLE, BackboneListModel, rows_for
from gui.session import Session
from gui.widgets.backbone_row import BackboneDelegate
from gui.widgets.buttons import button
from gui.widgets.progress import SlimProgress
from gui.widgets.text import ElidedLabel, rule, text_label

SEARCH_PAUSE_MS = 120
OWN_TEXT = tr("From another model…")


class BackbonesDialog(FramedDialog):
    """List on the left, what the chosen one brings and costs on the right, the looks at each image below."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(
            tr("Backbone"),
            tr(
                "The network that looks at the images. A larger one sees more and takes longer. A change looks at all "
                "of them anew."
            ),
            parent,
        )
        room = parent.height() - 60 if parent is not None else 720
        self.resize(900, max(600, min(760, room)))
        self._session = session
        self._shown_key = ""
        self._recommended_key = ""
        self._is_filling = self._was_chosen = False
        self._own_bytes = 0
        self.model = BackboneListModel(self)
        self.body.addLayout(self._make_middle(), 1)
        self.body.addWidget(self._make_progress())
        self.problem = text_label(role="warning", wrap=True)
        self.problem.hide()
        self.body.addWidget(self.problem)
        self.advice = text_label(role="dim", wrap=True)
        self.body.addWidget(self.advice)
        self.body.addWidget(rule())
        self.body.addWidget(text_label(tr("Looks at each image"), "dim"))
        self.views = ViewsChoice()
        self.views.chosen.connect(session.backbones.set_views_preset)
        self.body.addWidget(self.views)
        self.own_button = self.add_button(
            button(OWN_TEXT, "", "folder-open", tr("Take the network of an exported model or of another project")),
            on_left=True,
        )
        self.own_button.clicked.connect(self._on_own)
        self.close_button = self.add_button(button(tr("Close")))
        self.close_button.clicked.connect(self.reject)
        self.use_button = self.add_button(button(tr("Use this one"), "primary"))
        self.use_button.clicked.connect(self._on_use)
        session.backbones.changed.connect(self._fill)
        session.work.changed.connect(self._show_state)
        session.work.ended.connect(self._on_ended)
        session.work.has_own_view(DOWNLOAD, True)
        session.backbones.look_up()
        ask_advice(session, None, self._show_advice)
        self._fill()
        self.search.setFocus(Qt.FocusReason.OtherFocusReason)

    def _show_advice(self, advice: Advice) -> None:
        if isValid(self):  # not closed meanwhile
            self.advice.setText(advice.text())
            self._recommended_key = advice.recommendation.spec.key
            if not self._was_chosen:
                self._shown_key = self._recommended_key
            self._fill()

    # ---- made once

    def _make_middle(self) -> QHBoxLayout:
        self.search = QLineEdit()
        self.search.setPlaceholderText(tr("Search by name"))
        self.search.setToolTip(tr("Also finds networks that are not in the list, from the collection called timm"))
        self.search.setClearButtonEnabled(True)
        self.search.setAccessibleName(tr("Search for a backbone by name"))
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.setInterval(SEARCH_PAUSE_MS)
        self._pause.timeout.connect(self._fill)
        self.search.textChanged.connect(lambda _text: self._pause.start())
        self.list = QListView()
        self.list.setModel(self.model)
        self.list.setItemDelegate(BackboneDelegate(self.list))
        self.list.setAccessibleName(tr("Backbones"))
        self.list.setMouseTracking(True)
        self.list.setFrameShape(QFrame.Shape.NoFrame)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        self.list.selectionModel().currentChanged.connect(self._on_current)
        self.list.doubleClicked.connect(lambda _index: self._on_use())
        self.nothing = text_label(tr("No network is called that."), "dim", wrap=True)
        self.nothing.hide()
        self.details = BackboneDetails()
        self.details.download_asked.connect(self._on_download)
        self.details.file_asked.connect(self._on_file)
        self.details.delete_asked.connect(self._on_delete)
        left = QVBoxLayout()
        left.setSpacing(8)
        left.addWidget(self.search)
        left.addWidget(self.nothing)
        left.addWidget(self.list, 1)
        middle = QHBoxLayout()
        middle.setSpacing(0)
        middle.addLayout(left, 5)
        middle.addWidget(self.details, 6)
        return middle

    def _make_progress(self) -> QWidget:
        self._progress_line = QWidget()
        row = QHBoxLayout(self._progress_line)
        row.setContentsMargins(0, 4, 0, 4)
        row.setSpacing(12)
        self.note = ElidedLabel(role="dim")
        self.note.setFixedWidth(320)
        self.progress = SlimProgress()
        self.cancel_button = button(
            tr("Cancel"), "chip", tooltip=tr("Stop the download; what is there already is kept")
        )
        self.cancel_button.clicked.connect(lambda: self._session.work.cancel_kind(DOWNLOAD))
        row.addWidget(self.note)
        row.addWidget(self.progress, 1)
        row.addWidget(self.cancel_button)
        return self._progress_line

    # ---- what is shown

    def checked(self) -> BackboneSpec | None:
        """Returns the backbone that is chosen in the list."""
        found = self.list.currentIndex().data(SPEC_ROLE)
        return found if isinstance(found, BackboneSpec) else None

    def select(self, key: str) -> None:
        """Chooses a backbone in the list, if it is there."""
        self._was_chosen = True
        row = self.model.row_of(key)
        if row >= 0:
            self.list.setCurrentIndex(self.model.index(row))
            self.list.scrollTo(self.model.index(row))

    def _fill(self) -> None:
        backbones = self._session.backbones
        in_use = backbones.chosen.key if backbones.chosen is not None else ""
        wanted = self._shown_key or in_use
        self._is_filling = True
        rows = rows_for(self.search.text(), backbones.others, backbones.available, in_use, self._recommended_key)
        self.model.set_rows(rows)
        self.nothing.setVisible(self.model.rowCount() == 0)
        row = self.model.row_of(wanted)
        index = self.model.index(row if row >= 0 else self.model.first_row())
        self.list.setCurrentIndex(index)
        self.list.scrollTo(index)
        self._is_filling = False
        self.views.show_choice(backbones.views_preset)
        self._show_record()

    def _on_current(self, index: QModelIndex) -> None:
        record = index.data(SPEC_ROLE)
        if isinstance(record, BackboneSpec):
            self._was_chosen |= not self._is_filling
            if record.key != self._shown_key:
                self.problem.hide()
            self._shown_key = record.key
        self._show_record()

    def _show_record(self) -> None:
        record, backbones = self.checked(), self._session.backbones
        self.details.setVisible(record is not None)
        if record is not None:
            self._own_bytes = sum(file.stat().st_size for file in weights.own_files(record) if file.exists())
            is_available = record.key in backbones.available
            self.details.show_backbone(record, is_available, self._own_bytes, num_looks(backbones.views_preset))
        self._show_state()

    def _show_state(self) -> None:
        record, backbones = self.checked(), self._session.backbones
        activity = self._session.work.of_kind(DOWNLOAD)
        self._progress_line.setVisible(activity is not None)
        if activity is not None:
            self.note.setText(f"{activity.title} · {activity.note}" if activity.note else activity.title)
            self.progress.set_progress(activity.done, activity.total)
            self.cancel_button.setEnabled(not activity.is_cancelling)
        self.details.set_is_busy(activity is not None)
        is_available = record is not None and record.key in backbones.available
        is_in_use = record is not None and backbones.chosen is not None and record.key == backbones.chosen.key
        self.use_button.setText(tr("In use") if is_in_use else tr("Use this one"))
        self.use_button.setEnabled(is_available and not is_in_use)
        self.use_button.setToolTip("" if is_available else tr("Get its weights first"))

    # ---- what the user does

    def _on_use(self) -> None:
        record, backbones = self.checked(), self._session.backbones
        if record is not None and record.key in backbones.available:
            backbones.choose(record.key)
            self.accept()

    def _on_download(self) -> None:
        record = self.checked()
        if record is not None:
            self.problem.hide()
            self._session.work.download(record)

    def _on_file(self) -> None:
        record = self.checked()
        file = ask.ask_file(self, tr("Take weights"), tr("Weights (*.pth *.safetensors);;All files (*)"))
        if record is None or file is None:
            return
        self.problem.hide()
        self._session.read_in_background(
            lambda: install_file(record, file), lambda _path: self._on_here(record), self._show_problem
        )

    def _on_own(self) -> None:
        from engine.tasks.take_backbone import TakeBackbone

        project = self._session.project
        folder = ask.ask_folder(self, tr("Folder of an exported model (ONNX or safetensors), or of another project"))
        if project is None or folder is None:
            return
        self.problem.hide()
        self.own_button.setEnabled(False)
        self.own_button.setText(tr("Reading it…"))

        def on_end(end: JobEnded) -> None:
            if not isValid(self):
                return  # closed meanwhile; the backbone is in the list all the same
            self.own_button.setEnabled(True)
            self.own_button.setText(OWN_TEXT)
            if isinstance(end, JobSucceeded):
                self._on_here(end.result)  # type: ignore[arg-type]
            elif isinstance(end, JobFailed):
                self._show_problem(end.error)

        self._session.bridge.submit(TakeBackbone(folder, project.folder), on_end=on_end)

    def _on_delete(self) -> None:
        record, session = self.checked(), self._session
        if record is None:
            return
        answer = ask.ask_choice(
            self,
            tr("Delete the weights of {backbone}?", backbone=record.display_name),
            tr(
                "This frees {size}. {consequence}",
                size=wording.size(self._own_bytes),
                consequence=depends_on(session, record),
            ),
            [tr("Delete"), tr("Keep")],
        )
        if answer == 0:
            self.problem.hide()
            session.read_in_background(
                lambda: weights.delete_weights(record), lambda _freed: session.backbones.look_up(), self._show_problem
            )

    def _on_here(self, record: BackboneSpec) -> None:
        self._shown_key, self._was_chosen = record.key, True
        self._session.backbones.look_up()

    # ---- what comes back

    def _on_ended(self, kind: str, end: object) -> None:
        if kind != DOWNLOAD:
            return
        if isinstance(end, JobFailed):
            self._show_problem(end.error)
        elif isinstance(end, JobCancelled):
            self.problem.hide()
        self._session.backbones.look_up()

    def _show_problem(self, error: BaseException) -> None:
        self.problem.setText(str(error))
        self.problem.show()

    def done(self, result: int) -> None:
        """Ends the dialog; how a download ends is told by the window from now on."""
        session = self._session
        session.work.has_own_view(DOWNLOAD, False)
        session.backbones.changed.disconnect(self._fill)
        session.work.changed.disconnect(self._show_state)
        session.work.ended.disconnect(self._on_ended)
        super().done(result)
