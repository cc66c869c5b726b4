"""Who has the project open: a note beside the database, for sentences only. The lock itself is SQLite's.

Also the one place that knows file systems on which SQLite's locks and write-ahead log cannot be trusted.
"""

from __future__ import annotations

import json
import os
import platform
import sqlite3
import time
from pathlib import Path
from typing import Final

from engine.errors import ProjectError, ProjectInUseError
from engine.language import tr

NOTE_FILE: Final = "open-by.json"
NETWORK_FILE_SYSTEMS: Final = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "afs", "9p", "ceph", "glusterfs", "fuse.sshfs", "fuse.rclone", "davfs"}
)
_MOUNTS: Final = Path("/proc/mounts")


def write_note(folder: Path) -> None:
    """Notes that this process has the project open. A note that cannot be written is no reason to stop."""
    note = {"pid": os.getpid(), "host": platform.node(), "since": time.time()}
    try:
        (folder / NOTE_FILE).write_text(json.dumps(note), "utf-8")
    except OSError:
        pass


def remove_note(folder: Path) -> None:
    """Takes the note away again."""
    try:
        (folder / NOTE_FILE).unlink(missing_ok=True)
    except OSError:
        pass


def in_use_error(folder: Path) -> ProjectInUseError:
    """Returns the error for a project that another process holds, naming it when its note is readable."""
    try:
        note = json.loads((folder / NOTE_FILE).read_text("utf-8"))
        message = tr(
            "The project in {folder} is open in another Graft window (process {process} on {computer}).",
            folder=folder,
            process=int(note["pid"]),
            computer=note["host"],
        )
    except (OSError, ValueError, KeyError, TypeError):
        message = tr("The project in {folder} is open in another Graft window.", folder=folder)
    return ProjectInUseError(message, tr("Close it there, or open a read-only copy."))


def refuse_open_database(file: Path) -> None:
    """Does nothing when no other process has the database open; it may be missing or damaged.

    Raises:
        ProjectInUseError: one has.
    """
    if not file.exists():
        return
    connection = sqlite3.connect(f"{file.absolute().as_uri()}?mode=rw", uri=True, timeout=0, isolation_level=None)
    try:
        connection.execute("BEGIN IMMEDIATE")
    except sqlite3.Error as err:
        if (getattr(err, "sqlite_errorcode", None) or 0) & 0xFF == sqlite3.SQLITE_BUSY:
            raise in_use_error(file.parent) from err
    finally:
        connection.close()


def refuse_network_folder(folder: Path) -> None:
    """Does nothing for a folder on a local disk.

    Raises:
        ProjectError: it lies on a network file system (noticed on Linux only).
    """
    kind = _file_system_of(folder)
    if kind in NETWORK_FILE_SYSTEMS:
        raise ProjectError(
            tr(
                "{folder} lies on a network drive ({kind}), where a project is not safe from damage.",
                folder=folder,
                kind=kind,
            ),
            tr("Keep the project on a disk of this computer; the images may stay where they are."),
        )


def _file_system_of(folder: Path) -> str:
    try:
        lines = _MOUNTS.read_text("utf-8", "surrogateescape").splitlines()
    except OSError:
        return ""
    folder = folder.resolve()
    best, kind = -1, ""
    for fields in (line.split() for line in lines):
        # Spaces and the like in a mount point are written as octal escapes.
        mount = Path(fields[1].encode("utf-8", "surrogateescape").decode("unicode_escape"))
        if len(mount.parts) >= best and (mount == folder or mount in folder.parents):
            best, kind = len(mount.parts), fields[2]
    return kind
