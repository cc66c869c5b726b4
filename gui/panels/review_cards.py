"""The smaller cards of Review's overview: figures per class, confidence, learning curve, suspects, facts of the run."""

from __future__ import annotations

import math
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from engine.language import decimal, tr, trc
from gui import review_words, wording
from gui.review_words import RunClass
from gui.thumbnails import Thumbnails
from gui.widgets.buttons import button
from gui.widgets.card import Card
from gui.widgets.class_colors import as_text
from gui.widgets.class_table import ClassRow, ClassTable, Column
from gui.widgets.learning_plot import LearningPlot, LearningPoint
from gui.widgets.reliability_plot import ReliabilityPlot, ReliabilityPoint
from gui.widgets.suspect_list import SuspectFace, SuspectList
from gui.widgets.text import ElidedLabel, rule, text_label

if TYPE_CHECKING:
    from engine.errors import AppError
    from engine.evaluation.learning_curve import LearningForecast
    from engine.tasks.review import Review

PRECISION = Column(
    "precision", tr("precision"), tr("Of the images that the model gave this class, the share that has it")
)
RECALL = Column(
    "recall",
    tr("recall (95 %)"),
    tr("Of the images that have this class, the share that the model found"),
    has_interval=True,
)
F1 = Column("f1", "F1", tr("The balance of precision and recall"))
IMAGES = Column("support", tr("images"), tr("Labelled images of this class that were measured"), is_count=True)
AVERAGE = Column(
    "average_precision",
    tr("average precision"),
    tr("How well the class's images come before all others when sorted by how sure the model is"),
    has_interval=True,
)
THRESHOLD = Column(
    "threshold",
    trc("threshold", "from"),
    tr("How sure the model must be for this class to be suggested, in per cent"),
    is_setting=True,
)
ONE_CLASS = (PRECISION, RECALL, F1, IMAGES)
SEVERAL_CLASSES = (AVERAGE, PRECISION, RECALL, THRESHOLD, IMAGES)


class PerClassCard(Card):
    """A row opens the images of its class."""

    class_opened = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(tr("Per class"), parent)
        self.table = ClassTable()
        self.table.class_opened.connect(self.class_opened)
        self.weakest = QLabel()
        self.weakest.setTextFormat(Qt.TextFormat.RichText)
        self.weakest.setWordWrap(True)
        self.weakest.setProperty("role", "dim")
        self._rule = rule()
        self.body.addWidget(self.table, 1)
        self.body.addWidget(self._rule)
        self.body.addWidget(self.weakest)

    def show_review(self, review: Review, classes: list[RunClass]) -> None:
        """Shows the figures of a review."""
        metrics: Any = review.metrics if review.metrics is not None else review.several
        columns = ONE_CLASS if review.metrics is not None else SEVERAL_CLASSES
        rows = [
            ClassRow(
                index := int(each["class"]),
                classes[index].name,
                classes[index].color,
                {key: float(value) for key, value in each.items() if isinstance(value, int | float)},
                {key.removesuffix("_interval"): tuple(each[key]) for key in each if key.endswith("_interval")},
            )
            for each in (metrics.per_class if metrics is not None else ())
            if int(each["class"]) < len(classes)
        ]
        self.table.set_rows(columns, rows)
        parts: list[str] = []
        names = [each.name for each in classes]
        if review.metrics is not None:
            parts = review_words.weakest(review.metrics.per_class, review.metrics.confusion, names)
        elif review.several is not None and review.present is not None and review.suggested is not None:
            missed = (review.present & ~review.suggested).sum(axis=0)
            taken = (~review.present & review.suggested).sum(axis=0)
            parts = review_words.weakest_of_several(review.several.per_class, missed, taken, names)
        colors = {each.name: as_text(each.color).name() for each in classes}
        self.weakest.setText(
            "".join(
                f"<b style='color:{colors[part]}'>{escape(part)}</b>" if at % 2 and part in colors else escape(part)
                for at, part in enumerate(parts)
            )
        )
        for each in (self._rule, self.weakest):
            each.setVisible(bool(parts))


class ReliabilityCard(Card):
    """A point opens its images."""

    point_opened = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(tr("Confidence you can believe"), parent)
        self.plot = ReliabilityPlot()
        self.plot.point_opened.connect(self.point_opened)
        self.words = text_label("", "dim", wrap=True)
        self.body.addWidget(self.plot, 1)
        self.body.addWidget(self.words)

    def show_review(self, review: Review) -> None:
        """Shows the reliability of a review."""
        self.plot.set_points(
            [
                ReliabilityPoint(each.confidence, each.accuracy, *each.interval, len(each.rows))
                for each in review.reliability
            ]
        )
        metrics: Any = review.metrics if review.metrics is not None else review.several
        if metrics is not None and math.isfinite(metrics.ece):
            self.words.setText(review_words.calibration(metrics.ece, metrics.num_images))


class LearningCard(Card):
    """Are you done? The forecast, or why there is none yet."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(tr("Are you done?"), parent)
        self.plot = LearningPlot()
        self.words = text_label("", wrap=True)
        self.body.addWidget(self.plot, 1)
        self.body.addWidget(self.words)
        self._rest = QWidget()
        self.body.addWidget(self._rest, 1)
        self.show_forecast(None, None, False)

    def show_forecast(self, forecast: LearningForecast | None, error: AppError | None, is_working: bool) -> None:
        """Shows a forecast; without one, what it waits for."""
        self.plot.setVisible(forecast is not None)
        self._rest.setVisible(forecast is None)
        if forecast is None:
            waiting = tr("Training on parts of your labels to see what more of them would bring…")
            too_few = tr("Too few labels to look ahead yet.")
            self.words.setText(waiting if is_working else error.message if error else too_few)
            return
        self.plot.set_curve(
            [LearningPoint(each.num_images, each.accuracy, *each.interval) for each in forecast.points],
            [
                LearningPoint(float(size), float(value), float(low), float(high))
                for size, value, (low, high) in zip(forecast.sizes, forecast.curve, forecast.band, strict=True)
                if size >= forecast.points[-1].num_images
            ],
        )
        self.words.setText(forecast.sentence)


class SuspectsCard(Card):
    """The first suspects; each opens the page where they are decided."""

    suspect_opened = Signal(int)
    all_asked = Signal()

    def __init__(self, thumbnails: Thumbnails, parent: QWidget | None = None) -> None:
        super().__init__(tr("Suspected label mistakes"), parent)
        self.list = SuspectList(thumbnails)
        self.list.suspect_opened.connect(self.suspect_opened)
        self.words = text_label("", "dim", wrap=True)
        self.words.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)
        self.all_button = button(tr("Go through them"), "link", tooltip=tr("Decide one after the other with A and D"))
        self.all_button.clicked.connect(self.all_asked)
        self.head.addWidget(self.all_button)
        self.body.addWidget(self.list, 1)
        self.body.addWidget(self.words, 1)

    def show_faces(self, faces: list[SuspectFace]) -> None:
        """Shows the suspects that are still to be decided."""
        self.list.set_faces(faces)
        counted = tr("Suspected label mistakes · {number:,}", number=len(faces))
        self.set_caption(counted if faces else tr("Suspected label mistakes"))
        self.list.setVisible(bool(faces))
        self.all_button.setVisible(bool(faces))
        self.words.setVisible(not faces)
        self.words.setText(tr("No label stands out as wrong."))


class FactsCard(Card):
    """Everything else that was measured, and on what."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(tr("How good, on images it had not seen"), parent)
        self._row = QHBoxLayout()
        self._row.setSpacing(16)
        self._figures: dict[str, tuple[QWidget, ElidedLabel, ElidedLabel]] = {}
        self.notes = text_label("", "faint", wrap=True)
        self.body.addLayout(self._row)
        self.body.addWidget(self.notes)

    def show_figures(self, figures: list[tuple[str, str, str, str]], notes: str) -> None:
        """Shows figures as (title, value, small print, tooltip) side by side."""
        if [each[0] for each in figures] != list(self._figures):
            self._rebuild([each[0] for each in figures])
        for title, value, small, tooltip in figures:
            box, number, below = self._figures[title]
            number.setText(value)
            below.setText(small)
            box.setToolTip(tooltip)
        self.notes.setText(notes)
        self.notes.setVisible(bool(notes))

    def _rebuild(self, titles: list[str]) -> None:
        while (item := self._row.takeAt(0)) is not None:
            if (old := item.widget()) is not None:
                old.deleteLater()
        self._figures.clear()
        for title in titles:
            box = QWidget()
            column = QVBoxLayout(box)
            column.setContentsMargins(0, 0, 0, 0)
            column.setSpacing(1)
            number, below = ElidedLabel(role="heading"), ElidedLabel(role="dim")
            column.addWidget(ElidedLabel(title, "faint"))
            column.addWidget(number)
            column.addWidget(below)
            self._figures[title] = (box, number, below)
            self._row.addWidget(box, 1)


def figures_of(review: Review) -> list[tuple[str, str, str, str]]:
    """Returns what the facts card shows of a review."""
    run, metrics = review.run, review.metrics
    figures = []
    if metrics is not None:
        figures += [
            (
                trc("figure", "Right"),
                wording.percent(metrics.accuracy),
                _between(metrics.accuracy_interval),
                tr("Share of images that got their right class, with its 95 % interval"),
            ),
            (
                tr("Classes alike"),
                wording.percent(metrics.balanced_accuracy),
                tr("balanced"),
                tr(
                    "The mean over the classes of the share that was found: rare classes count as much as frequent ones"
                ),
            ),
            (
                tr("Mean F1"),
                wording.percent(metrics.macro_f1),
                tr("of both errors"),
                tr("F1 is the balance of precision and recall; this is its mean over the classes"),
            ),
        ]
    elif review.several is not None:
        several = review.several
        figures += [
            (
                tr("All classes right"),
                wording.percent(several.accuracy),
                _between(several.accuracy_interval),
                tr("Share of images with exactly the right classes, with its 95 % interval"),
            ),
            (
                tr("Average precision"),
                wording.percent(several.mean_average_precision),
                _between(several.mean_average_precision_interval),
                tr("How well the images of a class come before the others; the mean over the classes"),
            ),
            (
                tr("Mean F1"),
                wording.percent(several.macro_f1),
                tr("of both errors"),
                tr("F1 is the balance of precision and recall; this is its mean over the classes"),
            ),
        ]
    measured: Any = metrics if metrics is not None else review.several
    if measured is not None:
        figures += [
            (
                tr("Confidence off by"),
                wording.percent(measured.ece),
                tr("on average"),
                tr(
                    "Expected calibration error: the gap between how sure the model says it is "
                    "and how often it is right"
                ),
            ),
            (
                tr("Log loss"),
                decimal(measured.log_loss, ".3f"),
                tr("0 is perfect"),
                tr("Punishes being sure and wrong; for comparing versions"),
            ),
        ]
    seconds = sum(run.seconds.values())
    figures.append(
        (
            tr("Learnt from"),
            decimal(run.num_images, ","),
            wording.count(len(np.unique(review.units)), "group"),
            tr("Labelled images that the model saw, and how many groups of images were held out together"),
        )
    )
    figures.append(
        (tr("Took"), wording.duration(seconds), tr("in all"), tr("Time for looking at the images and training"))
    )
    return figures


def _between(interval: tuple[float, float]) -> str:
    return tr("{low:.1f} to {high:.1f} %", low=100 * interval[0], high=100 * interval[1])
