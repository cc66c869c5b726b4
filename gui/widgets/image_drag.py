"""Dragging images onto a class: what the drag carries and the little stack of pictures under the pointer."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QByteArray, QMimeData, QPoint, QRectF, QSizeF, Qt
from PySide6.QtGui import QColor, QDrag, QFontMetricsF, QImage, QPainter, QPainterPath, QPen, QPixmap
from PySide6.QtWidgets import QWidget

from engine.language import decimal
from gui.theme import font, paint_icon, theme

IMAGES_MIME = "application/x-graft-images"
"""A drag of images from the grid or the viewer; which images they are is the selection's business."""
MAX_PICTURES = 3
SIDE_PX, STEP_PX = 76, 7


def drag_images(source: QWidget, pictures: Sequence[QImage | None], count: int) -> None:
    """Lets the user drop `count` images somewhere; returns when they are dropped or the drag is given up.

    Args:
        pictures: thumbnails of the first of them, as far as they are there.
    """
    data = QMimeData()
    data.setData(IMAGES_MIME, QByteArray(str(count).encode()))
    drag = QDrag(source)
    drag.setMimeData(data)
    drag.setPixmap(stack_pixmap(pictures, count, source.devicePixelRatioF()))
    drag.setHotSpot(QPoint(-14, -10))  # beside the pointer, so that the row below it can be read
    drag.exec(Qt.DropAction.CopyAction)


def stack_pixmap(pictures: Sequence[QImage | None], count: int, ratio: float) -> QPixmap:
    """Returns the first pictures as a stack with the number of images."""
    shown = list(pictures[:MAX_PICTURES]) or [None]
    side = SIDE_PX + STEP_PX * (len(shown) - 1)
    made = QPixmap(round((side + 12) * ratio), round((side + 12) * ratio))
    made.setDevicePixelRatio(ratio)
    made.fill(Qt.GlobalColor.transparent)
    painter = QPainter(made)
    painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
    for depth in reversed(range(len(shown))):
        box = QRectF(depth * STEP_PX + 0.5, (len(shown) - 1 - depth) * STEP_PX + 8.5, SIDE_PX - 1, SIDE_PX - 1)
        _paint_picture(painter, box, shown[depth])
    if count > 1:
        _paint_count(painter, QRectF(0, 0, side + 10, side + 10), count)
    painter.end()
    return made


def _paint_picture(painter: QPainter, box: QRectF, picture: QImage | None) -> None:
    outline = QPainterPath()
    outline.addRoundedRect(box, 6, 6)
    painter.fillPath(outline, QColor(theme().card))
    if picture is None:
        paint_icon(painter, "image", QRectF(box.center().x() - 12, box.center().y() - 12, 24, 24), "text_faint")
    else:
        scale = max(box.width() / picture.width(), box.height() / picture.height())
        size = QSizeF(box.width() / scale, box.height() / scale)
        part = QRectF((picture.width() - size.width()) / 2, (picture.height() - size.height()) / 2, *size.toTuple())
        painter.save()
        painter.setClipPath(outline)
        painter.drawImage(box, picture, part)
        painter.restore()
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(QColor(theme().window), 1))
    painter.drawPath(outline)


def _paint_count(painter: QPainter, area: QRectF, count: int) -> None:
    used = font(0.9, bold=True)
    metrics = QFontMetricsF(used)
    width = max(24.0, metrics.horizontalAdvance(decimal(count, ",")) + 14)
    badge = QRectF(area.right() - width, area.top(), width, 22)
    painter.setPen(QPen(QColor(theme().window), 1.5))
    painter.setBrush(QColor(theme().accent))
    painter.drawRoundedRect(badge, 11, 11)
    painter.setFont(used)
    painter.setPen(QColor(theme().accent_text))
    painter.drawText(badge, Qt.AlignmentFlag.AlignCenter, decimal(count, ","))
