"""Reads the lengths that container formats state, to tell a file that ends too early from one of another kind."""

from __future__ import annotations

from typing import Final

_BOX_FORMATS: Final = (b"ftyp", b"jP  ")
_HEIC_BRANDS: Final = (b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1")


def ends_too_early(data: bytes) -> bool:
    """Tells whether a WebP, AVIF or JPEG 2000 file is shorter than it says. False for other formats."""
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return len(data) < int.from_bytes(data[4:8], "little") + 8
    if data[4:8] in _BOX_FORMATS:
        return not _boxes_are_complete(data)
    return False


def is_heic(data: bytes) -> bool:
    """Tells whether this is a picture in the format of newer phones, which we cannot decode."""
    return data[4:8] == b"ftyp" and data[8:12] in _HEIC_BRANDS and b"avif" not in data[8:40]


def _boxes_are_complete(data: bytes) -> bool:
    """Walks the top-level boxes of an ISO base media or JPEG 2000 file."""
    position = 0
    while position + 8 <= len(data):
        size = int.from_bytes(data[position : position + 4], "big")
        if size == 1:
            size = int.from_bytes(data[position + 8 : position + 16], "big")
        if size < 8:
            return True  # 0: reaches to the end of the file; anything else: padding behind the last box
        position += size
    return position <= len(data)
