"""What the window remembers between two starts: settings of the user, recent projects with their counts, geometry."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from PySide6.QtCore import QByteArray, QSettings

from engine import settings as user_settings
from engine.errors import DiskError

log = logging.getLogger("graft.gui")


@dataclass(frozen=True, slots=True)
class RecentProject:
    """What the welcome page shows of a project without opening it. Counts are those of when it was closed last."""

    folder: str
    name: str
    num_images: int = 0
    num_labelled: int = 0
    num_classes: int = 0
    accuracy: float | None = None
    closed_at: float = 0.0
    pictures: tuple[str, ...] = ()
    """Files with a few small pictures, in the user's own folder."""

    @property
    def is_there(self) -> bool:
        return (Path(self.folder) / "project.db").is_file()


class Preferences:
    """Reads at once, writes at once; a settings folder that cannot be written costs the memory and nothing else."""

    def __init__(self) -> None:
        self._settings = user_settings.load_settings()
        file = user_settings.settings_file().parent / "window.ini"
        self._window = QSettings(str(file), QSettings.Format.IniFormat)

    # ---- the user's settings, shared with the command line

    @property
    def theme(self) -> str:
        return self._settings.theme

    def set_theme(self, choice: str) -> None:
        self._save(replace(self._settings, theme=choice))

    @property
    def has_auto_advance(self) -> bool:
        return self._settings.has_auto_advance

    def set_auto_advance(self, on: bool) -> None:
        self._save(replace(self._settings, has_auto_advance=on))

    @property
    def has_auto_retrain(self) -> bool:
        return self._settings.has_auto_retrain

    def set_auto_retrain(self, on: bool) -> None:
        self._save(replace(self._settings, has_auto_retrain=on))

    @property
    def num_threads(self) -> int:
        """Threads for computing; 0 means: by the machine."""
        return self._settings.num_threads

    def set_num_threads(self, number: int) -> None:
        self._save(replace(self._settings, num_threads=number))

    @property
    def language(self) -> str:
        """One of `engine.language.LANGUAGES`, or "system"; holds from the next start on."""
        return self._settings.language

    def set_language(self, language: str) -> None:
        self._save(replace(self._settings, language=language))

    @property
    def device(self) -> str:
        """Where networks compute when the training settings of a project do not say otherwise."""
        return self._settings.device

    def set_device(self, device: str) -> None:
        self._save(replace(self._settings, device=device))

    @property
    def keys(self) -> Mapping[str, str]:
        """Keys that the user gave to actions, by action; see `gui.action_keys`."""
        return self._settings.keys

    def set_keys(self, keys: Mapping[str, str]) -> None:
        self._save(replace(self._settings, keys=dict(keys)))

    def _save(self, settings: user_settings.Settings) -> None:
        self._settings = settings
        try:
            user_settings.save_settings(settings)
        except DiskError as error:
            log.warning("The settings could not be saved: %s", error)

    # ---- recent projects

    def recent_projects(self) -> list[RecentProject]:
        """Returns the projects opened last, newest first."""
        return [self._recent(folder) for folder in self._settings.recent_projects]

    def remember_project(self, recent: RecentProject) -> None:
        """Puts a project at the head of the list."""
        self._window.setValue(_key("recent", recent.folder), json.dumps(asdict(recent)))
        self._save(self._settings.with_recent_project(Path(recent.folder)))

    def forget_project(self, folder: str) -> None:
        """Takes a project off the list. The project itself stays."""
        self._window.remove(_key("recent", folder))
        self._save(self._settings.without_recent_project(Path(folder)))

    def _recent(self, folder: str) -> RecentProject:
        fallback = RecentProject(folder, Path(folder).name)
        text = self._window.value(_key("recent", folder), "", type=str)
        try:
            known: dict[str, Any] = json.loads(str(text))
            return RecentProject(**{**known, "pictures": tuple(known.get("pictures", ()))})
        except (ValueError, TypeError):
            return fallback

    # ---- the window

    def backbone(self, folder: Path) -> str | None:
        """Returns the backbone that the user chose for a project, if any."""
        return str(self._window.value(_key("backbone", str(folder)), "", type=str)) or None

    def set_backbone(self, folder: Path, key: str) -> None:
        self._window.setValue(_key("backbone", str(folder)), key)

    def training(self, folder: Path) -> dict[str, Any]:
        """Returns how the user wants a project to be trained, {} where nothing was chosen."""
        text = str(self._window.value(_key("training", str(folder)), "", type=str))
        try:
            found = json.loads(text) if text else {}
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}

    def set_training(self, folder: Path, settings: dict[str, Any]) -> None:
        self._window.setValue(_key("training", str(folder)), json.dumps(settings))

    def geometry(self) -> QByteArray:
        value = self._window.value("window/geometry", QByteArray(), type=QByteArray)
        return value if isinstance(value, QByteArray) else QByteArray()

    def set_geometry(self, geometry: QByteArray) -> None:
        self._window.setValue("window/geometry", geometry)

    def is_open(self, section: str) -> bool:
        """Returns whether a section of the left column is open; those that nobody closed are."""
        return bool(self._window.value(f"sections/{section}", True, type=bool))

    def set_open(self, section: str, is_open: bool) -> None:
        self._window.setValue(f"sections/{section}", is_open)

    @property
    def preferences_section(self) -> str:
        """Which section of the preferences was looked at last, "" before the first time."""
        return str(self._window.value("preferences/section", "", type=str))

    def set_preferences_section(self, key: str) -> None:
        self._window.setValue("preferences/section", key)

    @property
    def has_seen_first_keys(self) -> bool:
        """Whether the layer with the keys that matter was shown before."""
        return bool(self._window.value("hints/first_keys_seen", False, type=bool))

    def set_first_keys_seen(self) -> None:
        self._window.setValue("hints/first_keys_seen", True)

    def flush(self) -> None:
        """Writes everything to the disk now."""
        self._window.sync()


def _key(group: str, folder: str) -> str:
    # QSettings takes "/" for a group and changes other characters, so the path goes in as hexadecimal digits.
    return f"{group}/{folder.encode('utf-8', 'surrogateescape').hex()}"
