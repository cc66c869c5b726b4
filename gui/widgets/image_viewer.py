"""The single-image view: canvas, film strip and zoom controls; decodes ahead so that the next key shows at once."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from engine.domain import ImageStatus
from gui.models.image_list import ImageListModel
from gui.screen_images import EVERY_PIXEL, ScreenImages
from gui.theme import icon
from gui.thumbnails import Thumbnails
from gui.widgets.film_strip import FilmStrip
from gui.widgets.image_canvas import WHEEL_STEP, ImageCanvas
from gui.widgets.image_card import CardFace, percent

AHEAD, BEHIND = 4, 1


class ImageViewer(QWidget):
    """Shows the image at one position of the list. Moving is asked for by signal; the grid's current index rules."""

    position_wanted = Signal(int)
    closed = Signal()

    def __init__(
        self,
        model: ImageListModel,
        thumbnails: Thumbnails,
        screens: ScreenImages,
        face_of: Callable[[int], CardFace],
        current_position: Callable[[], int],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._list = model
        self._thumbnails = thumbnails
        self._screens = screens
        self._face_of = face_of
        self._current_position = current_position
        self._position = -1
        self._is_forward = True
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName("Image")
        self.canvas = ImageCanvas(self)
        self.strip = FilmStrip(model, thumbnails, face_of, self)
        self._back = _button("grid", "Back to the grid (Esc)", self.closed.emit)
        self._name = QLabel()
        self._name.setTextFormat(Qt.TextFormat.PlainText)
        self._name.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self._place = QLabel()
        self._place.setProperty("role", "faint")
        self._zoom = QLabel()
        self._zoom.setProperty("role", "dim")
        self._zoom.setMinimumWidth(52)
        self._zoom.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self._build()
        self._wish_timer = QTimer(self, singleShot=True, interval=0)
        self._wish_timer.timeout.connect(self._ask_for_images)
        self.canvas.zoom_changed.connect(self._on_zoom_changed)
        self.strip.position_clicked.connect(self.position_wanted)
        screens.loaded.connect(self._on_image_loaded)
        thumbnails.loaded.connect(self._on_image_loaded)

    def set_position(self, position: int) -> None:
        """Shows the image at a position, fitted; a thumbnail at once, the sharp one as soon as it is there."""
        if position != self._position:
            self._is_forward = position >= self._position
            self._position = position
            if not self.canvas.is_fitted:
                self.canvas.fit()
        self.strip.set_position(position)
        self.refresh()
        self._wish_timer.start()

    def forget_pictures(self) -> None:
        """Asks for all pictures anew, because other files are shown now."""
        self.strip.forget_pictures()
        self._wish_timer.start()
        self.refresh()

    def refresh(self) -> None:
        """Shows the same image again, because its class or its picture changed."""
        if not self.isVisible():
            return
        image_id = self._list.image_id(self._position)
        columns = self._list.columns
        if image_id is None or columns is None:
            self.canvas.set_picture(None, 1, 1, "No image to show.")
            self.canvas.set_chip("", "", False)
            self._name.setText("")
            self._place.setText("")
            return
        row = int(self._list.rows[self._position])
        face = self._face_of(self._position)
        width_px, height_px = int(columns.widths_px[row]), int(columns.heights_px[row])
        side = self.canvas.fitted_side_px(width_px, height_px)
        picture = self._screens.get(image_id, EVERY_PIXEL) if not self.canvas.is_fitted else None
        picture = picture or self._screens.get(image_id, side)
        image = picture.image if picture is not None else face.image
        message = self._screens.failure(image_id, side) or ""
        if face.status == ImageStatus.MISSING:
            message = "The file is missing. Put it back or rescan the folder."
        elif face.status == ImageStatus.UNREADABLE:
            message = message or "The file cannot be read."
        self.canvas.set_picture(image, width_px, height_px, message)
        note = percent(face.confidence) if face.is_suggestion and face.confidence is not None else ""
        notes = [note, "unsure" if face.is_unsure else "", "skipped" if face.is_skipped else ""]
        text = " · ".join(part for part in notes if part)
        self.canvas.set_chip(face.class_name, face.class_color, face.is_suggestion, text)
        self._name.setText(face.name)
        self._place.setText(f"{self._position + 1:,} of {len(self._list.rows):,}")
        self._zoom.setText(f"{self.canvas.zoom:.0%}".replace("%", " %"))
        self.canvas.setAccessibleDescription(f"{face.name}, {self._list.describe(row)}")
        self.strip.update()

    # ------------------------------------------------------------------------------------------------------ events

    def keyPressEvent(self, event: QKeyEvent) -> None:
        keys = Qt.Key
        last = len(self._list.rows) - 1
        step = {keys.Key_Left: -1, keys.Key_Right: 1, keys.Key_Up: -1, keys.Key_Down: 1,
                keys.Key_PageUp: -10, keys.Key_PageDown: 10}.get(keys(event.key()))  # fmt: skip
        if step is not None:
            # Not from the picture that is on screen: a key that came before may not be shown yet.
            self._go(max(0, min(last, self._current_position() + step)))
        elif event.key() == keys.Key_Home:
            self._go(0)
        elif event.key() == keys.Key_End:
            self._go(last)
        elif event.key() in (keys.Key_Escape, keys.Key_Return, keys.Key_Enter):
            self.closed.emit()
        elif event.key() in (keys.Key_Plus, keys.Key_Equal):
            self.canvas.zoom_by(WHEEL_STEP)
        elif event.key() == keys.Key_Minus:
            self.canvas.zoom_by(1 / WHEEL_STEP)
        else:
            event.ignore()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.setFocus(Qt.FocusReason.MouseFocusReason)

    def showEvent(self, event: object) -> None:
        super().showEvent(event)  # type: ignore[arg-type]
        self.set_position(self._position)

    def hideEvent(self, event: object) -> None:
        super().hideEvent(event)  # type: ignore[arg-type]
        self._screens.want([])

    # ----------------------------------------------------------------------------------------------------- private

    def _go(self, position: int) -> None:
        if position >= 0:
            self.position_wanted.emit(position)

    def _build(self) -> None:
        header = QHBoxLayout()
        header.setContentsMargins(12, 6, 12, 6)
        header.setSpacing(6)
        header.addWidget(self._back)
        header.addWidget(self._name, 1)
        header.addWidget(self._place)
        header.addSpacing(8)
        header.addWidget(_button("zoom-out", "Zoom out (-)", lambda: self.canvas.zoom_by(1 / WHEEL_STEP)))
        header.addWidget(self._zoom)
        header.addWidget(_button("zoom-in", "Zoom in (+)", lambda: self.canvas.zoom_by(WHEEL_STEP)))
        header.addWidget(_button("fit", "Whole image (double click)", self.canvas.fit))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(header)
        layout.addWidget(self.canvas, 1)
        layout.addWidget(self.strip)

    def _on_zoom_changed(self) -> None:
        self._wish_timer.start()
        self.refresh()

    def _on_image_loaded(self, image_ids: list[int]) -> None:
        if self._list.image_id(self._position) in image_ids:
            self.refresh()

    def _ask_for_images(self) -> None:
        columns = self._list.columns
        if not self.isVisible() or columns is None or self._position < 0:
            return
        direction = 1 if self._is_forward else -1
        steps = [direction * step for step in (*range(AHEAD + 1), *range(-1, -BEHIND - 1, -1))]
        wishes: list[tuple[int, int]] = []
        for step in steps:
            position = self._position + step
            image_id = self._list.image_id(position)
            if image_id is None:
                continue
            row = int(self._list.rows[position])
            if columns.statuses[row] != ImageStatus.READABLE:
                continue
            side = self.canvas.fitted_side_px(int(columns.widths_px[row]), int(columns.heights_px[row]))
            if step == 0 and not self.canvas.is_fitted:
                wishes.append((image_id, EVERY_PIXEL))
            wishes.append((image_id, side))
        self._screens.want(wishes)


def _button(icon_name: str, tip: str, on_click: Callable[[], object]) -> QToolButton:
    button = QToolButton()
    button.setIcon(icon(icon_name))
    button.setToolTip(tip)
    button.setAccessibleName(tip.partition(" (")[0])
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    button.clicked.connect(lambda _checked=False: on_click())
    return button
