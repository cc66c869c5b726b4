"""Content hashes: the name of an image's bytes, under which features and thumbnails are kept."""

from __future__ import annotations

from hashlib import blake2b
from pathlib import Path

from engine.images.files import read_bytes


def hash_bytes(data: bytes) -> str:
    """Returns the 32 hex digits of the BLAKE2b-128 hash of `data`."""
    return blake2b(data, digest_size=16).hexdigest()


def content_hash(path: Path) -> str:
    """Returns the hash of a file's bytes.

    Raises:
        ImageError: the file cannot be read.
    """
    return hash_bytes(read_bytes(path))
