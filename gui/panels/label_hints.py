"""Which keys the hint line names, given what is selected."""

from __future__ import annotations

import numpy as np

from gui.panels.labelling import CONFIDENT, Labelling
from gui.session import Session
from gui.widgets.hint_line import Hint


def hints_for(session: Session, labelling: Labelling, is_viewing: bool) -> list[Hint]:
    """Returns the keys that make sense now, the most useful first."""
    targets = labelling.targets()
    if session.project is None or not len(labelling.rows):
        return []
    if not session.classes:
        return [Hint("/", "name the first class and label the selected images")]
    hints = []
    if len(targets):
        hints += _accept_hints(session, labelling, len(targets))
        first = next((item for item in session.classes if item.key), None)
        if first is not None and not hints:
            what = f"label {len(targets):,} images" if len(targets) > 1 else "label"
            hints.append(Hint((first.key or "").upper(), what, first.name, first.color))
        hints += [Hint("X", "skip"), Hint("/", "find class"), Hint("?", "unsure")]
    hints += [Hint("Tab", "next unlabelled"), Hint("Esc" if is_viewing else "Enter", "grid" if is_viewing else "view")]
    return hints


def _accept_hints(session: Session, labelling: Labelling, num_targets: int) -> list[Hint]:
    columns, rows = session.columns, labelling.rows
    hints = []
    suggested = columns.predicted_ids[rows[labelling.suggested_targets()]]
    if len(suggested):
        item = session.class_by_id(int(suggested[0])) if len(np.unique(suggested)) == 1 else None
        text = "accept" if num_targets == 1 else f"accept {len(suggested):,} selected"
        if item is not None:
            hints.append(Hint("Space", f"{text} as", item.name, item.color))
        else:
            hints.append(Hint("Space", f"{text} as suggested"))
    confident = columns.confidences[rows[labelling.confident_positions()]]
    if len(confident) > 1:
        mistakes = round(float((1 - confident.astype(np.float64)).sum()))
        expected = (
            f"about {mistakes:,} mistake{'' if mistakes == 1 else 's'} expected"
            if mistakes
            else "less than 1 mistake expected"
        )
        hints.append(Hint("Shift+Space", f"accept all {len(confident):,} above {CONFIDENT * 100:.0f} % — {expected}"))
    return hints
