"""Decodes image files to upright sRGB pixels: the one definition of "the pixels of an image" for the whole program.

Training, prediction and export see the full decode; `max_side_px` is for the screen only, where the decoder may skip
detail. JPEG goes through libjpeg-turbo (identical pixels to Pillow, several times faster when scaled), the rest through
Pillow. Safe to call from many threads; the decoders release the interpreter lock.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
import simplejpeg
from numpy.typing import NDArray
from PIL import Image, ImageOps

from engine.images.files import damaged, decoder_faults_as_image_errors, open_image, read_bytes
from engine.images.info import ImageInfo, orientation_from, read_exif, read_info
from engine.images.tone import DeepGrey, is_deep, to_deep, to_rgb, to_srgb

__all__ = ["DeepGrey", "ImageInfo", "decode_bytes", "decode_for_screen", "decode_rgb", "read_info"]

_JPEG_START: Final = b"\xff\xd8\xff"
_HARMLESS_JPEG_WARNINGS: Final = ("extraneous bytes", "Premature end of JPEG file")


def decode_rgb(path: Path, max_side_px: int | None = None) -> NDArray[np.uint8]:
    """Returns the upright pixels of an image file, first frame of an animation.

    EXIF orientation is applied, an embedded colour profile converted to sRGB, alpha composited over white, grey spread
    to three channels, and 16-bit or float data scaled by its 0.5 and 99.5 percentiles.

    Args:
        path: the file; its content decides the format, not its name.
        max_side_px: for display only: the longer side is at most this long, and detail may be skipped. None decodes
            every pixel.

    Returns:
        uint8 (H, W, 3), C-contiguous, writable.

    Raises:
        ImageError: the file cannot be read, is not an image, is damaged, truncated or too large.
    """
    return decode_bytes(read_bytes(path), max_side_px)


def decode_bytes(data: bytes, max_side_px: int | None = None) -> NDArray[np.uint8]:
    """As `decode_rgb`, for a file that is already in memory."""
    image = open_image(data)
    pixels = _decode_jpeg(data, image, max_side_px) if data.startswith(_JPEG_START) else None
    if pixels is None:
        pixels = _decode_with_pillow(image, data, max_side_px)
    return pixels


def decode_for_screen(data: bytes, max_side_px: int | None = None) -> NDArray[np.uint8] | DeepGrey:
    """As `decode_bytes`, but a picture of more than 8 bits of grey keeps all its levels, for the user to look into."""
    if data.startswith(_JPEG_START):
        return decode_bytes(data, max_side_px)
    image = open_image(data)
    if not is_deep(image):
        return _decode_with_pillow(image, data, max_side_px)
    with decoder_faults_as_image_errors():
        return to_deep(_load_upright(image, data), max_side_px)


def _decode_jpeg(data: bytes, image: Image.Image, max_side_px: int | None) -> NDArray[np.uint8] | None:
    """Returns the pixels, or None when Pillow has to decide (CMYK, and files that turbojpeg is unsure of)."""
    if image.mode not in ("RGB", "L"):
        return None
    orientation = orientation_from(read_exif(image, data))
    min_height = min_width = 0
    if max_side_px is not None:
        scale = max_side_px / max(image.size)
        min_width, min_height = (round(side * scale) for side in image.size)
    try:
        pixels: NDArray[np.uint8] = simplejpeg.decode_jpeg(
            data,
            colorspace="RGB",
            min_height=max(min_height, 0),
            min_width=max(min_width, 0),
            fastdct=max_side_px is not None,
            strict=True,
        )
    except ValueError as err:
        # libjpeg calls broken image data a warning and goes on with wrong pixels; Pillow would not even mention it.
        if str(err).startswith("Corrupt JPEG data") and not _is_harmless(str(err)):
            raise damaged(str(err)) from err
        return None
    with decoder_faults_as_image_errors():
        profile = image.info.get("icc_profile")
        if profile:
            pixels = np.asarray(to_srgb(Image.fromarray(pixels), profile, grey=image.mode == "L"))
        pixels = _shrink(pixels, max_side_px)
    return _upright(pixels, orientation)


def _is_harmless(warning: str) -> bool:
    return any(text in warning for text in _HARMLESS_JPEG_WARNINGS)


def _decode_with_pillow(image: Image.Image, data: bytes, max_side_px: int | None) -> NDArray[np.uint8]:
    with decoder_faults_as_image_errors():
        if max_side_px is not None and image.format in ("JPEG", "MPO"):
            image.draft(None, (max_side_px, max_side_px))
        return _writable(_shrink(np.asarray(to_rgb(_load_upright(image, data))), max_side_px))


def _load_upright(image: Image.Image, data: bytes) -> Image.Image:
    image.load()  # a truncated file fails only here
    # Pillow has turned a TIFF while loading it.
    is_turned = image.format == "TIFF" or orientation_from(read_exif(image, data)) == 1
    return image if is_turned else ImageOps.exif_transpose(image)


def _shrink(pixels: NDArray[np.uint8], max_side_px: int | None) -> NDArray[np.uint8]:
    height, width = pixels.shape[:2]
    if max_side_px is None or max(height, width) <= max_side_px:
        return pixels
    scale = max_side_px / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BILINEAR, reducing_gap=3.0))


def _upright(pixels: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    """Applies an EXIF orientation to (H, W, 3)."""
    if orientation in (5, 6, 7, 8):
        pixels = pixels.transpose(1, 0, 2)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return _writable(pixels)


def _writable(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Returns the pixels as an array of their own, in row order (Pillow's are read-only views)."""
    return pixels if pixels.flags.c_contiguous and pixels.flags.writeable else np.array(pixels, order="C")
