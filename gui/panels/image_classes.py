"""The classes of the image that is looked at, as chips that can be taken away, and how far it has come."""

from __future__ import annotations

import math

import numpy as np
from PySide6.QtWidgets import QVBoxLayout, QWidget

from engine.domain import ImageClass, Mark, Source
from engine.language import tr
from gui.columns import class_ids_at, has_open_suggestion, is_none_suggested, suggested_ids_at
from gui.session import Session
from gui.widgets.class_chip import ClassChip
from gui.widgets.flow_layout import FlowLayout
from gui.widgets.image_card import percent
from gui.widgets.text import set_role, text_label


class ImageClassesPanel(QWidget):
    """Chips of all classes; of the suggestion, where it is open; and in words what is marked."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._image_id = 0
        self._shown: tuple[object, ...] = ()
        self.chips: list[ClassChip] = []
        self._state = text_label("", "dim", wrap=True)
        self._unknown = text_label("", "warning", wrap=True)
        self._unknown.hide()
        self._row = QWidget()
        self._flow = FlowLayout(self._row)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        layout.addWidget(self._row)
        layout.addWidget(self._state)
        layout.addWidget(self._unknown)
        session.classes_changed.connect(self._forget)

    def show_row(self, row: int) -> None:
        """Shows the classes of a row of the columns."""
        columns, session = self._session.columns, self._session
        self._image_id = int(columns.image_ids[row])
        ids = frozenset(class_ids_at(columns, row))
        marks = Mark(int(columns.marks[row]))
        ghosts = self._ghosts_of(row)
        known = [each for each in session.classes if each.id in ids]
        is_unknown = bool(columns.look_unknown(slice(row, row + 1))[0]) and not known and Mark.CONFIRMED not in marks
        strangeness = unknown_text(float(columns.unknown_scores[row])) if is_unknown else ""
        thinks_none = session.has_several_classes and is_none_suggested(columns, row)
        is_accepted = bool(columns.accepted[row])
        look = (thinks_none, is_accepted, strangeness, session.label_mode)
        shown = (self._image_id, tuple(known), marks, tuple(ghosts), look)
        if shown == self._shown:
            return
        self._shown = shown
        self._rebuild(known, ghosts)
        self._say(len(known), bool(ghosts), marks, thinks_none, is_accepted)
        self._unknown.setText(strangeness)
        self._unknown.setVisible(bool(strangeness))

    def _forget(self) -> None:
        self._shown = ()

    def _ghosts_of(self, row: int) -> list[tuple[ImageClass, str]]:
        """Returns the classes that wait to be accepted, each with how probable it is."""
        session, columns = self._session, self._session.columns
        if not has_open_suggestion(columns, np.array([row]))[0]:
            return []
        if session.has_several_classes:
            waiting = suggested_ids_at(columns, row)
            found = [
                (item, percent(share)) for item, share in session.predictions(self._image_id) if item.id in waiting
            ]
            return found or [(each, "") for each in session.classes if each.id in waiting]
        ghost, confidence = session.class_by_id(int(columns.predicted_ids[row])), float(columns.confidences[row])
        return [(ghost, "" if math.isnan(confidence) else percent(confidence))] if ghost is not None else []

    def _rebuild(self, known: list[ImageClass], ghosts: list[tuple[ImageClass, str]]) -> None:
        for chip in self.chips:
            self._flow.removeWidget(chip)
            chip.hide()
            chip.deleteLater()
        self.chips = []
        for item in known:
            chip = ClassChip(item.name, item.color)
            chip.clicked.connect(lambda _on=False, class_id=item.id: self._remove(class_id))
            self._add(chip)
        for ghost, note in ghosts:
            chip = ClassChip(ghost.name, ghost.color, is_ghost=True, note=note)
            if self._session.has_several_classes:
                chip.setToolTip(
                    tr("{name}: give this suggested class; Space takes all of them and confirms", name=ghost.name)
                )
            chip.clicked.connect(lambda _on=False, class_id=ghost.id: self._accept(class_id))
            self._add(chip)
        self._row.setVisible(bool(self.chips))
        self._row.updateGeometry()

    def _add(self, chip: ClassChip) -> None:
        chip.setEnabled(not self._session.is_read_only)
        self._flow.addWidget(chip)
        chip.show()
        self.chips.append(chip)

    def _accept(self, class_id: int) -> None:
        if self._session.has_several_classes:
            self._session.label([self._image_id], class_id, Source.SUGGESTION)
        else:
            self._session.accept_suggestions([self._image_id])

    def _remove(self, class_id: int) -> None:
        if self._session.has_several_classes:
            self._session.remove_class([self._image_id], class_id)
        else:
            self._session.clear([self._image_id])

    def _say(self, num_classes: int, has_ghost: bool, marks: Mark, thinks_none: bool, is_accepted: bool) -> None:
        words = [tr("An accepted suggestion")] if is_accepted else []
        if self._session.has_several_classes:
            if Mark.CONFIRMED in marks:
                words.append(tr("Confirmed") if num_classes else tr("Confirmed: none of the classes"))
            else:
                words.append(
                    tr("The model sees none of the classes (Space)") if thinks_none else tr("Not confirmed yet (Enter)")
                )
        elif not num_classes and not has_ghost:
            words.append(tr("Not labelled"))
        if Mark.SKIPPED in marks and not num_classes:
            words.append(tr("skipped"))
        if Mark.UNSURE in marks:
            words.append(tr("unsure"))
        text = ", ".join(words)
        self._state.setText(text[:1].upper() + text[1:])
        self._state.setVisible(bool(text))
        set_role(self._state, "success" if Mark.CONFIRMED in marks else "dim")


def unknown_text(score: float) -> str:
    """Returns what an unknown score says of an image, e.g. "... stranger than 99 % of known images"."""
    return tr("Looks like none of the classes: stranger than {share} of known images.", share=percent(score))
