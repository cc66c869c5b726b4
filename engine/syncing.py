"""Makes sure that bytes are on the disk, not in a cache of the system or of the drive."""

from __future__ import annotations

import os
import sys
from pathlib import Path

if sys.platform == "darwin":
    import fcntl


def sync_handle(handle: int) -> None:
    """Returns when everything written to an open file is durable."""
    if sys.platform == "darwin":
        # macOS's fsync stops at the drive's own cache; this one does not.
        fcntl.fcntl(handle, fcntl.F_FULLFSYNC)
    else:
        os.fsync(handle)


def sync_file(file: Path) -> None:
    """Returns when the contents of a file are durable."""
    handle = os.open(file, os.O_RDWR | getattr(os, "O_BINARY", 0))
    try:
        sync_handle(handle)
    finally:
        os.close(handle)


def sync_folder(folder: Path) -> None:
    """Returns when the names in a folder are durable."""
    if os.name == "nt":  # Windows cannot open a folder; NTFS keeps a journal of names.
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
