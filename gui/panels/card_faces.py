"""What a card shows for a row of the columns: the one place where columns, classes and pictures meet."""

from __future__ import annotations

import math

from engine.domain import NO_CLASS, ImageClass, ImageStatus, Mark
from engine.language import tr
from gui.columns import is_none_suggested, is_refused
from gui.models.image_list import ImageListModel
from gui.models.image_states import has_several_classes
from gui.panels.workspace_keys import class_key_text
from gui.session import Session
from gui.thumbnails import Thumbnails
from gui.widgets.image_card import CardFace

NO_CLASS_AT_ALL = ImageClass(NO_CLASS, tr("none of them"), "#8b939e", None, -1)
"""Stands on the cards of images that the model thinks have no class, where images may have several."""


class CardFaces:
    """Makes card faces; called for every visible card at every paint, so it only looks things up."""

    def __init__(self, session: Session, model: ImageListModel, thumbnails: Thumbnails) -> None:
        self._session = session
        self._list = model
        self._thumbnails = thumbnails
        self._classes: dict[int, ImageClass] = {}
        model.note_of = self._note_of

    def classes_changed(self) -> None:
        """Takes over the session's classes."""
        self._classes = {each.id: each for each in self._session.classes}
        self._list.set_classes(self._session.classes)

    def at(self, position: int) -> CardFace:
        """Returns the face of a position of the list."""
        return self.of_row(int(self._list.rows[position]))

    def _was(self, image_id: int) -> tuple[str, str] | None:
        """Returns name and colour of the class that was suggested before, while the images that changed are shown."""
        changes = self._session.changes
        if changes.picked is None or self._list.filter.picked is not changes.picked:
            return None
        class_id = changes.old_class_id(image_id)
        if class_id is None:
            return None
        item = self._classes.get(class_id)
        return (item.name, item.color) if item is not None else (tr("unknown"), NO_CLASS_AT_ALL.color)

    def _note_of(self, row: int) -> str:
        was = self._was(int(self._session.columns.image_ids[row]))
        return tr("was {class_name} before the last training", class_name=was[0]) if was is not None else ""

    def of_row(self, row: int) -> CardFace:
        """Returns the face of a row of the columns."""
        columns = self._session.columns
        image_id = int(columns.image_ids[row])
        class_id, predicted_id = int(columns.class_ids[row]), int(columns.predicted_ids[row])
        items = [self._classes[each] for each in self._list.class_ids_at(row) if each in self._classes]
        num_given = len(items)
        if has_several_classes(columns):
            items += [self._classes[each] for each in self._list.suggested_ids_at(row) if each in self._classes]
            if is_none_suggested(columns, row):
                items.append(NO_CLASS_AT_ALL)
        item = items[0] if items else None
        is_confirmed = bool(int(columns.marks[row]) & Mark.CONFIRMED)
        is_open = class_id == NO_CLASS and not is_confirmed
        is_unknown = is_open and bool(columns.look_unknown(slice(row, row + 1))[0])
        is_suggestion = is_open and predicted_id != NO_CLASS and not is_unknown
        is_suggestion = is_suggestion and not is_refused(columns, slice(row, row + 1))[0]
        if has_several_classes(columns):
            is_suggestion = bool(items) and not num_given
        elif is_suggestion:
            item = self._classes.get(predicted_id)
        confidence = float(columns.confidences[row])
        marks = int(columns.marks[row])
        offline = self._thumbnails.folders.offline
        return CardFace(
            image_id=image_id,
            name=columns.names[row],
            # The sharp picture is there only if a view that needs it asked for it.
            image=self._thumbnails.get(image_id, sharp=True),
            failure=self._thumbnails.failure(image_id) or "",
            class_name=item.name if item is not None else "",
            class_color=item.color if item is not None else "",
            class_key=class_key_text(item.key) if item is not None else "",
            more_classes=tuple((each.name, each.color) for each in items[1:]),
            num_ghosts=len(items) - num_given,
            is_suggestion=is_suggestion and item is not None,
            # Nothing that is not shown: faces that are equal look alike, and are not painted again.
            confidence=confidence if is_suggestion and not math.isnan(confidence) else None,
            is_unknown=is_unknown,
            is_skipped=class_id == NO_CLASS and bool(marks & Mark.SKIPPED),
            is_unsure=bool(marks & Mark.UNSURE),
            is_noted=bool(columns.noted[row]),
            was=self._was(image_id),
            is_confirmed=is_confirmed,
            is_accepted=bool(columns.accepted[row]),
            status=ImageStatus(int(columns.statuses[row])),
            is_offline=bool(offline) and int(columns.root_ids[row]) in offline,
        )
