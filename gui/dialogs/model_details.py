"""What the active model gets right and wrong, and how that was measured."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from engine.backbones import CATALOGUE
from engine.domain import Run
from engine.own_backbones import RUN_PREFIX
from gui import wording
from gui.dialogs.frame import FramedDialog
from gui.session import Session
from gui.theme import font
from gui.widgets.buttons import button
from gui.widgets.confusion_matrix import ConfusionMatrix
from gui.widgets.dot import Dot
from gui.widgets.text import ElidedLabel, text_label

UNNAMED_COLOR = "#8b939e"
MIN_NAME_PX = 104


class ModelDetailsDialog(FramedDialog):
    """Figures, per-class table and confusion matrix of the active run."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        run = session.run
        assert run is not None
        super().__init__(f"Model {run.id}", _how_measured(run), parent)
        self.resize(980, 620)
        colors = {each.id: each.color for each in session.classes}
        self._colors = [colors.get(class_id, UNNAMED_COLOR) for class_id in run.class_ids]
        self._names = _current_names(session, run)
        self._session = session
        self.body.addLayout(self._make_figures(run))
        self.body.addSpacing(4)
        halves = QHBoxLayout()
        halves.setSpacing(16)
        halves.addWidget(self._make_classes(run), 1)
        halves.addWidget(self._make_confusion(run), 1)
        self.body.addLayout(halves, 1)
        self.left_out = text_label(_left_out(session, run), "faint", wrap=True)
        self.left_out.setVisible(bool(self.left_out.text()))
        self.body.addWidget(self.left_out)
        export = self.add_button(
            button("Export model…", "", "export", "Take this model out of the program (Ctrl+E)"), on_left=True
        )
        export.clicked.connect(self._on_export)
        close = self.add_button(button("Close", "primary"))
        close.clicked.connect(self.accept)

    def _on_export(self) -> None:
        window: Any = self.parent()
        self.accept()
        window.commands.export_model()

    def _make_figures(self, run: Run) -> QHBoxLayout:
        validation = run.validation
        backbone = _network_words(run)
        seconds = sum(run.seconds.values())
        row = QHBoxLayout()
        row.setSpacing(12)
        low, high = validation.accuracy_interval
        learnt = f"{'image' if run.num_images == 1 else 'images'} of {wording.classes(len(run.class_names))}"
        figures = (
            (
                "Right",
                wording.percent(validation.accuracy),
                f"{100 * low:.1f} to {100 * high:.1f} %",
                "Share of unseen images that got their right class, with its 95 % interval",
            ),
            (
                "Mean F1",
                wording.percent(validation.macro_f1),
                "classes count alike",
                "F1 is the balance of precision and recall; this is its mean over the classes",
            ),
            (
                "Confidence is off by",
                wording.percent(validation.ece),
                "on average",
                "Expected calibration error: the gap between how sure the model says it is and how often it is right",
            ),
            ("Learnt from", f"{run.num_images:,}", learnt, "Labelled images that the model saw"),
            (
                "Took",
                wording.duration(seconds),
                backbone,
                "Time for looking at the images and training, and the network that looked",
            ),
        )
        for title, value, note, tooltip in figures:
            row.addWidget(_figure(title, value, note, tooltip), 1)
        return row

    def _make_classes(self, run: Run) -> QWidget:
        card, column = _card("Per class")
        grid = QGridLayout()
        grid.setHorizontalSpacing(9)
        grid.setVerticalSpacing(8)
        grid.setColumnStretch(1, 1)
        right = Qt.AlignmentFlag.AlignRight
        for place, title, tooltip in (
            (2, "precision", "Of the images that the model gave this class, the share that has it"),
            (3, "recall", "Of the images that have this class, the share that the model found, with its 95 % interval"),
            (5, "F1", "The balance of precision and recall"),
            (6, "images", "Labelled images of this class"),
        ):
            head = text_label(title, "faint")
            head.setToolTip(tooltip)
            grid.addWidget(head, 0, place, right)
        for line, figures in enumerate(run.validation.per_class, start=1):
            index = _class_index(run, figures["class"])
            grid.addWidget(Dot(self._colors[index]), line, 0)
            name = ElidedLabel(self._names[index])
            name.setMinimumWidth(MIN_NAME_PX)
            grid.addWidget(name, line, 1)
            for place, key in ((2, "precision"), (3, "recall"), (5, "f1")):
                number = text_label(f"{100 * figures[key]:.1f}", "warning" if figures[key] < 0.7 else "")
                grid.addWidget(number, line, place, right)
            if "recall_interval" in figures:
                low, high = figures["recall_interval"]
                grid.addWidget(text_label(f"({100 * low:.0f}–{100 * high:.0f})", "faint"), line, 4, right)
            grid.addWidget(text_label(f"{figures['support']:,}", "dim"), line, 6, right)
        inner = QWidget()
        stack = QVBoxLayout(inner)
        stack.setContentsMargins(0, 0, 6, 0)
        stack.addLayout(grid)
        stack.addStretch(1)
        column.addWidget(_scrolled(inner), 1)
        return card

    def _make_confusion(self, run: Run) -> QWidget:
        card, column = _card("Taken for · rows are the true classes")
        column.addWidget(_scrolled(ConfusionMatrix(self._names, self._colors, run.validation.confusion)), 1)
        return card


def _card(title: str) -> tuple[QFrame, QVBoxLayout]:
    card = QFrame()
    card.setProperty("role", "card")
    column = QVBoxLayout(card)
    column.setContentsMargins(18, 16, 10, 14)
    column.setSpacing(10)
    column.addWidget(text_label(title, "caption"))
    return card, column


def _scrolled(widget: QWidget) -> QScrollArea:
    area = QScrollArea()
    area.setWidgetResizable(True)
    area.setWidget(widget)
    for each in (area.viewport(), widget):
        each.setAutoFillBackground(False)
    return area


def _figure(title: str, value: str, note: str, tooltip: str) -> QFrame:
    card = QFrame()
    card.setProperty("role", "card")
    card.setToolTip(tooltip)
    column = QVBoxLayout(card)
    column.setContentsMargins(16, 12, 12, 12)
    column.setSpacing(2)
    column.addWidget(ElidedLabel(title, "faint"))
    number = ElidedLabel(value)
    number.setFont(font(1.6, bold=True))
    column.addWidget(number)
    column.addWidget(ElidedLabel(note, "dim"))
    return card


def _how_measured(run: Run) -> str:
    method = run.validation.method.strip().rstrip(".")
    sentence = "All figures come from images that the scored model had not seen in training"
    return f"{sentence} ({method})." if method else f"{sentence}."


def _class_index(run: Run, named: object) -> int:
    """Per-class figures name their class by its target index or by its name."""
    return named if isinstance(named, int) else run.class_names.index(str(named))


def _network_words(run: Run) -> str:
    """Returns e.g. "MobileNetV2", "MobileNetV2, partial" or "network of model 3"."""
    name = CATALOGUE[run.backbone].display_name if run.backbone in CATALOGUE else run.backbone
    if run.backbone.startswith(RUN_PREFIX):
        name = f"network of model {run.backbone.removeprefix(RUN_PREFIX)}"
    return name if run.depth == "head" else f"{name}, {run.depth}"


def _current_names(session: Session, run: Run) -> list[str]:
    """Returns the names as they are now, also after a class was renamed."""
    now = {each.id: each.name for each in session.classes}
    return [now.get(class_id, name) for class_id, name in zip(run.class_ids, run.class_names, strict=True)]


def _left_out(session: Session, run: Run) -> str:
    """Says which classes the model does not know, and which labels came later."""
    unknown = [each.name for each in session.classes if each.id not in run.class_ids]
    parts = [str(run.settings.get("story", ""))]
    noted = run.settings.get("notes")
    notes = [str(each) for each in noted] if isinstance(noted, list) else []
    if notes:
        parts.append(" ".join(notes))
    if unknown:
        why = "" if notes else " (too few images when it was trained)"
        parts.append(f"Not known to this model: {', '.join(unknown)}{why}.")
    if session.facts.num_labels_since:
        parts.append(f"{wording.count(session.facts.num_labels_since, 'new label')} since.")
    return " ".join(part for part in parts if part)
