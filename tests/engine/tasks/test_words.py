"""What trainings and versions say of themselves, where it depends on a number or on a setting."""

from __future__ import annotations

import pytest

from engine.nn.training_plan import FULL, PARTIAL
from engine.tasks import network_words
from engine.tasks.grouping import Grouping, cross_validation_words
from engine.tasks.run_settings import Difference, differing_settings


@pytest.mark.parametrize(
    ("rule", "words"),
    [("column", "from a table"), ("folder", "by folder"), ("([a-z]+)", "by “([a-z]+)” in the name"), (None, "none")],
)
def test_a_rule_for_groups_is_said_in_words(rule: str | None, words: str) -> None:
    found = differing_settings({"settings": {"group_by": rule}}, {"settings": {"group_by": "other"}})
    assert found == [Difference("Groups held out together", words, "by “other” in the name")]


def test_one_image_and_many_are_said_rightly() -> None:
    assert network_words.left_out(1) == "1 of the labelled images is gone or has changed, and was left out."
    assert network_words.left_out(2000) == "2,000 of the labelled images are gone or have changed, and were left out."


def test_each_depth_is_called_what_it_is() -> None:
    assert network_words.not_tried(PARTIAL, 300).startswith("Training the upper half of the network would take about")
    assert network_words.not_tried(FULL, 300).startswith("Training the whole network would take about 5 minutes")
    assert (
        network_words.takes_too_long(FULL, 300).message
        == "Training the whole network would take about 5 minutes at least."
    )


@pytest.mark.parametrize(
    ("grouping", "words"),
    [
        (Grouping(None, [], []), "5-fold cross-validation"),
        (Grouping("folder", [], []), "5-fold cross-validation, groups by folder kept together"),
        (Grouping(None, [], [], 4, 2), "5-fold cross-validation, near-duplicates and bursts kept together"),
        (
            Grouping("(a)", [], [], 4, 2),
            "5-fold cross-validation, groups by name pattern and near-duplicates and bursts kept together",
        ),
    ],
)
def test_the_method_says_what_was_kept_together(grouping: Grouping, words: str) -> None:
    assert cross_validation_words(5, grouping) == words
