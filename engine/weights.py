"""Where the weights of a backbone lie, and how they get there: look-up, hash check, download. Knows no torch.

A weights file is called `<model name>-<first characters of its SHA-256>.pth` (or `.safetensors`), and is used only when
its content has that hash.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import threading
from collections.abc import Iterator
from http import HTTPStatus
from http.client import HTTPException
from pathlib import Path
from ssl import SSLError
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from engine import syncing
from engine.backbones import CATALOGUE, STARTER_FOLDER, STARTER_KEY, BackboneSpec
from engine.errors import BackboneError, DiskError
from engine.files import atomic_write_bytes, disk_error
from engine.job import JobContext
from engine.settings import user_data_folder

WEIGHTS_VARIABLE = "GRAFT_WEIGHTS"
_PREFERRED = ("mobilenet_v2", "mobilenet_v3_large", "efficientnet_b0", "resnet50")
_READ_BYTES = 1 << 16
_TIMEOUT_S = 30.0
_hashes_lock = threading.Lock()


def user_weights_folder() -> Path:
    """Returns where downloaded weights are kept for all projects."""
    return user_data_folder() / "weights"


def search_folders(project_dir: Path | None = None) -> list[Path]:
    """Returns the folders in which weights are looked for, in that order: project, user, `GRAFT_WEIGHTS`."""
    folders = [project_dir / "weights"] if project_dir else []
    folders.append(user_weights_folder())
    folders += [Path(part) for part in os.environ.get(WEIGHTS_VARIABLE, "").split(os.pathsep) if part]
    return folders


def find_weights(spec: BackboneSpec, project_dir: Path | None = None) -> Path:
    """Returns the weights file of a backbone, its hash checked.

    Raises:
        BackboneError: there is none (the hint names every place looked at), or the only one is damaged.
    """
    if spec.key == STARTER_KEY:
        return _find_starter()
    damaged: list[Path] = []
    folders = search_folders(project_dir)
    for folder in folders:
        for path, prefix in _candidates(spec, folder):
            if file_sha256(path).startswith(prefix):
                return path
            damaged.append(path)
    if damaged:
        raise BackboneError(
            f"The weights file {damaged[0]} is damaged: its content does not have the hash that its name states.",
            "Delete it and download the weights again.",
        )
    raise BackboneError(
        f"The weights of {spec.display_name} are not on this machine.",
        f"Download them ({spec.size_bytes / 1e6:.0f} MB from {spec.url}), or put a file called "
        f"{spec.model_name}-<hash>.pth into one of: {', '.join(map(str, folders))}; "
        f"further folders can be named in {WEIGHTS_VARIABLE}.",
    )


def has_weights(spec: BackboneSpec, project_dir: Path | None = None) -> bool:
    """Tells whether `find_weights` would find a usable file."""
    try:
        find_weights(spec, project_dir)
    except BackboneError:
        return False
    return True


def default_backbone(project_dir: Path | None = None) -> str:
    """Returns the key of the backbone to use when the user names none: the best general one whose weights are here.

    Raises:
        BackboneError: no backbone is available on this machine.
    """
    others = (key for key in CATALOGUE if key not in _PREFERRED and key != STARTER_KEY)
    for key in (*_PREFERRED, *others, STARTER_KEY):  # Starter is the weakest: it is for when there is nothing else.
        if has_weights(CATALOGUE[key], project_dir):
            return key
    raise BackboneError(
        "No backbone is available: this machine has the weights of none.",
        f"Download weights (see README), or name a folder that holds them in {WEIGHTS_VARIABLE}.",
    )


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
        digest = _hash_file(path)
    except OSError as err:
        raise BackboneError(
            f"The weights file {path} cannot be read: {err.strerror}.", "Check its permissions."
        ) from err
    _remember_hash(key, [*stamp, digest])
    return digest


def download_weights(spec: BackboneSpec, to: Path, context: JobContext) -> Path:
    """Downloads the weights of a backbone into the folder `to` and returns the file.

    What an earlier attempt left behind (`<name>.part`) is carried on with. The file gets its name only when its hash is
    right. Cancelling keeps the part.

    Raises:
        BackboneError: the backbone has no download, the network or the server failed, or the content is not what the
            catalogue says.
        DiskError: the file cannot be written.
        CancelledError: the user cancelled.
    """
    if not spec.url:
        raise BackboneError(f"{spec.display_name} is built in and has no download.", "Reinstall Graft to get it back.")
    file = to / spec.url.rsplit("/", 1)[-1]
    if file.is_file() and file_sha256(file).startswith(spec.sha256_prefix):
        return file
    part = file.with_name(f"{file.name}.part")
    try:
        to.mkdir(parents=True, exist_ok=True)
        _fetch(spec, part, context)
    except (HTTPException, URLError, SSLError, TimeoutError, ConnectionError) as err:
        raise _network_error(spec, err) from err
    except OSError as err:
        raise disk_error(err, part) from err
    if not _hash_file(part).startswith(spec.sha256_prefix):
        part.unlink()
        raise BackboneError(
            f"What came from {spec.url} is not the file that it should be (its hash is wrong); it has been deleted.",
            "Try again; if it happens again, get the file elsewhere and put it into "
            f"{to} as {spec.model_name}-{spec.sha256_prefix}.pth.",
        )
    try:
        os.replace(part, file)
    except OSError as err:
        raise disk_error(err, file) from err
    return file


def _fetch(spec: BackboneSpec, part: Path, context: JobContext) -> None:
    """Appends to `part` until it is complete, asking the server for what is missing only."""
    context.checkpoint()
    have = part.stat().st_size if part.exists() else 0
    request = Request(spec.url, headers={"User-Agent": "graft"} | ({"Range": f"bytes={have}-"} if have else {}))
    try:
        response = urlopen(request, timeout=_TIMEOUT_S)
    except HTTPError as err:
        if have and err.code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            return  # The part is complete already, or longer than the file; its hash will tell.
        raise
    with response:
        if response.status != HTTPStatus.PARTIAL_CONTENT:
            have = 0  # This server starts from the beginning again.
        length = response.headers.get("Content-Length")
        total = have + int(length) if length else spec.size_bytes
        with open(part, "r+b" if have else "wb") as file:
            file.seek(have)
            while block := response.read(_READ_BYTES):
                file.write(block)
                have += len(block)
                context.progress(have, total, f"{have / 1e6:.1f} of {total / 1e6:.1f} MB")
                context.checkpoint()
            file.flush()
            syncing.sync_handle(file.fileno())
    if length and have < total:
        raise ConnectionError("the connection ended early")


def _network_error(spec: BackboneSpec, err: Exception) -> BackboneError:
    host = urlsplit(spec.url).netloc
    if isinstance(err, HTTPError):
        return BackboneError(
            f"{host} answered “{err.code} {err.reason}” when asked for the weights of {spec.display_name}.",
            f"Try again later, or get the file elsewhere and put it into {user_weights_folder()}.",
        )
    reason = err.reason if isinstance(err, URLError) else err
    return BackboneError(
        f"The download of {spec.display_name} from {host} stopped: {reason}.",
        "Check the network and try again; it goes on where it stopped. Without a network, copy the file "
        f"{spec.url.rsplit('/', 1)[-1]} into {user_weights_folder()}.",
    )


def _candidates(spec: BackboneSpec, folder: Path) -> Iterator[tuple[Path, str]]:
    """Files in `folder` that claim to be weights of `spec`: the catalogue's own file first, then by name."""
    stems = {spec.model_name, spec.url.rsplit("/", 1)[-1].rsplit("-", 1)[0]} - {""}
    pattern = re.compile(rf"({'|'.join(map(re.escape, stems))})-([0-9a-f]{{8,64}})\.(pth|safetensors)")
    try:
        names = sorted(entry.name for entry in os.scandir(folder) if entry.is_file())
    except OSError:
        return  # A folder that is not there, or not ours to read, holds no weights.
    matches = [match for name in names if (match := pattern.fullmatch(name))]
    for match in sorted(matches, key=lambda match: not match[2].startswith(spec.sha256_prefix)):
        yield folder / match[0], match[2]


def _find_starter() -> Path:
    path = STARTER_FOLDER / "starter.safetensors"
    if not path.is_file():
        raise BackboneError(
            "The built-in Starter backbone is not part of this copy of Graft.",
            f"Choose another backbone: download its weights, or name the folder that has them in {WEIGHTS_VARIABLE}.",
        )
    return path


def _hash_file(path: Path) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(_READ_BYTES):
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
