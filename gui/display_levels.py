"""The brightness that pictures are shown with in the viewer: as the program sees them, automatic, or as set by hand.

It stays while the user walks through the images, until it is reset. The screen only: the model never sees it.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Hashable
from enum import Enum
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, QRect, Signal
from PySide6.QtGui import QImage

from engine.errors import ImageError
from engine.images.levels import Levels, apply_to_grey, apply_to_rgb, automatic, histogram
from engine.language import tr
from gui.image_pool import ImagePool
from gui.screen_images import Picture

MAX_PIXELS = 2_500_000
"""What is rendered in the GUI thread: some 6 ms. Of more, every second pixel or so, until a worker has them all."""
RENDERED_BYTES = 64 << 20
DRAG_PX = 250
"""Dragging so far moves what is grey to black or white, or makes the contrast 2.7 times as strong."""


class LevelMode(Enum):
    """Where the levels come from."""

    PLAIN = "plain"
    AUTO = "auto"
    FIXED = "fixed"


class DisplayLevels(QObject):
    """The choice of the user. Levels set by hand are kept for 8-bit and for deep pictures apart."""

    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.mode = LevelMode.PLAIN
        self._fixed: dict[bool, Levels] = {}
        self._automatic: OrderedDict[int, Levels] = OrderedDict()

    @property
    def is_active(self) -> bool:
        """Whether pictures may look other than the program sees them."""
        return self.mode is not LevelMode.PLAIN

    def reset(self) -> None:
        """Shows pictures as the program sees them."""
        self._fixed.clear()
        self._set_mode(LevelMode.PLAIN)

    def set_automatic(self, on: bool) -> None:
        """Shows each picture with the whole brightness of the screen."""
        self._set_mode(LevelMode.AUTO if on else LevelMode.FIXED if self._fixed else LevelMode.PLAIN)

    def set_fixed(self, picture: Picture, black: float, white: float) -> None:
        """Shows this and the following pictures between these values, in units of the file."""
        low, high = self.range_of(picture)
        least = (high - low) / 1000 if picture.is_deep else 1.0
        self._fixed[picture.is_deep] = Levels(black, max(white, black + least))
        self._set_mode(LevelMode.FIXED)

    def drag(self, picture: Picture, dx_px: float, dy_px: float) -> None:
        """Changes the levels as radiologists do: to the right more contrast, up brighter."""
        low, high = self.range_of(picture)
        now = self.shown(picture)
        # In proportion to the range that is shown, so that a narrow one is set as finely as a wide one.
        width = now.white - now.black
        middle = (now.black + now.white) / 2 + dy_px * width / DRAG_PX
        half = min(high - low, width * math.exp(-dx_px / DRAG_PX)) / 2
        self.set_fixed(picture, middle - half, middle + half)

    def shown(self, picture: Picture) -> Levels:
        """Returns the levels that a picture is shown with, in units of the file."""
        if self.mode is LevelMode.FIXED and picture.is_deep in self._fixed:
            return self._fixed[picture.is_deep]
        if self.mode is LevelMode.AUTO and not picture.is_deep:
            return self._automatic_of(picture)
        return Levels(picture.black, max(picture.white, picture.black + picture.step))

    def stored(self, picture: Picture) -> Levels | None:
        """Returns the levels in units of the stored pixels; None where the picture is shown as it is."""
        if not picture.is_deep and (self.mode is LevelMode.PLAIN or not (self._is_fixed(picture) or self._is_auto())):
            return None
        levels = self.shown(picture)
        return Levels((levels.black - picture.offset) / picture.step, (levels.white - picture.offset) / picture.step)

    def range_of(self, picture: Picture) -> tuple[float, float]:
        """Returns between which values the levels of a picture can be set, in units of the file."""
        if not picture.is_deep:
            return 0.0, 255.0
        stored = sample_of(picture.image)
        low, high = picture.offset, picture.offset + picture.step
        if stored.size:
            low, high = (picture.offset + picture.step * float(value) for value in (stored.min(), stored.max()))
        return min(low, picture.black), max(high, picture.white, low + picture.step)

    def histogram_of(self, picture: Picture, num_bins: int) -> NDArray[np.int64]:
        """Returns how many pixels lie in each part of `range_of`."""
        low, high = ((value - picture.offset) / picture.step for value in self.range_of(picture))
        return histogram(sample_of(picture.image), low, high, num_bins)

    def _is_fixed(self, picture: Picture) -> bool:
        return self.mode is LevelMode.FIXED and picture.is_deep in self._fixed

    def _is_auto(self) -> bool:
        return self.mode is LevelMode.AUTO

    def _automatic_of(self, picture: Picture) -> Levels:
        key = picture.image.cacheKey()
        found = self._automatic.get(key)
        if found is None:
            found = self._automatic[key] = automatic(sample_of(picture.image))
            if len(self._automatic) > 64:
                self._automatic.popitem(last=False)
        return found

    def _set_mode(self, mode: LevelMode) -> None:
        self.mode = mode
        self.changed.emit()


class LevelsRenderer(QObject):
    """Applies levels for a canvas: small parts at once, large ones coarsely at once and finely in a worker thread."""

    rendered = Signal()
    """What was asked for last is there in full."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._pool: ImagePool[QImage] = ImagePool(self._load, 1, RENDERED_BYTES, "graft-levels", self)
        self._pool.loaded.connect(lambda _keys: self.rendered.emit())
        self._wanted: tuple[Hashable, QImage, Levels] | None = None
        self._last: tuple[Hashable, QImage] | None = None

    def get(self, image: QImage, part: QRect, levels: Levels) -> tuple[QImage, QRect]:
        """Returns a picture with levels applied and the rectangle in it that shows `part` of the image."""
        num_pixels = part.width() * part.height()
        if num_pixels > MAX_PIXELS:
            whole = (image.cacheKey(), levels)
            made = self._pool.get(whole)
            if made is not None:
                return made, part
            self._wanted = (whole, image, levels)
            self._pool.retry_failures()  # what was given up for another wish may be wanted again
            self._pool.want("canvas", [whole])
        key = (image.cacheKey(), part.getRect(), levels)
        if self._last is None or self._last[0] != key:
            step = math.ceil(math.sqrt(num_pixels / MAX_PIXELS))
            self._last = (key, render(image, part, levels, max(1, step)))
        piece = self._last[1]
        return piece, piece.rect()

    def close(self) -> None:
        """Stops the worker."""
        self._pool.close()
        self._pool.forget()

    def _load(self, key: Hashable) -> QImage:
        wanted = self._wanted
        if wanted is None or wanted[0] != key:
            raise ImageError(tr("Something else is wanted by now."))
        return render(wanted[1], wanted[1].rect(), wanted[2])


def render(image: QImage, part: QRect, levels: Levels, step: int = 1) -> QImage:
    """Returns a part of a picture, or every `step`-th pixel of it, with levels in the units of its stored pixels."""
    rows, columns = slice(part.top(), part.bottom() + 1, step), slice(part.left(), part.right() + 1, step)
    if image.format() == QImage.Format.Format_Grayscale16:
        grey = np.ascontiguousarray(apply_to_grey(_pixels(image)[rows, columns], levels))
        wrapped = QImage(grey.data, grey.shape[1], grey.shape[0], grey.shape[1], QImage.Format.Format_Grayscale8)
        return wrapped.convertToFormat(QImage.Format.Format_RGB32)  # a copy, and what the painter is fast with
    made = np.ascontiguousarray(apply_to_rgb(_pixels(image)[rows, columns], levels))
    return QImage(made.data, made.shape[1], made.shape[0], 4 * made.shape[1], QImage.Format.Format_RGB32).copy()


def sample_of(image: QImage) -> NDArray[Any]:
    """Returns some hundred thousand of a picture's values, colour channels alike."""
    step = max(1, round((image.width() * image.height() / 100_000) ** 0.5))
    pixels = _pixels(image)[::step, ::step]
    return pixels if pixels.ndim == 2 else pixels[..., :3]


def _pixels(image: QImage) -> NDArray[Any]:
    """Returns the memory of a picture: uint16 (H, W), or uint8 (H, W, 4) as blue, green, red and nothing."""
    memory = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
    if image.format() == QImage.Format.Format_Grayscale16:
        return memory.view(np.uint16)[:, : image.width()]
    return memory.reshape(image.height(), -1, 4)[:, : image.width()]
