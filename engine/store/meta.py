"""Small facts about the project as a whole, as text by name."""

from __future__ import annotations

from typing import Final

from sqlite_utils import Database

from engine.domain import DEFAULT_FALSE_ALARM_RATE, LabelMode
from engine.store import outbox

PROJECT_ID: Final = "project_id"
NAME: Final = "name"
CREATED_AT: Final = "created_at"
GROUP_RULE: Final = "group_rule"
"""Which images are held out together when a model is measured (see `engine.evaluation.groups`)."""
LABEL_MODE: Final = "label_mode"
"""How many classes an image may have (`LabelMode`); one, where nothing is said."""
VIEWS: Final = "views"
"""How many looks an image is worth (`engine.nn.preprocessing.Preset`); a matter of speed, so not in the journal."""
FALSE_ALARM_RATE: Final = "false_alarm_rate"
"""How many images of known classes may be called unknown, as a share; a matter of what is shown, not in the journal."""
AUTOMATIC_GROUPS: Final = "automatic_groups"
"""NO where near-duplicates and bursts are not held out together; they are, where nothing is said."""
GROUP_TABLE: Final = "group_table"
"""The groups of the rule "column", as JSON: content hash to name."""
TEST_SET: Final = "test_set"
"""The images that no training may see, as JSON (see `engine.project.honesty`)."""
DISMISSED: Final = "dismissed_suspects"
"""Whose class was looked at and found right, as JSON: content hash to class ids."""
SINGLE_FILE_ROOTS: Final = "single_file_roots"
"""Folders that only single files were taken from, as a JSON list of root ids: looking for new images passes them by."""
CHOICES: Final = (AUTOMATIC_GROUPS, GROUP_TABLE, TEST_SET, DISMISSED, SINGLE_FILE_ROOTS)
"""What `set_choice` sets: it is in the journal, and no step of the undo history."""
NO: Final = "no"
HAS_CHANGED: Final = "has_changed"
"""Present while the database holds something that no backup holds."""


def get(db: Database, key: str) -> str | None:
    """Returns the value, or None when there is none."""
    row = db.execute("SELECT value FROM meta WHERE key = ?", [key]).fetchone()
    return str(row[0]) if row else None


def put(db: Database, key: str, value: str) -> None:
    """Sets or replaces the value."""
    db.execute("INSERT OR REPLACE INTO meta(key, value) VALUES (?, ?)", [key, value])


def remove(db: Database, key: str) -> None:
    """Removes the value if there is one."""
    db.execute("DELETE FROM meta WHERE key = ?", [key])


def set_group_rule(db: Database, rule: str | None, journal: bool = True) -> None:
    """Sets the rule for groups; None removes it."""
    if rule is None:
        remove(db, GROUP_RULE)
    else:
        put(db, GROUP_RULE, rule)
    if journal:
        outbox.add(db, "group_rule", {"rule": rule})


def set_choice(db: Database, key: str, value: str | None, journal: bool = True) -> None:
    """Sets one of CHOICES; None removes it."""
    if value is None:
        remove(db, key)
    else:
        put(db, key, value)
    if journal:
        outbox.add(db, "choice", {"key": key, "value": value})


def label_mode(db: Database) -> LabelMode:
    """Returns how many classes an image may have."""
    return LabelMode(get(db, LABEL_MODE) or LabelMode.ONE)


def false_alarm_rate(db: Database) -> float:
    """Returns how many images of known classes may be called unknown, as a share."""
    return float(get(db, FALSE_ALARM_RATE) or DEFAULT_FALSE_ALARM_RATE)


def change(db: Database, step_id: int, key: str, value: str | None) -> None:
    """Sets (or, with None, removes) a value as an effect of a step. At most once per step and key."""
    db.execute("INSERT INTO setting_history VALUES (?, ?, ?, ?)", [step_id, key, get(db, key), value])
    if value is None:
        remove(db, key)
    else:
        put(db, key, value)


def revert(db: Database, step_id: int, opposite_of: int) -> None:
    """Gives values back what they were before a step, as effects of `step_id`."""
    for key, before in db.execute(
        "SELECT key, before FROM setting_history WHERE step_id = ?", [opposite_of]
    ).fetchall():
        change(db, step_id, key, before)


def effects(db: Database, step_id: int) -> dict[str, str | None]:
    """Returns what a step did to values, for the journal: those afterwards."""
    return dict(db.execute("SELECT key, after FROM setting_history WHERE step_id = ?", [step_id]).fetchall())
