"""Below the list of versions: what one of them is made of, or what differs between two."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from engine.domain import Run
from engine.errors import AppError
from engine.evaluation.representation import words_on_unlike
from engine.evaluation.selection import words_on
from engine.language import decimal, tr, trc, trn
from engine.tasks.run_settings import backbone_words, depth_words
from gui import wording
from gui.session import Session
from gui.thumbnails import Thumbnails
from gui.versions import Version
from gui.widgets.buttons import button
from gui.widgets.curve_plot import CurvePlot, Curves
from gui.widgets.image_strip import ImageStrip
from gui.widgets.text import ElidedLabel, text_label

FACT_PX, CURVES_PX = 148, 160
_PARTS = {"embed": tr("embed"), "train": tr("train")}
"""The parts of a training by their names in a run, as they stand before how long they took."""
Table = Sequence[Sequence[str]]


class VersionDetails(QScrollArea):
    """Shows one thing at a time; scrolls where there is too little room."""

    network_wanted = Signal(int)
    """The next training is to begin with the network of this version."""

    def __init__(self, session: Session, thumbnails: Thumbnails, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._thumbnails = thumbnails
        self.strips: dict[str, ImageStrip] = {}
        self.sentences: list[str] = []
        """What is said, for those who cannot see how it is laid out."""
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.viewport().setAutoFillBackground(False)
        self.show_sentence("")

    def show_sentence(self, text: str) -> None:
        """Shows nothing but a sentence."""
        column = self._begin()
        self._say(column, text, "dim")
        column.addStretch(1)

    def show_problem(self, error: AppError) -> None:
        """Shows why there is nothing to show."""
        column = self._begin()
        self._say(column, error.message, "warning")
        self._say(column, error.hint, "dim")
        column.addStretch(1)

    def show_version(self, version: Version) -> None:
        """Shows what a version is made of."""
        run = version.run
        column = self._begin()
        low, high = run.validation.accuracy_interval
        headline = tr(
            "Version {id}: {accuracy} right ({low:.1f} to {high:.1f} %)",
            id=run.id,
            accuracy=wording.percent(run.validation.accuracy),
            low=100 * low,
            high=100 * high,
        )
        self._say(column, headline, "heading")
        self._say(column, tr("Measured by {method}, on images it had not seen.", method=run.validation.method), "dim")
        for text in _particulars(run):
            self._say(column, text, "dim")
        if version.has_network:
            again = button(tr("Begin the next training with its network"), "link")
            again.setToolTip(
                tr("Carries on from what this version learned: for few images of a new kind, or more time")
            )
            again.clicked.connect(lambda: self.network_wanted.emit(run.id))
            column.addWidget(again, 0, Qt.AlignmentFlag.AlignLeft)
        column.addSpacing(8)
        facts = _facts(version)
        half = (len(facts) + 1) // 2
        row = QHBoxLayout()
        row.setSpacing(32)
        row.addLayout(_table(facts[:half]), 1)
        row.addLayout(_table(facts[half:]), 1)
        column.addLayout(row)
        curves = _curves(version)
        if curves is not None:
            plot = CurvePlot()
            plot.setMinimumHeight(CURVES_PX)
            plot.show_curves(curves)
            column.addSpacing(16)
            column.addWidget(text_label(tr("How its training went, on the first part held out"), "caption"))
            column.addWidget(plot)
        column.addStretch(1)

    def show_comparison(self, comparison: object) -> None:
        """Shows what differs between two versions."""
        from engine.tasks.compare_runs import RunComparison
        from engine.tasks.comparison_words import figure_rows, sentences

        assert isinstance(comparison, RunComparison)
        first, second = comparison.first.id, comparison.second.id
        column = self._begin()
        verdict, *others = sentences(comparison)
        self._say(column, verdict, "heading")
        for text in others:
            self._say(column, text, "dim")
        column.addSpacing(8)
        row = QHBoxLayout()
        row.setSpacing(32)
        left = QVBoxLayout()
        left.setSpacing(12)
        for name, image_ids in (
            (tr("Fixed: wrong in {first}, right in {second}", first=first, second=second), comparison.fixed),
            (tr("Broken: right in {first}, wrong in {second}", first=first, second=second), comparison.broken),
            (tr("Wrong in both, with another class"), comparison.other_mistake),
            (tr("No class yet, suggested otherwise by {second}", second=second), comparison.other_suggestion),
        ):
            left.addWidget(self._make_flips(name, image_ids))
        left.addStretch(1)
        figures = [("", tr("Version {first}", first=first), tr("Version {second}", second=second))]
        figures += [(each.name, each.first, each.second) for each in figure_rows(comparison)]
        right = QVBoxLayout()
        right.setSpacing(12)
        right.addLayout(_table(figures, has_head=True))
        right.addWidget(text_label(tr("Settings that differ"), "caption"))
        differing = [(each.name, each.first, each.second) for each in comparison.settings]
        right.addLayout(_table(differing or [(trc("settings that differ", "None"), "", "")]))
        right.addStretch(1)
        row.addLayout(left, 1)
        row.addLayout(right, 1)
        column.addLayout(row)
        column.addStretch(1)

    # ------------------------------------------------------------------------------------------------------- inside

    def _begin(self) -> QVBoxLayout:
        """Returns the layout of an empty page, in the place of the present one."""
        for strip in self.strips.values():
            strip.let_go()
        self.strips, self.sentences = {}, []
        page = QWidget()
        page.setAutoFillBackground(False)
        column = QVBoxLayout(page)
        column.setContentsMargins(24, 16, 24, 24)
        column.setSpacing(4)
        self.setWidget(page)
        return column

    def _say(self, column: QVBoxLayout, text: str, role: str) -> None:
        if text:
            label = text_label(text, role, wrap=True)
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            column.addWidget(label)
            self.sentences.append(text)

    def _make_flips(self, name: str, image_ids: NDArray[np.int64]) -> QWidget:
        made = QWidget()
        column = QVBoxLayout(made)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        known = image_ids[self._session.has_images(image_ids)]
        column.addWidget(ElidedLabel(f"{name} · {wording.count(len(known), 'image')}"))
        if len(known):
            strip = ImageStrip(self._thumbnails)
            strip.show_images(known, f"{name}, {wording.count(len(known), 'image')}")
            strip.opened.connect(lambda: self._session.show_images(known, name))
            column.addWidget(strip)
            self.strips[name.partition(":")[0]] = strip
        return made


def _facts(version: Version) -> list[tuple[str, str]]:
    run, settings = version.run, version.run.settings
    took = [f"{_PARTS.get(name, name)} {wording.duration(value)}" for name, value in run.seconds.items() if value]
    made = run.made_with
    libraries = ", ".join(f"{name} {made[name]}" for name in ("torch", "onnxruntime", "numpy") if name in made)
    learned_from = trn(
        "{number:,} image of {classes}",
        "{number:,} images of {classes}",
        run.num_images,
        classes=wording.classes(len(run.class_names)),
    )
    labels = tr("up to step {step:,}", step=run.last_step) + (f", {run.labels_hash[:12]}" if run.labels_hash else "")
    facts = [
        (tr("Made"), wording.day_and_time(run.created_at)),
        (tr("Learned from"), learned_from),
        (tr("Labels"), labels),
        (tr("Mean F1"), wording.percent(run.validation.macro_f1)),
        (tr("Confidence off by"), wording.percent(run.validation.ece)),
        (tr("Log loss"), decimal(run.validation.log_loss, ".3f")),
        (tr("Network"), backbone_words(run.backbone)),
        (tr("Weights"), run.weights_hash[:12]),
        (tr("Trained"), depth_words(run.depth)),
        (tr("Seed"), str(run.seed)),
        (tr("Took"), ", ".join(took)),
        (tr("Made with"), f"Graft {made['graft']}, {libraries}" if "graft" in made else tr("not noted")),
        (
            trc("made on a machine", "On"),
            f"{made['platform']}, {made['device']}" if "device" in made else tr("not noted"),
        ),
        (tr("On the disk"), wording.size(version.size_bytes)),
    ]
    if settings.get("group_by"):
        facts.insert(3, (tr("Groups held out together"), str(settings["group_by"])))
    return [(name, value) for name, value in facts if value]


def _curves(version: Version) -> Curves | None:
    """Returns the curves of the first fold of the depth that was kept, None where only the head was trained."""
    rounds = [each for each in version.rounds if each.depth == version.run.depth]
    parts = {each.part: None for each in rounds}
    shown = [each for each in rounds if each.part == next(iter(parts))]
    if not shown:
        return None
    curves = Curves(shown[0].num_epochs)
    curves.loss = [(each.epoch, each.loss) for each in shown]
    held_out = [each for each in shown if math.isfinite(each.accuracy)]
    curves.validation_loss = [(each.epoch, each.validation_loss) for each in held_out]
    curves.accuracy = [(each.epoch, each.accuracy) for each in held_out]
    return curves


def _particulars(run: Run) -> list[str]:
    noted = run.settings.get("notes")
    notes = [str(each) for each in noted] if isinstance(noted, list) else []
    return [
        text
        for text in (
            words_on(run.settings),
            words_on_unlike(run.settings),
            str(run.settings.get("story", "")),
            " ".join(notes),
        )
        if text
    ]


def _table(rows: Table, has_head: bool = False) -> QGridLayout:
    """Returns names and values below each other; a first row of titles where `has_head`."""
    grid = QGridLayout()
    grid.setHorizontalSpacing(16)
    grid.setVerticalSpacing(6)
    grid.setColumnMinimumWidth(0, FACT_PX)
    for line, (name, *values) in enumerate(rows):
        grid.addWidget(text_label(name, "faint"), line, 0, Qt.AlignmentFlag.AlignTop)
        for column, value in enumerate(values, start=1):
            label = text_label(value, "heading" if has_head and line == 0 else "", wrap=True)
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            grid.addWidget(label, line, column, Qt.AlignmentFlag.AlignTop)
            grid.setColumnStretch(column, 1)
    grid.setRowStretch(len(rows), 1)
    return grid
