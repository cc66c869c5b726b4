"""The shared preprocessing does what torch does with the same words, for pictures of any size."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn.functional import interpolate

from engine.backbones import spec
from engine.nn.preprocess_graph import Preprocessor
from engine.nn.preprocessing import CENTRE, CLOSE, MIRROR, WHOLE, Preprocessing, default_preprocessing

SIDE = 96


def preprocessing(views: tuple[str, ...] = (WHOLE, CENTRE), interpolation: str = "bilinear") -> Preprocessing:
    record = spec("mobilenet_v2")
    return Preprocessing(SIDE, record.mean, record.std, interpolation, views)


def torch_views(pixels: np.ndarray, wanted: Preprocessing) -> np.ndarray:
    """The definition in the docstring of Preprocessing, written down in torch."""
    picture = torch.from_numpy(pixels).permute(2, 0, 1)[None].float()
    height, width = pixels.shape[:2]

    def middle(eighths: int) -> torch.Tensor:
        side = max(1, min(height, width) * eighths // 8)
        top, left = (height - side) // 2, (width - side) // 2
        return picture[:, :, top : top + side, left : left + side]

    cut = {WHOLE: picture, CENTRE: middle(7), CLOSE: middle(6), MIRROR: picture.flip(3)}
    size = (wanted.input_size_px,) * 2
    resized = [interpolate(cut[view], size, mode=wanted.interpolation, antialias=True) for view in wanted.views]
    mean, std = (torch.tensor(values).view(1, 3, 1, 1) * 255 for values in (wanted.mean, wanted.std))
    return ((torch.cat(resized) - mean) / std).numpy()


@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
@pytest.mark.parametrize("size", [(96, 96), (533, 400), (50, 151), (1, 1), (2, 700), (97, 96), (1080, 1920)])
def test_views_are_torchs_within_a_ten_thousandth(size: tuple[int, int], interpolation: str) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)
    wanted = preprocessing((WHOLE, CENTRE, CLOSE, MIRROR), interpolation)
    np.testing.assert_allclose(Preprocessor(wanted)(pixels), torch_views(pixels, wanted), atol=1e-4)


def test_smooth_pictures_come_out_as_pillow_resizes_them() -> None:
    grid = np.linspace(0, 255, 400)
    pixels = np.stack(
        [np.add.outer(grid * 0.5, grid * 0.5), np.tile(grid, (400, 1)), np.full((400, 400), 80.0)], axis=2
    )
    pixels = pixels.astype(np.uint8)
    wanted = preprocessing((WHOLE,))
    by_pillow = np.asarray(Image.fromarray(pixels).resize((SIDE, SIDE), Image.Resampling.BILINEAR), np.float32)
    expected = (by_pillow / 255 - wanted.mean) / wanted.std

    # Pillow rounds to whole grey levels after each of its two passes.
    np.testing.assert_allclose(Preprocessor(wanted)(pixels)[0].transpose(1, 2, 0), expected, atol=1.1 / 255 / 0.224)


@pytest.mark.parametrize("views", [(WHOLE,), (CENTRE,), (MIRROR, WHOLE)])
def test_views_come_in_the_order_asked_for(views: tuple[str, ...]) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (60, 90, 3), dtype=np.uint8)
    wanted = preprocessing(views)
    found = Preprocessor(wanted)(pixels)
    assert found.shape == (len(views), 3, SIDE, SIDE)
    np.testing.assert_allclose(found, torch_views(pixels, wanted), atol=1e-4)


def test_settings_survive_their_document() -> None:
    wanted = preprocessing((CENTRE, MIRROR), "bicubic")
    assert Preprocessing.from_document(wanted.to_document()) == wanted


def test_settings_that_give_other_numbers_have_another_key() -> None:
    base = default_preprocessing(spec("mobilenet_v2"))
    others = [
        preprocessing(),
        preprocessing((WHOLE,)),
        preprocessing(interpolation="bicubic"),
        Preprocessing(SIDE, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5), "bilinear"),
        base,
    ]
    assert len({other.key for other in others}) == len(others)
    assert all(set(other.key) <= set("abcdefghijklmnopqrstuvwxyz0123456789-+") for other in others)


@pytest.mark.parametrize("views", [(), ("whole", "upside-down")])
def test_unknown_views_are_refused(views: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="views"):
        preprocessing(views)
