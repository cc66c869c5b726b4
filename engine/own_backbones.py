"""Backbones of the user's own: those of earlier runs of a project, and those taken over from elsewhere.

- "run:3": what run 3 of this project made of its backbone. The run's folder holds BACKBONE_FILE.
- "own:NAME": taken from another project's run or from an export; NAME.safetensors and NAME.json lie in a folder of
  weights, NAME ending in the first characters of the file's SHA-256.

Either file holds the tensors of the network without its classifier, named as exports name them
(`engine.nn.networks.EXPORTED_PREFIX`). Only safetensors is taken: no file of another kind is ever loaded from here.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from engine.backbones import BackboneSpec, spec
from engine.errors import BackboneError
from engine.files import atomic_write_bytes, atomic_write_file, disk_error
from engine.language import tr
from engine.weight_files import PROJECT_WEIGHTS_FOLDER, file_sha256, search_folders

RUN_PREFIX: Final = "run:"
OWN_PREFIX: Final = "own:"
BACKBONE_FILE: Final = "backbone.safetensors"
MODELS_FOLDER: Final = "models"
RUN_FILE: Final = "run.json"
EXPORT_FILE: Final = "model.safetensors"
EXPORT_DOCUMENT: Final = "model.json"
_HASH_IN_NAME: Final = 8
_NAME: Final = re.compile(r"[A-Za-z0-9._-]+")
_LARGEST_DOCUMENT_BYTES: Final = 1 << 24


def is_own(key: str) -> bool:
    """Tells whether a key names a backbone of the user's own."""
    return key.startswith((RUN_PREFIX, OWN_PREFIX))


def has_own_network(run_folder: Path) -> bool:
    """Tells whether a run made something of its own of its backbone."""
    return (run_folder / BACKBONE_FILE).is_file()


def find(key: str, project_dir: Path | None) -> BackboneSpec:
    """Returns the record of a backbone of the user's own.

    Raises:
        BackboneError: there is none of that name in this project or on this machine.
    """
    if key.startswith(RUN_PREFIX):
        folder = _run_folder(key, project_dir)
        return _spec_of_run(folder, key)
    return _spec_of_file(_own_file(key, project_dir).with_suffix(".json"))


def find_file(key: str, project_dir: Path | None) -> Path:
    """Returns the file of a backbone of the user's own, its content checked against the hash it was noted with.

    Raises:
        BackboneError: it is not there, or damaged.
    """
    if key.startswith(RUN_PREFIX):
        folder = _run_folder(key, project_dir)
        file, stated = folder / BACKBONE_FILE, str(_read(folder / RUN_FILE).get("weights_hash"))
    else:
        file = _own_file(key, project_dir)
        stated = file.stem.rpartition("-")[2]
    if not stated or not file_sha256(file).startswith(stated):
        raise BackboneError(
            tr("The weights file {file} is damaged: its content is not what was written.", file=file),
            tr("Choose another backbone, or take the file from where it came from once more."),
        )
    return file


def list_own(project_dir: Path | None) -> list[BackboneSpec]:
    """Returns the user's own backbones: the project's runs that have one, oldest first, then those taken over."""
    found: list[BackboneSpec] = []
    if project_dir is not None:
        for file in sorted((project_dir / MODELS_FOLDER).glob(f"*/{BACKBONE_FILE}")):
            try:
                found.append(_spec_of_run(file.parent, f"{RUN_PREFIX}{_read(file.parent / RUN_FILE).get('id')}"))
            except BackboneError:
                continue  # a damaged run is said where it is used
    for folder in search_folders(project_dir):
        for document in sorted(folder.glob("*.json")):
            if document.with_suffix(".safetensors").is_file():
                try:
                    found.append(_spec_of_file(document))
                except BackboneError:
                    continue
    return list({each.key: each for each in found}.values())


def take(source: Path, project_dir: Path) -> BackboneSpec:
    """Copies the backbone of another model into the project and returns its record; its key is "own:NAME".

    Args:
        source: the folder of an export in the format safetensors, or its model.safetensors; a project (its newest
            fine-tuned run counts), or the folder of one run.
        project_dir: the project that is to use it.

    Raises:
        BackboneError: there is no backbone in it, or one that this version does not know.
        DiskError: the copy cannot be written.
    """
    file, base, origin = _backbone_in(source)
    digest = file_sha256(file)
    name = f"{re.sub(r'[^A-Za-z0-9]+', '_', origin).strip('_') or 'backbone'}-{digest[:_HASH_IN_NAME]}"
    folder = project_dir / PROJECT_WEIGHTS_FOLDER
    record = base.with_own_weights(
        OWN_PREFIX + name, tr("{backbone} from “{origin}”", backbone=base.display_name, origin=origin)
    )
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as err:
        raise disk_error(err, folder) from err
    atomic_write_file(folder / f"{name}.safetensors", lambda target: _copy(file, target))
    document = json.dumps(record.to_document(), indent=1, ensure_ascii=False)
    atomic_write_bytes(folder / f"{name}.json", document.encode())
    return record


def run_spec(document: dict[str, Any]) -> BackboneSpec:
    """Returns the record of the backbone that a run.json speaks of.

    Raises:
        BackboneError, KeyError, TypeError, ValueError: it speaks of none, or of one that this version does not know.
    """
    described = document.get("backbone_spec")
    # Runs without a record of their own are older than spreads.
    return BackboneSpec.from_document(described) if described else spec(str(document["backbone"])).without_spreads()


def _backbone_in(source: Path) -> tuple[Path, BackboneSpec, str]:
    """Returns file, record and a name for where it is from."""
    folder = source.parent if source.is_file() else source
    try:
        if (folder / EXPORT_FILE).is_file():
            described = _read(folder / EXPORT_DOCUMENT)["backbone"]
            return folder / EXPORT_FILE, spec(str(described["key"])), folder.name
        runs = [folder] if (folder / BACKBONE_FILE).is_file() else list(_fine_tuned_runs(folder))
        if runs:
            name = folder.parent.parent.name if runs[0] == folder else folder.name
            return runs[-1] / BACKBONE_FILE, _architecture_of_run(runs[-1]), name
    except (KeyError, TypeError, ValueError) as err:
        raise BackboneError(
            tr("What {folder} says of its backbone is wrong.", folder=folder), tr("Export it again.")
        ) from err
    raise BackboneError(
        tr("There is no backbone to take in {source}.", source=source),
        tr("Choose a model exported in the format safetensors, or a project with a fine-tuned model."),
    )


def _fine_tuned_runs(project_dir: Path) -> Iterator[Path]:
    for file in sorted((project_dir / MODELS_FOLDER).glob(f"*/{BACKBONE_FILE}")):
        yield file.parent


def _architecture_of_run(folder: Path) -> BackboneSpec:
    """Returns the record of the network that a run made something of, with the embedding that its head takes."""
    found = run_spec(_read(folder / RUN_FILE))
    return spec(found.architecture_key).with_spreads(found.spreads)


def _spec_of_run(folder: Path, key: str) -> BackboneSpec:
    try:
        base = _architecture_of_run(folder)
    except (KeyError, TypeError, ValueError) as err:
        raise BackboneError(
            tr("The model in {folder} is damaged or incomplete.", folder=folder), tr("Choose another one.")
        ) from err
    return base.with_own_weights(
        key,
        tr(
            "{backbone} of version {number}",
            backbone=base.display_name,
            number=key.removeprefix(RUN_PREFIX),
        ),
    )


def _spec_of_file(document: Path) -> BackboneSpec:
    try:
        described = BackboneSpec.from_document(_read(document))
        # One that this version knows, with the embedding that it makes of it now.
        found = spec(described.architecture_key).with_own_weights(described.key, described.display_name)
    except (KeyError, TypeError, ValueError) as err:
        raise BackboneError(
            tr("{document} does not describe a backbone.", document=document), tr("Take the backbone over again.")
        ) from err
    if found.key != OWN_PREFIX + document.stem:
        raise BackboneError(
            tr("{document} describes another backbone.", document=document), tr("Take the backbone over again.")
        )
    return found


def _run_folder(key: str, project_dir: Path | None) -> Path:
    number = key.removeprefix(RUN_PREFIX)
    if project_dir is not None and number.isdecimal():
        for file in sorted((project_dir / MODELS_FOLDER).glob(f"*/{BACKBONE_FILE}")):
            if str(_read(file.parent / RUN_FILE).get("id")) == number:
                return file.parent
    raise BackboneError(
        tr("Version {number} has no backbone of its own in this project.", number=number),
        tr("Only models whose depth is partial or full have one; choose another backbone."),
    )


def _own_file(key: str, project_dir: Path | None) -> Path:
    name = key.removeprefix(OWN_PREFIX)
    if _NAME.fullmatch(name):
        for folder in search_folders(project_dir):
            file = folder / f"{name}.safetensors"
            if file.is_file() and file.with_suffix(".json").is_file():
                return file
    raise BackboneError(
        tr("The backbone “{name}” is not on this machine.", name=name),
        tr(
            "Take it over from the model it came from, or choose another one. Looked in: {folders}.",
            folders=", ".join(map(str, search_folders(project_dir))),
        ),
    )


def _read(file: Path) -> dict[str, Any]:
    try:
        if file.stat().st_size > _LARGEST_DOCUMENT_BYTES:
            raise ValueError("larger than any of ours")
        document = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as err:
        raise BackboneError(tr("{file} cannot be read.", file=file), tr("Choose another backbone.")) from err
    if not isinstance(document, dict):
        raise BackboneError(tr("{file} is damaged.", file=file), tr("Choose another backbone."))
    return document


def _copy(source: Path, target: Path) -> None:
    shutil.copyfile(source, target)
