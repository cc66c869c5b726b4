"""What is bad of a picture depends on the others, between two bounds that do not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFilter

from engine.images.decode import decode_rgb
from engine.images.quality import MEASURES, QUALITY_SIDE_PX, measure_quality
from engine.suggestions.flaws import Flaw, find_flaws, odd_sizes

USUAL = {
    "sharpness": 0.7,
    "brightness": 0.5,
    "burnt_out": 0.01,
    "colour_burnt": 0.01,
    "darkest": 0.1,
    "brightest": 0.9,
}


def measures(num: int = 100, spread: float = 0.01, **values: float) -> np.ndarray:
    """Returns usual pictures with a little chance in them."""
    middle = np.array([{**USUAL, **values}[name] for name in MEASURES])
    chance = np.random.default_rng(0).normal(0, spread, (num, len(MEASURES)))
    return np.clip(middle + chance, 0, 1).astype(np.float32)


def flaws_of(rows: np.ndarray, size: int = 500) -> np.ndarray:
    sides = np.full(len(rows), size, np.int32)
    return find_flaws(rows, sides, sides)


@pytest.mark.parametrize(
    ("flaw", "value"),
    [
        (Flaw.BLURRY, {"sharpness": 0.3}),
        (Flaw.DARK, {"brightest": 0.3, "darkest": 0.0}),
        (Flaw.OVER_EXPOSED, {"burnt_out": 0.5}),
        (Flaw.OVER_EXPOSED, {"colour_burnt": 0.5}),
        (Flaw.LOW_CONTRAST, {"darkest": 0.5, "brightest": 0.6}),
    ],
)
def test_one_picture_unlike_the_others_has_the_flaw_and_they_have_not(flaw: Flaw, value: dict[str, float]) -> None:
    flaws = flaws_of(np.concatenate([measures(), measures(1, 0, **value)]))
    assert flaws[-1] == flaw
    assert not flaws[:-1].any()


def test_where_all_are_soft_softness_is_usual_and_only_what_is_hopeless_is_a_flaw() -> None:
    rows = np.concatenate([measures(sharpness=0.3, spread=0.05), measures(1, 0, sharpness=0.05)])
    assert (flaws_of(rows) & Flaw.BLURRY).nonzero()[0].tolist() == [100]


def test_where_many_have_a_white_background_white_is_no_flaw() -> None:
    rows = np.concatenate([measures(80), measures(20, burnt_out=0.6)])
    assert not (flaws_of(rows) & Flaw.OVER_EXPOSED).any()


def test_a_picture_without_any_contrast_is_not_called_blurry() -> None:
    rows = np.concatenate([measures(), measures(1, 0, sharpness=0, darkest=0.5, brightest=0.5)])
    assert flaws_of(rows)[-1] == Flaw.LOW_CONTRAST


def test_what_was_not_measured_has_no_flaw_and_does_not_count_for_the_others() -> None:
    rows = np.concatenate([measures(), np.full((300, len(MEASURES)), np.nan), measures(1, 0, sharpness=0.3)])
    flaws = flaws_of(rows.astype(np.float32))
    assert not flaws[100:400].any()
    assert flaws[-1] == Flaw.BLURRY


@settings(max_examples=60, deadline=None)
@given(values=st.lists(st.lists(st.floats(0, 1, width=32), min_size=6, max_size=6), max_size=60))
def test_between_bounds_that_do_not_depend_on_the_others_the_best_never_and_the_worst_always_count(
    values: list[list[float]],
) -> None:
    others = np.array(values, np.float32).reshape(-1, len(MEASURES))
    good, bad = measures(1, 0), measures(1, 0, sharpness=0.05)
    flaws = flaws_of(np.concatenate([others, good, bad, measures(1, 0, brightest=0.1, darkest=0.0)]))
    assert flaws[-3] == 0
    assert flaws[-2] & Flaw.BLURRY
    assert flaws[-1] & Flaw.DARK


def test_a_panorama_a_thumbnail_and_a_giant_are_of_an_odd_size_and_portraits_are_not() -> None:
    sizes = [(400, 300)] * 40 + [(300, 400)] * 40 + [(1600, 300), (40, 30), (4000, 3000), (420, 310)]
    widths, heights = np.array(sizes, np.int32).T
    assert np.flatnonzero(odd_sizes(widths, heights)).tolist() == [80, 81, 82]


def test_tiny_pictures_are_no_oddity_where_all_are_tiny() -> None:
    sides = np.full(100, 28, np.int32)
    assert not odd_sizes(sides, sides).any()


@pytest.mark.parametrize(("flaw", "share"), [(Flaw.BLURRY, 1.0), (Flaw.DARK, 0.9)])
def test_spoilt_leaves_among_real_ones_are_found(shared_data: Path, flaw: Flaw, share: float) -> None:
    paths = sorted((shared_data / "coffee_leaf").rglob("*.jpg"))[::14][:60]
    images = [Image.fromarray(decode_rgb(path, QUALITY_SIDE_PX)) for path in paths]
    for at in range(0, 60, 20):  # three in sixty
        if flaw is Flaw.BLURRY:
            images[at] = images[at].filter(ImageFilter.GaussianBlur(3))
        else:
            images[at] = Image.fromarray((np.asarray(images[at]) * 0.3).astype(np.uint8))
    sides = np.full(60, 500, np.int32)
    found = find_flaws(np.stack([measure_quality(np.asarray(image)) for image in images]), sides, sides) & flaw != 0
    assert found[::20].mean() >= share
    assert np.delete(found, [0, 20, 40]).mean() <= 0.02
