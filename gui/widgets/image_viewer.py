"""The single-image view: canvas, film strip, zoom and brightness; decodes ahead so that the next key shows at once."""

from __future__ import annotations

import time
from collections.abc import Callable

from PySide6.QtCore import QPointF, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QResizeEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

from engine.domain import ImageStatus
from engine.language import tr
from gui.display_levels import DisplayLevels, LevelMode
from gui.heat_maps import HeatMapKeeper
from gui.models.image_list import ImageListModel
from gui.prefetch import Prefetch
from gui.screen_images import Picture, ScreenImages
from gui.thumbnails import Thumbnails
from gui.widgets.film_strip import FilmStrip
from gui.widgets.image_canvas import WHEEL_STEP, ImageCanvas
from gui.widgets.image_card import CardFace, percent
from gui.widgets.levels_panel import LevelsPanel
from gui.widgets.viewer_bar import ViewerBar

PAN_PX, LEVEL_STEP_PX = 80, 15
HOLD_IDLE_S = 1.0
"""The making of all thumbnails rests this long after each move."""
PANEL_MARGIN_PX = 12


class ImageViewer(QWidget):
    """Shows the image at one position of the list. Moving is asked for by signal; the grid's current index rules."""

    position_wanted = Signal(int)
    next_unlabelled_wanted = Signal()
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
        self._picture: Picture | None = None
        self._prefetch = Prefetch()
        self._heat_maps: HeatMapKeeper | None = None
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName(tr("Image"))
        self.levels = DisplayLevels(self)
        self.bar = ViewerBar()
        self.canvas = ImageCanvas(self)
        self.strip = FilmStrip(model, thumbnails, face_of, self)
        self.levels_panel = LevelsPanel(self.levels, self)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.bar)
        layout.addWidget(self.canvas, 1)
        layout.addWidget(self.strip)
        self._wish_timer = QTimer(self, singleShot=True, interval=0)
        self._wish_timer.timeout.connect(self._ask_for_images)
        self._connect()

    def set_heat_maps(self, heat_maps: HeatMapKeeper) -> None:
        """Takes over what shows where the model looks."""
        self._heat_maps = heat_maps
        heat_maps.changed.connect(self._show_heat)
        self.bar.heat_toggled.connect(heat_maps.toggle)
        self._show_heat()

    def set_position(self, position: int) -> None:
        """Shows the image at a position, fitted; a thumbnail at once, the sharp one as soon as it is there."""
        if position != self._position:
            self._position = position
            self._thumbnails.hold_idle_work(HOLD_IDLE_S)
            if not self.canvas.is_at_rest:
                self.canvas.rest()
        if self.isVisible():
            self._prefetch.move(position, time.monotonic())
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
            self._picture = None
            self.canvas.set_picture(None, 1, 1, tr("No image to show."))
            self.canvas.set_classes(())
            self.bar.show_image("", -1, 0)
            return
        row = int(self._list.rows[self._position])
        face = self._face_of(self._position)
        width_px, height_px = int(columns.widths_px[row]), int(columns.heights_px[row])
        side = self.canvas.rest_side_px(width_px, height_px)
        detail_side = self.canvas.detail_side_px(width_px, height_px)
        detail = self._screens.get(image_id, detail_side) if detail_side is not None else None
        decoded = detail or self._screens.get(image_id, side) or self._screens.any_size(image_id)
        if not width_px and decoded is not None:  # a file that nobody has read yet
            width_px, height_px = decoded.image.width(), decoded.image.height()
        self._picture = decoded or (Picture(face.image) if face.image is not None else None)
        levels = self.levels.stored(self._picture) if self._picture is not None else None
        why = _why_not_sharp(face) or self._screens.failure(image_id, side) or ""
        note = why if decoded is None and self._picture is not None else ""
        image = self._picture.image if self._picture is not None else None
        self.canvas.set_picture(image, width_px, height_px, why, levels, note)
        parts = (
            percent(face.confidence) if face.is_suggestion and face.confidence is not None else "",
            tr("looks like none of the classes") if face.is_unknown else "",
            tr("unsure") if face.is_unsure else "",
            tr("skipped") if face.is_skipped else "",
            tr("confirmed") if face.is_confirmed else "",
        )
        text = " · ".join(part for part in parts if part)
        self.canvas.set_classes(face.chips, text)
        self.canvas.setAccessibleDescription(f"{face.name}, {self._list.describe(row)}")
        self.bar.show_image(face.name, self._position, len(self._list.rows))
        is_loading = detail_side is not None and detail is None and not why
        self.bar.show_zoom(self.canvas.zoom, self.canvas.is_fitted, self.canvas.is_filling, is_loading)
        self.levels_panel.set_picture(decoded)
        self.strip.update()
        self._show_heat()

    def toggle_pixels(self) -> None:
        """Changes between every pixel, around the pointer where it is over the image, and the whole image."""
        if not self.canvas.is_at_rest and abs(self.canvas.zoom - 1) < 1e-6:
            self.canvas.rest()
            return
        at = self.canvas.mapFromGlobal(self.cursor().pos())
        self.canvas.show_pixels(QPointF(at) if self.canvas.rect().contains(at) else None)

    def toggle_levels_panel(self) -> None:
        """Opens or closes the brightness panel."""
        if self.levels_panel.isVisible():
            self._close_levels_panel()
            return
        self._place_panel()
        self.levels_panel.show()
        self.levels_panel.raise_()  # without the focus: the arrow keys go on walking through the images
        self._show_levels()

    # ------------------------------------------------------------------------------------------------------ events

    def keyPressEvent(self, event: QKeyEvent) -> None:
        keys = Qt.Key
        key, last = keys(event.key()), len(self._list.rows) - 1
        step = {keys.Key_Left: -1, keys.Key_Right: 1, keys.Key_Up: -1, keys.Key_Down: 1,
                keys.Key_PageUp: -10, keys.Key_PageDown: 10}.get(key)  # fmt: skip
        if self._press_with_modifier(key, event.modifiers()):
            return
        if key == keys.Key_Escape and self.levels_panel.isVisible():
            self._close_levels_panel()
        elif step is not None:
            self._step(step)
        elif key == keys.Key_Home:
            self._go(0)
        elif key == keys.Key_End:
            self._go(last)
        elif key in (keys.Key_Escape, keys.Key_Return, keys.Key_Enter):
            self.closed.emit()
        elif key in (keys.Key_Plus, keys.Key_Equal):
            self.canvas.zoom_by(WHEEL_STEP)
        elif key == keys.Key_Minus:
            self.canvas.zoom_by(1 / WHEEL_STEP)
        else:
            event.ignore()

    def _press_with_modifier(self, key: Qt.Key, modifiers: Qt.KeyboardModifier) -> bool:
        """Does what a key means with Ctrl or Shift; tells whether it means something."""
        keys = Qt.Key
        has_ctrl = bool(modifiers & Qt.KeyboardModifier.ControlModifier)
        has_shift = bool(modifiers & Qt.KeyboardModifier.ShiftModifier)
        arrow = {keys.Key_Left: (-1, 0), keys.Key_Right: (1, 0), keys.Key_Up: (0, -1), keys.Key_Down: (0, 1)}.get(key)
        if has_ctrl and has_shift and arrow is not None:
            self._on_levels_dragged(arrow[0] * LEVEL_STEP_PX, arrow[1] * LEVEL_STEP_PX)
        elif has_ctrl and has_shift and key == keys.Key_B:
            self.levels.set_automatic(self.levels.mode is not LevelMode.AUTO)
        elif has_shift and not has_ctrl and arrow is not None:
            self.canvas.pan(-arrow[0] * PAN_PX, -arrow[1] * PAN_PX)
        elif has_ctrl and key in (keys.Key_0, keys.Key_1, keys.Key_2, keys.Key_B):
            {keys.Key_0: self.canvas.fit, keys.Key_1: self.toggle_pixels, keys.Key_2: self.canvas.fill}.get(
                key, self.toggle_levels_panel
            )()
        else:
            return False
        return True

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.setFocus(Qt.FocusReason.MouseFocusReason)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._place_panel()

    def showEvent(self, event: object) -> None:
        super().showEvent(event)  # type: ignore[arg-type]
        self.set_position(self._position)

    def hideEvent(self, event: object) -> None:
        super().hideEvent(event)  # type: ignore[arg-type]
        self._screens.want([])

    # ----------------------------------------------------------------------------------------------------- private

    def _connect(self) -> None:
        bar, canvas = self.bar, self.canvas
        bar.closed.connect(self.closed)
        bar.step_wanted.connect(self._step)
        bar.next_unlabelled_wanted.connect(self.next_unlabelled_wanted)
        bar.zoom_wanted.connect(lambda steps: canvas.zoom_by(WHEEL_STEP**steps))
        bar.fit_wanted.connect(canvas.fit)
        bar.fill_wanted.connect(canvas.fill)
        bar.pixels_wanted.connect(self.toggle_pixels)
        bar.levels_toggled.connect(self.toggle_levels_panel)
        canvas.zoom_changed.connect(self._on_zoom_changed)
        canvas.levels_dragged.connect(self._on_levels_dragged)
        self.levels.changed.connect(self._show_levels)
        self.levels_panel.closed.connect(self._close_levels_panel)
        self.strip.position_clicked.connect(self.position_wanted)
        self._screens.loaded.connect(self._on_image_loaded)
        self._thumbnails.loaded.connect(self._on_image_loaded)

    def _step(self, by: int) -> None:
        # Not from the picture that is on screen: a key that came before may not be shown yet.
        self._go(max(0, min(len(self._list.rows) - 1, self._current_position() + by)))

    def _go(self, position: int) -> None:
        if position >= 0:
            self.position_wanted.emit(position)

    def _on_zoom_changed(self) -> None:
        self._wish_timer.start()
        self.refresh()

    def _on_image_loaded(self, image_ids: list[int]) -> None:
        if self._list.image_id(self._position) in image_ids:
            self.refresh()

    def _on_levels_dragged(self, dx_px: float, dy_px: float) -> None:
        if self._picture is not None:
            self.levels.drag(self._picture, dx_px, dy_px)

    def _show_levels(self) -> None:
        self.bar.show_levels(self.levels.is_active or self.levels_panel.isVisible())
        self.refresh()

    def _show_heat(self) -> None:
        heat_maps, image_id = self._heat_maps, self._list.image_id(self._position)
        if heat_maps is None or not self.isVisible():
            return
        has_picture = image_id is not None and self._picture is not None
        self.canvas.heat.show_heat(*(heat_maps.look(image_id) if image_id is not None and has_picture else (None, "")))
        self.bar.show_heat(heat_maps.is_on, heat_maps.why_not, heat_maps.method_words(image_id or 0))

    def _close_levels_panel(self) -> None:
        self.levels_panel.hide()
        self.setFocus(Qt.FocusReason.OtherFocusReason)
        self._show_levels()

    def _place_panel(self) -> None:
        panel, area = self.levels_panel, self.canvas.geometry()
        panel.adjustSize()
        panel.move(area.right() - panel.width() - PANEL_MARGIN_PX, area.top() + PANEL_MARGIN_PX)

    def _ask_for_images(self) -> None:
        columns = self._list.columns
        if not self.isVisible() or columns is None or self._position < 0:
            return
        canvas = self.canvas
        max_images = self._screens.set_screen_bytes(
            4 * canvas.width() * canvas.height() * canvas.devicePixelRatioF() ** 2
        )
        wishes: list[tuple[int, int]] = []
        detail: tuple[int, int] | None = None
        for position in self._prefetch.positions(len(self._list.rows), max_images):
            row = int(self._list.rows[position])
            if columns.statuses[row] != ImageStatus.READABLE:
                continue
            image_id, width_px, height_px = (
                int(column[row]) for column in (columns.image_ids, columns.widths_px, columns.heights_px)
            )
            wishes.append((image_id, canvas.rest_side_px(width_px, height_px)))
            if position == self._position:
                side = canvas.detail_side_px(width_px, height_px)
                detail = None if side is None else (image_id, side)
        self._screens.want(wishes, detail)


def _why_not_sharp(face: CardFace) -> str:
    if face.status == ImageStatus.MISSING:
        return tr("The file is missing. Put it back, or press F5 to look for it.")
    if face.status == ImageStatus.UNREADABLE:
        return tr("The file cannot be read.")
    return tr("The drive or folder is not there. This is the thumbnail.") if face.is_offline else ""
