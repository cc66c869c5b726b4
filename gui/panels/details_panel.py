"""The right side: what is selected, what the model thinks of it, facts of the file, history of its classes."""

from __future__ import annotations

import time
from collections.abc import Callable

from PySide6.QtCore import QRect, QSize, Qt, QTimer
from PySide6.QtGui import QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QGridLayout, QLabel, QScrollArea, QSizePolicy, QVBoxLayout, QWidget

from engine.domain import HistoryEntry, ImageRecord, ImageStatus
from gui import wording
from gui.session import Session
from gui.thumbnails import THUMBNAIL_PX, Thumbnails
from gui.widgets.image_card import CardFace, CardPainter
from gui.widgets.probability_bars import ProbabilityBars
from gui.widgets.text import ElidedLabel, rule, text_label

READ_DELAY_MS = 60
MAX_HISTORY = 8
MIN_SHAPE, DEFAULT_SHAPE, MAX_SHAPE = 0.5, 0.75, 1.0
"""Height by width of the preview; it takes the shape of the image between these limits."""


class Preview(QWidget):
    """The current image in the width of the panel."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._painter = CardPainter(4)
        self._face: CardFace | None = None
        self._shape = DEFAULT_SHAPE
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Preview")

    def set_face(self, face: CardFace | None, width_px: int, height_px: int) -> None:
        """Shows a picture whole; the size is the image's, known before its picture is there."""
        if face is None or self._face is None or face.image_id != self._face.image_id:
            self._painter.forget()
        self._face = face
        shape = height_px / width_px if width_px and height_px else DEFAULT_SHAPE
        shape = min(MAX_SHAPE, max(MIN_SHAPE, shape))
        if shape != self._shape:
            self._shape = shape
            self.setFixedHeight(round(self.width() * shape))
        self.update()

    def forget(self) -> None:
        """Drops what was scaled."""
        self._painter.forget()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self.setFixedHeight(round(event.size().width() * self._shape))

    def paintEvent(self, event: QPaintEvent) -> None:
        if self._face is None:
            return
        painter = QPainter(self)
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        self._painter.paint_picture(painter, QRect(0, 0, self.width(), self.height()), self._face)
        painter.end()


class DetailsPanel(QScrollArea):
    """Shows the session's current image. Facts and history are read in the background, after a short rest."""

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
        self._caption = text_label("Selected", "caption")
        self._preview = Preview()
        self._bars_caption = text_label("The model thinks", "caption")
        self._bars = ProbabilityBars()
        self._facts = QGridLayout()
        self._values: dict[str, ElidedLabel] = {}
        self._names: dict[str, QLabel] = {}
        self._history_parts: list[QWidget] = []
        self._history_caption = text_label("History", "caption")
        self._history = QGridLayout()
        self._nothing = text_label("Nothing selected.", "faint", wrap=True)
        self._body = QWidget()
        self._build()
        self._read_timer = QTimer(self, singleShot=True, interval=READ_DELAY_MS)
        self._read_timer.timeout.connect(self._read)
        session.current_changed.connect(lambda _image_id: self.refresh())
        session.selection_changed.connect(self._show_caption)
        session.rows_changed.connect(lambda _rows: self.refresh())
        session.run_changed.connect(self.refresh)
        session.save_state_changed.connect(lambda _state: self._read_timer.start())
        thumbnails.loaded.connect(self._on_thumbnails_loaded)

    def sizeHint(self) -> QSize:
        return QSize(272, 600)

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
        if not has_image:
            return
        self._show_picture()
        predictions = self._session.predictions(image_id)
        self._bars_caption.setVisible(bool(predictions))
        self._bars.setVisible(bool(predictions))
        self._bars.set_predictions(predictions)
        columns, row = self._session.columns, self._session.row_of(image_id)
        self._set_fact("File", columns.names[row])
        width_px, height_px = int(columns.widths_px[row]), int(columns.heights_px[row])
        self._set_fact("Size", f"{width_px} × {height_px}" if width_px and height_px else "–")
        taken_at = float(columns.taken_at[row])
        self._set_fact("Taken", _moment(taken_at) if taken_at == taken_at else "")
        self._set_fact("Problem", "The file is missing." if columns.statuses[row] == ImageStatus.MISSING else "")
        self._read_timer.start()

    def forget_pictures(self) -> None:
        """Asks for the picture and the facts anew, because the file may be another one."""
        self._image_id = 0
        self._preview.forget()
        self.refresh()

    def _build(self) -> None:
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setAccessibleName("Details")
        self._facts.setVerticalSpacing(6)
        self._facts.setHorizontalSpacing(12)
        self._facts.setColumnStretch(1, 1)
        self._history.setVerticalSpacing(6)
        self._history.setHorizontalSpacing(12)
        self._history.setColumnStretch(0, 1)
        for at, name in enumerate(("File", "Size", "Taken", "Camera", "Problem")):
            self._names[name] = text_label(name, "dim")
            mode = Qt.TextElideMode.ElideMiddle if name == "File" else Qt.TextElideMode.ElideRight
            self._values[name] = ElidedLabel("", mode=mode)
            self._values[name].setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            self._facts.addWidget(self._names[name], at, 0)
            self._facts.addWidget(self._values[name], at, 1)
        body = QVBoxLayout(self._body)
        body.setContentsMargins(0, 0, 0, 0)
        body.setSpacing(8)
        body.addWidget(self._preview)
        body.addSpacing(4)
        body.addWidget(self._bars_caption)
        body.addWidget(self._bars)
        body.addSpacing(8)
        body.addWidget(rule())
        body.addSpacing(4)
        body.addWidget(text_label("Details", "caption"))
        body.addLayout(self._facts)
        body.addSpacing(8)
        body.addWidget(rule())
        body.addSpacing(4)
        body.addWidget(self._history_caption)
        body.addLayout(self._history)
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
        self._caption.setText(f"SELECTED · {count:,} IMAGES" if count > 1 else "SELECTED")

    def _show_picture(self) -> None:
        row = self._session.row_of(self._image_id)
        if row >= 0:
            columns = self._session.columns
            self._preview.set_face(self._face_of(row), int(columns.widths_px[row]), int(columns.heights_px[row]))

    def _set_fact(self, name: str, text: str) -> None:
        self._values[name].setText(text)
        self._names[name].setVisible(bool(text))
        self._values[name].setVisible(bool(text))

    def _on_thumbnails_loaded(self, image_ids: list[int]) -> None:
        if self._image_id in image_ids:
            self._show_picture()

    def _read(self) -> None:
        project, image_id = self._session.project, self._image_id
        if project is None or not image_id:
            return

        def show(found: tuple[list[ImageRecord], list[HistoryEntry]]) -> None:
            if image_id == self._image_id and found[0]:
                self._show_record(found[0][0])
                self._show_history(found[1])

        self._session.read_in_background(lambda: (project.images([image_id]), project.history(image_id)), show)

    def _show_record(self, record: ImageRecord) -> None:
        if record.width_px and record.height_px:
            size = wording.size(record.size_bytes)
            self._set_fact("Size", f"{record.width_px} × {record.height_px}, {size}")
        self._set_fact("Camera", record.camera)
        self._set_fact("Problem", record.reason)
        self._values["File"].setToolTip(str(record.path))

    def _show_history(self, entries: list[HistoryEntry]) -> None:
        while self._history_parts:
            self._history_parts.pop().deleteLater()
        if not entries:
            self._history_parts.append(text_label("Not labelled yet", "faint"))
            self._history.addWidget(self._history_parts[-1], 0, 0)
        for at, entry in enumerate(reversed(entries[-MAX_HISTORY:])):
            what, when = ElidedLabel(entry.text, "dim"), text_label(wording.moment(entry.made_at))
            when.setToolTip(_moment(entry.made_at))
            self._history.addWidget(what, at, 0)
            self._history.addWidget(when, at, 1)
            self._history_parts += [what, when]


def _moment(posix_s: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(posix_s))
