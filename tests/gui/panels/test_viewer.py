"""The single image in a real workspace: never blank, full pixels only when zoomed, brightness for the eyes only."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QToolButton

from engine.errors import ImageError
from engine.images.decode import decode_for_screen, decode_rgb
from gui import screen_images
from gui.display_levels import LevelMode
from gui.widgets.image_canvas import MAX_ZOOM

Key, CTRL, SHIFT = Qt.Key, Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier
LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def photographs(tmp_path: Path) -> Path:
    """Six photographs that are larger than the canvas: dark, with a gradient."""
    folder = tmp_path / "photographs"
    folder.mkdir()
    for at in range(6):
        pixels = np.tile(np.linspace(4, 34, 2000), (1500, 1))[..., None] + np.array([at, 0, 3])
        Image.fromarray(pixels.astype(np.uint8)).save(folder / f"photo_{at}.jpg", quality=90)
    return folder


@pytest.fixture
def deep_images(tmp_path: Path) -> Path:
    folder = tmp_path / "deep"
    folder.mkdir()
    for at in range(3):
        values = np.tile(np.linspace(1000, 3000 + at * 500, 600), (400, 1)).astype(np.uint16)
        Image.fromarray(values).save(folder / f"deep_{at}.png")
    return folder


def view(desk: Any) -> Any:
    desk.press(Key.Key_Return)
    desk.qtbot.waitUntil(lambda: desk.workspace.is_viewing)
    return desk.workspace.viewer


def press(desk: Any, key: Qt.Key, modifiers: Qt.KeyboardModifier) -> None:
    QTest.keyClick(desk.workspace.viewer, key, modifiers)


def wait_sharp(desk: Any) -> QImage:
    """Waits until the picture is there in the size of the screen and returns it."""
    viewer = desk.workspace.viewer
    desk.qtbot.waitUntil(lambda: viewer._picture is not None and viewer._picture.image.width() > 256, timeout=20_000)
    image: QImage = viewer._picture.image
    return image


def test_every_pixel_is_decoded_only_when_zoomed_and_only_once(
    open_desk: Callable[[Path], Any], photographs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full: list[int] = []

    def count(data: bytes, max_side_px: int | None = None) -> object:
        if max_side_px is None:
            full.append(len(data))
        return decode_for_screen(data, max_side_px)

    monkeypatch.setattr(screen_images, "decode_for_screen", count)
    desk = open_desk(photographs)
    viewer = view(desk)
    wait_sharp(desk)
    assert full == []
    press(desk, Key.Key_1, CTRL)
    assert viewer.canvas.zoom == 1.0
    desk.qtbot.waitUntil(lambda: viewer._picture.image.width() == 2000, timeout=20_000)
    for _ in range(20):
        viewer.canvas.zoom_by(1.25)
    assert viewer.canvas.zoom == MAX_ZOOM
    press(desk, Key.Key_0, CTRL)
    assert viewer.canvas.is_fitted
    press(desk, Key.Key_1, CTRL)
    desk.settle()
    assert viewer._picture.image.width() == 2000
    assert len(full) == 1


def test_half_of_the_pixels_will_do_at_half_the_zoom(open_desk: Callable[[Path], Any], photographs: Path) -> None:
    desk = open_desk(photographs)
    viewer = view(desk)
    wait_sharp(desk)
    viewer.canvas._set_zoom(0.45, QPointF(100, 100))
    desk.qtbot.waitUntil(lambda: viewer._picture.image.width() == 1000, timeout=20_000)


def test_filling_stays_for_the_next_image_and_a_zoom_does_not(
    open_desk: Callable[[Path], Any], photographs: Path
) -> None:
    desk = open_desk(photographs)
    viewer = view(desk)
    press(desk, Key.Key_2, CTRL)
    assert viewer.canvas.is_filling
    target = viewer.canvas._target()
    assert target.width() >= viewer.canvas.width()
    assert target.height() >= viewer.canvas.height()
    press(desk, Key.Key_1, CTRL)
    desk.press(Key.Key_Right)
    desk.qtbot.waitUntil(lambda: viewer.bar.image_name == "photo_1.jpg")
    assert viewer.canvas.is_filling


def test_the_zoomed_image_is_moved_with_shift_and_arrows_while_arrows_alone_go_on(
    open_desk: Callable[[Path], Any], photographs: Path
) -> None:
    desk = open_desk(photographs)
    viewer = view(desk)
    press(desk, Key.Key_1, CTRL)
    left = viewer.canvas._target().left()
    press(desk, Key.Key_Right, SHIFT)
    assert viewer.canvas._target().left() < left
    assert viewer.bar.image_name == "photo_0.jpg"
    press(desk, Key.Key_Right, Qt.KeyboardModifier.NoModifier)
    desk.qtbot.waitUntil(lambda: viewer.bar.image_name == "photo_1.jpg")


def test_no_frame_is_blank_while_walking_and_each_ends_up_sharp(
    open_desk: Callable[[Path], Any], photographs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = open_desk(photographs)
    thumbnails, ids = desk.workspace.thumbnails, desk.session.columns.image_ids.tolist()
    desk.qtbot.waitUntil(lambda: all(thumbnails.get(each) is not None for each in ids), timeout=20_000)
    viewer = desk.workspace.viewer
    blank: list[str] = []
    really_paint = viewer.canvas.paintEvent

    def paint(event: object) -> None:
        if viewer.canvas._image is None:
            blank.append(viewer.bar.image_name)
        really_paint(event)

    monkeypatch.setattr(viewer.canvas, "paintEvent", paint)
    view(desk)
    for _ in range(2):
        for key in (Key.Key_Right, Key.Key_Left):
            for _ in range(5):
                desk.press(key)
                desk.qtbot.wait(15)
    wait_sharp(desk)
    assert blank == []


def test_the_thumbnail_is_shown_until_the_sharp_picture_is_there(
    open_desk: Callable[[Path], Any], photographs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = threading.Event()

    def slow(data: bytes, max_side_px: int | None = None) -> object:
        gate.wait(20)
        return decode_for_screen(data, max_side_px)

    monkeypatch.setattr(screen_images, "decode_for_screen", slow)
    desk = open_desk(photographs)
    viewer = view(desk)
    desk.qtbot.waitUntil(lambda: viewer._picture is not None, timeout=20_000)
    assert max(viewer._picture.image.width(), viewer._picture.image.height()) <= 256
    gate.set()
    wait_sharp(desk)


def test_automatic_brightness_shows_what_is_in_the_dark_and_stays_for_the_next_image(
    open_desk: Callable[[Path], Any], photographs: Path
) -> None:
    desk = open_desk(photographs)
    viewer = view(desk)
    wait_sharp(desk)
    before = brightness(viewer.canvas.grab().toImage())
    seen_by_the_model = decode_rgb(photographs / "photo_0.jpg")
    press(desk, Key.Key_B, CTRL | SHIFT)
    assert brightness(viewer.canvas.grab().toImage()) > before + 60
    desk.press(Key.Key_Right)
    desk.qtbot.waitUntil(lambda: viewer.bar.image_name == "photo_1.jpg")
    wait_sharp(desk)
    assert brightness(viewer.canvas.grab().toImage()) > before + 60
    viewer.toggle_levels_panel()
    QTest.mouseClick(viewer.levels_panel.back, LEFT)
    assert viewer.levels.mode is LevelMode.PLAIN
    assert abs(brightness(viewer.canvas.grab().toImage()) - before) < 3
    assert np.array_equal(decode_rgb(photographs / "photo_0.jpg"), seen_by_the_model)


def test_the_slider_sets_black_and_white_of_a_16_bit_picture_exactly(
    open_desk: Callable[[Path], Any], deep_images: Path
) -> None:
    desk = open_desk(deep_images)
    viewer = view(desk)
    wait_sharp(desk)
    picture = viewer._picture
    assert picture.is_deep
    press(desk, Key.Key_B, CTRL)
    panel = viewer.levels_panel
    assert panel.isVisible()
    slider = panel.slider
    high = round(slider._x(slider._high))
    middle = round((slider._x(0.0) + slider._x(1.0)) / 2)
    y = slider.height() - 10
    QTest.mousePress(slider, LEFT, Qt.KeyboardModifier.NoModifier, QPoint(high, y))
    QTest.mouseMove(slider, QPoint(middle, y))
    QTest.mouseRelease(slider, LEFT, Qt.KeyboardModifier.NoModifier, QPoint(middle, y))
    levels = viewer.levels.shown(picture)
    assert levels.white == pytest.approx(2000, rel=0.02)
    assert levels.black == pytest.approx(1010, rel=0.02)
    image = viewer.canvas.grab().toImage()
    target = viewer.canvas._target()
    for share in (0.1, 0.25, 0.4, 0.75):
        value = 1000 + 2000 * share
        expected = min(255.0, max(0.0, 255 * (value - levels.black) / (levels.white - levels.black)))
        x = round(target.left() + target.width() * share)
        assert image.pixelColor(x, round(target.center().y())).red() == pytest.approx(expected, abs=4)
    press(desk, Key.Key_Escape, Qt.KeyboardModifier.NoModifier)
    assert not panel.isVisible()
    assert desk.workspace.is_viewing, "the first Esc closes the panel only"


def test_ctrl_and_the_mouse_change_the_brightness_and_a_new_project_begins_plain(
    open_desk: Callable[[Path], Any], deep_images: Path
) -> None:
    desk = open_desk(deep_images)
    viewer = view(desk)
    wait_sharp(desk)
    before = viewer.levels.shown(viewer._picture)
    QTest.mousePress(viewer.canvas, LEFT, CTRL, QPoint(300, 300))
    QTest.mouseMove(viewer.canvas, QPoint(400, 300))
    QTest.mouseRelease(viewer.canvas, LEFT, CTRL, QPoint(400, 300))
    after = viewer.levels.shown(viewer._picture)
    assert after.white - after.black < before.white - before.black, "to the right: more contrast"
    folder = desk.session.project.folder
    with desk.qtbot.waitSignal(desk.session.project_opened, timeout=20_000):
        desk.session.open_project(folder)
    assert viewer.levels.mode is LevelMode.PLAIN


def test_the_mouse_goes_to_the_neighbours_and_to_the_next_unlabelled(
    open_desk: Callable[[Path], Any], make_images: Callable[[int], Path]
) -> None:
    desk = open_desk(make_images(12))
    desk.add_classes("rust")
    desk.session.label(desk.session.columns.image_ids[1:4], desk.session.classes[0].id)
    viewer = view(desk)
    buttons = {each.accessibleName(): each for each in viewer.bar.findChildren(QToolButton)}
    for name, expected in (
        ("Next image", "0001"),
        ("Next unlabelled image", "0004"),
        ("Previous image", "0003"),
    ):
        QTest.mouseClick(buttons[name], LEFT)
        desk.qtbot.waitUntil(lambda expected=expected: expected in viewer.bar.image_name)
    assert all(each.toolTip() and each.accessibleName() for each in viewer.bar.findChildren(QToolButton))


def brightness(image: QImage) -> float:
    """Returns the mean of the middle of a picture."""
    small = image.copy(image.width() // 4, image.height() // 4, image.width() // 2, image.height() // 2)
    grey = small.convertToFormat(QImage.Format.Format_Grayscale8)
    return float(np.frombuffer(grey.constBits(), np.uint8).mean())


def test_a_window_of_another_size_keeps_the_picture_of_before_where_no_new_one_can_be_had(
    open_desk: Callable[[Path], Any], photographs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = open_desk(photographs)
    viewer = view(desk)
    before = wait_sharp(desk).width()

    def fail(*_: object) -> None:
        raise ImageError("The drive is gone.")

    monkeypatch.setattr(screen_images, "decode_for_screen", fail)
    with desk.qtbot.waitSignal(desk.workspace.screens.loaded, timeout=10_000):
        desk.workspace.resize(1400, 900)
    assert viewer._picture.image.width() == before
