"""Which keys the line below the files of Use names at the moment."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from engine.language import tr
from gui.panels.workspace_keys import class_key_text
from gui.use_files import State
from gui.widgets.hint_line import Hint

if TYPE_CHECKING:
    from gui.panels.use_workspace import UseWorkspace

MAX_CLASSES = 3


def hints_for(workspace: UseWorkspace) -> list[Hint]:
    """Returns the hints for what is current and selected."""
    rows = workspace.targets()
    use = workspace.use
    if not len(use.files):
        return [Hint(tr("Ctrl+V"), tr("paste a picture")), Hint("F1", tr("all keys"))] if use.model is not None else []
    hints: list[Hint] = []
    is_failed = bool(len(rows)) and bool(np.all(use.files.states[rows] == State.FAILED))
    if not workspace.corrections.why_not and len(rows) and not is_failed:
        is_done = bool(np.all(use.files.states[rows[:1]] == State.DONE))
        if is_done:
            hints.append(Hint(tr("Space"), tr("right, take it as a label")))
        with_keys = [item for item in workspace.session.classes if item.key][:MAX_CLASSES]
        hints += [Hint(class_key_text(item.key), tr("it is"), item.name, item.color) for item in with_keys]
        hints.append(Hint("/", tr("find class")))
    hints.append(Hint("H", tr("where it looks")))
    hints.append(Hint(tr("Esc"), tr("back")) if workspace.is_viewing else Hint(tr("Enter"), tr("look closely")))
    return hints
