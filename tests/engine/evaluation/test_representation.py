"""Labels that do not stand for the open images: what is held out together, how often images count, what is unsaid."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from engine.evaluation.groups import assign_group_folds
from engine.evaluation.representation import odds_weights, stack_units, unlike_labelled, unlike_of
from engine.nn.head import fit_head


def planted(seed: int) -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Embeddings of 3 classes, each of 12 tight bunches far apart: (features, classes, bunches, labelled rows).

    Of each class 4 bunches are labelled, whole.
    """
    rng = np.random.default_rng(seed)
    middles = rng.normal(size=(3, 1, 20)) * 0.8 + rng.normal(size=(3, 12, 20)) * 1.5
    points = middles[:, :, None, :] + rng.normal(size=(3, 12, 8, 20)) * 0.1
    targets = np.repeat(np.arange(3), 96)
    bunches = np.arange(288) // 8
    return points.reshape(-1, 20).astype(np.float32), targets, bunches, np.flatnonzero(bunches % 12 < 4)


def held_out_accuracy(features: NDArray[np.float32], targets: NDArray[np.int64], units: list[str]) -> float:
    names = [str(row) for row in range(len(targets))]
    fit = fit_head(features, targets, 3, assign_group_folds(targets, names, units, 10, 0))
    return float((fit.out_of_fold_logits.argmax(axis=1) == targets).mean())


def test_holding_out_whole_stacks_says_what_other_bunches_of_the_class_will_give() -> None:
    one_by_one, by_stacks, truths = [], [], []
    for seed in range(8):
        features, targets, bunches, rows = planted(seed)
        names = [f"content {row}" for row in rows]
        units = stack_units(names, bunches[rows] + 1, targets[rows])
        one_by_one.append(held_out_accuracy(features[rows], targets[rows], names))
        by_stacks.append(held_out_accuracy(features[rows], targets[rows], units))
        is_open = np.ones(len(targets), np.bool_)
        is_open[rows] = False
        folds = assign_group_folds(targets[rows], names, names, 5, 0)
        head = fit_head(features[rows], targets[rows], 3, folds).head
        truths.append((head.logits(features[is_open]).argmax(axis=1) == targets[is_open]).mean())
    assert np.mean(one_by_one) > np.mean(truths) + 0.15
    assert abs(np.mean(by_stacks) - np.mean(truths)) < 0.1


def test_a_class_that_was_labelled_in_one_go_keeps_images_to_learn_from() -> None:
    together, targets = np.array([1, 1, 1, 2, 2, 2, 3, 3, 3]), np.array([0, 0, 0, 1, 1, 1, 1, 1, 1])
    units = [f"content {row}" for row in range(9)]
    found = stack_units(units, together, targets)
    assert found[:3] == units[:3]
    assert found[3:] == ["stack 2"] * 3 + ["stack 3"] * 3


def test_what_belongs_together_already_stays_together() -> None:
    found = stack_units(["burst", "burst", "a", "b", "c"], np.array([1, 0, 1, 1, 0]), np.zeros(5, np.int64))
    assert found == ["burst", "burst", "stack 1", "stack 1", "c"]


def test_unsure_images_count_more_where_the_open_ones_are_unsure() -> None:
    rng = np.random.default_rng(0)
    sure, unsure = rng.uniform(0.9, 1, 80), rng.uniform(0.3, 0.6, 20)
    measured, others = np.concatenate([sure, unsure]), np.concatenate([sure[:40], rng.uniform(0.3, 0.6, 160)])
    weights = odds_weights(measured, others)
    is_right = np.concatenate([np.ones(80), np.zeros(20)])
    plain, counted, truth = is_right.mean(), np.average(is_right, weights=weights), 120 / 300
    assert abs(counted - truth) < 0.4 * abs(plain - truth)


@given(st.lists(st.floats(0, 1), max_size=40), st.lists(st.floats(0, 1), max_size=40))
def test_every_image_counts_once_at_least_and_finitely_often(measured: list[float], others: list[float]) -> None:
    weights = odds_weights(np.array(measured), np.array(others))
    assert weights.shape == (len(measured),)
    assert np.isfinite(weights).all()
    assert (weights >= 1).all()


def test_where_the_open_images_are_as_sure_as_the_measured_ones_nothing_changes() -> None:
    rng = np.random.default_rng(1)
    weights = odds_weights(rng.uniform(0.2, 1, 300), rng.uniform(0.2, 1, 900))
    assert weights.max() / weights.min() < 1.3


def test_open_images_that_look_like_nothing_labelled_are_told_only_beyond_chance() -> None:
    assert unlike_labelled(np.array([0.99] * 275 + [0.5] * 42)) is not None
    assert unlike_labelled(np.array([0.99] * 16 + [0.5] * 301)) is None
    assert unlike_labelled(np.array([0.99, 0.5])) is None
    assert unlike_labelled(np.zeros(0)) is None


def test_the_sentence_has_both_numbers() -> None:
    found = unlike_of({"unlike_labelled": {"num_unlike": 275, "num_open": 317}})
    assert found is not None
    assert found.words().startswith("275 of 317 open images look like none of the labelled ones")
    assert unlike_of({}) is None
