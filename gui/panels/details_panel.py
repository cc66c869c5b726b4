"""The right side: what is selected, what the model thinks of it, facts of the file, history of its classes."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QSize, Qt, QTimer, Signal
from PySide6.QtWidgets import QScrollArea, QVBoxLayout, QWidget

from engine.domain import HistoryEntry, ImageRecord, ImageStatus
from engine.language import tr, trc
from gui import wording
from gui.models.image_quality import describe_quality
from gui.panels.history_list import HistoryList
from gui.panels.image_classes import ImageClassesPanel
from gui.session import Session
from gui.thumbnails import THUMBNAIL_PX, Thumbnails
from gui.widgets.fact_grid import FactGrid
from gui.widgets.image_card import CardFace
from gui.widgets.image_preview import Preview
from gui.widgets.note_field import NoteField
from gui.widgets.probability_bars import ProbabilityBars
from gui.widgets.text import rule, text_label

READ_DELAY_MS = 60
FACTS = {
    "file": tr("File"), "size": tr("Size"), "taken": trc("photograph", "Taken"), "camera": tr("Camera"),
    "picture": tr("Picture"), "problem": tr("Problem"),
}  # fmt: skip
"""The facts of an image and what they are called."""


class DetailsPanel(QScrollArea):
    """Shows the session's current image. Facts, note and history are read in the background, after a short rest."""

    left = Signal()
    """The keys should go back to the images."""
    class_pressed = Signal(int)
    """The bar of a class was pressed: where does the model see it?"""

    def __init__(
        self,
        session: Session,
        thumbnails: Thumbnails,
        face_of: Callable[[int], CardFace],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._thumbnails = thumbnails
        self._face_of = face_of
        self._image_id = 0
        self._caption = text_label(tr("Selected"), "caption")
        self._preview = Preview()
        self._bars_caption = text_label(tr("The model thinks"), "caption")
        self._bars = ProbabilityBars()
        self.facts = FactGrid(FACTS, paths=("file",))
        self.classes = ImageClassesPanel(session)
        self.note = NoteField()
        self.history = HistoryList()
        self._nothing = text_label(tr("Nothing selected."), "faint", wrap=True)
        self._body = QWidget()
        self._build()
        self._read_timer = QTimer(self, singleShot=True, interval=READ_DELAY_MS)
        self._read_timer.timeout.connect(self._read)
        self._bars.pressed.connect(self.class_pressed)
        session.current_changed.connect(lambda _image_id: self.refresh())
        session.selection_changed.connect(self._show_caption)
        session.rows_changed.connect(lambda _rows: self.refresh())
        session.run_changed.connect(self.refresh)
        session.quality.changed.connect(self.refresh)
        session.save_state_changed.connect(lambda _state: self._read_timer.start())
        self.note.changed.connect(session.set_note)
        self.note.left.connect(self.left)
        self.history.back_wanted.connect(self._go_back)
        thumbnails.loaded.connect(self._on_thumbnails_loaded)

    @property
    def first_field(self) -> QWidget:
        """What takes the keyboard when the user comes here with F6."""
        return self.note

    def sizeHint(self) -> QSize:
        return QSize(272, 600)

    def edit_note(self) -> None:
        """Puts the cursor into the note of the current image."""
        if self.note.isVisible():
            self.note.setFocus(Qt.FocusReason.ShortcutFocusReason)
            self.ensureWidgetVisible(self.note)

    def refresh(self) -> None:
        """Shows the current image again."""
        image_id = self._session.current_image_id or 0
        has_image = bool(image_id) and self._session.row_of(image_id) >= 0
        self._body.setVisible(has_image)
        self._nothing.setVisible(not has_image)
        self._show_caption()
        if image_id != self._image_id:
            self._image_id = image_id
            sharp = self.devicePixelRatioF() * 240 > THUMBNAIL_PX * 1.15
            self._thumbnails.want("details", [image_id] if has_image else [], sharp=sharp)
            self.history.forget()
        if not has_image:
            self.note.show_note(0, "")
            return
        row = self._session.row_of(image_id)
        self.classes.show_row(row)
        self.note.show_note(image_id, None if self._session.columns.noted[row] else "")
        self._show_picture()
        predictions = self._session.predictions(image_id)
        self._bars_caption.setVisible(bool(predictions))
        self._bars.setVisible(bool(predictions))
        self._bars.set_predictions(predictions, self._session.thresholds())
        columns = self._session.columns
        self.facts.set_fact("file", columns.names[row])
        width_px, height_px = int(columns.widths_px[row]), int(columns.heights_px[row])
        self.facts.set_fact("size", f"{width_px} × {height_px}" if width_px and height_px else "–")
        taken_at = float(columns.taken_at[row])
        self.facts.set_fact("taken", wording.day_and_time(taken_at) if taken_at == taken_at else "")
        self._show_quality(row)
        is_missing = columns.statuses[row] == ImageStatus.MISSING
        self.facts.set_fact("problem", tr("The file is missing.") if is_missing else "")
        self._read_timer.start()

    def show_looked_at(self, class_id: int) -> None:
        """Marks the class that the heat map is about; 0 for none."""
        self._bars.set_looked_at(class_id)

    def forget_pictures(self) -> None:
        """Asks for the picture and the facts anew, because the file may be another one."""
        self._image_id = 0
        self._preview.forget()
        self.refresh()

    def _build(self) -> None:
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setAccessibleName(tr("Details"))
        body = QVBoxLayout(self._body)
        body.setContentsMargins(0, 0, 0, 0)
        body.setSpacing(8)
        body.addWidget(self._preview)
        body.addWidget(self.classes)
        body.addWidget(self.note)
        body.addSpacing(4)
        body.addWidget(self._bars_caption)
        body.addWidget(self._bars)
        body.addSpacing(8)
        body.addWidget(rule())
        body.addSpacing(4)
        body.addWidget(text_label(tr("Details"), "caption"))
        body.addLayout(self.facts)
        body.addSpacing(8)
        body.addWidget(rule())
        body.addSpacing(4)
        body.addWidget(text_label(tr("History"), "caption"))
        body.addWidget(self.history)
        content = QWidget()
        content.setProperty("role", "panel")
        layout = QVBoxLayout(content)
        layout.setContentsMargins(16, 14, 16, 16)
        layout.setSpacing(8)
        layout.addWidget(self._caption)
        layout.addWidget(self._nothing)
        layout.addWidget(self._body)
        layout.addStretch(1)
        self.setWidget(content)
        self._body.hide()

    def _show_caption(self) -> None:
        count = len(self._session.selected_ids)
        self._caption.setText(tr("SELECTED · {count:,} IMAGES", count=count) if count > 1 else tr("SELECTED"))

    def _show_picture(self) -> None:
        row = self._session.row_of(self._image_id)
        if row >= 0:
            columns = self._session.columns
            self._preview.set_face(self._face_of(row), int(columns.widths_px[row]), int(columns.heights_px[row]))

    def _show_quality(self, row: int) -> None:
        quality = self._session.quality.of(self._session.columns)
        words, tips = describe_quality(quality, row)
        self.facts.set_fact("picture", words)
        self.facts.values["picture"].setToolTip(tips)

    def _on_thumbnails_loaded(self, image_ids: list[int]) -> None:
        if self._image_id in image_ids:
            self._show_picture()

    def _read(self) -> None:
        project, image_id = self._session.project, self._image_id
        if project is None or not image_id:
            return

        def read() -> tuple[list[ImageRecord], list[HistoryEntry], str]:
            return project.images([image_id]), project.history(image_id), project.note(image_id)

        def show(found: tuple[list[ImageRecord], list[HistoryEntry], str]) -> None:
            records, history, note = found
            if image_id == self._image_id and records:
                self._show_record(records[0])
                self.history.set_entries(history, can_go_back=not self._session.is_read_only)
                if not self._session.num_unsaved:  # a note that is on its way is newer than what was read
                    self.note.show_note(image_id, note)

        self._session.read_in_background(read, show)

    def _go_back(self, step_id: int) -> None:
        if self._image_id:
            self._session.revert_image(self._image_id, step_id)

    def _show_record(self, record: ImageRecord) -> None:
        if record.width_px and record.height_px:
            size = wording.size(record.size_bytes)
            self.facts.set_fact("size", f"{record.width_px} × {record.height_px}, {size}")
        self.facts.set_fact("camera", record.camera)
        self.facts.set_fact("problem", record.reason)
        self.facts.values["file"].setToolTip(str(record.path))
