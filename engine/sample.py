"""The sample as somebody would find pictures of their own: in one folder, the classes mixed, some kept back to try.

`resources/sample` keeps its pictures by class, which gives every answer away. Copies are laid out in the user's data
folder, which also outlives the folder that a packed program was started from.
"""

from __future__ import annotations

import random
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from engine.files import disk_error
from engine.settings import user_data_folder

SOURCE: Final = Path(__file__).resolve().parents[1] / "resources" / "sample"
NUM_TO_TRY: Final = 4
"""So many pictures of each class are no part of the project: the model is tried on them."""
_SEED: Final = 652
"""With it the first thirty pictures are ten of each class, never more than three of one in a row."""


def project_folder() -> Path:
    """Where the sample's project is kept."""
    return user_data_folder() / "sample-project"


def pictures_folder() -> Path:
    """Where the pictures lie that are labelled."""
    return user_data_folder() / "sample" / "pictures"


def to_try_folder() -> Path:
    """Where the pictures lie that the project does not know."""
    return user_data_folder() / "sample" / "new pictures"


def class_names() -> list[str]:
    """Returns the classes, as their folders are called, in the order of their keys."""
    return sorted(each.name for each in SOURCE.iterdir() if each.is_dir())


def mixed() -> tuple[list[Path], list[Path]]:
    """Returns the pictures to label and those to try, each in a mixed order that is always the same."""
    chance = random.Random(_SEED)
    to_label: list[Path] = []
    to_try: list[Path] = []
    for name in class_names():
        files = sorted((SOURCE / name).glob("*.jpg"))
        to_label += files[:-NUM_TO_TRY]
        to_try += files[-NUM_TO_TRY:]
    chance.shuffle(to_label)
    chance.shuffle(to_try)
    return to_label, to_try


def lay_out() -> Path:
    """Copies the pictures, where they are not there yet, and returns `pictures_folder`. Blocks.

    Raises:
        DiskError: they cannot be copied.
    """
    to_label, to_try = mixed()
    _copy(to_label, pictures_folder(), "part")
    _copy(to_try, to_try_folder(), "new")
    return pictures_folder()


def copy_mixed(files: Sequence[Path], folder: Path) -> dict[Path, Path]:
    """Copies pictures into one folder in a mixed order that is always the same; returns the copy of each. Blocks.

    Raises:
        DiskError: they cannot be copied.
    """
    shuffled = sorted(files)
    random.Random(_SEED).shuffle(shuffled)
    return _copy(shuffled, folder, "part")


def _copy(files: Sequence[Path], folder: Path, word: str) -> dict[Path, Path]:
    """Copies those that are not there yet; numbers stand for names."""
    targets = {file: folder / f"{word}_{number:03}{file.suffix}" for number, file in enumerate(files, 1)}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for file, target in targets.items():
            if not target.is_file() or target.stat().st_size != file.stat().st_size:
                shutil.copyfile(file, target)
    except OSError as error:
        raise disk_error(error, folder) from error
    return targets
