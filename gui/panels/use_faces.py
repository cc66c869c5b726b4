"""What a card shows of a file in Use: the predicted class as a dashed chip, a correction as a filled one."""

from __future__ import annotations

import math

from engine.domain import NO_CLASS, ImageStatus, LabelMode
from gui.models.image_list import ImageListModel
from gui.panels.card_faces import NO_CLASS_AT_ALL
from gui.session import Session
from gui.thumbnails import Thumbnails
from gui.use_files import UNSURE_BELOW, State
from gui.use_session import UseSession
from gui.widgets.image_card import CardFace, percent


class UseFaces:
    """Makes card faces; called for every visible card at every paint, so it only looks things up."""

    def __init__(self, session: Session, use: UseSession, model: ImageListModel, thumbnails: Thumbnails) -> None:
        self._session = session
        self._use = use
        self._list = model
        self._thumbnails = thumbnails

    def at(self, position: int) -> CardFace:
        """Returns the face of a position of the list."""
        return self.of_row(int(self._list.rows[position]))

    def of_row(self, row: int) -> CardFace:
        """Returns the face of a row of the files."""
        files, model = self._use.files, self._use.model
        columns = files.columns
        state = int(files.states[row])
        image_id, is_done = row + 1, state == State.DONE
        given = self._session.class_by_id(int(columns.class_ids[row])) if columns.class_ids[row] else None
        is_unknown = is_done and bool(columns.unknown_scores[row] >= columns.unknown_threshold)
        confidence = float(columns.confidences[row])
        said = model.class_by_id(int(columns.predicted_ids[row])) if model is not None and is_done else None
        if is_done and said is None and columns.predicted_ids[row] == NO_CLASS:
            said = NO_CLASS_AT_ALL
        more: tuple[tuple[str, str], ...] = ()
        if model is not None and model.mode is LabelMode.SEVERAL and given is None:
            more = tuple((model.classes[at].name, model.classes[at].color) for at in files.class_rows(row)[1:])
        shown = given or (None if is_unknown else said)
        opinion = None
        if given is not None and said is not None and said.name != given.name:
            opinion = (said.name, percent(confidence), said.color)
        is_failed = state == State.FAILED
        return CardFace(
            image_id=image_id,
            name=columns.names[row],
            # The sharp picture is there only if a view that needs it asked for it.
            image=self._thumbnails.get(image_id, sharp=True),
            failure=self._thumbnails.failure(image_id) or "",
            class_name=shown.name if shown is not None else "",
            class_color=shown.color if shown is not None else "",
            more_classes=more,
            num_ghosts=len(more),
            is_suggestion=given is None and shown is not None,
            is_unknown=is_unknown and given is None,
            confidence=None if math.isnan(confidence) else confidence,
            is_unsure=is_done and given is None and not is_unknown and confidence < UNSURE_BELOW,
            status=ImageStatus.UNREADABLE if is_failed else ImageStatus.READABLE,
            opinion=opinion,
        )
