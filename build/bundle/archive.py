"""Packs a folder into a .tar.zst whose bytes depend on nothing but its files. Run where `zstandard` is installed.

usage: archive.py FOLDER ARCHIVE EPOCH_SECONDS
"""

from __future__ import annotations

import sys
import tarfile
from pathlib import Path

import zstandard

LEVEL = 12


def write_archive(folder: Path, archive: Path, epoch_s: int) -> None:
    """Names sorted, one time and no owner for all: the same folder gives the same archive."""

    def plain(entry: tarfile.TarInfo) -> tarfile.TarInfo:
        entry.mtime, entry.uid, entry.gid, entry.uname, entry.gname = epoch_s, 0, 0, "", ""
        return entry

    compressor = zstandard.ZstdCompressor(level=LEVEL, threads=-1)
    with (
        archive.open("wb") as file,
        compressor.stream_writer(file) as stream,
        tarfile.open(fileobj=stream, mode="w|", format=tarfile.PAX_FORMAT) as tar,
    ):
        for path in [folder, *sorted(folder.rglob("*"))]:
            tar.add(path, arcname=str(path.relative_to(folder.parent)), recursive=False, filter=plain)


if __name__ == "__main__":
    write_archive(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
