from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from PIL import ExifTags, Image

from engine.images.hashing import content_hash, hash_bytes
from engine.images.info import read_info

# pytest renews the warning filters for each test; in the program they are set by engine.images.files.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::PIL.Image.DecompressionBombWarning")


def save(path: Path, date: object = None, offset: object = None, make: object = None, model: object = None) -> Path:
    exif = Image.Exif()
    details = exif.get_ifd(ExifTags.IFD.Exif)
    for tags, tag, value in (
        (details, ExifTags.Base.DateTimeOriginal, date),
        (details, ExifTags.Base.OffsetTimeOriginal, offset),
        (exif, ExifTags.Base.Make, make),
        (exif, ExifTags.Base.Model, model),
    ):
        if value is not None:
            tags[int(tag)] = value
    Image.new("RGB", (4, 3)).save(path, exif=exif)
    return path


def test_date_without_zone_is_local_time_and_with_zone_exact(tmp_path: Path):
    local = read_info(save(tmp_path / "a.jpg", "2024:05:06 07:08:09")).taken_at
    exact = read_info(save(tmp_path / "b.jpg", "2024:05:06 07:08:09", "+02:00")).taken_at

    assert local == datetime(2024, 5, 6, 7, 8, 9).timestamp()
    assert exact == datetime(2024, 5, 6, 5, 8, 9, tzinfo=UTC).timestamp()


@pytest.mark.parametrize("date", ["0000:00:00 00:00:00", "    :  :     :  :  ", "yesterday", "2024:13:40 99:99:99", ""])
def test_camera_without_a_clock_gives_no_date(tmp_path: Path, date: str):
    assert read_info(save(tmp_path / "a.jpg", date)).taken_at is None


def test_zone_that_is_nonsense_is_passed_over(tmp_path: Path):
    info = read_info(save(tmp_path / "a.jpg", "2024:05:06 07:08:09", "+99:xx"))
    assert info.taken_at == datetime(2024, 5, 6, 7, 8, 9).timestamp()


@pytest.mark.parametrize(
    ("make", "model", "camera"),
    [
        ("Canon", "Canon EOS 5D", "Canon EOS 5D"),
        ("NIKON CORPORATION", "D90", "NIKON CORPORATION D90"),
        (None, "X100", "X100"),
        ("Apple\0\0", "iPhone\n 12 ", "Apple iPhone 12"),
        (None, None, ""),
        ("x" * 500, None, "x" * 100),
    ],
)
def test_camera_is_maker_and_model_as_clean_text(tmp_path: Path, make: str | None, model: str | None, camera: str):
    assert read_info(save(tmp_path / "a.jpg", make=make, model=model)).camera == camera


def test_broken_exif_costs_neither_the_picture_nor_the_size(tmp_path: Path):
    path = tmp_path / "a.jpg"
    Image.new("RGB", (4, 3)).save(path, exif=b"Exif\0\0MM\0*\xff\xff\xff\xff" + b"\xff" * 40)

    info = read_info(path)

    assert (info.width_px, info.height_px, info.orientation, info.taken_at) == (4, 3, 1, None)


def test_animation_is_told_from_a_photo_with_two_views(write_odd):
    assert read_info(write_odd("animated.gif")).is_animated
    assert read_info(write_odd("animated.webp")).is_animated
    assert not read_info(write_odd("two_views.mpo")).is_animated
    assert not read_info(write_odd("plain.jpg")).is_animated


def test_real_cameras_are_named_and_dated(shared_data: Path):
    infos = {file.name: read_info(file) for file in (shared_data / "highres_exif" / "cameras_misc").glob("*.jpg")}

    canon = infos["Canon_PowerShot_S40_(2).jpg"]
    assert (canon.camera, canon.width_px, canon.height_px) == ("Canon PowerShot S40", 2272, 1704)
    assert canon.taken_at is not None
    assert datetime.fromtimestamp(canon.taken_at).year == 2002
    assert sum(info.taken_at is not None for info in infos.values()) >= 8


def test_content_hash_is_blake2b_of_the_bytes(tmp_path: Path):
    (tmp_path / "a").write_bytes(b"abc")

    assert content_hash(tmp_path / "a") == hash_bytes(b"abc") == "cf4ab791c62b8d2b2109c90275287816"
