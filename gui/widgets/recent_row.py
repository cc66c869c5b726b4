"""One recent project on the welcome page: thumbnails, name, folder, counts."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QAction, QContextMenuEvent, QImage, QPainter, QPainterPath, QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QMenu, QSizePolicy, QWidget

from engine.language import tr
from gui import wording
from gui.preferences import RecentProject
from gui.theme import font, icon, paint_icon, theme

HEIGHT_PX = 60
THUMBNAIL_PX = 44
NUM_THUMBNAILS = 3


class RecentRow(QAbstractButton):
    """A row to press."""

    forget_asked = Signal(object)

    def __init__(self, recent: RecentProject, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._recent = recent
        self._pictures = [QImage(each) for each in recent.pictures[:NUM_THUMBNAILS] if Path(each).is_file()]
        self.setText(recent.name)
        self.setAccessibleName(tr("Open {project}", project=recent.name))
        self.setAccessibleDescription(f"{recent.folder}, {self._counts()}")
        self.setToolTip(recent.folder)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        return QSize(400, HEIGHT_PX)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        menu = QMenu(self)
        forget = QAction(icon("close"), tr("Take off this list"), menu)
        forget.triggered.connect(lambda: self.forget_asked.emit(self._recent))
        menu.addAction(forget)
        menu.popup(event.globalPos())

    def _counts(self) -> str:
        recent = self._recent
        parts = [
            wording.count(recent.num_images, "image"),
            tr("{number:,} labelled", number=recent.num_labelled),
        ]
        if recent.accuracy is not None:
            parts.append(wording.percent(recent.accuracy))
        return " · ".join(parts) if recent.num_images else ""

    def paintEvent(self, event: QPaintEvent) -> None:
        colors = theme()
        painter = QPainter(self)
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        frame = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        is_hot = self.underMouse() or self.hasFocus()
        painter.setPen(colors.color("accent") if self.hasFocus() else Qt.PenStyle.NoPen)
        painter.setBrush(colors.color("card" if is_hot else "window"))
        painter.drawRoundedRect(frame, 10, 10)
        left = self._paint_pictures(painter)
        right = self.width() - 12
        painter.setFont(font(0.92))
        counts, when = self._counts(), wording.moment(self._recent.closed_at) if self._recent.closed_at else ""
        width = max(painter.fontMetrics().horizontalAdvance(counts), painter.fontMetrics().horizontalAdvance(when)) + 4
        painter.setPen(colors.color("text_dim"))
        align_right = Qt.AlignmentFlag.AlignRight
        painter.drawText(QRectF(right - width, 10, width, 20), int(align_right | Qt.AlignmentFlag.AlignVCenter), counts)
        painter.setPen(colors.color("text_faint"))
        painter.drawText(QRectF(right - width, 31, width, 18), int(align_right | Qt.AlignmentFlag.AlignVCenter), when)
        space = right - width - left - 16
        place = painter.fontMetrics().elidedText(self._recent.folder, Qt.TextElideMode.ElideMiddle, int(space))
        painter.drawText(QRectF(left, 31, space, 18), int(Qt.AlignmentFlag.AlignVCenter), place)
        painter.setPen(colors.color("text"))
        painter.setFont(font(1.04, bold=True))
        name = painter.fontMetrics().elidedText(self._recent.name, Qt.TextElideMode.ElideRight, int(space))
        painter.drawText(QRectF(left, 10, space, 20), int(Qt.AlignmentFlag.AlignVCenter), name)

    def _paint_pictures(self, painter: QPainter) -> float:
        """Draws the thumbnails (or a folder) and returns where the text begins."""
        top = (self.height() - THUMBNAIL_PX) / 2
        left = 8.0
        for picture in self._pictures:
            square = QRectF(left, top, THUMBNAIL_PX, THUMBNAIL_PX)
            clip = QPainterPath()
            clip.addRoundedRect(square, 6, 6)
            painter.save()
            painter.setClipPath(clip)
            side = min(picture.width(), picture.height())
            source = QRectF((picture.width() - side) / 2, (picture.height() - side) / 2, side, side)
            painter.drawImage(square, picture, source)
            painter.restore()
            left += THUMBNAIL_PX + 4
        if not self._pictures:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme().color("control"))
            painter.drawRoundedRect(QRectF(left, top, THUMBNAIL_PX, THUMBNAIL_PX), 8, 8)
            paint_icon(painter, "images", QRectF(left + 12, top + 12, 20, 20), "text_dim")
            left += THUMBNAIL_PX
        return left + 12
