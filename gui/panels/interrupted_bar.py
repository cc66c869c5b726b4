"""The strip over the model bar that says that a training was stopped, with a button to go on and one to forget it."""

from __future__ import annotations

from PySide6.QtCore import QDateTime, QLocale, QRectF, QSize
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from engine.language import tr, trn
from gui import wording
from gui.activities import TRAIN
from gui.panels.model_bar import DEPTH_NAMES
from gui.session import Session
from gui.theme import paint_icon, theme
from gui.widgets.buttons import button
from gui.widgets.text import ElidedLabel


class InterruptedBar(QWidget):
    """Hidden while there is nothing to go on with, or a training is under way."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.setAccessibleName(tr("Training that was interrupted"))
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.title = ElidedLabel()
        self.sentence = ElidedLabel(role="dim")
        self.resume_button = button(tr("Resume"), tooltip=tr("Go on where it was, on the labels of when it was begun"))
        self.resume_button.clicked.connect(session.training.resume)
        self.discard_button = button(
            tr("Discard"), "chip", tooltip=tr("Throw away what it has done; your labels and models stay")
        )
        self.discard_button.clicked.connect(session.training.discard)
        texts = QVBoxLayout()
        texts.setSpacing(2)
        texts.addWidget(self.title)
        texts.addWidget(self.sentence)
        row = QHBoxLayout(self)
        row.setContentsMargins(48, 10, 16, 10)
        row.setSpacing(8)
        row.addLayout(texts, 1)
        row.addWidget(self.discard_button)
        row.addWidget(self.resume_button)
        for signal in (session.training.changed, session.work.changed, session.project_closed):
            signal.connect(self._show)
        self._show()

    def minimumSizeHint(self) -> QSize:
        return QSize(320, super().minimumSizeHint().height())

    def _show(self) -> None:
        found = self._session.training.interrupted if self._session.project is not None else None
        is_shown = found is not None and not self._session.work.is_running(TRAIN)
        if found is not None and is_shown:
            self.title.setText(
                tr("A training was interrupted at {share}. Resume it?", share=wording.percent(found.share, 0))
            )
            began = QDateTime.fromSecsSinceEpoch(int(found.began_at))
            is_today = began.date() == QDateTime.currentDateTime().date()
            when = QLocale().toString(began.time() if is_today else began.date(), QLocale.FormatType.ShortFormat)
            depth = DEPTH_NAMES.get(found.settings.depth, found.settings.depth)
            self.sentence.setText(_begun(depth, when, is_today, found.num_images))
            self.setAccessibleDescription(f"{self.title.text()} {self.sentence.text()}")
        self.setVisible(is_shown)

    def paintEvent(self, event: QPaintEvent) -> None:
        colors = theme()
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(colors.card))
        painter.fillRect(0, 0, 3, self.height(), QColor(colors.warning))
        painter.fillRect(0, 0, self.width(), 1, QColor(colors.border))
        paint_icon(painter, "warning", QRectF(16, self.height() / 2 - 11, 22, 22), "warning")


def _begun(depth: str, when: str, is_today: bool, num_images: int) -> str:
    values = {"depth": depth, "when": when}
    if is_today:
        return trn(
            "{depth}, begun at {when} on {number:,} image. Labels that changed since are not part of it.",
            "{depth}, begun at {when} on {number:,} images. Labels that changed since are not part of it.",
            num_images,
            **values,
        )
    return trn(
        "{depth}, begun on {when} on {number:,} image. Labels that changed since are not part of it.",
        "{depth}, begun on {when} on {number:,} images. Labels that changed since are not part of it.",
        num_images,
        **values,
    )
