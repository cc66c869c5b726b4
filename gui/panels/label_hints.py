"""Which keys the hint line names, given what is selected."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from engine.domain import CONFIDENT
from engine.evaluation.acceptance import expected_mistakes
from gui.columns import suggested_ids_at
from gui.panels.labelling import Labelling
from gui.panels.workspace_keys import class_key_text
from gui.session import Session
from gui.widgets.hint_line import Hint


def hints_for(session: Session, labelling: Labelling, is_viewing: bool, is_painting: bool = False) -> list[Hint]:
    """Returns the keys that make sense now, the most useful first."""
    targets = labelling.targets()
    if session.project is None or not len(labelling.rows):
        return []
    if not session.classes:
        return [Hint("/", "name the first class and label the selected images")]
    if is_painting:
        return _painting_hints(session, labelling)
    hints = []
    if len(targets):
        hints += _accept_hints(session, labelling, len(targets))
        hints += _label_hints(session, len(targets), has_more=bool(hints))
        hints += [Hint("X", "skip"), Hint("?", "unsure")]
        if not labelling.are_unknown():
            hints.insert(-1, Hint("/", "find class"))
    hints.append(Hint("Tab", "next unlabelled"))
    if is_viewing:
        hints.append(Hint("Esc", "grid"))
    elif not session.has_several_classes:
        hints.append(Hint("Enter", "view"))
    return hints


def _label_hints(session: Session, num_targets: int, has_more: bool) -> list[Hint]:
    what = f"{num_targets:,} images" if num_targets > 1 else ""
    first = next((item for item in session.classes if item.key), None)
    hints = []
    if first is not None and (session.has_several_classes or not has_more):
        verb = "give or take" if session.has_several_classes else f"label {what}".strip()
        hints.append(Hint(class_key_text(first.key), verb, first.name, first.color))
    if session.has_several_classes:
        hints.append(Hint("Enter", f"confirm {what}".strip() + " and go on"))
    return hints


def _painting_hints(session: Session, labelling: Labelling) -> list[Hint]:
    stroke = labelling.stroke
    item = session.class_by_id(stroke.class_id) if stroke is not None else None
    if stroke is None or item is None:
        return []
    text = "every image that the arrows reach gets" if stroke.is_adding else "every image that the arrows reach loses"
    return [Hint("← ↑ ↓ →", text, item.name, item.color)]


def _accept_hints(session: Session, labelling: Labelling, num_targets: int) -> list[Hint]:
    columns, rows = session.columns, labelling.rows
    hints = []
    if labelling.are_unknown():
        hints.append(Hint("/", "unknown? Find or name its class"))
    waiting = labelling.suggested_targets()
    suggested = columns.predicted_ids[rows[waiting]]
    if len(waiting) and session.suggests_whole_sets:
        hints.append(_set_hint(session, rows[waiting], num_targets))
    elif len(suggested):
        item = session.class_by_id(int(suggested[0])) if len(np.unique(suggested)) == 1 else None
        text = "accept" if num_targets == 1 else f"accept {len(suggested):,} selected"
        if item is not None:
            hints.append(Hint("Space", f"{text} as", item.name, item.color))
        else:
            hints.append(Hint("Space", f"{text} as suggested"))
    positions, held_back = labelling.confident_and_held_back()
    confident = columns.confidences[rows[positions]]
    if len(confident) > 1:
        text = f"accept all {len(confident):,} above {CONFIDENT * 100:.0f} %"
        text += f", not {held_back:,} strange" if held_back else ""
        hints.append(Hint("Shift+Space", f"{text} — {_mistakes_text(session, confident)}"))
    return hints


def _set_hint(session: Session, rows: NDArray[np.int64], num_targets: int) -> Hint:
    """Says what Space does where it gives all suggested classes and confirms."""
    if num_targets > 1:
        return Hint("Space", f"accept {len(rows):,} selected as suggested and confirm")
    waiting = suggested_ids_at(session.columns, int(rows[0]))
    items = [each for each in session.classes if each.id in waiting]
    if not items:
        return Hint("Space", "confirm, as suggested")
    if len(items) == 1:
        return Hint("Space", "confirm with", items[0].name, items[0].color)
    return Hint("Space", f"accept the {len(items)} suggested and confirm")


def _mistakes_text(session: Session, confidences: NDArray[np.float32]) -> str:
    measured = session.run.validation if session.run is not None else None
    found = measured and expected_mistakes(confidences, measured.num_confident, measured.num_confident_wrong)
    if not found:
        return "too few labels to tell how many are wrong"
    expected, at_most = round(found.expected), math.ceil(found.at_most)
    return f"{f'about {expected:,}' if expected else 'hardly any'} wrong, at most {at_most:,}"
