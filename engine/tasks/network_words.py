"""What a training of the network says of itself: how each depth did, and why one was not tried."""

from __future__ import annotations

from dataclasses import dataclass

from engine.errors import TrainingError
from engine.language import tr, trn
from engine.nn.training_plan import PARTIAL, duration_words
from engine.tasks.grouping import Grouping


@dataclass(frozen=True, slots=True)
class Trial:
    """How one depth did on images held out: log loss and accuracy beside those of the head on the same images."""

    depth: str
    log_loss: float
    accuracy: float
    head_log_loss: float
    head_accuracy: float
    seconds: float
    standard_error: float = 0.0
    """Of the difference of the two log losses."""

    @property
    def has_won(self) -> bool:
        """Whether it is better by more than chance explains: a coin's toss must not replace the head."""
        return self.log_loss + self.standard_error < self.head_log_loss


def outcome_of(trial: Trial, num_measured: int) -> str:
    """Returns how a depth did on so many images held out, as one sentence."""
    verdict = tr("better") if trial.has_won else tr("not clearly better")
    duration = duration_words(trial.seconds)
    if trial.depth == PARTIAL:
        return tr(
            "Training the upper half of the network took {duration} to measure and was {verdict}: {accuracy:.1f} % "
            "right against {head_accuracy:.1f} % of the head alone, and a log loss of {log_loss:.3f} against "
            "{head_log_loss:.3f}, on {num_images:,} images held out.",
            duration=duration,
            verdict=verdict,
            accuracy=100 * trial.accuracy,
            head_accuracy=100 * trial.head_accuracy,
            log_loss=trial.log_loss,
            head_log_loss=trial.head_log_loss,
            num_images=num_measured,
        )
    return tr(
        "Training the whole network took {duration} to measure and was {verdict}: {accuracy:.1f} % right against "
        "{head_accuracy:.1f} % of the head alone, and a log loss of {log_loss:.3f} against {head_log_loss:.3f}, on "
        "{num_images:,} images held out.",
        duration=duration,
        verdict=verdict,
        accuracy=100 * trial.accuracy,
        head_accuracy=100 * trial.head_accuracy,
        log_loss=trial.log_loss,
        head_log_loss=trial.head_log_loss,
        num_images=num_measured,
    )


def takes_too_long(depth: str, least_s: float) -> TrainingError:
    """Returns the error for a depth that there is no time for."""
    text = tr("Training the whole network would take about {duration} at least.", duration=duration_words(least_s))
    if depth == PARTIAL:
        text = tr(
            "Training the upper half of the network would take about {duration} at least.",
            duration=duration_words(least_s),
        )
    return TrainingError(text, tr("Allow more time, or choose a smaller depth."))


def not_tried(depth: str, least_s: float) -> str:
    """Returns that there was no time for a depth."""
    if depth == PARTIAL:
        return tr(
            "Training the upper half of the network would take about {duration} at least and was not tried.",
            duration=duration_words(least_s),
        )
    return tr(
        "Training the whole network would take about {duration} at least and was not tried.",
        duration=duration_words(least_s),
    )


def cannot_be_divided(backbone: str) -> TrainingError:
    """Returns the error for a network that has no upper half."""
    return TrainingError(
        tr("{backbone} cannot be divided into a part that stays and one that is trained.", backbone=backbone),
        tr("Choose the depth head or full, or another backbone."),
    )


def only_its_head(backbone: str) -> str:
    """Returns that a network has no upper half to try."""
    return tr(
        "{backbone} cannot be divided into a part that stays and one that is trained, so only its head was tried.",
        backbone=backbone,
    )


def left_out(num_images: int) -> str:
    """Returns how many labelled images could not be trained on."""
    return trn(
        "{number:,} of the labelled images is gone or has changed, and was left out.",
        "{number:,} of the labelled images are gone or have changed, and were left out.",
        num_images,
    )


def fewer_devices(num_wanted: int, num_there: int) -> str:
    """Returns that there are fewer devices than were asked for."""
    return trn(
        "{num_wanted} devices were asked for, {number} is here.",
        "{num_wanted} devices were asked for, {number} are here.",
        num_there,
        num_wanted=num_wanted,
    )


def final_training(num_rounds: int) -> str:
    """Returns how long the model was trained that came of it."""
    return trn(
        "The final model was trained for {number} round over all images.",
        "The final model was trained for {number} rounds over all images.",
        num_rounds,
    )


def parts_held_out(num_parts: int, num_folds: int, num_images: int, grouping: Grouping) -> str:
    """Returns the method of a validation that held out some of the parts."""
    text = tr(
        "{num_parts} of {num_folds} parts held out, {num_images:,} images",
        num_parts=num_parts,
        num_folds=num_folds,
        num_images=num_images,
    )
    return text + grouping.method_words


def predicting(num_done: int, num_images: int) -> str:
    """Returns how far the prediction is."""
    return tr("predicting, {done:,} of {total:,} images", done=num_done, total=num_images)
