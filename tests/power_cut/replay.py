"""Cuts the power at random moments of a recorded session and looks at what is left. No acknowledged label may be lost.

Run it: `python tests/power_cut/replay.py [NUM_STATES] [SEED]`. One state in fifty is opened by the program itself
(migration, journal, backups), the others by SQLite alone, which is where the promise is kept. Prints the counts.
"""

from __future__ import annotations

import random
import shutil
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from engine.errors import AppError
from engine.project import Project
from tests.power_cut.disk import Disk
from tests.power_cut.recording import OLDER, Event, record
from tests.power_cut.state import digest

OPENED_BY_THE_PROGRAM = 50


@dataclass(slots=True)
class Moment:
    """What was acknowledged, and what was under way, of each project at one event."""

    done: dict[str, str] = field(default_factory=dict)
    under_way: str = ""


@dataclass(slots=True)
class Outcome:
    """What was found. `bad` holds a sentence for each state that breaks the promise."""

    num_states: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    bad: list[str] = field(default_factory=list)


def run(num_states: int, seed: int = 0, folder: Path | None = None) -> Outcome:
    """Records a session and tries that many states of it, spread over all events."""
    memory = Path("/dev/shm")
    base = Path(tempfile.mkdtemp(prefix="graft-power-", dir=folder or (memory if memory.is_dir() else None)))
    try:
        (base / "session").mkdir()
        events = record(base / "session")
        return _try_states(events, num_states, seed, base / "state")
    finally:
        shutil.rmtree(base, ignore_errors=True)


def _try_states(events: list[Event], num_states: int, seed: int, place: Path) -> Outcome:
    rng = random.Random(seed)
    outcome = Outcome()
    after = _states_after(events)
    moments = Counter(rng.randrange(len(events)) for _ in range(num_states))
    older = {each.name: each.read_bytes() for each in OLDER.iterdir()}
    disk, moment = Disk(_copy(older, place.with_name("older"))), Moment()
    moment.done["older"] = _digest_of(place.with_name("older") / "project.db")
    for index, event in enumerate(events):
        if event.kind == "say":
            _note(moment, event.path)
        else:
            disk.take(event)
        for _ in range(moments[index]):
            files = disk.after_power_cut(rng)
            outcome.num_states += 1
            by_program = rng.randrange(OPENED_BY_THE_PROGRAM) == 0
            for project, acknowledged in moment.done.items():
                allowed = {acknowledged} | ({after[moment.under_way]} if moment.under_way else set())
                found = _look(files, project, place, by_program)
                outcome.counts["opened by the program" if by_program else "opened by SQLite"] += 1
                outcome.counts["as acknowledged" if found == acknowledged else "with the step under way"] += 1
                if found not in allowed:
                    outcome.bad.append(f"event {index}, {project}, {moment.under_way or 'at rest'}: {found}")
    return outcome


def _states_after(events: list[Event]) -> dict[str, str]:
    """Returns the digest after each step, by its number."""
    said = [event.path.split() for event in events if event.kind == "say"]
    return {words[1]: words[3] for words in said if words[0] == "done"}


def _note(moment: Moment, line: str) -> None:
    words = line.split()
    if words[0] == "begin":
        moment.under_way = words[1]
    else:
        moment.done[words[2]], moment.under_way = words[3], ""


def _look(files: dict[str, bytes], project: str, place: Path, by_program: bool) -> str:
    """Returns the digest of what is found in a state, or what is wrong with it."""
    folder = place / project
    shutil.rmtree(place, ignore_errors=True)
    folder.mkdir(parents=True)
    wanted = f"{project}/" if by_program else f"{project}/project.db"
    for path, contents in files.items():
        if path.startswith(wanted):
            (place / path).parent.mkdir(parents=True, exist_ok=True)
            (place / path).write_bytes(contents)
    if not by_program:
        return _digest_of(folder / "project.db")
    try:
        with Project.open(folder) as opened:
            return str(opened.store.call(lambda db: digest(db.conn)))
    except AppError as err:
        return f"{type(err).__name__}: {err}"


def _digest_of(file: Path) -> str:
    if not file.exists():
        return "no database"
    connection = sqlite3.connect(file)
    try:
        connection.execute("PRAGMA synchronous = OFF")  # this copy is looked at once
        sound = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        return digest(connection) if sound == "ok" else f"damaged: {sound}"
    except sqlite3.Error as err:
        return f"damaged: {err}"
    finally:
        connection.close()


def _copy(files: dict[str, bytes], folder: Path) -> Path:
    folder.mkdir(parents=True)
    for name, contents in files.items():
        (folder / name).write_bytes(contents)
    return folder


def main(num_states: int, seed: int) -> None:
    """Prints what was found."""
    say = sys.stdout.write
    started = time.perf_counter()
    outcome = run(num_states, seed)
    say(f"{outcome.num_states:,} power cuts, seed {seed}, {time.perf_counter() - started:.0f} s\n")
    for what, count in sorted(outcome.counts.items()):
        say(f"{what:26s} {count:10,}\n")
    say(f"{'lost, damaged or half':26s} {len(outcome.bad):10,}\n")
    for line in outcome.bad[:20]:
        say(f"  {line}\n")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 2_000, int(sys.argv[2]) if len(sys.argv) > 2 else 0)
