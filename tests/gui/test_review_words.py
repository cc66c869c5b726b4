"""The sentences of Review say what the figures say."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from engine.domain import ImageClass
from engine.evaluation.metrics import measure
from engine.evaluation.selection import COUNTED
from engine.evaluation.work_saved import Acceptance
from engine.tasks.review_parts import Suspect
from gui import review_words
from gui.review_words import UNNAMED_COLOR


def acceptance(num_measured: int = 200, precision: float = 0.99, at_least: float = 0.97) -> Acceptance:
    return Acceptance(np.zeros(2), 0.812, (0.76, 0.85), num_measured, precision, at_least, np.ones(5, np.bool_), 1.0)


def test_the_headline_is_about_the_open_images_and_names_the_precision() -> None:
    parts = review_words.headline(acceptance(), 0.99, 211, 264)
    assert "".join(parts) == "Accept 80 % of the 264 open images without looking, at 99 % precision"
    assert parts[1] == "80 %"
    small = review_words.below_headline(acceptance(), 0.99, 300, 0.99, 211, 264)
    assert small == "211 of 264: about 2 wrong, at most 7, measured on images the model had not seen"


def test_the_share_is_never_rounded_to_all_or_to_nothing() -> None:
    shares = [review_words.headline(acceptance(), 0.9, part, 1000)[1] for part in (1, 6, 994, 999, 1000)]
    assert shares == ["less than 1 %", "1 %", "99 %", "99 %", "100 %"]
    assert "".join(review_words.headline(acceptance(), 0.9, 0, 264)).startswith("None of the 264 open images is sure")


def test_where_the_open_images_are_unlike_the_labelled_ones_it_is_said() -> None:
    small = review_words.below_headline(acceptance(), 0.95, 135, 0.95, 41, 264)
    assert small.startswith("41 of 264: hardly any wrong, at most 2, measured on images the model had not seen. ")
    assert "Of the labelled images it would be 81 % (76 to 85): they are easier than the open ones" in small
    assert "easier" not in review_words.below_headline(acceptance(), 0.95, 135, 0.95, 225, 264)
    assert "harder than the open ones" in review_words.below_headline(acceptance(), 0.95, 135, 0.95, 264, 264)


def test_where_no_image_waits_it_is_about_images_like_the_labelled_ones() -> None:
    parts = review_words.headline(acceptance(), 0.99, 0, 0)
    text = "".join(parts)
    assert text == "Of images like the labelled ones 81 % could be accepted without looking, at 99 % precision"
    assert review_words.below_headline(acceptance(), 0.99, 300, 0.99, 0, 0) == (
        "between 76 % and 85 %, measured on images the model had not seen · no image waits for a class"
    )


def test_what_cannot_be_promised_is_not_and_says_what_can() -> None:
    nothing = acceptance(num_measured=0)
    assert "".join(review_words.headline(nothing, 0.995, 0, 9)).startswith("Nothing can be accepted without looking")
    words = review_words.below_headline(nothing, 0.99, 48, 0.9, 0, 9)
    assert "48 were measured" in words
    assert "90 % can be promised now" in words


@pytest.mark.parametrize(
    ("precision", "at_least", "number", "words"),
    [
        (0.99, 0.97, 1000, "about 10 wrong, at most 30"),
        (1.0, 0.97, 10, "hardly any wrong, at most 1"),
        (0.95, 0.9, 1, "hardly any wrong, at most 1"),
    ],
)
def test_accepting_promises_expected_and_most_mistakes(
    precision: float, at_least: float, number: int, words: str
) -> None:
    assert review_words.mistakes(acceptance(200, precision, at_least), number) == words


def test_the_weakest_class_and_what_it_is_taken_for() -> None:
    names = ["ok", "pitted", "patches"]

    def weakest(confusion: list[list[int]]) -> str:
        counts = np.array(confusion)
        targets, said = (np.repeat(places, counts.ravel()) for places in map(np.ravel, np.indices(counts.shape)))
        metrics = measure(np.eye(len(counts))[said], targets)
        assert (metrics.confusion == counts).all()
        return "".join(review_words.weakest(metrics.per_class, metrics.confusion, names))

    assert weakest([[9, 0, 0], [0, 5, 3], [0, 1, 9]]) == "Weakest: pitted. Three of its images look like patches."
    assert weakest([[9, 0, 0], [0, 8, 1], [0, 0, 9]]) == "Weakest: pitted. One of its images looks like patches."
    assert weakest([[9, 0, 0], [0, 8, 0], [0, 0, 9]]) == "Every image was recognised: no class is weak."
    assert weakest([[9, 3, 0], [0, 3, 0], [0, 0, 9]]) == "Weakest: pitted. Three images of ok look like it."


def test_a_class_that_was_renamed_or_deleted_since_keeps_its_place() -> None:
    class Run:
        class_ids = [1, 2]
        class_names = ["old name", "gone"]

    palette = [ImageClass(1, "new name", "#ff0000", "1", 0)]
    found = review_words.classes_of(Run(), palette)  # type: ignore[arg-type]
    assert [(each.name, each.color) for each in found] == [("new name", "#ff0000"), ("gone", UNNAMED_COLOR)]


def test_staleness_counts_labels_and_is_silent_without_any() -> None:
    assert review_words.stale(0, 7) == ""
    assert review_words.stale(1, 7) == "1 label changed since version 7; retrain to refresh"
    assert review_words.stale(3, 7) == "3 labels changed since version 7; retrain to refresh"


def suspect(given: float, suggested: float, agreeing: int, of_given: int, neighbours: int = 8) -> Suspect:
    return Suspect(1, 10, 11, given, suggested, True, list(range(neighbours)), [11] * neighbours, agreeing, of_given)


def test_a_suspect_shows_both_sides_of_both_witnesses_and_nothing_is_certain() -> None:
    assert review_words.suspicion(suspect(0.0001, 0.9999, 5, 1)) == "model 99 : 1 % · look-alikes 5 : 1"
    assert review_words.suspicion(suspect(0.2, 0.5, 0, 0, 0)) == "model 50 : 20 %"
    assert review_words.suspicion_in_full(suspect(0.01, 0.97, 5, 1), "dress", "shirt") == (
        "The model, which had not seen it: dress 97 %, shirt 1 %. Of the 8 images most like it: 5 dress, 1 shirt."
    )


def review_of(run_id: int, targets: list[int], said: list[int], counted: bool = False) -> Any:
    probabilities = np.eye(2)[said]
    run = SimpleNamespace(id=run_id, class_ids=[10, 11], settings={COUNTED: {}} if counted else {})
    metrics = measure(probabilities, np.array(targets))
    return SimpleNamespace(run=run, metrics=metrics, image_ids=np.arange(len(targets)), targets=np.array(targets))


def test_figures_that_were_measured_again_say_what_changed_and_whether_it_is_chance() -> None:
    before = review_of(9, [0] * 10 + [1] * 10, [0] * 9 + [1] * 11)
    now = review_of(10, [0] * 9 + [1] * 11 + [0], [0] * 8 + [1] * 13)
    assert review_words.measured_again(before, now) == (
        "Measured again (1 label changed, 1 label more): 90.5 % right, 95.0 % before; that is within the interval."
    )
    worse = review_of(10, [0] * 10 + [1] * 10, [1] * 10 + [1] * 10, counted=True)
    words = review_words.measured_again(before, worse)
    assert words.startswith("Measured again (the same labels): 50.0 % right, 95.0 % before; that is more than chance.")
    assert words.endswith("They are counted in different ways.")
    assert review_words.measured_again(None, now) == ""
    assert review_words.measured_again(now, now) == ""
