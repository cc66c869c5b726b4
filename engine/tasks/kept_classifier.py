"""The classifier that was asked last stays loaded in its process: one more picture is then answered at once."""

from __future__ import annotations

import atexit
from pathlib import Path
from typing import TYPE_CHECKING, Final

from engine.nn.run_model import RUN_FILE
from engine.tasks.predict import RunPlace, open_classifier

if TYPE_CHECKING:
    from engine.importers.model import ExportedModel
    from engine.nn.classifier import Classifier

_Key = tuple["RunPlace | ExportedModel", int]
_kept: Final = list[tuple[_Key, "Classifier"]]()


def kept_classifier(place: RunPlace | ExportedModel) -> Classifier:
    """Returns a run or an exported model ready to be asked, loaded anew only when it is another one or has changed.

    The one of before is closed then. For one job at a time in a process; see `open_classifier` for what it raises.
    """
    key = (place, _changed_at(place.run_folder / RUN_FILE if isinstance(place, RunPlace) else place.file))
    if not _kept or _kept[0][0] != key:
        forget_classifier()
        _kept.append((key, open_classifier(place)))
    return _kept[0][1]


@atexit.register
def forget_classifier() -> None:
    """Closes what is kept."""
    while _kept:
        _kept.pop()[1].close()


def _changed_at(file: Path) -> int:
    try:
        return file.stat().st_mtime_ns
    except OSError:
        return 0  # Opening it says what is wrong.
