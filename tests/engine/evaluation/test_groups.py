"""Groups are never on both sides, whatever the rule, the classes and the copies."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import TrainingError
from engine.evaluation.groups import assign_group_folds, bursts, groups_of, held_together, rule_error
from engine.evaluation.splits import assign_folds


def test_a_folder_is_a_group_and_images_beside_folders_have_none() -> None:
    names = ["ok/plant 1/a.jpg", "ok/plant 1/b.jpg", "ok/plant 2/a.jpg", "c.jpg"]
    assert groups_of(names, "folder") == ["ok/plant 1", "ok/plant 1", "ok/plant 2", None]


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        (r"plant(\d+)", ["07", "12", None]),
        (r"plant\d+", ["plant07", "plant12", None]),
        (r"(x)?plant", [None, None, None]),
        (r"z*", [None, None, None]),
    ],
)
def test_a_pattern_names_groups_by_its_first_group_or_else_its_whole_match(
    pattern: str, expected: list[str | None]
) -> None:
    assert groups_of(["a/plant07_1.jpg", "b/plant12_9.jpg", "other.jpg"], pattern) == expected


@pytest.mark.parametrize("rule", ["", "(", "*a", "[", "(?P<a", "a{99999999999999999999}"])
def test_a_rule_that_is_no_pattern_is_told(rule: str) -> None:
    assert rule_error(rule)


@pytest.mark.parametrize("rule", ["folder", r"plant(\d+)", "a"])
def test_a_rule_that_can_be_used_has_no_error(rule: str) -> None:
    assert rule_error(rule) is None


def test_equal_content_joins_groups() -> None:
    units = held_together(["h1", "h2", "h2", "h3", "h4"], ["a", "a", "b", "b", None])
    assert len(set(units[:4])) == 1
    assert units[4] != units[0]


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_no_group_and_no_content_is_on_both_sides_and_every_class_can_be_learned(data: st.DataObject) -> None:
    num_images = data.draw(st.integers(4, 60))
    pick = lambda strategy: data.draw(st.lists(strategy, min_size=num_images, max_size=num_images))
    groups = pick(st.one_of(st.none(), st.integers(0, 12).map(lambda number: f"plant {number}")))
    contents = pick(st.integers(0, 50).map(str))
    targets = np.array(pick(st.integers(0, 4)))
    num_folds, seed = data.draw(st.sampled_from([5, 10])), data.draw(st.integers(0, 3))

    units = held_together(contents, groups)
    unit_counts = {target: len({units[i] for i in np.flatnonzero(targets == target)}) for target in set(targets)}
    usable = np.flatnonzero([unit_counts[target] > 1 for target in targets])
    targets, units = targets[usable], [units[index] for index in usable]
    groups, contents = [groups[index] for index in usable], [contents[index] for index in usable]
    if len(set(targets.tolist())) < 2:
        return
    folds = assign_group_folds(targets, contents, units, num_folds, seed)

    for names in (groups, contents):
        for name in set(names) - {None}:
            assert len({int(folds[index]) for index, other in enumerate(names) if other == name}) == 1
    for fold in np.unique(folds):
        assert set(targets[folds != fold]) == set(targets), "a class that is all held out cannot be learned"
    order = np.random.default_rng(seed).permutation(len(targets))
    shuffled = held_together([contents[i] for i in order], [groups[i] for i in order])
    assert shuffled == [units[index] for index in order] or len(usable) < num_images


def test_a_class_whose_groups_another_class_rules_is_still_spread() -> None:
    """Both groups of the small class go by the large class, and could land in one fold by chance."""
    units = [f"plant {index // 10}" for index in range(40)]
    targets = np.zeros(40, np.int64)
    targets[[0, 10]] = 1
    for seed in range(40):
        folds = assign_group_folds(targets, units, units, 5, seed)
        assert folds[0] != folds[10]


def test_classes_that_share_their_only_group_are_refused() -> None:
    with pytest.raises(TrainingError, match="held out in turn"):
        assign_group_folds(np.array([0, 0, 1, 1]), list("abcd"), ["one"] * 4, 5, 0)


def test_without_groups_the_folds_are_the_plain_ones() -> None:
    targets, hashes = np.repeat([0, 1, 2], 20), [f"image {index}" for index in range(60)]
    np.testing.assert_array_equal(
        assign_group_folds(targets, hashes, hashes, 5, 1), assign_folds(targets, hashes, None, 5, 1)
    )


def test_near_duplicates_are_held_with_their_group() -> None:
    units = held_together(["a", "b", "c", "d"], ["day 1", None, None, None], [("b", "a"), ("c", "b")])
    assert units[0] == units[1] == units[2] != units[3]
    assert units[0] == "group day 1"


def test_a_burst_is_of_one_camera_and_ends_with_a_pause() -> None:
    seconds = [0.0, 1.0, 3.0, 6.0, 1.0, None, 2.5]
    cameras = ["A", "A", "A", "A", "B", "A", "B"]
    assert sorted(bursts(seconds, cameras)) == [(0, 1), (1, 2), (4, 6)]


def test_a_machine_that_takes_a_picture_each_second_makes_no_burst() -> None:
    assert bursts([float(second) for second in range(31)], ["A"] * 31)
    assert bursts([float(second) for second in range(32)], ["A"] * 32) == []
