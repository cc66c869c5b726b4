"""Odd image files, made on the spot: for each the file and what has to come of it."""

from __future__ import annotations

import io
import os
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

RED, GREEN, BLUE, WHITE, BLACK, GREY = (
    *((255, 0, 0), (0, 255, 0), (0, 0, 255)),
    *((255, 255, 255), (0, 0, 0), (128, 128, 128)),
)
Colour = tuple[int, int, int]


@dataclass(frozen=True)
class OddFile:
    """A file and the truth about it: either `size` and the colours of its left and right half, or an error.

    `error` is a part of the sentence that decoding must raise; the scan reports it too, unless it cannot know yet.
    """

    name: str
    data: bytes
    size: tuple[int, int] = (0, 0)
    left: Colour | None = None
    right: Colour | None = None
    tolerance: int = 3
    error: str = ""
    is_found_by_scan: bool = True


def halves(left: Colour = RED, right: Colour = BLUE, size: tuple[int, int] = (32, 16)) -> Image.Image:
    """An image whose left half has one colour and the right half another."""
    image = Image.new("RGB", size, left)
    image.paste(right, (size[0] // 2, 0, size[0], size[1]))
    return image


def encoded(image: Image.Image, file_format: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, file_format, **options)
    return buffer.getvalue()


def photo(side_px: int = 256) -> Image.Image:
    """Smooth colours with some noise, so that its files are long enough to be cut."""
    rng = np.random.default_rng(1)
    y, x = np.mgrid[0:side_px, 0:side_px] * (255.0 / side_px)
    pixels = np.stack([x, y, (x + y) / 2], axis=-1) + rng.normal(0, 12, (side_px, side_px, 3))
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def oriented(orientation: int, file_format: str) -> bytes:
    """A file whose stored pixels are turned such that upright it is red on the left and blue on the right."""
    back = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    upright = halves()
    stored = upright.transpose(back[orientation]) if orientation in back else upright
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"quality": 95, "subsampling": 0} if file_format == "JPEG" else {}
    return encoded(stored, file_format, exif=exif, **options)


def wide_profile() -> bytes:
    """A made-up RGB profile with gamma 1.0 (linear light): ignoring it would leave mid-tones far too dark."""
    return _matrix_profile(gamma=1.0)


def _matrix_profile(gamma: float) -> bytes:
    """Returns a minimal ICC v2 display profile with sRGB's primaries and one gamma."""

    def s15(value: float) -> bytes:
        return struct.pack(">i", round(value * 65536))

    def xyz(*values: float) -> bytes:
        return b"XYZ \0\0\0\0" + b"".join(map(s15, values))

    curve = b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256)) + b"\0\0"
    description = b"desc\0\0\0\0" + struct.pack(">I", 5) + b"test\0" + b"\0" * 78
    tags = {
        b"desc": description + b"\0" * (-len(description) % 4),
        b"cprt": b"text\0\0\0\0none",
        b"wtpt": xyz(0.9642, 1.0, 0.8249),
        b"rXYZ": xyz(0.4361, 0.2225, 0.0139),
        b"gXYZ": xyz(0.3851, 0.7169, 0.0971),
        b"bXYZ": xyz(0.1431, 0.0606, 0.7141),
        b"rTRC": curve,
        b"gTRC": curve,
        b"bTRC": curve,
    }
    offset = 128 + 4 + 12 * len(tags)
    table, body = struct.pack(">I", len(tags)), b""
    for name, content in tags.items():
        table += name + struct.pack(">II", offset + len(body), len(content))
        body += content
    header = struct.pack(">I4sI4s4s4s", offset + len(body), b"lcms", 0x02400000, b"mntr", b"RGB ", b"XYZ ")
    header += struct.pack(">6H", 2026, 1, 1, 0, 0, 0) + b"acsp" + b"\0" * 28
    header += s15(0.9642) + s15(1.0) + s15(0.8249)
    return header.ljust(128, b"\0") + table + body


def _lab(image: Image.Image) -> Image.Image:
    converted = ImageCms.profileToProfile(
        image, ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), outputMode="LAB"
    )
    assert converted is not None
    return converted


def png(width: int, height: int, depth: int, colour_type: int, rows: bytes) -> bytes:
    """A PNG put together by hand, for what Pillow does not write."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour_type, 0, 0, 0))
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


def png_header_only(width: int, height: int) -> bytes:
    """A PNG that claims a size and holds next to nothing."""
    return png(width, height, 8, 2, b"\0" * 100)


def deep_png(colour_type: int, left: tuple[int, ...], right: tuple[int, ...]) -> bytes:
    """A PNG of 32 x 16 with 16 bits in each of several channels."""
    row = struct.pack(f">{len(left)}H", *left) * 16 + struct.pack(f">{len(right)}H", *right) * 16
    return png(32, 16, 16, colour_type, (b"\0" + row) * 16)


def sixteen_bit(low: int, high: int) -> NDArrayU16:
    """Left half `low`, right half `high`, with a few pixels far outside, as from a hot sensor."""
    values = np.full((64, 128), low, np.uint16)
    values[:, 64:] = high
    values[0, 0] = 65535
    return values


NDArrayU16 = np.ndarray[tuple[int, int], np.dtype[np.uint16]]


def odd_files() -> list[OddFile]:
    """Every odd file, readable and not."""
    wide = (32, 16)
    files = [
        OddFile("plain.jpg", encoded(halves(), "JPEG", quality=95, subsampling=0), wide, RED, BLUE),
        OddFile(
            "progressive.jpg", encoded(halves(), "JPEG", quality=95, subsampling=0, progressive=True), wide, RED, BLUE
        ),
        OddFile("rgb_coded.jpg", encoded(halves(), "JPEG", quality=95, keep_rgb=True), wide, RED, BLUE),
        OddFile("grey.jpg", encoded(halves(BLACK, GREY).convert("L"), "JPEG", quality=95), wide, BLACK, GREY),
        OddFile("png_named.jpg", encoded(halves(), "PNG"), wide, RED, BLUE),
        OddFile("jpeg_named.png", encoded(halves(), "JPEG", quality=95, subsampling=0), wide, RED, BLUE),
        OddFile("bmp.bmp", encoded(halves(), "BMP"), wide, RED, BLUE),
        OddFile("lossless.webp", encoded(halves(), "WEBP", lossless=True), wide, RED, BLUE),
        OddFile("avif.avif", encoded(halves(), "AVIF", quality=95, subsampling="4:4:4"), wide, RED, BLUE, 12),
        OddFile("jpeg2000.jp2", encoded(halves(size=(64, 64)), "JPEG2000"), (64, 64), RED, BLUE),
        OddFile("tiff.tif", encoded(halves(), "TIFF"), wide, RED, BLUE),
        OddFile("lzw.tiff", encoded(halves(), "TIFF", compression="tiff_lzw"), wide, RED, BLUE),
        OddFile("jpeg_in.tiff", encoded(halves(), "TIFF", compression="jpeg", quality=98), wide, RED, BLUE, 12),
        OddFile("one_pixel.png", encoded(Image.new("RGB", (1, 1), RED), "PNG"), (1, 1), RED, RED),
        OddFile("one_pixel.jpg", encoded(Image.new("RGB", (1, 1), RED), "JPEG", quality=95), (1, 1), RED, RED),
        OddFile("very_wide.png", encoded(halves(size=(5000, 1)), "PNG"), (5000, 1), RED, BLUE),
        OddFile("very_tall.jpg", encoded(halves(RED, RED, (2, 4000)), "JPEG", quality=95), (2, 4000), RED, RED),
        OddFile("bilevel.png", encoded(halves(BLACK, WHITE).convert("1"), "PNG"), wide, BLACK, WHITE),
        OddFile("palette.png", encoded(halves().quantize(4), "PNG"), wide, RED, BLUE),
        OddFile("palette.gif", encoded(halves().quantize(4), "GIF"), wide, RED, BLUE),
        OddFile("trailing.jpg", encoded(halves(), "JPEG", quality=95, subsampling=0) + b"more" * 500, wide, RED, BLUE),
        OddFile("no_end_marker.jpg", encoded(halves(), "JPEG", quality=95, subsampling=0)[:-2], wide, RED, BLUE),
    ]

    # More than 8 bits: the left half darker than the right, scaled by percentiles to black and white.
    deep = Image.fromarray(sixteen_bit(500, 3000))
    floats = np.where(np.arange(128) < 64, np.float32(-0.25), np.float32(0.75)) * np.ones((64, 1), np.float32)
    with_holes = floats.copy()
    with_holes[0, :2] = np.nan
    with_holes[1, :2] = np.inf
    inverted = encoded(deep, "TIFF", tiffinfo={262: 0})
    files += [
        OddFile("deep.png", encoded(deep, "PNG"), (128, 64), BLACK, WHITE),
        OddFile("deep.tif", encoded(deep, "TIFF"), (128, 64), BLACK, WHITE),
        OddFile("deep_white_is_zero.tif", inverted, (128, 64), WHITE, BLACK),
        OddFile("deep_colour.png", deep_png(2, (65535, 0, 0), (0, 0, 65535)), wide, RED, BLUE),
        OddFile("deep_colour_alpha.png", deep_png(6, (0, 0, 0, 0), (0, 0, 65535, 65535)), wide, WHITE, BLUE),
        OddFile("deep_grey_alpha.png", deep_png(4, (0, 0), (0, 65535)), wide, WHITE, BLACK),
        OddFile("flat_deep.png", encoded(Image.fromarray(np.full((8, 8), 700, np.uint16)), "PNG"), (8, 8), GREY, GREY),
        OddFile("float.tif", encoded(Image.fromarray(floats), "TIFF"), (128, 64), BLACK, WHITE),
        OddFile("float_holes.tif", encoded(Image.fromarray(with_holes), "TIFF"), (128, 64), BLACK, WHITE),
        OddFile(
            "int32.tif", encoded(Image.fromarray((floats * 1e6).astype(np.int32)), "TIFF"), (128, 64), BLACK, WHITE
        ),
    ]

    # Alpha: hidden pixels must not show.
    hidden = halves().convert("RGBA")
    hidden.putalpha(halves(BLACK, WHITE).convert("L"))
    half_seen = Image.new("RGBA", wide, (0, 0, 0, 128))
    grey_alpha = Image.merge("LA", [Image.new("L", wide, 0), halves(BLACK, WHITE).convert("L")])
    palette_alpha = halves().quantize(4)
    index_of_red = palette_alpha.getpixel((0, 0))
    files += [
        OddFile("alpha.png", encoded(hidden, "PNG"), wide, WHITE, BLUE),
        OddFile("alpha.webp", encoded(hidden, "WEBP", lossless=True), wide, WHITE, BLUE),
        OddFile("alpha.tif", encoded(hidden, "TIFF"), wide, WHITE, BLUE),
        OddFile("half_alpha.png", encoded(half_seen, "PNG"), wide, (127, 127, 127), (127, 127, 127)),
        OddFile("grey_alpha.png", encoded(grey_alpha, "PNG"), wide, WHITE, BLACK),
        OddFile("palette_alpha.png", encoded(palette_alpha, "PNG", transparency=index_of_red), wide, WHITE, BLUE),
        OddFile("colour_key.png", encoded(halves(), "PNG", transparency=RED), wide, WHITE, BLUE),
        OddFile("transparent.gif", encoded(palette_alpha, "GIF", transparency=index_of_red), wide, WHITE, BLUE),
    ]

    # Colour models and profiles.
    cmyk = halves().convert("CMYK")
    dark = Image.new("RGB", wide, (55, 55, 55))
    bright = (128, 128, 128)  # 55/255 of the light is 128/255 in sRGB
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    files += [
        OddFile("cmyk.jpg", encoded(cmyk, "JPEG", quality=98, subsampling=0), wide, RED, BLUE, 8),
        OddFile("cmyk.tif", encoded(cmyk, "TIFF"), wide, RED, BLUE),
        OddFile("lab.tif", encoded(_lab(halves(WHITE, GREY)), "TIFF"), wide, WHITE, GREY),
        OddFile(
            "linear_profile.jpg", encoded(dark, "JPEG", quality=98, icc_profile=wide_profile()), wide, bright, bright
        ),
        OddFile("linear_profile.png", encoded(dark, "PNG", icc_profile=wide_profile()), wide, bright, bright),
        OddFile("srgb_profile.jpg", encoded(dark, "JPEG", quality=98, icc_profile=srgb), wide, (55,) * 3, (55,) * 3),
        OddFile("bad_profile.jpg", encoded(dark, "JPEG", quality=98, icc_profile=b"no profile" * 9), wide, (55,) * 3),
        OddFile("rgb_profile_on_cmyk.jpg", encoded(cmyk, "JPEG", quality=98, icc_profile=srgb), wide, RED, BLUE, 8),
    ]

    # Turned by EXIF, in each format that can say so.
    files += [
        OddFile(f"orientation_{n}.{suffix}", oriented(n, file_format), wide, RED, BLUE)
        for n in range(1, 9)
        for suffix, file_format in (("jpg", "JPEG"), ("png", "PNG"), ("tif", "TIFF"))
    ]
    files += [
        OddFile("orientation_6.webp", oriented(6, "WEBP"), wide, None),
        OddFile("orientation_0.jpg", oriented(0, "JPEG"), wide, RED, BLUE),
        OddFile("orientation_99.jpg", oriented(99, "JPEG"), wide, RED, BLUE),
    ]

    # Several frames: the first counts.
    second = Image.new("RGB", wide, GREEN)
    files += [
        OddFile("animated.gif", encoded(halves(), "GIF", save_all=True, append_images=[second]), wide, RED, BLUE),
        OddFile(
            "animated.webp", encoded(halves(), "WEBP", save_all=True, append_images=[second], lossless=True), wide, RED
        ),
        OddFile("animated.png", encoded(halves(), "PNG", save_all=True, append_images=[second]), wide, RED, BLUE),
        OddFile("pages.tif", encoded(halves(), "TIFF", save_all=True, append_images=[second]), wide, RED, BLUE),
        OddFile("two_views.mpo", encoded(halves(), "MPO", save_all=True, append_images=[second]), wide, None),
    ]

    # Files that cannot be read.
    whole = {name: encoded(photo(), *arguments) for name, arguments in _TRUNCATABLE.items()}
    files += [
        OddFile(f"truncated.{name}", data[: len(data) * 2 // 3], error="truncated") for name, data in whole.items()
    ]
    flipped = bytearray(whole["png"])
    flipped[len(flipped) // 2] ^= 0x10
    hole = bytearray(whole["jpg"])
    hole[len(hole) // 2 : len(hole) // 2 + 300] = bytes(300)
    files += [
        OddFile("empty.jpg", b"", error="empty"),
        OddFile("text.jpg", b"This is a letter and not a picture.\n" * 20, error="not an image"),
        OddFile("header_only.jpg", whole["jpg"][:20], error="not an image"),
        OddFile("zeros.png", bytes(4096), error="not an image"),
        OddFile("script.svg.png", b"<svg xmlns='http://www.w3.org/2000/svg'/>", error="not an image"),
        OddFile("postscript.jpg", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", error="not an image"),
        OddFile("photoshop.jpg", b"8BPS\0\1" + bytes(200), error="not an image"),
        OddFile("phone.heic", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(100), error="HEIC"),
        OddFile("bomb.png", png_header_only(60_000, 60_000), error="million pixels"),
        OddFile("small_bomb.png", png_header_only(20_000, 20_000), error="million pixels"),
        OddFile("lying.png", png_header_only(500, 500), error="truncated", is_found_by_scan=False),
        OddFile("flipped_bit.png", bytes(flipped), error="damaged"),
        OddFile("hole.jpg", bytes(hole), error="damaged", is_found_by_scan=False),
    ]
    return files


_TRUNCATABLE = {
    "jpg": ("JPEG",),
    "png": ("PNG",),
    "webp": ("WEBP",),
    "gif": ("GIF",),
    "bmp": ("BMP",),
    "tif": ("TIFF",),
    "avif": ("AVIF",),
    "jp2": ("JPEG2000",),
}


@pytest.fixture(scope="session")
def all_odd_files() -> dict[str, OddFile]:
    return {odd.name: odd for odd in odd_files()}


@pytest.fixture
def write_odd(tmp_path: Path, all_odd_files: dict[str, OddFile]) -> Callable[[str], Path]:
    """Writes one odd file and returns where it is."""

    def write(name: str) -> Path:
        path = tmp_path / name
        path.write_bytes(all_odd_files[name].data)
        os.utime(path, ns=(10**18, 10**18))
        return path

    return write
