"""The card that says how the figures were measured: what was held out together, and what a random split would claim."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from engine.evaluation.selection import words_on
from engine.language import tr
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
        super().__init__(tr("Honest check"), parent)
        self.sentence = text_label("", wrap=True)
        self.facts = text_label("", "dim", wrap=True)
        self.warnings = text_label("", "warning", wrap=True)
        self.groups_button = button(
            tr("Groups and test set…"),
            "link",
            tooltip=tr("What is held out together, and images that are never trained on"),
        )
        self.groups_button.clicked.connect(self.groups_asked)
        self.head.addWidget(self.groups_button)
        self.body.addWidget(self.sentence)
        self.body.addWidget(self.facts)
        self.body.addWidget(self.warnings)
        self.body.addStretch(1)

    def show_review(self, review: Review, extra_warnings: list[str], news: str = "") -> None:
        """Shows how a review was measured; `news` says what is other since the last one."""
        gap, metrics = review.gap, review.metrics
        if gap is not None:
            self.sentence.setText(gap.sentence)
        elif metrics is not None:
            measured = tr(
                "{accuracy} were right when the model had not seen them.", accuracy=wording.percent(metrics.accuracy)
            )
            grouped = tr("A random split would say about the same.")
            alone = tr("Each was held out by itself.")
            self.sentence.setText(f"{measured} {grouped if review.grouping_words else alone}")
        else:
            self.sentence.setText(tr("Every figure comes from images that the model had not seen."))
        facts = [news] if news else []
        facts += [tr("Kept together: {groups}.", groups=review.grouping_words)] if review.grouping_words else []
        if review.test is not None:
            low, high = review.test.accuracy_interval
            facts.append(
                tr(
                    "Locked test set: {accuracy} ({low:.0f}–{high:.0f}) of {images}, never trained on.",
                    accuracy=wording.percent(review.test.accuracy),
                    low=100 * low,
                    high=100 * high,
                    images=wording.count(review.test.num_images, "image"),
                )
            )
        accepted = words_on(review.run.settings)
        facts += [accepted] if accepted else []
        self.facts.setText(" ".join(facts))
        self.facts.setVisible(bool(facts))
        warnings = [*review.warnings, *extra_warnings]
        shown = warnings[:MAX_WARNINGS]
        if len(warnings) > len(shown):
            shown.append(tr("And {number} more.", number=len(warnings) - len(shown)))
        self.warnings.setText("\n".join(shown))
        self.warnings.setToolTip("\n".join(warnings))
        self.warnings.setVisible(bool(warnings))
        is_alarming = gap is not None and gap.matters
        set_role(self.caption, "alarm" if is_alarming else "caption")
        set_role(self, "alarmcard" if is_alarming else "card")
