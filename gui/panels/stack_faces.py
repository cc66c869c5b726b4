"""What stands on the pictures and heads of stacks: where stacks, columns and what the model says meet."""

from __future__ import annotations

from typing import Final

import numpy as np

from engine.language import tr
from gui import wording
from gui.models.stack_list import StackListModel
from gui.panels.card_faces import CardFaces
from gui.session import Session
from gui.stack_suggestions import Suggested
from gui.theme import theme
from gui.thumbnails import Thumbnails
from gui.widgets.image_card import CardFace
from gui.widgets.painted_chip import UNKNOWN_TEXT
from gui.widgets.stack_paint import StackHead

CLEAR: Final = 0.6
"""A stack that stands apart less clearly (`clusters.clearness`) is said to run into others."""
AGREED: Final = 0.9
"""Where the model gives fewer of a stack's images one class, it is said to see several, or how many differ.
Both measured by bench_stacks.py."""


class StackFaces(CardFaces):
    """Called for all that is visible at every paint; remembers what takes more than looking up."""

    def __init__(self, session: Session, model: StackListModel, thumbnails: Thumbnails) -> None:
        super().__init__(session, model, thumbnails)
        self._stacks, self._model = session.stacks, model
        self._suggested: dict[int, Suggested | None] = {}

    def forget(self) -> None:
        """Other stacks are shown, or the model says something else."""
        self._suggested.clear()

    def head(self, stack: int) -> StackHead:
        """Returns what stands over a stack."""
        shown = self._model.stacks
        span = shown.span(stack)
        num_aside = int(np.count_nonzero(shown.are_aside[span]))
        suggested = self._suggestion(stack)
        return StackHead(
            title=wording.count(span.stop - span.start - num_aside, "image"),
            details=tr("{num_aside:,} set aside", num_aside=num_aside) if num_aside else "",
            note=self._note(stack),
            suggestion=(suggested.item.name, suggested.item.color, suggested.confidence) if suggested else None,
            num_others=suggested.num_named - suggested.num_agreeing if suggested else 0,
        )

    def other(self, position: int, face: CardFace) -> tuple[str, str] | None:
        """Returns name and colour of what the model takes a picture for instead of what it says of the stack."""
        suggested = self._suggestion(self._model.stacks.index_of(position))
        if suggested is None or not (face.is_suggestion or face.is_unknown):
            return None
        if face.is_unknown:
            return UNKNOWN_TEXT, theme().text_dim
        return (face.class_name, face.class_color) if face.class_name != suggested.item.name else None

    def _note(self, stack: int) -> str:
        if self._session.run is not None and stack < self._stacks.num_open and self._stacks.looks_unknown(stack):
            return tr("Looks like none of your classes")
        if stack < self._stacks.num_open and (agreement := self._stacks.agreement(stack)) is not None:
            if agreement >= AGREED or self._suggestion(stack) is not None:
                return ""  # with a suggestion stands how many differ
            return tr("The model sees several classes: look closely")
        is_clear = self._model.stacks.clearnesses[stack] >= CLEAR
        return "" if is_clear else tr("Much like other stacks: look closely")

    def _suggestion(self, stack: int) -> Suggested | None:
        if stack not in self._suggested:
            self._suggested[stack] = self._stacks.suggestion(stack) if stack < self._stacks.num_open else None
        return self._suggested[stack]
