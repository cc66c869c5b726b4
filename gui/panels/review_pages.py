"""What Review says when there are no figures to show."""

from __future__ import annotations

from dataclasses import dataclass

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


WORKING = Page("chart", "Looking at the model…", "Figures come from images that it had not seen in training.")
NO_MODEL = Page(
    "chart",
    "No model yet",
    "Label some images of two classes or more and press Retrain. Then this page says what the model is worth.",
    "Go to Label",
)
READY = Page(
    "retrain", "No model yet", "There are enough labels for a first model. Training takes seconds.", "Retrain", True
)
TRAINING = Page("retrain", "Training…", "The first figures appear here in a moment.")


def page_of(session: Session, state: ReviewState) -> Page:
    """Returns the page for a session without a review."""
    if state.error is not None:
        return Page("warning", state.error.message, state.error.hint, "Retrain", True)
    if session.run is not None:
        return WORKING
    if session.work.is_running("train"):
        return TRAINING
    return NO_MODEL if session.why_no_retrain() else READY
