"""Where the weights of a backbone lie: look-up by name, hash check, which ones there are. Knows no torch.

A weights file is called `<model name>-<first characters of its SHA-256>.pth` (or `.safetensors`), and is used only when
its content has that hash.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator
from pathlib import Path

from engine import own_backbones
from engine.backbones import CATALOGUE, STARTER_FOLDER, STARTER_KEY, TIMM_PREFIX, BackboneSpec, LicenceKind, spec
from engine.errors import BackboneError
from engine.files import disk_error
from engine.language import tr
from engine.weight_files import WEIGHTS_VARIABLE, file_sha256, search_folders, user_weights_folder

__all__ = [
    "WEIGHTS_VARIABLE",
    "default_backbone",
    "delete_weights",
    "file_sha256",
    "find_backbone",
    "find_weights",
    "has_weights",
    "other_backbones",
    "own_files",
    "search_folders",
    "user_weights_folder",
]

_FILE_NAME = re.compile(r"(.+)-[0-9a-f]{8,64}\.(?:pth|safetensors)")
_PREFERRED = ("mobilenet_v2", "mobilenet_v3_large", "efficientnet_b0", "resnet50")


def find_backbone(key: str, project_dir: Path | None = None) -> BackboneSpec:
    """Returns the record of any backbone: of the catalogue, "timm:NAME", or the user's own ("run:3", "own:NAME").

    Raises:
        BackboneError: there is none of that name.
    """
    return own_backbones.find(key, project_dir) if own_backbones.is_own(key) else spec(key)


def find_weights(spec: BackboneSpec, project_dir: Path | None = None) -> Path:
    """Returns the weights file of a backbone, its hash checked.

    Raises:
        BackboneError: there is none (the hint names every place looked at), or the only one is damaged.
    """
    if spec.key == STARTER_KEY:
        return _find_starter()
    if own_backbones.is_own(spec.key):
        return own_backbones.find_file(spec.key, project_dir)
    damaged: list[Path] = []
    folders = search_folders(project_dir)
    for folder in folders:
        for path, prefix in _candidates(spec, folder):
            if file_sha256(path).startswith(prefix):
                return path
            damaged.append(path)
    if damaged:
        raise BackboneError(
            tr(
                "The weights file {file} is damaged: its content does not have the hash that its name states.",
                file=damaged[0],
            ),
            tr("Delete it and download the weights again."),
        )
    raise BackboneError(
        tr("The weights of {backbone} are not on this machine.", backbone=spec.display_name),
        tr(
            "Download them ({size:.0f} MB from {url}), or put a file called {name}-<hash>.pth into one of: {folders}; "
            "further folders can be named in {variable}.",
            size=spec.size_bytes / 1e6,
            url=spec.url,
            name=spec.model_name,
            folders=", ".join(map(str, folders)),
            variable=WEIGHTS_VARIABLE,
        ),
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

    One whose licence does not leave every use free is never chosen for the user.

    Raises:
        BackboneError: no backbone is available on this machine.
    """
    others = (
        key
        for key, record in CATALOGUE.items()
        if key not in _PREFERRED and key != STARTER_KEY and record.licence_kind == LicenceKind.FREE
    )
    for key in (*_PREFERRED, *others, STARTER_KEY):  # Starter is the weakest: it is for when there is nothing else.
        if has_weights(CATALOGUE[key], project_dir):
            return key
    raise BackboneError(
        tr("No backbone is available: this machine has the weights of none."),
        tr(
            "Download weights (see README), or name a folder that holds them in {variable}.",
            variable=WEIGHTS_VARIABLE,
        ),
    )


def other_backbones(project_dir: Path | None = None) -> list[BackboneSpec]:
    """Returns what is on this machine beside the catalogue: the user's own, and networks of timm's taken by name."""
    found = own_backbones.list_own(project_dir)
    for folder in search_folders(project_dir):
        try:
            names = sorted(entry.name for entry in os.scandir(folder))
        except OSError:
            continue
        for name in names:
            match = _FILE_NAME.fullmatch(name)
            if match is not None and "." in match[1]:  # timm's names have a dot before the weights' tag
                with contextlib.suppress(BackboneError):
                    found.append(spec(TIMM_PREFIX + match[1]))
    return list({each.key: each for each in found if each.key not in CATALOGUE}.values())


def own_files(spec: BackboneSpec) -> list[Path]:
    """Returns the files in the user's own folder that hold (or are to become) the weights of a backbone."""
    files = [path for path, _ in _candidates(spec, user_weights_folder())]
    with contextlib.suppress(OSError):
        files += sorted(user_weights_folder().glob(f"{_download_stem(spec)}*.part"))
    return files


def delete_weights(spec: BackboneSpec) -> int:
    """Deletes the weights of a backbone from the user's own folder and returns how many bytes that freed.

    What lies in a project or in a folder of `GRAFT_WEIGHTS` is not ours to delete and stays.

    Raises:
        DiskError: a file cannot be deleted.
    """
    freed = 0
    for path in own_files(spec):
        try:
            freed += path.stat().st_size
            path.unlink()
        except FileNotFoundError:
            continue
        except OSError as err:
            raise disk_error(err, path) from err
    return freed


def _download_stem(spec: BackboneSpec) -> str:
    """What the file at the publisher's address is called, without hash and ending."""
    name = spec.url.rsplit("/", 1)[-1]
    return name.rsplit("-", 1)[0] if spec.sha256_prefix else spec.model_name


def _candidates(spec: BackboneSpec, folder: Path) -> Iterator[tuple[Path, str]]:
    """Files in `folder` that claim to be weights of `spec`: the catalogue's own file first, then by name."""
    stems = {spec.model_name, _download_stem(spec)} - {""}
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
            tr("The built-in Starter backbone is not part of this copy of Graft."),
            tr(
                "Choose another backbone: download its weights, or name the folder that has them in {variable}.",
                variable=WEIGHTS_VARIABLE,
            ),
        )
    return path
