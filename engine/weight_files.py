"""Where files of weights lie on this machine, and what is in them: folders in their order, content hashes."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import threading
from pathlib import Path

from engine.errors import BackboneError, DiskError
from engine.files import atomic_write_bytes
from engine.language import tr
from engine.settings import user_data_folder

WEIGHTS_VARIABLE = "GRAFT_WEIGHTS"
PROJECT_WEIGHTS_FOLDER = "weights"
READ_BYTES = 1 << 16
_hashes_lock = threading.Lock()


def user_weights_folder() -> Path:
    """Returns where downloaded weights are kept for all projects."""
    return user_data_folder() / "weights"


def search_folders(project_dir: Path | None = None) -> list[Path]:
    """Returns the folders in which weights are looked for, in that order: project, user, `GRAFT_WEIGHTS`."""
    folders = [project_dir / PROJECT_WEIGHTS_FOLDER] if project_dir else []
    folders.append(user_weights_folder())
    folders += [Path(part) for part in os.environ.get(WEIGHTS_VARIABLE, "").split(os.pathsep) if part]
    return folders


def file_sha256(path: Path) -> str:
    """Returns the SHA-256 of a file as hex. Remembered by path, size and time of change, so asking again is cheap.

    Raises:
        BackboneError: the file cannot be read.
    """
    try:
        state = path.stat()
        key = str(path.resolve())
        stamp = [state.st_size, state.st_mtime_ns]
        with _hashes_lock:
            known = _known_hashes().get(key)
        if known is not None and known[:2] == stamp:
            return str(known[2])
        digest = hash_file(path)
    except OSError as err:
        raise BackboneError(
            tr("The weights file {path} cannot be read: {reason}.", path=path, reason=err.strerror),
            tr("Check its permissions."),
        ) from err
    _remember_hash(key, [*stamp, digest])
    return digest


def hash_file(path: Path) -> str:
    """Returns the SHA-256 of a file as hex, read now. Raises OSError."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(READ_BYTES):
            digest.update(block)
    return digest.hexdigest()


def _hashes_file() -> Path:
    return user_data_folder() / "weight-hashes.json"


def _known_hashes() -> dict[str, list[object]]:
    try:
        known = json.loads(_hashes_file().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}


def _remember_hash(key: str, entry: list[object]) -> None:
    with _hashes_lock:
        known = {name: value for name, value in _known_hashes().items() if Path(name).exists()}
        known[key] = entry
        with contextlib.suppress(OSError, DiskError):  # Only a shortcut: without it the file is hashed again.
            _hashes_file().parent.mkdir(parents=True, exist_ok=True)
            atomic_write_bytes(_hashes_file(), json.dumps(known, indent=1).encode())
