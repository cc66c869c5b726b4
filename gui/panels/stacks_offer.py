"""The strip over the images that offers to begin with look-alikes, while nothing has a class yet."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from engine.domain import NO_CLASS
from engine.language import tr
from gui.session import Session
from gui.theme import icon, paint_icon, theme
from gui.widgets.buttons import button
from gui.widgets.text import text_label

FEWEST = 30
"""Of fewer images each is labelled faster alone."""


class StacksOffer(QWidget):
    """Seen in projects with images and without a label, until it is put away; not beside a tour's first steps."""

    begun = Signal()

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._is_put_away = False
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(tr("Begin with look-alikes"))
        title = text_label(tr("Begin with look-alikes"))
        text = text_label(tr("Images that look alike lie in stacks: name twenty with one key."), "dim", wrap=True)
        self.setAccessibleDescription(text.text())
        self.begin_button = button(tr("Begin"), "primary", tooltip=tr("Put look-alikes into stacks (Ctrl+Shift+G)"))
        self.begin_button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.begin_button.clicked.connect(self.begun)
        self.away_button = QToolButton()
        self.away_button.setIcon(icon("close"))
        self.away_button.setToolTip(tr("Not now. View › Stacks of look-alikes does the same (Ctrl+Shift+G)"))
        self.away_button.setAccessibleName(tr("Put this offer away"))
        self.away_button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.away_button.clicked.connect(self._put_away)
        texts = QVBoxLayout()
        texts.setSpacing(2)
        texts.addWidget(title)
        texts.addWidget(text)
        row = QHBoxLayout(self)
        row.setContentsMargins(48, 10, 12, 10)
        row.setSpacing(8)
        row.addLayout(texts, 1)
        row.addWidget(self.begin_button)
        row.addWidget(self.away_button)
        session.project_opened.connect(self._offer_anew)
        session.columns_reset.connect(self.refresh)
        session.guided_changed.connect(self._on_guided_changed)
        session.rows_changed.connect(self._on_rows_changed)
        self.hide()

    def minimumSizeHint(self) -> QSize:
        return QSize(320, super().minimumSizeHint().height())

    def refresh(self) -> None:
        """Shows the offer where it makes sense."""
        session = self._session
        class_ids = session.columns.class_ids
        is_free = session.project is not None and not session.is_read_only and not session.is_guided
        can_begin = is_free and len(class_ids) >= FEWEST
        self.setVisible(can_begin and not self._is_put_away and not bool(np.any(class_ids != NO_CLASS)))

    def paintEvent(self, event: QPaintEvent) -> None:
        colors = theme()
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(colors.card))
        painter.fillRect(0, 0, 3, self.height(), QColor(colors.accent))
        painter.fillRect(0, self.height() - 1, self.width(), 1, QColor(colors.border))
        paint_icon(painter, "layers", QRectF(16, self.height() / 2 - 11, 22, 22), "accent")

    def _on_rows_changed(self, _rows: object) -> None:
        if not self.isHidden():  # it goes with the first label, and does not come back at an undo
            self.refresh()

    def _on_guided_changed(self) -> None:
        if self._session.is_guided:  # a tour asks for picture after picture
            self.hide()

    def _offer_anew(self) -> None:
        self._is_put_away = False
        self.refresh()

    def _put_away(self) -> None:
        self._is_put_away = True
        self.hide()
