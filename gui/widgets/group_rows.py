"""Groups of images as rows: each with a line of text and a button, and its pictures side by side below.

The layout is arithmetic (row = y // height), so that thousands of groups cost no more than those on the screen.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QPoint, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFontMetricsF, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QAbstractScrollArea, QToolTip

from engine.language import tr
from gui.theme import font, paint_icon, theme
from gui.thumbnails import Thumbnails
from gui.widgets.image_card import CAPTION_PX, CardFace, CardPainter

MARGIN_PX, GAP_PX, HEAD_PX = 16, 10, 40
MIN_CARD_PX, CARD_PX, MAX_CARD_PX = 96, 148, 320
PICTURE_SHARE = 0.75
LEAST_SHOWN = 4
"""In a narrow window cards become smaller until so many fit side by side."""
BUTTON_PX = 26


@dataclass(frozen=True, slots=True)
class GroupFace:
    """What a row shows. `kept` is the place of the image to keep; `action` the text of its button, "" when done."""

    faces: list[CardFace]
    kept: int
    text: str
    warning: str
    action: str


class GroupRows(QAbstractScrollArea):
    """Arrows move between groups and choose the image to keep, Enter acts. All is told by signal."""

    keep_wanted = Signal(int, int)
    """Group and image id: this one is to be kept."""
    act_wanted = Signal(int)
    """The button of a group was pressed, or Enter."""
    current_changed = Signal(int)
    closed = Signal()

    def __init__(self, thumbnails: Thumbnails, face_of: Callable[[int], GroupFace]) -> None:
        super().__init__()
        self._thumbnails = thumbnails
        self._face_of = face_of
        self._count = 0
        self._current = 0
        self._card_px = CARD_PX
        self._painter = CardPainter(800)
        self._hovered = (-1, -1)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName(tr("Groups of near-duplicates"))
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.viewport().setMouseTracking(True)
        self.verticalScrollBar().valueChanged.connect(lambda _value: self._want())
        thumbnails.loaded.connect(lambda _ids: self.viewport().update())

    @property
    def current(self) -> int:
        """The group that keys act on, -1 when there is none."""
        return self._current if self._count else -1

    @property
    def row_px(self) -> int:
        """The height of a group."""
        return HEAD_PX + self._card_height + GAP_PX + 14

    @property
    def _width(self) -> int:
        """The width of a card: as was asked for, or less, so that several stand side by side."""
        room = (self.viewport().width() - 2 * MARGIN_PX) // LEAST_SHOWN - GAP_PX
        return max(MIN_CARD_PX, min(self._card_px, room))

    @property
    def _card_height(self) -> int:
        return round(self._width * PICTURE_SHARE) + CAPTION_PX

    def set_count(self, count: int) -> None:
        """Shows so many groups."""
        self._count = count
        self._fit()
        self.go_to(min(self._current, max(0, count - 1)))
        self._want()
        self.viewport().update()

    def refresh(self) -> None:
        """Paints anew what may look different."""
        self._want()
        self.viewport().update()

    def go_to(self, group: int) -> None:
        """Makes a group the one that keys act on, and scrolls it into view."""
        self._current = max(0, min(group, self._count - 1))
        bar, top = self.verticalScrollBar(), self._current * self.row_px
        room = self.viewport().height() - self.row_px
        bar.setValue(min(bar.value(), top) if top < bar.value() else max(bar.value(), top - room))
        self.viewport().update()
        self.current_changed.emit(self.current)

    def zoom_by(self, factor: float) -> None:
        """Makes the pictures larger or smaller; the current group stays in view."""
        self._card_px = max(MIN_CARD_PX, min(MAX_CARD_PX, round(self._card_px * factor)))
        self._fit()
        self.go_to(self._current)
        self.refresh()

    def forget_pictures(self) -> None:
        """Drops scaled pictures and asks for them anew."""
        self._painter.forget()
        self.refresh()

    # ---- events

    def keyPressEvent(self, event: QKeyEvent) -> None:
        keys = Qt.Key
        page = max(1, self.viewport().height() // self.row_px)
        steps = {keys.Key_Up: -1, keys.Key_Down: 1, keys.Key_PageUp: -page, keys.Key_PageDown: page}
        key = keys(event.key())
        if key in steps:
            self.go_to(self._current + steps[key])
        elif key in (keys.Key_Home, keys.Key_End):
            self.go_to(0 if key == keys.Key_Home else self._count - 1)
        elif key in (keys.Key_Left, keys.Key_Right) and self._count:
            self._choose(1 if key == keys.Key_Right else -1)
        elif key in (keys.Key_Return, keys.Key_Enter) and not event.isAutoRepeat():
            if self._count:
                self.act_wanted.emit(self._current)
        elif key == keys.Key_Escape:
            self.closed.emit()
        else:
            event.ignore()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.setFocus(Qt.FocusReason.MouseFocusReason)
        group, at = self._at(event.position().toPoint())
        if event.button() != Qt.MouseButton.LeftButton or group < 0:
            return
        face = self._face_of(group)
        self.go_to(group)
        if face.action and self._button(group, face).contains(event.position().toPoint()):
            self.act_wanted.emit(group)
        elif at >= 0 and at != face.kept:
            self.keep_wanted.emit(group, face.faces[at].image_id)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        point = event.position().toPoint()
        group, at = self._at(point)
        face = self._face_of(group) if group >= 0 else None
        is_on_button = face is not None and bool(face.action) and self._button(group, face).contains(point)
        self._hovered = (group, -2 if is_on_button else at)
        is_other = face is not None and at >= 0 and at != face.kept
        is_active = is_on_button or is_other
        self.viewport().setCursor(Qt.CursorShape.PointingHandCursor if is_active else Qt.CursorShape.ArrowCursor)
        if is_other:
            QToolTip.showText(event.globalPosition().toPoint(), tr("Keep this one instead"), self.viewport())
        else:
            QToolTip.hideText()
        self.viewport().update()

    def leaveEvent(self, event: object) -> None:
        self._hovered = (-1, -1)
        self.viewport().update()

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._fit()
        self._want()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self.viewport())
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        painter.fillRect(self.viewport().rect(), QColor(theme().window))
        for group in self._visible():
            self._paint_group(painter, group)
        painter.end()

    # ---- private

    def _choose(self, step: int) -> None:
        """Keeps the image beside the one that is kept, going round."""
        face = self._face_of(self._current)
        wanted = face.faces[(face.kept + step) % len(face.faces)]
        self.keep_wanted.emit(self._current, wanted.image_id)

    def _paint_group(self, painter: QPainter, group: int) -> None:
        colors, face = theme(), self._face_of(group)
        area = QRectF(self._row(group)).adjusted(8, 4, -8, -4)
        if group == self._current:
            painter.setBrush(QColor(colors.panel))
            painter.setPen(QPen(QColor(colors.accent if self.hasFocus() else colors.border), 1))
            painter.drawRoundedRect(area.adjusted(0.5, 0.5, -0.5, -0.5), 10, 10)
        head = QRectF(area.left() + 10, area.top(), area.width() - 20, HEAD_PX)
        button = QRectF(self._button(group, face))
        if face.action:
            is_hot = self._hovered == (group, -2)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(colors.control_hover if is_hot else colors.control))
            painter.drawRoundedRect(button, 6, 6)
            painter.setFont(font(0.92))
            painter.setPen(QColor(colors.text))
            painter.drawText(button, int(Qt.AlignmentFlag.AlignCenter), face.action)
            head.setRight(button.left() - 12)
        left = head.left()
        if face.warning:
            paint_icon(painter, "warning", QRectF(left, head.center().y() - 8, 16, 16), "warning")
            left += 22
        painter.setFont(font(0.95))
        text = f"{face.warning}  {face.text}" if face.warning else face.text
        painter.setPen(QColor(colors.text_dim if face.action else colors.text_faint))
        place = QRectF(left, head.top(), head.right() - left, head.height())
        words = QFontMetricsF(painter.font()).elidedText(text, Qt.TextElideMode.ElideRight, place.width())
        painter.drawText(place, int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft), words)
        shown = self._shown(face)
        for at in shown:
            card = self._card(group, at - shown.start)
            self._paint_card(painter, card, face.faces[at], at == face.kept, bool(face.action))
        if len(shown) < len(face.faces):
            more = QRectF(self._card(group, len(shown)))
            painter.setPen(QColor(colors.text_dim))
            painter.drawText(
                more, int(Qt.AlignmentFlag.AlignVCenter), tr("+ {number} more", number=len(face.faces) - len(shown))
            )

    def _paint_card(self, painter: QPainter, box: QRect, face: CardFace, is_kept: bool, is_open: bool) -> None:
        colors = theme()
        painter.setOpacity(1.0 if is_kept else 0.55)
        self._painter.paint(painter, box, face)
        painter.setOpacity(1.0)
        if is_kept:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(QColor(colors.success), 2))
            painter.drawRoundedRect(QRectF(box).adjusted(1, 1, -1, -1), 8, 8)
        if is_kept or (is_open and not face.class_name) or (is_open and face.is_suggestion):
            badge = QRectF(box.left() + 6, box.top() + 6, 24, 24)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(colors.success if is_kept else colors.card))
            painter.drawEllipse(badge)
            color = colors.window if is_kept else "text_dim"
            paint_icon(painter, "check" if is_kept else "skip", badge.adjusted(5, 5, -5, -5), color)

    def _row(self, group: int) -> QRect:
        top = group * self.row_px - self.verticalScrollBar().value()
        return QRect(0, top, self.viewport().width(), self.row_px)

    def _card(self, group: int, place: int) -> QRect:
        row = self._row(group)
        left = MARGIN_PX + 2 + place * (self._width + GAP_PX)
        return QRect(QPoint(left, row.top() + 4 + HEAD_PX), QSize(self._width, self._card_height))

    def _button(self, group: int, face: GroupFace) -> QRect:
        row = self._row(group)
        width = round(QFontMetricsF(font(0.92)).horizontalAdvance(face.action)) + 24
        top = row.top() + 4 + (HEAD_PX - BUTTON_PX) // 2
        return QRect(row.right() - MARGIN_PX - width, top, width, BUTTON_PX)

    def _shown(self, face: GroupFace) -> range:
        """Returns which images of a group have a card, always with the kept one; where they do not all fit, one place
        is left for "+ 3 more"."""
        fit = max(2, (self.viewport().width() - 2 * MARGIN_PX) // (self._width + GAP_PX))
        num = len(face.faces) if len(face.faces) <= fit else fit - 1
        first = max(0, face.kept - num + 1)
        return range(first, first + num)

    def _visible(self) -> range:
        top = self.verticalScrollBar().value()
        first = top // self.row_px
        return range(first, min(self._count, (top + self.viewport().height()) // self.row_px + 1))

    def _at(self, point: QPoint) -> tuple[int, int]:
        """Returns the group and the place of the card below a point, -1 for none."""
        group = (point.y() + self.verticalScrollBar().value()) // self.row_px
        if not 0 <= group < self._count:
            return -1, -1
        shown = self._shown(self._face_of(group))
        return group, next((at for at in shown if self._card(group, at - shown.start).contains(point)), -1)

    def _fit(self) -> None:
        bar = self.verticalScrollBar()
        bar.setRange(0, max(0, self._count * self.row_px - self.viewport().height()))
        bar.setPageStep(self.viewport().height())
        bar.setSingleStep(self.row_px // 3)

    def _want(self) -> None:
        shown = [face.image_id for group in self._visible() for face in self._face_of(group).faces]
        self._thumbnails.want("duplicates", shown if self.isVisible() else [])
