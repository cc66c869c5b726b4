"""What the header of an image file says: size, orientation, date, camera. Never decodes pixels."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Final

from PIL import ExifTags, Image

from engine.images.files import DECODER_FAULTS, open_image, read_bytes

_ORIENTATION: Final = int(ExifTags.Base.Orientation)
_SIDEWAYS: Final = frozenset({5, 6, 7, 8})
_PNG_TAIL_BYTES: Final = 1 << 16


@dataclass(frozen=True, slots=True)
class ImageInfo:
    """Header facts of one image.

    Width and height are those after the EXIF rotation. `orientation` is the EXIF value 1..8, 1 when there is none.
    `taken_at` is POSIX seconds (camera time without a zone is read as local time) or None; `camera` may be empty.
    `format` is Pillow's name, e.g. "JPEG"; `is_animated` tells that only the first frame is used.
    """

    width_px: int
    height_px: int
    orientation: int
    taken_at: float | None
    camera: str
    format: str = ""
    is_animated: bool = False


def read_info(path: Path) -> ImageInfo:
    """Returns the header facts of an image file.

    Raises:
        ImageError: the file cannot be read or is not an image. A truncated file may pass; `engine.images.verify` and
            decoding find it.
    """
    return info_from_bytes(read_bytes(path))


def info_from_bytes(data: bytes) -> ImageInfo:
    """As `read_info`, for a file that is already in memory."""
    image = open_image(data)
    exif = read_exif(image, data)
    orientation = orientation_from(exif)
    width, height = image.size
    # Pillow turns TIFF itself, and reports the turned size from the start.
    if orientation in _SIDEWAYS and image.format != "TIFF":
        width, height = height, width
    return ImageInfo(
        width_px=width,
        height_px=height,
        orientation=orientation,
        taken_at=_taken_at(exif),
        camera=_camera(exif),
        format=image.format or "",
        is_animated=bool(getattr(image, "is_animated", False)) and image.format not in ("MPO", "TIFF"),
    )


def orientation_from(exif: Image.Exif) -> int:
    """Returns the EXIF orientation 1..8; 1 for anything else that a file may claim."""
    value = exif.get(_ORIENTATION)
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def read_exif(image: Image.Image, data: bytes) -> Image.Exif:
    """Returns the EXIF block, empty when there is none or it is broken (that must not cost the user the picture)."""
    # Pillow decodes a whole PNG to look for EXIF behind the pixels; do that only when there is some.
    if image.format == "PNG" and "exif" not in image.info and b"eXIf" not in data[-_PNG_TAIL_BYTES:]:
        return Image.Exif()
    try:
        return image.getexif()
    except DECODER_FAULTS:
        return Image.Exif()


def _taken_at(exif: Image.Exif) -> float | None:
    details = _sub_block(exif, int(ExifTags.IFD.Exif))
    for value, offset in (
        (details.get(int(ExifTags.Base.DateTimeOriginal)), details.get(int(ExifTags.Base.OffsetTimeOriginal))),
        (details.get(int(ExifTags.Base.DateTimeDigitized)), details.get(int(ExifTags.Base.OffsetTimeDigitized))),
        (exif.get(int(ExifTags.Base.DateTime)), details.get(int(ExifTags.Base.OffsetTime))),
    ):
        seconds = _posix_seconds(value, offset)
        if seconds is not None:
            return seconds
    return None


def _sub_block(exif: Image.Exif, tag: int) -> dict[int, Any]:
    try:
        return exif.get_ifd(tag)
    except DECODER_FAULTS:
        return {}


def _posix_seconds(value: object, offset: object) -> float | None:
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.strptime(value.strip("\0 ")[:19], "%Y:%m:%d %H:%M:%S")
        zone = _zone(offset)
        return (moment.replace(tzinfo=zone) if zone else moment).timestamp()
    except (ValueError, OverflowError, OSError):  # "0000:00:00 00:00:00" of a camera without a clock, and worse
        return None


def _zone(offset: object) -> timezone | None:
    if not isinstance(offset, str):
        return None
    sign, hours, minutes = offset[:1], offset[1:3], offset[4:6]
    if sign not in ("+", "-") or not (hours.isdigit() and minutes.isdigit()) or int(hours) > 14 or int(minutes) > 59:
        return None
    span = timedelta(hours=int(hours), minutes=int(minutes))
    return timezone(span if sign == "+" else -span)


def _camera(exif: Image.Exif) -> str:
    maker = _text(exif.get(int(ExifTags.Base.Make)))
    model = _text(exif.get(int(ExifTags.Base.Model)))
    if model.lower().startswith(maker.lower()):
        return model
    return f"{maker} {model}".strip()


def _text(value: object) -> str:
    if not isinstance(value, str):
        return ""
    return " ".join("".join(char if char.isprintable() else " " for char in value.split("\0")[0]).split())[:100]
