from __future__ import annotations

import io
import sqlite3
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.domain import ImageRecord, ImageStatus
from engine.errors import ImageError
from engine.images.thumbnails import ThumbnailCache, cache_key, make_thumbnail


@pytest.fixture
def open_cache(tmp_path: Path) -> Iterator[Callable[..., ThumbnailCache]]:
    opened: list[ThumbnailCache] = []

    def open_(file: Path = tmp_path / "cache" / "thumbnails.db", **options: int) -> ThumbnailCache:
        opened.append(ThumbnailCache(file, **options))
        return opened[-1]

    yield open_
    for cache in opened:
        cache.close()


def test_thumbnail_is_a_small_upright_jpeg(write_odd):
    small = make_thumbnail(write_odd("orientation_6.jpg"))
    with Image.open(io.BytesIO(small)) as image:
        assert (image.format, image.size) == ("JPEG", (32, 16))
        red, _, blue = image.getpixel((3, 8))
    assert red > 200 > 60 > blue

    tall = make_thumbnail(write_odd("very_tall.jpg"))
    with Image.open(io.BytesIO(tall)) as image:
        assert image.size == (1, 256)


def test_thumbnail_of_a_broken_file_is_an_image_error(write_odd):
    with pytest.raises(ImageError):
        make_thumbnail(write_odd("hole.jpg"))


def test_cache_keeps_thumbnails_after_it_is_closed(open_cache):
    first = open_cache()
    first.put("a", b"one")
    first.put("a", b"two")
    first.close()
    first.close()
    assert first.get("a") is None
    first.put("a", b"late")

    second = open_cache()
    assert second.get("a") == b"two"
    assert second.get("b") is None
    assert second.missing(["b", "a", "c"]) == ["b", "c"]


def test_least_recently_used_are_dropped_beyond_the_limit(open_cache):
    cache = open_cache(max_bytes=100_000)
    for index in range(60):
        cache.put(f"{index}", bytes(1000))
    for index in range(10):  # the oldest become the newest by being looked at
        assert cache.get(f"{index}") is not None
    for index in range(60, 120):
        cache.put(f"{index}", bytes(1000))

    assert cache.num_bytes <= 100_000
    assert all(cache.get(f"{index}") is not None for index in (*range(10), *range(80, 120)))
    assert all(cache.get(f"{index}") is None for index in range(10, 30))


def test_limit_holds_for_a_file_that_was_larger(open_cache):
    big = open_cache()
    for index in range(50):
        big.put(f"{index}", bytes(1000))
    big.close()

    small = open_cache(max_bytes=20_000)
    small.put("new", bytes(1000))

    assert small.num_bytes <= 20_000
    assert small.get("new") == bytes(1000)


@pytest.mark.parametrize("content", [b"", b"not a database" * 500, b"SQLite format 3\0" + bytes(5000)])
def test_damaged_cache_file_is_begun_again(tmp_path: Path, open_cache, content: bytes):
    file = tmp_path / "thumbnails.db"
    file.write_bytes(content)

    cache = open_cache(file)
    cache.put("a", b"one")
    assert cache.get("a") == b"one"
    cache.close()

    assert open_cache(file).get("a") == b"one"


def test_damage_that_shows_only_in_use_is_survived(tmp_path: Path, open_cache):
    file = tmp_path / "thumbnails.db"
    cache = open_cache(file)
    for index in range(200):
        cache.put(f"{index}", bytes([index]) * 3000)
    cache.close()
    data = bytearray(file.read_bytes())
    data[4096 : len(data) // 2] = bytes([0x5A]) * (len(data) // 2 - 4096)
    file.write_bytes(data)

    cache = open_cache(file)
    for index in range(200):
        found = cache.get(f"{index}")
        assert found is None or len(found) == 3000
        cache.put(f"new {index}", b"x")

    assert cache.get("new 199") == b"x"


def test_file_of_another_program_is_replaced(tmp_path: Path, open_cache):
    file = tmp_path / "thumbnails.db"
    with sqlite3.connect(file) as other:
        other.execute("CREATE TABLE thumbnails (name TEXT)")
    other.close()

    cache = open_cache(file)
    cache.put("a", b"one")
    assert cache.get("a") == b"one"


def test_folder_that_cannot_be_written_gives_a_cache_in_memory(tmp_path: Path, open_cache):
    (tmp_path / "file").write_text("in the way")

    cache = open_cache(tmp_path / "file" / "thumbnails.db")
    cache.put("a", b"one")

    assert cache.get("a") == b"one"


def test_threads_may_share_a_cache(open_cache):
    cache = open_cache(max_bytes=200_000)
    faults: list[str] = []

    def work(number: int) -> None:
        rng = np.random.default_rng(number)
        for _ in range(300):
            name = str(rng.integers(100))
            jpeg = cache.get(name)
            if jpeg is None:
                cache.put(name, name.encode() * 500)
            elif jpeg != name.encode() * 500:
                faults.append(name)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert faults == []
    assert cache.num_bytes <= 200_000


def test_a_thumbnail_made_before_the_content_was_hashed_stays_with_its_image(open_cache, tmp_path):
    cache = open_cache()
    fields = (1, tmp_path / "a.jpg", "a.jpg", "", 100, 5, 8, 8, 1, None, "", ImageStatus.READABLE, "")
    unread = ImageRecord(*fields)
    cache.put(cache_key(unread), b"picture")
    hashed = replace(unread, content_hash="0f" * 16)

    assert cache.get_of(unread) == b"picture"
    assert cache.get_of(hashed) == b"picture"
    assert cache.get("0f" * 16) == b"picture"
    assert cache.get_of(unread) is None, "it is kept once"
    assert cache.get_of(replace(unread, mtime_ns=6)) is None, "another file may lie there now"
    before = cache.num_bytes
    cache.drop("0f" * 16)
    assert cache.num_bytes == 0 < before
