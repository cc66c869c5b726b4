"""Measures of pictures: what is made worse by a known amount measures worse, by an amount that tells."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter

from engine.errors import ImageError
from engine.images.quality import MEASURES, measure_file, measure_quality


@pytest.fixture(scope="module")
def photo() -> Image.Image:
    """A picture with detail at every scale, as a photograph has."""
    generator = np.random.default_rng(3)
    picture = np.zeros((240, 240, 3))
    for size in (2, 5, 12, 30, 60, 120, 240):
        noise = generator.uniform(0, 1, (size, size, 3))
        layer = Image.fromarray((255 * noise).astype(np.uint8)).resize((240, 240), Image.Resampling.BICUBIC)
        picture += np.asarray(layer, np.float64) / size**0.6
    picture -= picture.min()
    return Image.fromarray((30 + 200 * picture / picture.max()).astype(np.uint8))


def measure(image: Image.Image, name: str) -> float:
    return float(measure_quality(np.asarray(image))[MEASURES.index(name)])


def test_every_step_of_blur_measures_softer(photo: Image.Image) -> None:
    blurred = [photo.filter(ImageFilter.GaussianBlur(radius)) for radius in (0, 1, 2, 4, 8)]
    values = [measure(image, "sharpness") for image in blurred]
    assert values == sorted(values, reverse=True)
    assert values[0] > values[2] + 0.2
    assert values[-1] < 0.05


def test_a_picture_shaken_one_way_only_is_soft(photo: Image.Image) -> None:
    pixels = np.asarray(photo, np.float64)
    shaken = np.mean([np.roll(pixels, shift, axis=1) for shift in range(11)], axis=0).astype(np.uint8)
    assert measure(Image.fromarray(shaken), "sharpness") < 0.6 * measure(photo, "sharpness")


def test_sharpness_hardly_depends_on_how_bright_a_picture_is(photo: Image.Image) -> None:
    darker = Image.fromarray((np.asarray(photo) * 0.6).astype(np.uint8))
    assert measure(darker, "sharpness") == pytest.approx(measure(photo, "sharpness"), abs=0.06)


def test_white_paper_is_burnt_out_coloured_light_is_burnt_in_a_colour_and_a_drawing_is_neither() -> None:
    paper = np.full((40, 40, 3), 255, np.uint8)
    paper[:20] = 90
    assert measure(Image.fromarray(paper), "burnt_out") == pytest.approx(0.5)
    assert measure(Image.fromarray(paper), "colour_burnt") == 0
    paper[20:] = (255, 200, 90)
    assert measure(Image.fromarray(paper), "burnt_out") == 0
    assert measure(Image.fromarray(paper), "colour_burnt") < 0.03
    paper[20:, :, 1] = np.random.default_rng(0).integers(120, 230, (20, 40))  # the shades that are left of cloth
    assert measure(Image.fromarray(paper), "colour_burnt") > 0.4


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1), (3, 400), (256, 256)])
@pytest.mark.parametrize("level", [0, 128, 255])
def test_pictures_without_detail_measure_finite_and_soft(shape: tuple[int, int], level: int) -> None:
    measures = measure_quality(np.full((*shape, 3), level, np.uint8))
    assert np.isfinite(measures).all()
    assert ((measures >= 0) & (measures <= 1)).all()
    assert measures[MEASURES.index("sharpness")] == 0
    assert measures[MEASURES.index("brightness")] == pytest.approx(level / 255, abs=1e-3)


def test_a_broken_file_is_an_image_error(tmp_path: Path) -> None:
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8\xff no picture")
    with pytest.raises(ImageError):
        measure_file(tmp_path / "broken.jpg")
