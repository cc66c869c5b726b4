"""The card that says how the figures were measured: what was held out together, and what a random split would claim."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from engine.evaluation.selection import words_on
from gui import wording
from gui.widgets.buttons import button
from gui.widgets.card import Card
from gui.widgets.text import set_role, text_label

if TYPE_CHECKING:
    from engine.tasks.review import Review

MAX_WARNINGS = 3


class HonestCard(Card):
    """Framed in the colour of a warning only where a random split would flatter."""

    groups_asked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Honest check", parent)
        self.sentence = text_label("", wrap=True)
        self.facts = text_label("", "dim", wrap=True)
        self.warnings = text_label("", "warning", wrap=True)
        self.groups_button = button(
            "Groups and test set…", "link", tooltip="What is held out together, and images that are never trained on"
        )
        self.groups_button.clicked.connect(self.groups_asked)
        self.head.addWidget(self.groups_button)
        self.body.addWidget(self.sentence)
        self.body.addWidget(self.facts)
        self.body.addWidget(self.warnings)
        self.body.addStretch(1)

    def show_review(self, review: Review, extra_warnings: list[str]) -> None:
        """Shows how a review was measured."""
        gap, metrics = review.gap, review.metrics
        if gap is not None:
            self.sentence.setText(gap.sentence)
        elif metrics is not None:
            measured = f"{wording.percent(metrics.accuracy)} were right when the model had not seen them."
            grouped = "A random split would say about the same."
            alone = "Each was held out by itself."
            self.sentence.setText(f"{measured} {grouped if review.grouping_words else alone}")
        else:
            self.sentence.setText("Every figure comes from images that the model had not seen.")
        facts = [f"Kept together: {review.grouping_words}."] if review.grouping_words else []
        if review.test is not None:
            low, high = review.test.accuracy_interval
            facts.append(
                f"Locked test set: {wording.percent(review.test.accuracy)} ({100 * low:.0f}–{100 * high:.0f}) "
                f"of {wording.count(review.test.num_images, 'image')}, never trained on."
            )
        accepted = words_on(review.run.settings)
        facts += [accepted] if accepted else []
        self.facts.setText(" ".join(facts))
        self.facts.setVisible(bool(facts))
        warnings = [*review.warnings, *extra_warnings]
        shown = warnings[:MAX_WARNINGS]
        if len(warnings) > len(shown):
            shown.append(f"And {len(warnings) - len(shown)} more.")
        self.warnings.setText("\n".join(shown))
        self.warnings.setToolTip("\n".join(warnings))
        self.warnings.setVisible(bool(warnings))
        is_alarming = gap is not None and gap.matters
        set_role(self.caption, "alarm" if is_alarming else "caption")
        set_role(self, "alarmcard" if is_alarming else "card")
