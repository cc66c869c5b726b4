"""InstallExtra: fetches the libraries that an export format needs beyond those of the program."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from engine.extras import Extra, discard_unfinished, extra, install
from engine.job import Job, JobContext
from engine.language import tr


class InstallExtra(Job[Extra, Path, Path]):
    """Installs an extra unless it is there; the outcome is its folder."""

    title: ClassVar[str] = tr("Installing")
    in_worker: ClassVar[bool] = True

    def __init__(self, key: str) -> None:
        self.key = key

    def prepare(self) -> Extra:
        return extra(self.key)

    @staticmethod
    def work(snapshot: Extra, context: JobContext) -> Path:
        return install(snapshot, context)

    def finish(self, result: Path) -> Path:
        return result

    def clean_up(self) -> None:
        discard_unfinished(extra(self.key))
