"""Pictures of more than 8 bits keep their levels for the screen; levels are exact, fast and change nothing else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from engine.images.decode import DeepGrey, decode_for_screen, decode_rgb
from engine.images.levels import Levels, apply_to_grey, apply_to_rgb, automatic, histogram


@pytest.fixture
def deep_values() -> np.ndarray:
    rng = np.random.default_rng(3)
    values = rng.integers(900, 3100, (60, 80)).astype(np.uint16)
    values[0, :10] = 0
    values[-1, -10:] = 65_535
    return values


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_a_16_bit_picture_keeps_every_level(tmp_path: Path, deep_values: np.ndarray, suffix: str) -> None:
    file = tmp_path / f"deep{suffix}"
    Image.fromarray(deep_values).save(file)
    deep = decode_for_screen(file.read_bytes())
    assert isinstance(deep, DeepGrey)
    assert np.array_equal(deep.values, deep_values)
    assert (deep.offset, deep.step) == (0.0, 1.0)


def test_its_own_levels_show_it_as_the_model_sees_it(tmp_path: Path, deep_values: np.ndarray) -> None:
    file = tmp_path / "deep.png"
    Image.fromarray(deep_values).save(file)
    deep = decode_for_screen(file.read_bytes())
    assert isinstance(deep, DeepGrey)
    shown = apply_to_grey(deep.values, Levels(deep.black, deep.white))
    assert np.abs(shown.astype(int) - decode_rgb(file)[..., 0].astype(int)).max() <= 1


@pytest.mark.parametrize(
    ("values", "mode"),
    [
        (np.linspace(-1000, 3000, 4800).reshape(60, 80).astype(np.int32), "I"),
        (np.linspace(0, 1e6, 4800).reshape(60, 80).astype(np.int32), "I"),
        (np.linspace(-0.5, 0.5, 4800).reshape(60, 80).astype(np.float32), "F"),
    ],
)
def test_signed_large_and_float_values_are_told_in_their_own_units(
    tmp_path: Path, values: np.ndarray, mode: str
) -> None:
    file = tmp_path / "deep.tif"
    Image.fromarray(values, mode).save(file)
    deep = decode_for_screen(file.read_bytes())
    assert isinstance(deep, DeepGrey)
    back = deep.offset + deep.step * deep.values.astype(np.float64)
    assert np.abs(back - values).max() <= 0.51 * deep.step
    assert values.min() <= deep.black < deep.white <= values.max()


def test_not_a_number_and_infinity_become_black_and_white(tmp_path: Path) -> None:
    values = np.linspace(0, 10, 4800).reshape(60, 80).astype(np.float32)
    values[0, 0], values[0, 1] = np.nan, np.inf
    file = tmp_path / "holes.tif"
    Image.fromarray(values, "F").save(file)
    deep = decode_for_screen(file.read_bytes())
    assert isinstance(deep, DeepGrey)
    assert deep.values[0, 0] == 0
    assert deep.values[0, 1] == 65_535


def test_a_large_deep_picture_is_made_as_small_as_the_screen_wants(tmp_path: Path) -> None:
    values = np.tile(np.linspace(1000, 3000, 800), (400, 1)).astype(np.uint16)
    file = tmp_path / "large.tif"
    Image.fromarray(values).save(file)
    deep = decode_for_screen(file.read_bytes(), 200)
    assert isinstance(deep, DeepGrey)
    assert deep.values.shape == (100, 200)
    assert deep.values.min() >= 1000
    assert deep.values.max() <= 3000


def test_ordinary_pictures_are_as_ever(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    for name in ("plain.png", "plain.jpg"):
        file = tmp_path / name
        Image.fromarray(rng.integers(0, 256, (30, 40, 3), dtype=np.uint8)).save(file)
        pixels = decode_for_screen(file.read_bytes())
        assert isinstance(pixels, np.ndarray)
        assert np.array_equal(pixels, decode_rgb(file))


@given(
    black=st.floats(-1000, 70_000),
    width=st.floats(1, 70_000),
    values=st.lists(st.integers(0, 65_535), min_size=1, max_size=50),
)
def test_levels_rise_with_the_value_from_black_to_white(black: float, width: float, values: list[int]) -> None:
    given_values = np.sort(np.array([values], np.uint16))
    shown = apply_to_grey(given_values, Levels(black, black + width))
    assert np.all(np.diff(shown.astype(int)) >= 0)
    assert np.all(shown[given_values <= black] == 0)
    assert np.all(shown[given_values >= black + width] == 255)


def test_levels_act_on_colours_alike_and_leave_the_padding() -> None:
    pixels = np.zeros((2, 3, 4), np.uint8)
    pixels[..., 0], pixels[..., 1], pixels[..., 2], pixels[..., 3] = 10, 20, 40, 255
    shown = apply_to_rgb(pixels, Levels(0, 40))
    assert shown[0, 0].tolist() == [64, 128, 255, 255]
    assert pixels[0, 0].tolist() == [10, 20, 40, 255]


def test_automatic_levels_use_the_whole_screen_and_never_divide_by_nothing() -> None:
    dark = np.random.default_rng(0).integers(3, 30, (50, 50), dtype=np.uint8)
    levels = automatic(dark)
    assert 3 <= levels.black < levels.white <= 30
    assert automatic(np.full((5, 5), 7, np.uint8)).white > 7
    assert histogram(dark, 0, 255, 10).sum() == dark.size
