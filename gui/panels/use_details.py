"""The right column of Use: the current file, what the model says of it, and the classes to put it right with."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QSize, Qt, QTimer, Signal
from PySide6.QtWidgets import QScrollArea, QVBoxLayout, QWidget

from engine.domain import ImageClass, LabelMode
from engine.errors import AppError
from engine.language import tr
from gui import wording
from gui.panels.workspace_keys import class_key_text
from gui.session import Session
from gui.thumbnails import THUMBNAIL_PX, Thumbnails
from gui.use_corrections import UseCorrections
from gui.use_files import UNSURE_BELOW, State
from gui.use_session import UseSession
from gui.widgets.class_button import ClassButton
from gui.widgets.fact_grid import FactGrid
from gui.widgets.flow_layout import FlowLayout
from gui.widgets.image_card import CardFace
from gui.widgets.image_preview import Preview
from gui.widgets.probability_bars import ProbabilityBars
from gui.widgets.text import rule, text_label

READ_DELAY_MS = 60
MAX_BUTTONS = 12
FACTS = {"file": tr("File"), "folder": tr("Folder"), "size": tr("Size"), "changed": tr("Changed")}
"""The facts of a file and what they are called."""


@dataclass(frozen=True, slots=True)
class FileFacts:
    """What is known of a file besides its name. Width and height are 0 where it is no picture."""

    size_bytes: int
    changed_at: float
    width_px: int
    height_px: int


class UseDetails(QScrollArea):
    """Shows one row of the files. The facts are read in the background, after a short rest."""

    class_pressed = Signal(int)
    """The bar of a class of the model was pressed: where does the model see it?"""
    class_wanted = Signal(int)
    """A class of the project was chosen for the file."""
    facts_read = Signal(int, int, int)
    """Row, width and height of a file."""

    def __init__(
        self,
        session: Session,
        use: UseSession,
        corrections: UseCorrections,
        thumbnails: Thumbnails,
        face_of: Callable[[int], CardFace],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._session, self._use, self._corrections = session, use, corrections
        self._thumbnails, self._face_of = thumbnails, face_of
        self._row = -1
        self._shown: list[ImageClass] | None = None
        self._preview = Preview()
        self._verdict = text_label("", "heading", wrap=True)
        self._verdict.setObjectName("useVerdict")
        self._note = text_label("", "dim", wrap=True)
        self.bars = ProbabilityBars()
        self._fix_caption = text_label("", "caption", wrap=True)
        self._fix_note = text_label("", "faint", wrap=True)
        self._fix = QWidget()
        self._fix_flow = FlowLayout(self._fix)
        self._facts = FactGrid(FACTS, paths=FACTS)
        self._nothing = text_label(tr("Nothing chosen."), "faint", wrap=True)
        self._body = QWidget()
        self._build()
        self._read_timer = QTimer(self, singleShot=True, interval=READ_DELAY_MS)
        self._read_timer.timeout.connect(self._read)
        self.bars.pressed.connect(self.class_pressed)
        thumbnails.loaded.connect(self._on_thumbnails_loaded)
        session.classes_changed.connect(self._show_buttons)
        session.project_opened.connect(self._show_buttons)
        session.project_closed.connect(self._show_buttons)
        self._show_buttons()

    def sizeHint(self) -> QSize:
        return QSize(288, 600)

    def show_row(self, row: int) -> None:
        """Shows a file; -1 shows none."""
        has_file = 0 <= row < len(self._use.files)
        self._body.setVisible(has_file)
        self._nothing.setVisible(not has_file)
        if row != self._row:
            self._row = row
            sharp = self.devicePixelRatioF() * 240 > THUMBNAIL_PX * 1.15
            self._thumbnails.want("use details", [row + 1] if has_file else [], sharp=sharp)
            for name in ("size", "changed"):
                self._facts.set_fact(name, "")
            self._read_timer.start()
        if has_file:
            self._show_file(row)

    def refresh(self) -> None:
        """Shows the same file again."""
        self.show_row(self._row)

    def forget(self) -> None:
        """Another list is shown."""
        self._row = -1
        self._preview.forget()

    def show_looked_at(self, class_id: int) -> None:
        """Marks the class that the heat map is about; 0 for none."""
        self.bars.set_looked_at(class_id)

    # ---- inside

    def _build(self) -> None:
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setAccessibleName(tr("Details"))
        body = QVBoxLayout(self._body)
        body.setContentsMargins(0, 0, 0, 0)
        body.setSpacing(8)
        body.addWidget(self._preview)
        body.addWidget(self._verdict)
        body.addWidget(self._note)
        body.addWidget(self.bars)
        body.addSpacing(8)
        self._fix_rule = rule()
        self._fix_part = QWidget()
        fix = QVBoxLayout(self._fix_part)
        fix.setContentsMargins(0, 4, 0, 8)
        fix.setSpacing(8)
        for part in (self._fix_caption, self._fix_note, self._fix):
            fix.addWidget(part)
        body.addWidget(self._fix_rule)
        body.addWidget(self._fix_part)
        body.addWidget(rule())
        body.addSpacing(4)
        body.addWidget(text_label(tr("Details"), "caption"))
        body.addLayout(self._facts)
        content = QWidget()
        content.setProperty("role", "panel")
        layout = QVBoxLayout(content)
        layout.setContentsMargins(16, 14, 16, 16)
        layout.setSpacing(8)
        layout.addWidget(text_label(tr("The model says"), "caption"))
        layout.addWidget(self._nothing)
        layout.addWidget(self._body)
        layout.addStretch(1)
        self.setWidget(content)
        self._body.hide()

    def _show_file(self, row: int) -> None:
        files, model = self._use.files, self._use.model
        columns = files.columns
        self._preview.set_face(self._face_of(row), int(columns.widths_px[row]), int(columns.heights_px[row]))
        title, note = self._words(row)
        self._verdict.setText(title)
        self._note.setText(note)
        self._note.setVisible(bool(note))
        is_done = model is not None and int(files.states[row]) == State.DONE
        self.bars.setVisible(is_done)
        if is_done and model is not None:
            shares = files.probabilities[row].tolist()
            ranked = sorted(zip(model.classes, shares, strict=True), key=lambda pair: -pair[1])
            thresholds = {item.id: share for item, share in zip(model.classes, model.thresholds, strict=False)}
            self.bars.set_predictions(ranked, thresholds if model.mode is LabelMode.SEVERAL else None)
        is_readable = int(files.states[row]) != State.FAILED
        for part in (self._fix_rule, self._fix_part):
            part.setVisible(is_readable)
        path = files.paths[row]
        self._facts.set_fact("file", path.name)
        self._facts.set_fact("folder", "" if row in files.homeless else str(path.parent))

    def _words(self, row: int) -> tuple[str, str]:
        """Returns a headline on a file and a sentence below it."""
        files, model = self._use.files, self._use.model
        if files.states[row] == State.FAILED:
            return tr("Cannot be classified"), files.reasons.get(row, "")
        if model is None:
            return tr("Not classified"), tr("There is no model yet.")
        if files.states[row] == State.WAITING:
            return tr("Waiting"), ""
        given = self._session.class_by_id(int(files.columns.class_ids[row]))
        score = float(files.columns.unknown_scores[row])
        names = [model.classes[at].name for at in files.class_rows(row)]
        said = tr(" and ").join(names) or tr("None of the classes")
        if given is not None:
            same = names == [given.name]
            as_said = tr("As the model said; labelled in the project.")
            return given.name, as_said if same else tr("The model said {said}.", said=said)
        if score >= model.unknown_threshold:
            return (
                tr("Unknown"),
                tr(
                    "It looks like none of the classes: stranger than {percent} % of known images.",
                    percent=min(99, int(100 * score)),
                ),
            )
        if files.columns.confidences[row] < UNSURE_BELOW:
            return said, tr("Unsure: less than {percent:.0f} %.", percent=100 * UNSURE_BELOW)
        return said, ""

    def _show_buttons(self) -> None:
        """Offers the classes of the project, or says why there are none to choose."""
        why_not = self._corrections.why_not
        classes = [] if why_not else list(self._session.classes)
        self._fix_caption.setText(tr("WRONG? SAY WHAT IT IS"))
        self._fix_caption.setVisible(self._session.project is not None)
        self._fix_note.setVisible(bool(why_not) or not classes)
        self._fix_note.setText(why_not or tr("Make a class in Label first."))
        self._fix.setVisible(bool(classes))
        if classes == self._shown:
            return
        self._shown = classes
        while (item := self._fix_flow.takeAt(0)) is not None:
            if (old := item.widget()) is not None:
                old.hide()
                old.deleteLater()
        for each in classes[:MAX_BUTTONS]:
            made = ClassButton(each.name, each.color, class_key_text(each.key))
            made.clicked.connect(lambda _on=False, class_id=each.id: self.class_wanted.emit(class_id))
            self._fix_flow.addWidget(made)
        if len(classes) > MAX_BUTTONS:
            self._fix_note.setText(tr("{number} more: press / to find one.", number=len(classes) - MAX_BUTTONS))
            self._fix_note.show()

    def _on_thumbnails_loaded(self, image_ids: list[int]) -> None:
        if self._row + 1 in image_ids and self._body.isVisibleTo(self):
            self.refresh()

    def _read(self) -> None:
        row = self._row
        if not 0 <= row < len(self._use.files):
            return
        files = self._use.files
        path = files.paths[row]

        def show(facts: FileFacts | None) -> None:
            if facts is None or self._use.files is not files:
                return
            self.facts_read.emit(row, facts.width_px, facts.height_px)
            if row != self._row:
                return
            size = wording.size(facts.size_bytes)
            has_size = facts.width_px and facts.height_px
            self._facts.set_fact("size", f"{facts.width_px} × {facts.height_px}, {size}" if has_size else size)
            self._facts.set_fact("changed", wording.day_and_time(facts.changed_at))
            self.refresh()

        self._use.in_background(lambda: read_facts(path), show)


def read_facts(path: Path) -> FileFacts | None:
    """Returns what is known of a file, None where it is gone. Blocks."""
    from engine.images.decode import read_info

    try:
        status = os.stat(path)
    except OSError:
        return None
    try:
        info = read_info(path)
    except AppError:
        return FileFacts(status.st_size, status.st_mtime, 0, 0)
    return FileFacts(status.st_size, status.st_mtime, info.width_px, info.height_px)
