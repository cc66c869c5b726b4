"""Draws one image card: picture, class chip or ghost chip, marks. Knows nothing of views or of the project."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QBrush, QColor, QFontMetricsF, QImage, QPainter, QPainterPath, QPen, QPixmap, QTransform

from engine.domain import ImageStatus
from engine.language import tr
from gui.theme import Theme, font, paint_icon, theme
from gui.widgets.painted_chip import chip_width, paint_chip, paint_unknown_chip, shortened

CAPTION_PX = 34
RADIUS = 8.0
MIN_CHIP_PX = 52
"""A further class with less room than this is only counted."""
MAX_CROPPED = 0.34
"""Largest part of a picture that may be cut off so that it fills its card; what would lose more is shown whole."""


@dataclass(frozen=True, slots=True)
class CardFace:
    """What a card shows. `class_name` and `class_color` are empty without a class and without a suggestion.

    `more_classes` holds names and colours of further classes, where an image may have several; the last `num_ghosts` of
    them are suggested besides those that it has.
    """

    image_id: int
    name: str
    image: QImage | None
    failure: str
    class_name: str = ""
    class_color: str = ""
    class_key: str = ""
    """Stands for the name on cards that are too small for it."""
    more_classes: tuple[tuple[str, str], ...] = ()
    num_ghosts: int = 0
    is_suggestion: bool = False
    is_unknown: bool = False
    """It looks like none of the classes, so that none is suggested."""
    confidence: float | None = None
    is_skipped: bool = False
    is_unsure: bool = False
    is_noted: bool = False
    is_confirmed: bool = False
    is_accepted: bool = False
    """Its class is a suggestion that was accepted."""
    status: ImageStatus = ImageStatus.READABLE
    is_offline: bool = False
    """The drive or folder of the image is not there now."""
    opinion: tuple[str, str, str] | None = None
    """What a model says of an image that has a class, as a second, dashed chip: name, how sure, colour."""
    was: tuple[str, str] | None = None
    """Name and colour of the class that the model before suggested."""
    is_out: bool = False
    """The user took it out of the block that it is shown in."""
    is_selected: bool = False
    is_current: bool = False
    is_hovered: bool = False

    @property
    def chips(self) -> list[tuple[str, str, bool]]:
        """Name and colour of every class, and whether it is only suggested."""
        if not self.class_name:
            return []
        classes = ((self.class_name, self.class_color), *self.more_classes)
        num_given = 0 if self.is_suggestion else len(classes) - self.num_ghosts
        return [(name, color, at >= num_given) for at, (name, color) in enumerate(classes)]


class CardPainter:
    """Paints cards; keeps the pictures scaled to the last sizes that were drawn."""

    def __init__(self, max_pixmaps: int = 400) -> None:
        self._pixmaps: OrderedDict[tuple[int, ...], QPixmap] = OrderedDict()
        self._max_pixmaps = max_pixmaps

    def forget(self) -> None:
        """Drops the scaled pictures, because ids mean other images now."""
        self._pixmaps.clear()

    def paint(self, painter: QPainter, rect: QRect, face: CardFace) -> None:
        """Draws a whole card with its caption into `rect`."""
        colors = theme()
        card = QRectF(rect)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(colors.card_hover if face.is_hovered or face.is_selected else colors.card))
        painter.drawRoundedRect(card, RADIUS, RADIUS)
        picture = QRect(rect.left(), rect.top(), rect.width(), rect.height() - CAPTION_PX)
        self.paint_picture(painter, picture, face, rounds_bottom=False)
        if face.is_out:
            _paint_out(painter, picture, colors)
        if face.was is not None:
            _paint_was(painter, picture, *face.was, colors)
        caption = QRectF(rect.left() + 8, picture.bottom() + 1, rect.width() - 16, CAPTION_PX)
        _paint_caption(painter, caption, face, colors)
        _paint_frame(painter, card, face, colors)

    def paint_picture(self, painter: QPainter, rect: QRect, face: CardFace, rounds_bottom: bool = True) -> None:
        """Draws only the picture, or what stands for it, with rounded corners."""
        if face.image is not None:
            ratio = painter.device().devicePixelRatioF()
            painter.drawPixmap(rect.topLeft(), self._scaled(face, face.image, rect.size(), ratio, rounds_bottom))
            if face.is_offline or face.status == ImageStatus.MISSING:
                _paint_badge(painter, rect, "offline" if face.is_offline else "broken")
            return
        colors = theme()
        painter.setPen(Qt.PenStyle.NoPen)
        painter.fillPath(
            _outline(QRectF(rect), rounds_bottom), QColor(colors.track if colors.is_dark else colors.control)
        )
        _paint_stand_in(painter, QRectF(rect), face, colors)

    def _scaled(self, face: CardFace, image: QImage, box: QSize, ratio: float, rounds_bottom: bool) -> QPixmap:
        width, height = round(box.width() * ratio), round(box.height() * ratio)
        backing = QColor(theme().card if theme().is_dark else theme().control)
        key = (face.image_id, width, height, image.width(), backing.rgb() + rounds_bottom)
        pixmap = self._pixmaps.get(key)
        if pixmap is not None:
            self._pixmaps.move_to_end(key)
            return pixmap
        pixmap = _framed(image, width, height, ratio, backing, rounds_bottom)
        self._pixmaps[key] = pixmap
        if len(self._pixmaps) > self._max_pixmaps:
            self._pixmaps.popitem(last=False)
        return pixmap


def _framed(image: QImage, width: int, height: int, ratio: float, backing: QColor, rounds_bottom: bool) -> QPixmap:
    """Returns the picture in its box, corners rounded. Clipping at every paint costs five times more.

    It fills the box, cut off at the edges, or is shown whole where too much would be cut off.
    """
    cover = max(width / image.width(), height / image.height())
    shown = width * height / (cover * cover * image.width() * image.height())
    is_whole = shown < 1 - MAX_CROPPED
    scale = min(width / image.width(), height / image.height()) if is_whole else cover
    if scale < 0.5:  # below that, the painter's interpolation leaves pixels out
        size = QSize(max(1, round(image.width() * scale)), max(1, round(image.height() * scale)))
        image = image.scaled(size, mode=Qt.TransformationMode.SmoothTransformation)
        scale = 1.0
    box = QRectF(0, 0, width, height)
    picture = QRectF(0, 0, round(image.width() * scale), round(image.height() * scale))
    picture.moveTopLeft(QPointF(round((width - picture.width()) / 2), round((height - picture.height()) / 2)))
    canvas = QImage(width, height, QImage.Format.Format_ARGB32_Premultiplied)
    canvas.fill(Qt.GlobalColor.transparent)
    painter = QPainter(canvas)
    painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
    outline = _outline(box, rounds_bottom, RADIUS * ratio)
    if is_whole:
        painter.fillPath(outline, backing)
        inside = QPainterPath()
        inside.addRect(picture)
        outline = outline.intersected(inside)
    # The picture as a brush: its edge is smooth along the rounded outline, which that of a clip is not.
    brush = QBrush(image)
    brush.setTransform(QTransform.fromTranslate(picture.left(), picture.top()).scale(scale, scale))
    painter.fillPath(outline, brush)
    painter.end()
    pixmap = QPixmap.fromImage(canvas)
    pixmap.setDevicePixelRatio(ratio)
    return pixmap


def _outline(area: QRectF, rounds_bottom: bool, radius: float = RADIUS) -> QPainterPath:
    outline = QPainterPath()
    if rounds_bottom:
        outline.addRoundedRect(area, radius, radius)
        return outline
    outline.moveTo(area.bottomLeft())
    outline.lineTo(area.left(), area.top() + radius)
    outline.arcTo(area.left(), area.top(), 2 * radius, 2 * radius, 180, -90)
    outline.arcTo(area.right() - 2 * radius, area.top(), 2 * radius, 2 * radius, 90, -90)
    outline.lineTo(area.bottomRight())
    outline.closeSubpath()
    return outline


def percent(value: float) -> str:
    """Returns a probability as "96 %"; never 100 % or 0 % for what is only nearly so."""
    return f"{min(99, max(1, round(value * 100)))} %"


def _paint_out(painter: QPainter, picture: QRect, colors: Theme) -> None:
    """Pales a picture and crosses it out: it will not be accepted."""
    veil = QColor(colors.window)
    veil.setAlpha(200)
    painter.fillPath(_outline(QRectF(picture), rounds_bottom=False), veil)
    side = min(40.0, picture.height() * 0.4)
    badge = QRectF(picture.center().x() - side / 2, picture.center().y() - side / 2, side, side)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(colors.card))
    painter.drawEllipse(badge)
    paint_icon(painter, "close", badge.adjusted(side / 4, side / 4, -side / 4, -side / 4), "danger")


def _paint_was(painter: QPainter, picture: QRect, name: str, color: str, colors: Theme) -> None:
    """Writes on the lower edge of a picture what was suggested before."""
    used = font(0.85)
    metrics = QFontMetricsF(used)
    text = metrics.elidedText(
        tr("was {class_name}", class_name=name), Qt.TextElideMode.ElideRight, picture.width() - 40
    )
    height = round(metrics.height()) + 5.0
    pill = QRectF(picture.left() + 6, picture.bottom() - height - 5, metrics.horizontalAdvance(text) + 28, height)
    backing = QColor(colors.card)
    backing.setAlpha(225)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(backing)
    painter.drawRoundedRect(pill, height / 2, height / 2)
    painter.setBrush(QColor(color))
    painter.drawEllipse(QRectF(pill.left() + 7, pill.center().y() - 4, 8, 8))
    painter.setFont(used)
    painter.setPen(QColor(colors.text))
    painter.drawText(pill.adjusted(20, 0, -6, 0), Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, text)


def _has_room_for_both(metrics: QFontMetricsF, width: float, face: CardFace) -> bool:
    """Tells whether a suggestion and how sure it is stand beside each other; where they do not, the name is kept."""
    if face.is_unknown or face.more_classes:
        return True
    marks = (face.is_confirmed, face.is_unsure, face.is_skipped, face.is_noted, face.is_accepted)
    room = width - 21 * sum(marks) - 16
    beside = room - metrics.horizontalAdvance(percent(face.confidence or 0)) - 8
    name, key = face.class_name, face.class_key
    return shortened(metrics, name, key, beside) in (name, shortened(metrics, name, key, room))


def _paint_caption(painter: QPainter, area: QRectF, face: CardFace, colors: Theme) -> None:
    right = area.right()
    middle = area.center().y()
    small = font(0.85)
    metrics = QFontMetricsF(small)
    if face.is_suggestion and face.confidence is not None and _has_room_for_both(metrics, area.width(), face):
        text = percent(face.confidence)
        width = metrics.horizontalAdvance(text)
        painter.setFont(small)
        painter.setPen(QColor(colors.text_dim))
        where = QRectF(right - width, area.top(), width, area.height())
        painter.drawText(where, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, text)
        right -= width + 8
    for is_on, icon, color in (
        (face.is_confirmed, "check-circle", "success"),
        (face.is_unsure, "question", "warning"),
        (face.is_skipped, "skip", "text_dim"),
        (face.is_noted, "pencil", "text_dim"),
        (face.is_accepted, "sparkle", "text_dim"),
    ):
        if is_on:
            paint_icon(painter, icon, QRectF(right - 15, middle - 8, 16, 16), color)
            right -= 21
    if face.is_unknown:
        paint_unknown_chip(painter, area.left(), middle, right - area.left())
        return
    if face.class_name:
        _paint_chips(painter, QRectF(area.left(), area.top(), right - area.left(), area.height()), face, colors)
        return
    painter.setFont(small)
    painter.setPen(QColor(colors.text_faint))
    where = QRectF(area.left(), area.top(), max(0.0, right - area.left()), area.height())
    name = metrics.elidedText(face.name.rpartition("/")[2], Qt.TextElideMode.ElideMiddle, where.width())
    painter.drawText(where, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, name)


def _paint_chips(painter: QPainter, area: QRectF, face: CardFace, colors: Theme) -> None:
    """Draws as many classes as there is room for, and how many more there are."""
    left, middle = area.left(), area.center().y()
    if face.opinion is not None:
        _paint_opinion(painter, area, (face.class_name, face.class_color), face.opinion)
        return
    chips = face.chips
    metrics = QFontMetricsF(font(0.85))
    if len(chips) == 1:
        name, color, is_ghost = chips[0]
        used = QFontMetricsF(font(0.85, bold=not is_ghost))
        shown = shortened(used, name, face.class_key, area.width() - 16)
        paint_chip(painter, left, middle, area.width(), shown, color, is_ghost)
        return
    for at, (name, color, is_ghost) in enumerate(chips):
        num_left = len(chips) - at
        # Room for "+2" is kept while there are others behind this one.
        room = area.right() - left - (metrics.horizontalAdvance(f"+{num_left - 1}") + 5 if num_left > 1 else 0)
        if at and room < min(MIN_CHIP_PX, chip_width(name, 1e4, is_ghost)):
            painter.setFont(font(0.85))
            painter.setPen(QColor(colors.text_dim))
            where = QRectF(left, area.top(), area.right() - left, area.height())
            painter.drawText(where, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, f"+{num_left}")
            return
        left += paint_chip(painter, left, middle, room, name, color, is_ghost) + 4


def _paint_opinion(painter: QPainter, area: QRectF, given: tuple[str, str], opinion: tuple[str, str, str]) -> None:
    """Draws the class of an image and what a model says; where there is no room for both, its name gives way first."""
    name, sure, color = opinion
    metrics = QFontMetricsF(font(0.85))
    least = chip_width(sure, area.width(), True) + 4
    wanted = chip_width(f"{name} {sure}", area.width(), True) + 4
    room = max(area.width() - wanted, min(area.width() - least, chip_width(given[0], area.width(), False) + 2))
    left = area.left() + paint_chip(painter, area.left(), area.center().y(), room, *given, False) + 4
    kept = area.right() - left - 18 - metrics.horizontalAdvance(f" {sure}")
    shown = metrics.elidedText(name, Qt.TextElideMode.ElideRight, kept) if kept > MIN_CHIP_PX / 2 else ""
    paint_chip(painter, left, area.center().y(), area.right() - left, f"{shown} {sure}".strip(), color, True)


def _paint_frame(painter: QPainter, card: QRectF, face: CardFace, colors: Theme) -> None:
    painter.setBrush(Qt.BrushStyle.NoBrush)
    if face.is_selected:
        painter.setPen(QPen(QColor(colors.accent), 2.0))
        painter.drawRoundedRect(card.adjusted(-1, -1, 1, 1), RADIUS + 1, RADIUS + 1)
        if face.is_current:
            painter.setPen(QPen(QColor(colors.text), 1.0))
            painter.drawRoundedRect(card.adjusted(1.5, 1.5, -1.5, -1.5), RADIUS - 1, RADIUS - 1)
    elif face.is_current:
        painter.setPen(QPen(QColor(colors.text_dim), 1.0, Qt.PenStyle.DashLine))
        painter.drawRoundedRect(card.adjusted(-0.5, -0.5, 0.5, 0.5), RADIUS, RADIUS)
    elif not colors.is_dark:
        painter.setPen(QPen(QColor(colors.border), 1.0))
        painter.drawRoundedRect(card.adjusted(0.5, 0.5, -0.5, -0.5), RADIUS, RADIUS)


def _paint_badge(painter: QPainter, rect: QRect, icon: str) -> None:
    """Says in the corner of a kept picture that the file itself cannot be reached."""
    plate = QRectF(rect.left() + 6, rect.top() + 6, 22, 22)
    backing = QColor(theme().panel)
    backing.setAlpha(225)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(backing)
    painter.drawRoundedRect(plate, 6, 6)
    paint_icon(painter, icon, plate.adjusted(3, 3, -3, -3), "warning")


def _paint_stand_in(painter: QPainter, area: QRectF, face: CardFace, colors: Theme) -> None:
    if face.is_offline:
        icon, text = "offline", tr("Drive not there")
    elif face.status == ImageStatus.MISSING:
        icon, text = "broken", tr("File missing")
    elif face.status == ImageStatus.UNREADABLE or face.failure:
        icon, text = "broken", tr("Cannot be read")
    else:
        side = min(24.0, area.height() / 3)
        box = QRectF(area.center().x() - side / 2, area.center().y() - side / 2, side, side)
        paint_icon(painter, "image", box, "text_faint")
        return
    color = "text_faint" if face.is_offline else "warning"
    if area.height() < 60:
        paint_icon(painter, icon, QRectF(area.center().x() - 10, area.center().y() - 10, 20, 20), color)
        return
    paint_icon(painter, icon, QRectF(area.center().x() - 14, area.center().y() - 24, 28, 28), color)
    painter.setFont(font(0.85))
    painter.setPen(QColor(colors.text_dim))
    below = QRectF(area.left() + 6, area.center().y() + 8, area.width() - 12, 20)
    painter.drawText(below, Qt.AlignmentFlag.AlignCenter, text)
