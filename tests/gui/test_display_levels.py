"""Levels on the screen: exact, at once where it is quick, and in a worker thread where it is not."""

from __future__ import annotations

import time

import numpy as np
import pytest
from PySide6.QtCore import QRect
from PySide6.QtGui import QColor, QImage
from pytestqt.qtbot import QtBot

from engine.images.levels import Levels
from gui.display_levels import DisplayLevels, LevelMode, LevelsRenderer
from gui.screen_images import Picture


def deep_image(width: int, height: int) -> QImage:
    values = np.tile(np.linspace(0, 4000, width), (height, 1)).astype(np.uint16)
    return QImage(values.data, width, height, 2 * width, QImage.Format.Format_Grayscale16).copy()


def colour_image(width: int, height: int, colour: str) -> QImage:
    image = QImage(width, height, QImage.Format.Format_RGB32)
    image.fill(QColor(colour))
    return image


def test_a_small_part_is_exact_at_once(qtbot: QtBot) -> None:
    renderer = LevelsRenderer()
    image = deep_image(401, 50)
    made, inside = renderer.get(image, QRect(100, 10, 200, 30), Levels(1000, 3000))
    assert (made.size(), inside) == (QRect(0, 0, 200, 30).size(), QRect(0, 0, 200, 30))
    assert made.pixelColor(0, 0).red() == 0
    assert made.pixelColor(100, 5).red() == pytest.approx(127, abs=1)
    assert made.pixelColor(199, 5).red() == pytest.approx(254, abs=1)
    renderer.close()


def test_a_large_part_is_coarse_at_once_and_exact_soon(qtbot: QtBot) -> None:
    renderer = LevelsRenderer()
    image = deep_image(6000, 4000)
    part = image.rect()
    started = time.thread_time()
    made, inside = renderer.get(image, part, Levels(1000, 3000))
    assert time.thread_time() - started < 0.05
    assert made.width() < 2500
    assert inside == made.rect()
    qtbot.waitSignal(renderer.rendered, timeout=10_000).wait()
    made, inside = renderer.get(image, QRect(0, 0, 5000, 3000), Levels(1000, 3000))
    assert made.size() == image.size()
    assert inside == QRect(0, 0, 5000, 3000)
    assert made.pixelColor(3000, 100).red() == pytest.approx(127, abs=1)
    renderer.close()


def test_the_latest_wish_is_served_whatever_was_dragged_over_before(qtbot: QtBot) -> None:
    renderer = LevelsRenderer()
    image = deep_image(3000, 2000)
    wishes = [Levels(1000, 3000 - step) for step in range(8)]
    for levels in wishes:
        renderer.get(image, image.rect(), levels)
    qtbot.waitUntil(lambda: renderer.get(image, image.rect(), wishes[-1])[0].width() == 3000, timeout=10_000)
    qtbot.waitUntil(lambda: renderer.get(image, image.rect(), wishes[0])[0].width() == 3000, timeout=10_000)
    renderer.close()


def test_levels_by_hand_are_kept_for_8_bit_and_for_deep_pictures_apart(qtbot: QtBot) -> None:
    levels = DisplayLevels()
    plain = Picture(colour_image(20, 20, "#204060"))
    deep = Picture(deep_image(400, 20), black=40, white=3960)
    assert levels.stored(plain) is None
    assert levels.stored(deep) == Levels(40, 3960), "as the model sees it"
    levels.set_fixed(deep, 500, 900)
    assert levels.stored(deep) == Levels(500, 900)
    assert levels.stored(plain) is None
    levels.set_fixed(plain, 10, 100)
    assert levels.stored(plain) == Levels(10, 100)
    assert levels.stored(deep) == Levels(500, 900)
    levels.reset()
    assert levels.mode is LevelMode.PLAIN
    assert levels.stored(plain) is None


def test_levels_mean_the_same_in_pictures_that_are_stored_differently(qtbot: QtBot) -> None:
    levels = DisplayLevels()
    shifted = Picture(deep_image(400, 20), offset=-1000.0, step=2.0, black=-1000, white=7000)
    levels.set_fixed(shifted, 0, 1000)
    assert levels.stored(shifted) == Levels(500, 1000)
    assert levels.shown(Picture(deep_image(400, 20), white=4000)) == Levels(0, 1000)


def test_dragging_to_the_right_is_more_contrast_and_up_is_brighter(qtbot: QtBot) -> None:
    levels = DisplayLevels()
    deep = Picture(deep_image(400, 20), black=1000, white=3000)
    levels.drag(deep, 100, 0)
    narrow = levels.shown(deep)
    assert narrow.white - narrow.black < 2000
    levels.drag(deep, 0, -50)
    assert levels.shown(deep).black < narrow.black
    for _ in range(200):
        levels.drag(deep, 100, 0)
    assert levels.shown(deep).white > levels.shown(deep).black


def test_automatic_levels_follow_each_picture(qtbot: QtBot) -> None:
    levels = DisplayLevels()
    levels.set_automatic(True)
    dark, bright = Picture(colour_image(20, 20, "#0a141e")), Picture(colour_image(20, 20, "#c8d2dc"))
    assert levels.shown(dark).white <= 31
    assert levels.shown(bright).black >= 199
    assert levels.is_active
