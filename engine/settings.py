"""The user's own settings (not a project's): one small JSON file, and how many threads the libraries may take."""

from __future__ import annotations

import json
import logging
import os
import re
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Final

import platformdirs

from engine.files import atomic_write_bytes, disk_error
from engine.language import LANGUAGES

log = logging.getLogger("graft.settings")

MAX_RECENT_PROJECTS = 12
THEMES = ("system", "dark", "light")
AUTO_DEVICE: Final = "auto"
DEVICE_VARIABLE: Final = "GRAFT_DEVICE"
MAX_KEYS: Final = 200
_DEVICE: Final = re.compile(r"auto|cpu|mps|cuda(:\d{1,2})?")
_ACTION: Final = re.compile(r"[a-z_]{1,40}")
_KEY_TEXT: Final = re.compile(r"((Ctrl|Shift|Alt|Meta)\+){0,4}([!-~]|[A-Za-z0-9]{2,12})?")
THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


@dataclass(frozen=True, slots=True)
class Settings:
    """What the program remembers between two starts.

    `recent_projects` has the newest first. `theme` is one of THEMES. `num_threads` 0 means: choose by the machine.
    `language` is one of `engine.language.LANGUAGES`, or "system". `device` is where networks compute: "auto", "cpu",
    "mps", "cuda" or "cuda:1". `keys` has the keys of actions that the user gave another one, by the action's id, in
    Qt's portable words ("Ctrl+Shift+R"); "" means none.
    """

    recent_projects: tuple[str, ...] = ()
    theme: str = "system"
    has_auto_advance: bool = True
    has_auto_retrain: bool = True
    num_threads: int = 0
    language: str = "system"
    device: str = AUTO_DEVICE
    keys: Mapping[str, str] = field(default_factory=dict)

    def with_recent_project(self, folder: Path) -> Settings:
        """Returns the settings with `folder` as the most recent project."""
        name = str(folder.absolute())
        others = tuple(recent for recent in self.recent_projects if recent != name)
        return replace(self, recent_projects=(name, *others)[:MAX_RECENT_PROJECTS])

    def without_recent_project(self, folder: Path) -> Settings:
        """Returns the settings with `folder` forgotten."""
        name = str(folder.absolute())
        return replace(self, recent_projects=tuple(recent for recent in self.recent_projects if recent != name))


def user_data_folder() -> Path:
    """Where downloaded weights lie: GRAFT_DATA when it is set, else the platform's place. Not created here."""
    override = os.environ.get("GRAFT_DATA")
    return Path(override) if override else Path(platformdirs.user_data_dir("graft", appauthor=False))


def settings_file() -> Path:
    """Where the settings lie: in GRAFT_DATA when it is set, else the platform's place for settings."""
    override = os.environ.get("GRAFT_DATA")
    folder = Path(override) if override else Path(platformdirs.user_config_dir("graft", appauthor=False))
    return folder / "settings.json"


def load_settings() -> Settings:
    """Returns the saved settings. What is missing, damaged or out of range gets its default; never raises."""
    try:
        document = json.loads(settings_file().read_bytes())
    except FileNotFoundError:
        return Settings()
    except (OSError, ValueError) as err:
        log.warning("The settings in %s cannot be read (%s); defaults are used.", settings_file(), err)
        return Settings()
    if not isinstance(document, dict):
        log.warning("The settings in %s are damaged; defaults are used.", settings_file())
        return Settings()
    names = {field.name for field in fields(Settings)}
    return Settings(**{name: value for name, value in map(_checked, document.items()) if name in names})


def save_settings(settings: Settings) -> None:
    """Replaces the saved settings, atomically.

    Raises:
        DiskError: the file cannot be written; the old one is untouched.
    """
    file = settings_file()
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as err:
        raise disk_error(err, file) from err
    atomic_write_bytes(file, json.dumps(asdict(settings), indent=2, ensure_ascii=False).encode())


def num_threads(has_window: bool) -> int:
    """Returns how many threads numeric libraries should use: GRAFT_THREADS, else the setting, else by the machine.

    With the window open one core stays free, since two busy threads beside a busy window collapse 4-27 fold.
    """
    override = os.environ.get("GRAFT_THREADS", "")
    if override.isdigit() and int(override) > 0:
        return int(override)
    chosen = load_settings().num_threads
    if chosen > 0:
        return chosen
    return usual_num_threads(has_window)


def wanted_device() -> str:
    """Returns where networks are to compute when nobody says otherwise: GRAFT_DEVICE, else the setting."""
    return os.environ.get(DEVICE_VARIABLE, "") or load_settings().device


def usual_num_threads(has_window: bool) -> int:
    """Returns how many threads the machine has for numeric libraries where nobody chose."""
    num_cores = num_usable_cores()
    return max(1, num_cores - 1) if has_window else num_cores


def limit_threads(count: int) -> None:
    """Limits the threads of numeric libraries in this process. Call it before numpy, torch or onnxruntime is imported.

    It works through the environment, which child processes inherit; they should call it again all the same. Libraries
    that do not read these variables (onnxruntime) ask `num_threads`, which then returns `count`.
    """
    os.environ["GRAFT_THREADS"] = str(count)
    os.environ["OMP_WAIT_POLICY"] = "PASSIVE"  # waiting threads sleep; the default burns a core beside the window
    for variable in THREAD_VARIABLES:
        os.environ[variable] = str(count)
    torch = sys.modules.get("torch")
    if torch is not None:  # already there, so the environment comes too late for it
        torch.set_num_threads(count)


def num_usable_cores() -> int:
    """Returns how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):  # not on macOS and Windows
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _checked(item: tuple[str, Any]) -> tuple[str, Any]:
    """Returns a (name, value) pair with the right type, or ("", None) for one that is to be left out."""
    name, value = item
    if name == "recent_projects":
        is_right = isinstance(value, list) and all(isinstance(entry, str) for entry in value)
        return (name, tuple(value[:MAX_RECENT_PROJECTS])) if is_right else ("", None)
    if name == "keys":
        return ("keys", _checked_keys(value)) if isinstance(value, dict) else ("", None)
    is_valid = {
        "device": isinstance(value, str) and _DEVICE.fullmatch(value) is not None,
        "theme": value in THEMES if isinstance(value, str) else False,
        "has_auto_advance": isinstance(value, bool),
        "has_auto_retrain": isinstance(value, bool),
        "language": value == "system" or value in LANGUAGES if isinstance(value, str) else False,
        "num_threads": isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 1024,
    }
    return (name, value) if is_valid.get(name, False) else ("", None)


def _checked_keys(found: dict[Any, Any]) -> dict[str, str]:
    """Returns those entries that could be keys of actions; whether there is such an action is the window's matter."""
    right = {
        action: keys
        for action, keys in found.items()
        if isinstance(keys, str) and _ACTION.fullmatch(action) and _KEY_TEXT.fullmatch(keys)
    }
    return dict(list(right.items())[:MAX_KEYS])
