"""The unknown score keeps its promise on unseen images, also with a dozen labels, and finds what is foreign."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from engine.evaluation.acceptance import largest_strangeness
from engine.evaluation.unknown import (
    LEVELS,
    UnknownDetector,
    UnknownFit,
    accept_below,
    calibrated,
    called_unknown,
    combinations_of,
    false_alarms,
    fit_unknown,
    knots_of,
    plain_detector,
    scores_of,
)

SIZE = 24


def made_up(rng: np.random.Generator, per_class: int, num_classes: int = 4) -> tuple[np.ndarray, np.ndarray]:
    """Embeddings of classes that overlap a little, and their targets. The centres are always the same."""
    centres = np.random.default_rng(99).standard_normal((num_classes + 1, SIZE)) * 1.2
    targets = np.repeat(np.arange(num_classes), per_class)
    return (centres[targets] + rng.standard_normal((len(targets), SIZE))).astype(np.float32), targets


def logits_of(features: np.ndarray, num_classes: int = 4) -> np.ndarray:
    centres = np.random.default_rng(99).standard_normal((num_classes + 1, SIZE)) * 1.2
    return (features @ centres[:num_classes].T - 0.5 * (centres[:num_classes] ** 2).sum(axis=1)).astype(np.float32)


def fitted(rng: np.random.Generator, per_class: int) -> UnknownFit:
    features, targets = made_up(rng, per_class)
    folds = np.arange(len(targets)) % 5
    unit = np.ones(SIZE, np.float32)
    fit = fit_unknown(features, targets, folds, logits_of(features), 0 * unit, unit)
    assert fit is not None
    return fit


samples = hnp.arrays(np.float32, st.integers(2, 60), elements=st.floats(-50, 50, width=32))


@settings(max_examples=80, deadline=None)
@given(samples, hnp.arrays(np.float32, 20, elements=st.floats(-1e4, 1e4, width=32)))
def test_scores_are_shares_that_grow_with_strangeness(known: np.ndarray, asked: np.ndarray) -> None:
    knots = knots_of(known)
    assert (np.diff(knots) > 0).all()
    scores = scores_of(np.sort(asked), knots)
    assert (np.diff(scores) >= -1e-6).all()
    assert ((scores >= 0) & (scores <= 1 + 1e-6)).all()


@settings(max_examples=40, deadline=None)
@given(samples, st.floats(0.1, 10), st.floats(-20, 20))
def test_scores_do_not_depend_on_the_unit_of_strangeness(known: np.ndarray, factor: float, shift: float) -> None:
    if known.std() < 0.1:
        return
    moved = (known * np.float32(factor) + np.float32(shift)).astype(np.float32)
    np.testing.assert_allclose(scores_of(known, knots_of(known)), scores_of(moved, knots_of(moved)), atol=0.01)


def test_with_a_thousand_images_the_false_alarms_are_those_that_were_asked_for() -> None:
    fit = fitted(np.random.default_rng(1), 300)
    unseen, _ = made_up(np.random.default_rng(2), 1000)
    scores = fit.detector.scores(unseen, logits_of(unseen))
    for rate in (0.01, 0.05, 0.1):
        chance = 3 * np.sqrt(rate * (1 - rate) / 1200)  # the threshold is itself measured on 1,200 images
        assert (scores >= 1 - rate).mean() == pytest.approx(rate, abs=chance)
        assert (fit.out_of_fold_scores >= 1 - rate).mean() == pytest.approx(rate, abs=chance)


def test_with_a_dozen_images_there_are_no_more_false_alarms_on_average_than_were_asked_for() -> None:
    unseen, _ = made_up(np.random.default_rng(3), 200)
    shares = []
    for seed in range(40):
        detector = fitted(np.random.default_rng(100 + seed), 3).detector
        shares.append((detector.scores(unseen, logits_of(unseen)) >= 0.95).mean())
    assert np.mean(shares) <= 0.06


def test_the_fewer_images_are_known_the_stranger_one_must_be() -> None:
    rng = np.random.default_rng(4)
    sample = rng.standard_normal(2000).astype(np.float32)
    at_95 = int(np.flatnonzero(np.float32(0.95) == LEVELS)[0])
    thresholds = [
        np.mean([knots_of(sample[start : start + size])[at_95] for start in range(0, 1000, 25)])
        for size in (6, 60, 1000)
    ]
    assert thresholds == sorted(thresholds, reverse=True)
    assert thresholds[-1] == pytest.approx(1.645, abs=0.25)


def test_what_no_class_is_like_is_found() -> None:
    fit = fitted(np.random.default_rng(5), 40)
    rng = np.random.default_rng(6)
    foreign = (np.random.default_rng(99).standard_normal((5, SIZE))[4] * 1.2 + rng.standard_normal((200, SIZE))).astype(
        np.float32
    )
    scores = fit.detector.scores(foreign, logits_of(foreign))
    assert (scores >= 0.95).mean() > 0.8
    far = np.full((1, SIZE), 40, np.float32)
    assert fit.detector.scores(far, np.zeros((1, 4), np.float32))[0] > 0.999


def test_out_of_fold_scores_come_from_detectors_that_had_not_seen_the_fold() -> None:
    rng = np.random.default_rng(7)
    features, targets = made_up(rng, 12)
    folds = np.arange(len(targets)) % 4
    unit = np.ones(SIZE, np.float32)
    logits = logits_of(features)
    signs = np.zeros((len(targets), 3), np.float32)
    for fold in range(4):
        kept = folds != fold
        detector = plain_detector(features[kept], targets[kept], 0 * unit, unit)
        signs[~kept] = detector.signs(features[~kept], logits[~kept])
    expected = calibrated(plain_detector(features, targets, 0 * unit, unit), signs, folds)
    fit = fit_unknown(features, targets, folds, logits, 0 * unit, unit)
    assert fit is not None
    np.testing.assert_allclose(fit.out_of_fold_scores, expected.out_of_fold_scores, atol=2e-3)
    np.testing.assert_allclose(fit.detector.knots, expected.detector.knots, atol=2e-3)


def test_strangeness_does_not_depend_on_how_features_are_shifted_and_scaled() -> None:
    rng = np.random.default_rng(8)
    features, targets = made_up(rng, 10)
    unit = np.ones(SIZE, np.float32)
    plain = plain_detector(features, targets, 0 * unit, unit)
    moved = plain_detector(3 * features + 2, targets, 2 * unit, 3 * unit)
    logits = logits_of(features)
    np.testing.assert_allclose(plain.signs(features, logits), moved.signs(3 * features + 2, logits), atol=1e-4)


def test_half_precision_of_cached_embeddings_changes_next_to_nothing() -> None:
    fit = fitted(np.random.default_rng(9), 20)
    features, _ = made_up(np.random.default_rng(10), 20)
    logits = logits_of(features)
    halved = fit.detector.scores(features.astype(np.float16), logits)
    np.testing.assert_allclose(halved, fit.detector.scores(features, logits), atol=2e-3)


def test_too_few_images_give_no_score() -> None:
    unit = np.ones(SIZE, np.float32)
    features = np.random.default_rng(0).standard_normal((5, SIZE)).astype(np.float32)
    assert fit_unknown(features, np.array([0, 0, 1, 1, 1]), np.arange(5), None, 0 * unit, unit) is None


@pytest.mark.parametrize("per_class", [2, 3])
def test_two_images_of_a_class_are_enough_to_say_something(per_class: int) -> None:
    scores = fitted(np.random.default_rng(11), per_class).out_of_fold_scores
    assert np.isfinite(scores).all()


def test_a_detector_survives_its_file() -> None:
    detector = fitted(np.random.default_rng(12), 10).detector
    again = UnknownDetector.from_arrays(detector.arrays(), SIZE)
    features, _ = made_up(np.random.default_rng(13), 5)
    np.testing.assert_allclose(
        again.scores(features, logits_of(features)), detector.scores(features, logits_of(features)), atol=1e-6
    )


@pytest.mark.parametrize("name", ["origin", "scale", "means", "spreads", "factors", "offset", "knots"])
def test_arrays_that_make_no_sense_are_refused(name: str) -> None:
    arrays = fitted(np.random.default_rng(14), 10).detector.arrays()
    with pytest.raises(KeyError):
        UnknownDetector.from_arrays({key: value for key, value in arrays.items() if key != name}, SIZE)
    for bad in (arrays[name][:0], arrays[name] * np.nan):
        with pytest.raises(ValueError, match="unknown score"):
            UnknownDetector.from_arrays(arrays | {name: bad}, SIZE)


def test_where_images_have_several_classes_the_logits_play_no_part() -> None:
    rng = np.random.default_rng(15)
    features, targets = made_up(rng, 12)
    unit = np.ones(SIZE, np.float32)
    fit = fit_unknown(features, targets, np.arange(len(targets)) % 4, None, 0 * unit, unit)
    assert fit is not None
    one, other = (fit.detector.scores(features, np.full((len(features), 4), value, np.float32)) for value in (-9, 9))
    np.testing.assert_array_equal(one, other)


def test_rare_combinations_of_classes_are_one() -> None:
    present = np.array([[1, 0], [1, 0], [1, 0], [0, 1], [1, 1], [0, 0], [0, 0], [0, 0]], bool)
    codes = combinations_of(present)
    assert len(set(codes.tolist())) == 3
    assert codes[3] == codes[4]
    assert codes[0] == codes[1] == codes[2] != codes[5]


def test_false_alarms_are_told_with_their_interval() -> None:
    scores = np.r_[np.full(90, 0.5), np.full(8, 0.96), 0.995, 0.2].astype(np.float32)
    document = false_alarms(scores)
    assert document["num_images"] == 100
    by_rate = {row["rate"]: row for row in document["false_alarms"]}
    assert by_rate[0.05]["measured"] == pytest.approx(0.09)
    assert by_rate[0.01]["measured"] == pytest.approx(0.01)
    low, high = by_rate[0.05]["interval"]
    assert low < 0.05 < 0.09 < high


def test_evaluation_tells_known_classes_from_new_ones() -> None:
    document = called_unknown(
        np.array([True, False, False, True, True, False]), np.array([0, 0, 1, 2, 2, 3]), ["a", "b", "c", "d"], 2
    )
    assert document["known"]["called_unknown"] == pytest.approx(1 / 3)
    assert document["new"]["called_unknown"] == pytest.approx(2 / 3)
    assert [(row["class"], row["called_unknown"]) for row in document["new_classes"]] == [("c", 1.0), ("d", 0.0)]


def test_one_sign_that_never_changes_gets_no_weight() -> None:
    rng = np.random.default_rng(16)
    signs = np.stack([rng.standard_normal(50), np.full(50, 3.0), rng.standard_normal(50)], axis=1).astype(np.float32)
    features, targets = made_up(rng, 5)
    detector = plain_detector(features, targets, np.zeros(SIZE, np.float32), np.ones(SIZE, np.float32))
    fit = calibrated(replace(detector), signs, np.arange(50) % 5)
    assert fit.detector.factors[1] == 0
    assert fit.detector.factors[[0, 2]].min() > 0


def test_a_confident_suggestion_may_be_less_strange_than_others_and_never_more() -> None:
    rng = np.random.default_rng(17)
    calm = (0.3 * rng.random(400)).astype(np.float32)
    for rate in (0.01, 0.05, 0.1):
        limit = accept_below(calm, rate)
        assert limit < 0.45
        assert (calm < limit).mean() >= 1 - rate - 0.01
        assert accept_below(calm[:3], rate) == 1 - rate
        assert accept_below(np.linspace(0.9, 1, 50, dtype=np.float32), rate) == 1 - rate


def test_the_document_says_below_which_score_suggestions_are_accepted() -> None:
    fit = fitted(np.random.default_rng(18), 40)
    document = fit.document(np.where(fit.out_of_fold_scores < 0.5, 0.99, 0.6))
    assert document["false_alarms"][1]["accept_below"] < 0.6
    assert largest_strangeness(document, 0.05) == document["false_alarms"][1]["accept_below"]
    assert largest_strangeness(None, 0.1) == 0.9
    assert largest_strangeness({"false_alarms": [{"rate": 0.05}]}, 0.05) == 0.95
