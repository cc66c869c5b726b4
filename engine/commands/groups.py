"""The rule for groups and the locked test set, as commands set them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.project import Project

NO_GROUPS = "none"


def set_groups(project: Project, text: str) -> int:
    """Sets the rule that `--group-by` names (folder, none, a pattern or a CSV file); returns how many groups there are.

    Raises:
        TrainingError: the rule does not divide these images.
        ImportFormatError: the CSV file cannot be used.
    """
    from engine.evaluation.groups import BY_COLUMN
    from engine.importers.group_csv import read_groups
    from engine.tasks.grouping import set_group_rule

    if text == NO_GROUPS:
        return set_group_rule(project, None)
    if not text.lower().endswith(".csv"):
        return set_group_rule(project, text)
    before = project.group_table()
    project.set_group_table(read_groups(project, Path(text)))
    try:
        return set_group_rule(project, BY_COLUMN)
    except BaseException:
        project.set_group_table(before)
        raise
