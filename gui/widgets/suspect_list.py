"""Suspected label mistakes as a list: the picture, the class that it has and the one that it should have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QPersistentModelIndex, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QBrush, QKeyEvent, QPainter, QPainterPath, QTransform
from PySide6.QtWidgets import QListView, QSizePolicy, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from engine.language import tr
from gui.theme import font, theme
from gui.thumbnails import Thumbnails
from gui.widgets.painted_chip import chip_width, paint_chip

AnyIndex = QModelIndex | QPersistentModelIndex
ROW_PX, PICTURE_PX = 60, 48
SUSPECT_ROLE = int(Qt.ItemDataRole.UserRole)


@dataclass(frozen=True, slots=True)
class SuspectFace:
    """What a row shows; names and colours of the class that the image has and of the one that is suggested."""

    image_id: int
    given: tuple[str, str]
    suggested: tuple[str, str]
    sentence: str

    @property
    def words(self) -> str:
        return tr(
            "{given}, rather {suggested}? {sentence}",
            given=self.given[0],
            suggested=self.suggested[0],
            sentence=self.sentence,
        )


class SuspectListModel(QAbstractListModel):
    """The suspects in the order given."""

    def __init__(self) -> None:
        super().__init__()
        self.faces: list[SuspectFace] = []

    def set_faces(self, faces: Sequence[SuspectFace]) -> None:
        """Shows other suspects."""
        self.beginResetModel()
        self.faces = list(faces)
        self.endResetModel()

    def rowCount(self, parent: AnyIndex = QModelIndex()) -> int:  # noqa: B008 (Qt's signature)
        return 0 if parent.isValid() else len(self.faces)

    def data(self, index: AnyIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        face = self.faces[index.row()]
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return face.words
        return face if role == SUSPECT_ROLE else None


class SuspectDelegate(QStyledItemDelegate):
    """Paints a suspect."""

    def __init__(self, thumbnails: Thumbnails, parent: QWidget) -> None:
        super().__init__(parent)
        self._thumbnails = thumbnails

    def sizeHint(self, option: QStyleOptionViewItem, index: AnyIndex) -> QSize:
        return QSize(160, ROW_PX)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: AnyIndex) -> None:
        colors = theme()
        face: SuspectFace = index.data(SUSPECT_ROLE)
        row = QRectF(option.rect).adjusted(0, 1, 0, -1)
        painter.save()
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        painter.setPen(Qt.PenStyle.NoPen)
        if option.state & (QStyle.StateFlag.State_Selected | QStyle.StateFlag.State_MouseOver):
            is_chosen = bool(option.state & QStyle.StateFlag.State_Selected)
            painter.setBrush(colors.color("selected" if is_chosen else "card_hover"))
            painter.drawRoundedRect(row, 8, 8)
        box = QRectF(row.left() + 6, row.center().y() - PICTURE_PX / 2, PICTURE_PX, PICTURE_PX)
        paint_thumbnail(painter, self._thumbnails, face.image_id, box)
        left, right = box.right() + 10, row.right() - 6
        upper = row.center().y() - 10
        arrow_px = 22.0
        room = (right - left - arrow_px) / 2
        left_chip = min(room, chip_width(face.given[0], room, False))
        paint_chip(painter, left, upper, room, *face.given, False)
        painter.setFont(font(0.9))
        painter.setPen(colors.color("text_dim"))
        arrow = QRectF(left + left_chip, upper - 10, arrow_px, 20)
        painter.drawText(arrow, int(Qt.AlignmentFlag.AlignCenter), "→")
        rest = right - arrow.right()
        paint_chip(painter, arrow.right(), upper, rest, f"{face.suggested[0]}?", face.suggested[1], True)
        painter.setFont(font(0.9))
        painter.setPen(colors.color("text_faint"))
        below = QRectF(left, row.center().y() + 3, right - left, 20)
        words = painter.fontMetrics().elidedText(face.sentence, Qt.TextElideMode.ElideRight, int(below.width()))
        painter.drawText(below, int(Qt.AlignmentFlag.AlignVCenter), words)
        painter.restore()


class SuspectList(QListView):
    """Arrows move; letters are left to the page."""

    suspect_reached = Signal(int)
    """Arrows or a click made this row the current one."""
    suspect_opened = Signal(int)
    """A click or Enter."""

    def __init__(self, thumbnails: Thumbnails, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._thumbnails = thumbnails
        self._suspects = SuspectListModel()
        self.setModel(self._suspects)
        self.setItemDelegate(SuspectDelegate(thumbnails, self))
        self.setMouseTracking(True)
        self.setUniformItemSizes(True)
        self.setAccessibleName(tr("Suspected label mistakes"))
        self.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.clicked.connect(lambda index: self.suspect_opened.emit(index.row()))
        thumbnails.loaded.connect(lambda _ids: self.viewport().update())
        self.verticalScrollBar().valueChanged.connect(lambda _value: self._ask_for_pictures())

    def set_faces(self, faces: Sequence[SuspectFace]) -> None:
        """Shows other suspects."""
        self._suspects.set_faces(faces)
        self._ask_for_pictures()

    def go_to(self, row: int) -> None:
        """Makes a row the current one."""
        if 0 <= row < len(self._suspects.faces):
            self.setCurrentIndex(self._suspects.index(row, 0))

    def minimumSizeHint(self) -> QSize:
        return QSize(180, ROW_PX)

    def sizeHint(self) -> QSize:
        return QSize(280, ROW_PX * 3)

    def currentChanged(self, current: AnyIndex, previous: AnyIndex) -> None:
        super().currentChanged(current, previous)
        if current.isValid():
            self.suspect_reached.emit(current.row())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.currentIndex().isValid():
            self.suspect_opened.emit(self.currentIndex().row())
        elif event.text().isprintable() and event.text():
            event.ignore()
        else:
            super().keyPressEvent(event)

    def showEvent(self, event: object) -> None:
        super().showEvent(event)  # type: ignore[arg-type]
        self._ask_for_pictures()

    def resizeEvent(self, event: object) -> None:
        super().resizeEvent(event)  # type: ignore[arg-type]
        self._ask_for_pictures()

    def _ask_for_pictures(self) -> None:
        first = self.verticalScrollBar().value() // ROW_PX
        last = first + self.viewport().height() // ROW_PX + 2
        faces = self._suspects.faces[first:last] if self.isVisible() else []
        self._thumbnails.want(f"suspects {id(self)}", [each.image_id for each in faces])


def paint_thumbnail(
    painter: QPainter,
    thumbnails: Thumbnails,
    image_id: int,
    box: QRectF,
    radius: float = 6.0,
    sharp: bool = False,
) -> None:
    """Draws the picture of an image into a box, cut to fill it, or a plain field while it is on its way."""
    outline = QPainterPath()
    outline.addRoundedRect(box, radius, radius)
    image = thumbnails.get(image_id, sharp)
    if image is None:
        painter.fillPath(outline, theme().color("track"))
        return
    scale = max(box.width() / image.width(), box.height() / image.height())
    left = box.center().x() - scale * image.width() / 2
    top = box.center().y() - scale * image.height() / 2
    brush = QBrush(image)  # not a clipped picture: its edge would not be smooth
    brush.setTransform(QTransform.fromTranslate(left, top).scale(scale, scale))
    painter.fillPath(outline, brush)
