"""Files and folders that appear complete or not at all: temporary name, fsync, rename, fsync of the folder.

Every failure of the disk leaves here as a DiskError whose sentence names the disk and says what to do.
"""

from __future__ import annotations

import errno
import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from engine import syncing
from engine.errors import DiskError
from engine.language import tr

FULL_DISK_ERRORS = frozenset({errno.ENOSPC, errno.EDQUOT})
DENIED_ERRORS = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})


def disk_error(err: OSError, path: Path) -> DiskError:
    """Returns the sentence for a failed write at `path`. Use as `raise disk_error(err, path) from err`."""
    if err.errno in FULL_DISK_ERRORS:
        return DiskError(
            tr("The disk that holds {folder} ({disk}) is full.", folder=path.parent, disk=_mount_point(path)),
            tr("Make room on it or choose another disk, then try again; nothing that was there has been changed."),
        )
    if err.errno in DENIED_ERRORS:
        return DiskError(
            tr("{path} cannot be written: {reason}.", path=path, reason=err.strerror),
            tr("Choose a folder that you may write to, or ask for write permission."),
        )
    return DiskError(
        tr("{path} cannot be written: {reason}.", path=path, reason=err.strerror or err),
        tr("Check the disk, then try again."),
    )


def atomic_write_bytes(path: Path, data: bytes) -> None:
    """Replaces the file at `path` by `data`, durably: after a crash it holds the old bytes or the new ones.

    Raises:
        DiskError: the disk is full, read-only, or refuses; the old file is untouched.
    """

    def write(temporary: Path) -> None:
        temporary.write_bytes(data)

    atomic_write_file(path, write)


def atomic_write_file(path: Path, write: Callable[[Path], None]) -> None:
    """As `atomic_write_bytes`, for writers that want a path: `write` gets the temporary name, on the same disk.

    The temporary name ends in the suffix of `path`, since some writers look at it (numpy adds ".npz" otherwise).

    Raises:
        DiskError: the disk is full, read-only, or refuses; the old file is untouched.
    """
    temporary = path.with_name(f".{path.stem}.{secrets.token_hex(4)}.tmp{path.suffix}")
    try:
        write(temporary)
        syncing.sync_file(temporary)
        os.replace(temporary, path)
        syncing.sync_folder(path.parent)
    except OSError as err:
        raise disk_error(err, path) from err
    finally:
        with suppress(OSError):  # a read-only disk refuses to remove even what is not there
            temporary.unlink(missing_ok=True)


class PendingFolder:
    """A folder under construction: fill `work_path`, then `commit()` it to `path`, or `discard()` it.

    For work that is spread over threads or processes. Within one function use `atomic_folder`.
    """

    def __init__(self, path: Path) -> None:
        """Makes the working folder beside `path`, on the same disk.

        Raises:
            DiskError: something other than an empty folder is already there, or the folder cannot be made.
        """
        self.path = path
        self.work_path = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
        self._refuse_existing()
        try:
            self.work_path.mkdir(parents=True)
        except OSError as err:
            raise disk_error(err, path) from err

    def commit(self) -> None:
        """Makes everything in the folder durable and gives the folder its name.

        Raises:
            DiskError: the disk failed, or something has taken the name meanwhile; the working folder is then gone.
        """
        try:
            self._refuse_existing()
            sync_folder_tree(self.work_path)
            if self.path.is_dir():
                self.path.rmdir()  # empty, as seen above; Windows does not rename onto it
            os.rename(self.work_path, self.path)
            syncing.sync_folder(self.path.parent)
        except OSError as err:
            raise disk_error(err, self.path) from err
        finally:
            self.discard()

    def discard(self) -> None:
        """Removes what was not committed. Safe to call again, and after `commit`."""
        shutil.rmtree(self.work_path, ignore_errors=True)

    def _refuse_existing(self) -> None:
        if os.path.lexists(self.path) and not _is_empty_folder(self.path):
            hint = tr(
                "Choose another folder, for instance {folder}; nothing is ever overwritten.",
                folder=_free_name(self.path),
            )
            raise DiskError(tr("{path} already exists and is not an empty folder.", path=self.path), hint)


@contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """Yields an empty working folder that becomes `path` when the block ends, and vanishes when the block raises.

    Raises:
        DiskError: `path` exists and is not an empty folder, or the disk failed (also for an OSError from the block).
    """
    pending = PendingFolder(path)
    try:
        yield pending.work_path
        pending.commit()
    except OSError as err:
        raise disk_error(err, path) from err
    finally:
        pending.discard()


def sync_folder_tree(folder: Path) -> None:
    """Makes every file below `folder` durable, and the names of all of them. Raises OSError."""
    for parent, _, names in os.walk(folder, topdown=False):
        for name in names:
            syncing.sync_file(Path(parent, name))
        syncing.sync_folder(Path(parent))


def size_of(folder: Path) -> int:
    """Returns the bytes of all files of a folder; what is moved or deleted meanwhile counts nothing."""
    total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.lstat(os.path.join(parent, name)).st_size
            except OSError:
                continue
    return total


def _is_empty_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink() and not any(path.iterdir())


def _free_name(path: Path) -> Path:
    number = 2
    while (free := path.with_name(f"{path.name}-{number}")).exists():
        number += 1
    return free


def _mount_point(path: Path) -> Path:
    folder = path.absolute().parent
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    while not os.path.ismount(folder) and folder != folder.parent:
        folder = folder.parent
    return folder
