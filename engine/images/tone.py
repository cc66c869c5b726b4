"""Brings every pixel layout to 8-bit sRGB: grey, palettes, alpha, CMYK, 16-bit, float, embedded colour profiles."""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from engine.images.files import DECODER_FAULTS

_DEEP_MODES: Final = frozenset({"I", "F", "I;16", "I;16B", "I;16L", "I;16N"})
_PERCENTILES: Final = (0.5, 99.5)
_MAX_SAMPLES: Final = 1 << 20
_DEEPEST: Final = 0xFFFF
_WHITE: Final = (255, 255, 255)
_PHOTOMETRIC_TAG: Final = 262
_SAME_COLOUR: Final = 3
"""Largest difference, of 255, up to which a profile counts as sRGB: what two profile makers' roundings differ by."""


def to_rgb(image: Image.Image) -> Image.Image:
    """Returns a decoded image as mode RGB in sRGB, its alpha composited over white.

    The image must be loaded and upright. 16-bit and float pixels are scaled by percentiles (Pillow's own `convert`
    turns 16-bit grey white and float black); NaN becomes black, infinities are cut off.
    """
    if image.mode in _DEEP_MODES:
        return Image.fromarray(_scale(_deep_pixels(image))).convert("RGB")
    profile = image.info.get("icc_profile")
    alpha = _alpha(image)
    rgb = _to_srgb_or_plain(image, profile)
    if alpha is None:
        return rgb
    background = Image.new("RGB", rgb.size, _WHITE)
    background.paste(rgb, mask=alpha)
    return background


@dataclass(frozen=True, slots=True)
class DeepGrey:
    """A picture of more than 8 bits for the screen: `values` uint16 (H, W), of which each stands for the file's value
    `offset + step * value`. `black` and `white` are the file's values that `to_rgb` shows as black and white.
    """

    values: NDArray[np.uint16]
    offset: float
    step: float
    black: float
    white: float


def is_deep(image: Image.Image) -> bool:
    """Tells whether an image has more than 8 bits of grey."""
    return image.mode in _DEEP_MODES


def to_deep(image: Image.Image, max_side_px: int | None) -> DeepGrey:
    """Returns a loaded, upright, deep image with all its levels, its longer side at most `max_side_px`.

    Whole numbers that fit into 16 bits stay as they are; other values are fitted into them between their extremes.
    """
    values = _deep_pixels(image)
    black, white = _shown_range(values) or (0.0, 1.0)
    if max_side_px is not None and max(values.shape) > max_side_px:
        scale = max_side_px / max(values.shape)
        size = (max(1, round(values.shape[1] * scale)), max(1, round(values.shape[0] * scale)))
        known = np.nan_to_num(values, nan=black, posinf=white, neginf=black)
        values = np.asarray(Image.fromarray(known).resize(size, Image.Resampling.BILINEAR, reducing_gap=3.0))
    is_known = np.isfinite(values)
    low = float(values.min(where=is_known, initial=np.inf))
    high = float(values.max(where=is_known, initial=-np.inf))
    if not low <= high:
        low, high = 0.0, 1.0
    offset, step = 0.0, 1.0
    if image.mode == "F" or high - low > _DEEPEST:
        offset, step = low, (high - low) / _DEEPEST or 1.0
    elif low < 0 or high > _DEEPEST:
        offset = low
    fitted = (np.nan_to_num(values, nan=low, posinf=high, neginf=low) - offset) / step
    return DeepGrey(np.rint(np.clip(fitted, 0, _DEEPEST)).astype(np.uint16), offset, step, black, white)


def to_srgb(image: Image.Image, profile: bytes, grey: bool = False) -> Image.Image:
    """Returns an RGB image converted from its profile to sRGB; unchanged when the profile is broken or does not fit.

    Args:
        image: mode RGB, L or CMYK.
        profile: the ICC profile as embedded in the file.
        grey: the image holds grey spread over three channels, so a profile for grey fits it.
    """
    if grey and image.mode == "RGB":
        image = image.getchannel(0)
    transform = _transform(profile, image.mode)
    if transform is not None:
        converted = ImageCms.applyTransform(image, transform)
        if converted is not None:
            return converted
    return image.convert("RGB")


def _to_srgb_or_plain(image: Image.Image, profile: bytes | None) -> Image.Image:
    if image.mode in ("LA", "La", "L", "1"):
        image = image.convert("L")
    elif image.mode != "CMYK":
        image = image.convert("RGB") if image.mode not in ("RGBa",) else image.convert("RGBA").convert("RGB")
    return to_srgb(image, profile) if profile else image.convert("RGB")


def _alpha(image: Image.Image) -> Image.Image | None:
    """Returns the opacity as mode L, or None when every pixel is opaque."""
    if image.mode in ("La", "RGBa"):
        image = image.convert("LA" if image.mode == "La" else "RGBA")
    if image.mode in ("RGBA", "LA", "PA"):
        alpha = image.getchannel("A")
    elif image.info.get("transparency") is not None:
        alpha = image.convert("RGBA").getchannel("A")
    else:
        return None
    return None if alpha.getextrema() == (255, 255) else alpha


def _deep_pixels(image: Image.Image) -> NDArray[np.float32]:
    values: NDArray[np.float32] = np.asarray(image).astype(np.float32)
    tags = getattr(image, "tag_v2", None)
    # Pillow inverts 8-bit "white is zero" TIFFs, but not deeper ones.
    return -values if tags is not None and tags.get(_PHOTOMETRIC_TAG) == 0 else values


def _scale(values: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Scales (H, W) to 0..255 between its percentiles; a flat picture becomes mid-grey."""
    span = _shown_range(values)
    if span is None:
        return np.zeros(values.shape, np.uint8)
    low, high = span
    if high <= low:
        return np.full(values.shape, 128, np.uint8)
    scaled = np.clip((np.nan_to_num(values, nan=low, posinf=high, neginf=low) - low) * (255.0 / (high - low)), 0, 255)
    pixels: NDArray[np.uint8] = np.rint(scaled).astype(np.uint8)
    return pixels


def _shown_range(values: NDArray[np.float32]) -> tuple[float, float] | None:
    """Returns which values of a picture are black and white for the program; None where no value is a number."""
    flat = values.reshape(-1)
    sample = flat[:: max(1, flat.size // _MAX_SAMPLES)]
    sample = sample[np.isfinite(sample)]
    if not sample.size:
        return None
    low, high = np.percentile(sample, _PERCENTILES)
    if high <= low:  # nearly all one value, with a few specks: use the whole range
        low, high = sample.min(), sample.max()
    return float(low), float(high)


@lru_cache(maxsize=64)
def _transform(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """Returns the transform from `profile` to sRGB, or None where there is nothing to convert or nothing that fits."""
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if source.profile.xcolor_space.strip() != {"L": "GRAY"}.get(mode, mode):
            return None
        transform = ImageCms.buildTransform(source, ImageCms.createProfile("sRGB"), mode, "RGB")
        return None if _is_srgb(transform, mode) else transform
    except (*DECODER_FAULTS, ImageCms.PyCMSError):  # a broken profile must not cost the user the picture
        return None


def _is_srgb(transform: ImageCms.ImageCmsTransform, mode: str) -> bool:
    """Tells whether a transform changes nothing visible, whatever the profile calls itself."""
    if mode == "CMYK":
        return False
    levels = np.arange(0, 256, 17, dtype=np.uint8)
    if mode == "L":
        lattice = levels[None]
        expected = np.repeat(lattice[..., None], 3, axis=2)
    else:
        lattice = expected = np.stack(np.meshgrid(levels, levels, levels), axis=-1).reshape(1, -1, 3)
    converted = ImageCms.applyTransform(Image.fromarray(lattice), transform)
    return converted is not None and bool(
        np.abs(np.asarray(converted).astype(int) - expected.astype(int)).max() <= _SAME_COLOUR
    )
