"""Which keys the hint line names, given what is selected."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from engine.domain import CONFIDENT
from engine.evaluation.acceptance import expected_mistakes
from engine.evaluation.representation import unlike_of
from engine.language import tr, trc
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
        return [Hint("/", tr("name the first class and label the selected images"))]
    if is_painting:
        return painting_hints(session, labelling)
    hints = []
    if len(targets):
        hints += _accept_hints(session, labelling, len(targets))
        hints += _label_hints(session, len(targets), has_more=bool(hints))
        hints += [Hint("X", trc("verb", "skip")), Hint("?", tr("unsure"))]
        if not labelling.are_unknown():
            hints.insert(-1, Hint("/", tr("find class")))
    hints.append(Hint("Tab", tr("next unlabelled")))
    if is_viewing:
        hints.append(Hint("Esc", tr("grid")))
    elif not session.has_several_classes:
        hints.append(Hint(tr("Enter"), trc("verb", "view")))
    return hints


def _label_hints(session: Session, num_targets: int, has_more: bool) -> list[Hint]:
    first = next((item for item in session.classes if item.key), None)
    hints = []
    if first is not None and (session.has_several_classes or not has_more):
        verb = tr("give or take") if session.has_several_classes else _label_verb(num_targets)
        hints.append(Hint(class_key_text(first.key), verb, first.name, first.color))
    if session.has_several_classes:
        is_one = num_targets == 1
        text = tr("confirm and go on") if is_one else tr("confirm {number:,} images and go on", number=num_targets)
        hints.append(Hint(tr("Enter"), text))
    return hints


def _label_verb(num_targets: int) -> str:
    return trc("verb", "label") if num_targets == 1 else tr("label {number:,} images", number=num_targets)


def painting_hints(session: Session, labelling: Labelling) -> list[Hint]:
    """Says that a class key is held, first in few words: that is seen however little room there is."""
    stroke = labelling.stroke
    item = session.class_by_id(stroke.class_id) if stroke is not None else None
    if stroke is None or item is None:
        return []
    gets, loses = tr("every image that the arrows reach gets"), tr("every image that the arrows reach loses")
    state = tr("Painting:") if stroke.is_adding else tr("Taking away:")
    arrows = Hint("← ↑ ↓ →", gets if stroke.is_adding else loses, item.name, item.color)
    return [Hint("", state, item.name, item.color), arrows]


def _accept_hints(session: Session, labelling: Labelling, num_targets: int) -> list[Hint]:
    columns, rows = session.columns, labelling.rows
    hints = []
    if labelling.are_unknown():
        hints.append(Hint("/", tr("unknown? Find or name its class")))
    waiting = labelling.suggested_targets()
    suggested = columns.predicted_ids[rows[waiting]]
    if len(waiting) and session.suggests_whole_sets:
        hints.append(_set_hint(session, rows[waiting], num_targets))
    elif len(suggested):
        item = session.class_by_id(int(suggested[0])) if len(np.unique(suggested)) == 1 else None
        number = len(suggested)
        if item is not None:
            as_one, as_all = tr("accept as"), tr("accept {number:,} selected as", number=number)
            hints.append(Hint(tr("Space"), as_one if num_targets == 1 else as_all, item.name, item.color))
        else:
            as_one, as_all = tr("accept as suggested"), tr("accept {number:,} selected as suggested", number=number)
            hints.append(Hint(tr("Space"), as_one if num_targets == 1 else as_all))
    positions, held_back = labelling.confident_and_held_back()
    confident = columns.confidences[rows[positions]]
    if len(confident) > 1:
        hints.append(Hint(tr("Shift+Space"), _confident_text(len(confident), held_back, _mistakes(session, confident))))
    return hints


def _set_hint(session: Session, rows: NDArray[np.int64], num_targets: int) -> Hint:
    """Says what Space does where it gives all suggested classes and confirms."""
    if num_targets > 1:
        return Hint(tr("Space"), tr("accept {number:,} selected as suggested and confirm", number=len(rows)))
    waiting = suggested_ids_at(session.columns, int(rows[0]))
    items = [each for each in session.classes if each.id in waiting]
    if not items:
        return Hint(tr("Space"), tr("confirm, as suggested"))
    if len(items) == 1:
        return Hint(tr("Space"), tr("confirm with"), items[0].name, items[0].color)
    return Hint(tr("Space"), tr("accept the {number} suggested and confirm", number=len(items)))


def _confident_text(number: int, num_held_back: int, mistakes: str) -> str:
    values = {"number": number, "percent": CONFIDENT * 100, "mistakes": mistakes}
    if not num_held_back:
        return tr("accept all {number:,} above {percent:.0f} % — {mistakes}", **values)
    return tr(
        "accept all {number:,} above {percent:.0f} %, not {num_strange:,} strange — {mistakes}",
        num_strange=num_held_back,
        **values,
    )


def _mistakes(session: Session, confidences: NDArray[np.float32]) -> str:
    measured = session.run.validation if session.run is not None else None
    if session.run is not None and unlike_of(session.run.settings) is not None:
        return tr("nobody can tell how many are wrong: many open images look like nothing labelled yet")
    found = measured and expected_mistakes(confidences, measured.num_confident, measured.num_confident_wrong)
    if not found:
        return tr("too few labels to tell how many are wrong")
    expected, at_most = round(found.expected), math.ceil(found.at_most)
    if not expected:
        return tr("hardly any wrong, at most {at_most:,}", at_most=at_most)
    return tr("about {expected:,} wrong, at most {at_most:,}", expected=expected, at_most=at_most)
