"""The curves of a training: kept while it goes on, where a later resume finds them, and written into its run."""

from __future__ import annotations

import json
import logging
import math
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from engine.events import EpochEnded, Event
from engine.job import JobContext

CURVES_FILE: Final = "curves.json"
_KEPT_FILE: Final = "curves.jsonl"


class CurveKeeper:
    """A JobContext that passes everything on and keeps what EpochEnded says, across stops and resumes."""

    def __init__(self, context: JobContext, scratch: Path) -> None:
        """`scratch` is the folder of a training that can be resumed; it is made with the first round."""
        self._context = context
        self._file = scratch / _KEPT_FILE

    def checkpoint(self) -> None:
        self._context.checkpoint()

    def progress(self, done: int, total: int, note: str = "") -> None:
        self._context.progress(done, total, note)

    def emit(self, event: Event) -> None:
        self._context.emit(event)
        if isinstance(event, EpochEnded):
            self._file.parent.mkdir(parents=True, exist_ok=True)
            with open(self._file, "a", encoding="ascii") as lines:
                lines.write(json.dumps(_plain(event)) + "\n")

    def write(self, run_folder: Path) -> None:
        """Writes the curves into the folder of a run; nothing where no round was trained."""
        if not self._file.is_file():
            return
        # A round that a stop cut off from its checkpoint comes twice: what was said last holds.
        rounds = {}
        for line in self._file.read_text(encoding="ascii").splitlines():
            entry = json.loads(line)
            rounds[entry["depth"], entry["part"], entry["epoch"]] = entry
        (run_folder / CURVES_FILE).write_text(json.dumps(list(rounds.values()), indent=1), encoding="ascii")


def read_curves(run_folder: Path) -> list[EpochEnded]:
    """Returns the rounds of a run's training in the order they were trained; empty for a head, which has none."""
    try:
        entries = json.loads((run_folder / CURVES_FILE).read_text(encoding="ascii"))
        return [_event(entry) for entry in entries]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, TypeError, AttributeError) as err:
        logging.getLogger(__name__).warning("The curves in %s cannot be read: %s", run_folder, err)
        return []


def _plain(event: EpochEnded) -> dict[str, Any]:
    """Returns a round for JSON, which knows no NaN."""
    values = asdict(event)
    return {name: None if isinstance(value, float) and math.isnan(value) else value for name, value in values.items()}


def _event(entry: dict[str, Any]) -> EpochEnded:
    values: dict[str, Any] = {name: math.nan if value is None else value for name, value in entry.items()}
    return EpochEnded(**values)
