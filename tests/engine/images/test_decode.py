from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from engine.domain import ImageStatus
from engine.errors import ImageError
from engine.images.decode import decode_rgb, read_info
from engine.images.scan import FoundFile, read_facts

# pytest renews the warning filters for each test; in the program they are set by engine.images.files.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::PIL.Image.DecompressionBombWarning")

NAMES = [  # collected here because parameters are needed before fixtures exist; the first test keeps the list whole
    *("plain.jpg", "progressive.jpg", "grey.jpg", "png_named.jpg", "jpeg_named.png", "bmp.bmp", "lossless.webp"),
    *("avif.avif", "jpeg2000.jp2", "tiff.tif", "lzw.tiff", "jpeg_in.tiff", "one_pixel.png", "one_pixel.jpg"),
    *("very_wide.png", "very_tall.jpg", "bilevel.png", "palette.png", "palette.gif", "trailing.jpg"),
    *("no_end_marker.jpg", "deep.png", "deep.tif", "deep_white_is_zero.tif", "flat_deep.png", "float.tif"),
    *(
        "float_holes.tif",
        "int32.tif",
        "deep_colour.png",
        "deep_colour_alpha.png",
        "deep_grey_alpha.png",
        "rgb_coded.jpg",
        "alpha.png",
        "alpha.webp",
        "alpha.tif",
        "half_alpha.png",
        "grey_alpha.png",
    ),
    *("palette_alpha.png", "colour_key.png", "transparent.gif", "cmyk.jpg", "cmyk.tif", "lab.tif"),
    *("linear_profile.jpg", "linear_profile.png", "srgb_profile.jpg", "bad_profile.jpg", "rgb_profile_on_cmyk.jpg"),
    *(f"orientation_{n}.{suffix}" for n in range(1, 9) for suffix in ("jpg", "png", "tif")),
    *("orientation_6.webp", "orientation_0.jpg", "orientation_99.jpg", "animated.gif", "animated.webp"),
    *("animated.png", "pages.tif", "two_views.mpo"),
]
BROKEN_NAMES = [
    *(f"truncated.{suffix}" for suffix in ("jpg", "png", "webp", "gif", "bmp", "tif", "avif", "jp2")),
    *("empty.jpg", "text.jpg", "header_only.jpg", "zeros.png", "script.svg.png", "postscript.jpg", "photoshop.jpg"),
    *("phone.heic", "bomb.png", "small_bomb.png", "lying.png", "flipped_bit.png", "hole.jpg"),
]


def found_at(path: Path) -> FoundFile:
    status = path.stat()
    return FoundFile(path.parent, os.fspath(path), path.name, status.st_size, status.st_mtime_ns)


def test_every_odd_file_is_tested(all_odd_files):
    assert sorted(all_odd_files) == sorted([*NAMES, *BROKEN_NAMES])
    assert len(all_odd_files) >= 100


@pytest.mark.parametrize("name", NAMES)
def test_odd_file_has_the_right_upright_pixels(name: str, write_odd: Callable[[str], Path], all_odd_files):
    odd, path = all_odd_files[name], write_odd(name)

    pixels = decode_rgb(path)

    assert pixels.dtype == np.uint8
    assert pixels.flags.c_contiguous
    assert pixels.flags.writeable
    height, width, channels = pixels.shape
    assert ((width, height), channels) == (odd.size, 3)
    for column, expected in ((width // 4, odd.left), (width * 3 // 4, odd.right)):
        if expected is not None:
            assert np.abs(pixels[height // 2, column].astype(int) - expected).max() <= odd.tolerance


@pytest.mark.parametrize("name", NAMES)
def test_header_of_odd_file_tells_the_size_that_decoding_gives(name: str, write_odd, all_odd_files):
    path = write_odd(name)

    info = read_info(path)
    facts = read_facts(found_at(path))

    assert (info.width_px, info.height_px) == all_odd_files[name].size
    assert (facts.status, facts.reason, facts.info) == (ImageStatus.READABLE, "", info)


@pytest.mark.parametrize("name", NAMES)
def test_display_decode_fits_the_side_and_shows_the_same_picture(name: str, write_odd, all_odd_files):
    odd, path = all_odd_files[name], write_odd(name)

    small = decode_rgb(path, max_side_px=16)

    height, width, _ = small.shape
    assert max(height, width) == min(16, max(odd.size))
    assert width * odd.size[1] == pytest.approx(height * odd.size[0], rel=0.5, abs=max(odd.size))
    for column, expected in ((width // 8, odd.left), (width - 1 - width // 8, odd.right)):
        if expected is not None and odd.size[0] > 2:
            assert np.abs(small[height // 2, column].astype(int) - expected).max() <= odd.tolerance + 12


@pytest.mark.parametrize("name", BROKEN_NAMES)
def test_broken_file_is_a_sentence_and_the_scan_knows(name: str, write_odd, all_odd_files):
    odd, path = all_odd_files[name], write_odd(name)

    started = time.monotonic()
    with pytest.raises(ImageError) as caught:
        decode_rgb(path)
    facts = read_facts(found_at(path))

    assert time.monotonic() - started < 2
    assert odd.error in caught.value.message
    assert caught.value.message.endswith(".")
    assert caught.value.hint
    if odd.is_found_by_scan:
        assert facts.status is ImageStatus.UNREADABLE
        assert facts.reason
    else:
        assert read_facts(found_at(path), is_suspect=True).status is ImageStatus.UNREADABLE


def test_bomb_costs_no_memory(write_odd):
    import tracemalloc

    path = write_odd("small_bomb.png")
    tracemalloc.start()
    with pytest.raises(ImageError):
        decode_rgb(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 10 << 20


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs FIFOs, which this platform lacks")
@pytest.mark.timeout(5)
def test_fifo_named_like_an_image_does_not_hang(tmp_path: Path):
    os.mkfifo(tmp_path / "pipe.jpg")

    with pytest.raises(ImageError, match="not a regular file"):
        decode_rgb(tmp_path / "pipe.jpg")
    with pytest.raises(ImageError, match="not a regular file"):
        read_info(tmp_path / "pipe.jpg")


def test_folder_device_and_missing_file_are_sentences(tmp_path: Path):
    (tmp_path / "folder.jpg").mkdir()

    for path in (tmp_path / "folder.jpg", tmp_path / "none.jpg", Path("/dev/zero"), tmp_path / "nul\0.jpg"):
        with pytest.raises(ImageError) as caught:
            decode_rgb(path)
        assert caught.value.message


@pytest.mark.skipif(os.name == "nt", reason="file names on Windows are always Unicode")
def test_file_name_that_is_not_utf8_is_decoded(tmp_path: Path, all_odd_files):
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.jpg"))
    path.write_bytes(all_odd_files["plain.jpg"].data)

    assert decode_rgb(path).shape == (16, 32, 3)


def test_cut_at_any_place_is_an_error_or_the_whole_picture(tmp_path: Path, all_odd_files):
    """A file that ends early must never pass as a picture with other pixels."""
    for name in ("plain.jpg", "progressive.jpg", "palette.png", "lossless.webp", "tiff.tif", "palette.gif", "deep.png"):
        data = all_odd_files[name].data
        path = tmp_path / name
        path.write_bytes(data)
        whole = decode_rgb(path)
        for length in {*range(1, len(data), max(1, len(data) // 60)), len(data) - 1, len(data) - 2}:
            path.write_bytes(data[:length])
            try:
                pixels = decode_rgb(path)
            except ImageError:
                continue
            assert np.array_equal(pixels, whole), f"{name} cut to {length} of {len(data)} bytes"


def test_random_damage_never_escapes_as_another_exception(tmp_path: Path, all_odd_files):
    rng = np.random.default_rng(0)
    path = tmp_path / "damaged"
    for name in ("plain.jpg", "palette.png", "alpha.webp", "lzw.tiff", "animated.gif", "jpeg2000.jp2", "bmp.bmp"):
        for _ in range(40):
            data = bytearray(all_odd_files[name].data)
            for position in rng.integers(0, len(data), 4):
                data[position] = rng.integers(256)
            path.write_bytes(data)
            try:
                pixels = decode_rgb(path)
            except ImageError:
                pass
            else:
                assert pixels.ndim == 3
            read_facts(found_at(path))


def test_real_photographs_decode_to_pillows_pixels_upright(shared_data: Path):
    """Nothing in the program may see other pixels than a user's own script with Pillow does."""
    files = sorted((shared_data / "highres_exif").rglob("*.jpg"))
    by_orientation: dict[int, Path] = {}
    for file in files:
        by_orientation.setdefault(read_info(file).orientation, file)
    assert set(by_orientation) >= {1, 3, 6, 8}
    for file in by_orientation.values():
        with Image.open(file) as image:
            expected = np.asarray(ImageOps.exif_transpose(image).convert("RGB"))
        assert np.array_equal(decode_rgb(file), expected)


def test_display_decode_of_real_photographs_looks_like_the_full_one(shared_data: Path):
    for file in sorted((shared_data / "highres_exif").rglob("*.jpg"))[::15]:
        full = Image.fromarray(decode_rgb(file))
        small = decode_rgb(file, max_side_px=256)
        expected = np.asarray(full.resize(small.shape[1::-1], Image.Resampling.BOX)).astype(int)
        assert max(small.shape) == 256
        assert np.abs(small - expected).mean() < 4


def test_decoding_leaves_the_file_as_it_was(write_odd):
    path = write_odd("orientation_6.jpg")
    before = (path.read_bytes(), path.stat().st_mtime_ns)

    decode_rgb(path)
    read_facts(found_at(path))

    assert (path.read_bytes(), path.stat().st_mtime_ns) == before
