"""What Review says when there are no figures to show."""

from __future__ import annotations

from dataclasses import dataclass

from engine.language import tr
from gui.activities import TRAIN
from gui.review_state import ReviewState
from gui.session import Session


@dataclass(frozen=True, slots=True)
class Page:
    """An icon, a title, a sentence and the text of a button, which retrains or goes to Label."""

    icon: str
    title: str
    text: str
    action: str = ""
    retrains: bool = False


WORKING = Page("chart", tr("Looking at the model…"), tr("Figures come from images that it had not seen in training."))
NO_MODEL = Page(
    "chart",
    tr("No model yet"),
    tr("Label some images of two classes or more and press Retrain. Then this page says what the model is worth."),
    tr("Go to Label"),
)
READY = Page(
    "retrain",
    tr("No model yet"),
    tr("There are enough labels for a first model. Training takes seconds."),
    tr("Retrain"),
    True,
)
TRAINING = Page("retrain", tr("Training…"), tr("The first figures appear here in a moment."))


def page_of(session: Session, state: ReviewState) -> Page:
    """Returns the page for a session without a review."""
    if state.error is not None:
        return Page("warning", state.error.message, state.error.hint, tr("Retrain"), True)
    if session.run is not None:
        return WORKING
    if session.work.is_running(TRAIN):
        return TRAINING
    return NO_MODEL if session.why_no_retrain() else READY
