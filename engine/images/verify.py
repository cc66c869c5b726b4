"""Finds incomplete image files without decoding the common formats: what a scan can afford for every file.

What it finds: files of all formats that end too early, and any flipped byte in a PNG (its chunks carry checksums).
What it leaves to the first decode: damage in the middle of a JPEG, WebP, AVIF or JPEG 2000. Bytes that changed into
other valid pixels cannot be found by anyone; the content hash tells that they changed.
"""

from __future__ import annotations

import io
from typing import Final

from PIL import Image

from engine.images.files import FORMATS, decoder_faults_as_image_errors, open_image, truncated

_JPEG_END: Final = b"\xff\xd9"
_JPEG_SCAN_START: Final = b"\xff\xda"
_PNG_END: Final = b"IEND\xaeB`\x82"
_STATE_THEIR_LENGTH: Final = ("WEBP", "AVIF")
"""Formats whose containers say how long they are; `open_image` has checked that."""


def verify_bytes(data: bytes, file_format: str) -> None:
    """Checks that an image file is complete.

    Args:
        data: the whole file.
        file_format: Pillow's name of its format (`ImageInfo.format`).

    Raises:
        ImageError: the file is truncated or damaged.
    """
    if file_format in ("JPEG", "MPO"):
        # FF D9 cannot occur inside entropy-coded data, so an end marker after the last scan start is the real end. Some
        # cameras leave it out; then only the decoder can tell.
        if data.rfind(_JPEG_END) < data.rfind(_JPEG_SCAN_START):
            _decode(data)
    elif file_format == "PNG":
        if _PNG_END not in data[-(1 << 16) :]:
            raise truncated()
        with decoder_faults_as_image_errors():
            Image.open(io.BytesIO(data), formats=FORMATS).verify()
    elif file_format == "JPEG2000":
        if data.rstrip(b"\0")[-2:] != _JPEG_END:
            _decode(data)
    elif file_format not in _STATE_THEIR_LENGTH:
        # GIF, BMP, TIFF: quick to decode, and without an end marker that could be trusted
        _decode(data)


def _decode(data: bytes) -> None:
    with decoder_faults_as_image_errors():
        open_image(data).load()
