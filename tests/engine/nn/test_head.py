"""The head is the exact solution of a plain, well-known problem, measured on images it had not seen."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from engine.job import CancelledError
from engine.nn.head import fit_head, probabilities_of, standardisation


def clusters(
    num_classes: int, per_class: int, size: int, spread: float = 1.0, seed: int = 0
) -> tuple[NDArray, NDArray]:
    """Returns features (N, size) around one random centre per class, and targets, shuffled."""
    rng = np.random.default_rng(seed)
    targets = rng.permutation(np.repeat(np.arange(num_classes), per_class))
    centres = rng.standard_normal((num_classes, size))
    return (centres[targets] + spread * rng.standard_normal((len(targets), size))).astype(np.float32), targets


def folds_of(targets: NDArray, num_folds: int = 5) -> NDArray:
    return np.arange(len(targets)) % num_folds


@pytest.mark.parametrize(("per_class", "size"), [(12, 200), (80, 30)], ids=["wide", "tall"])
@pytest.mark.parametrize("strength", [1e-3, 1e-2])
def test_head_is_what_scikit_learn_finds(per_class: int, size: int, strength: float) -> None:
    features, targets = clusters(4, per_class, size, spread=2.0)
    head = fit_head(features, targets, 4, folds_of(targets), strength=strength).head

    rows = (features - head.mean) / head.scale
    reference = LogisticRegression(C=1 / (strength * len(targets)), tol=1e-8, max_iter=10_000).fit(rows, targets)
    expected = reference.predict_proba(rows)
    np.testing.assert_allclose(probabilities_of(head.logits(features)), expected, atol=5e-3)


def test_class_balance_is_scikit_learns_balanced_weighting() -> None:
    features, targets = clusters(3, 40, 20, spread=3.0)
    kept = np.flatnonzero((targets != 0) | (np.cumsum(targets == 0) <= 6))
    features, targets = features[kept], targets[kept]
    head = fit_head(features, targets, 3, folds_of(targets), strength=1e-2).head

    rows = (features - head.mean) / head.scale
    # scikit-learn's balanced weights add up to N, ours to 1.
    reference = LogisticRegression(C=1 / (1e-2 * len(targets)), class_weight="balanced", tol=1e-8, max_iter=10_000)
    expected = reference.fit(rows, targets).predict_proba(rows)
    np.testing.assert_allclose(probabilities_of(head.logits(features)), expected, atol=5e-3)


def test_out_of_fold_logits_come_from_models_that_never_saw_the_image() -> None:
    """Pure noise: a model that had seen the image would know its class, one that had not can only guess."""
    rng = np.random.default_rng(1)
    features = rng.standard_normal((120, 400)).astype(np.float32)
    targets = rng.permutation(np.repeat([0, 1], 60))
    fit = fit_head(features, targets, 2, folds_of(targets), strength=1e-4)

    assert (fit.head.logits(features).argmax(axis=1) == targets).mean() == 1.0
    assert (fit.out_of_fold_logits.argmax(axis=1) == targets).mean() < 0.65


def test_a_start_that_knows_every_image_does_not_leak_into_the_folds() -> None:
    rng = np.random.default_rng(2)
    features = rng.standard_normal((120, 400)).astype(np.float32)
    targets = rng.permutation(np.repeat([0, 1], 60))
    cold = fit_head(features, targets, 2, folds_of(targets), strength=1e-4)
    warm = fit_head(features, targets, 2, folds_of(targets), strength=1e-4, start=cold.head)

    np.testing.assert_array_equal(warm.out_of_fold_logits, cold.out_of_fold_logits)


def test_a_warm_start_reaches_the_same_head_in_fewer_steps() -> None:
    features, targets = clusters(5, 40, 100, spread=3.0)
    first = fit_head(features[:-1], targets[:-1], 5, folds_of(targets[:-1]), strength=1e-4)
    cold = fit_head(features, targets, 5, folds_of(targets), strength=1e-4)
    warm = fit_head(features, targets, 5, folds_of(targets), strength=1e-4, start=first.head)

    assert warm.num_steps < cold.num_steps
    expected = probabilities_of(cold.head.logits(features))
    np.testing.assert_allclose(probabilities_of(warm.head.logits(features)), expected, atol=5e-3)


def test_the_same_labels_give_the_same_head() -> None:
    features, targets = clusters(3, 20, 64)
    one, two = (fit_head(features, targets, 3, folds_of(targets)) for _ in range(2))
    np.testing.assert_array_equal(one.head.weight, two.head.weight)
    assert one.strength == two.strength


def test_noisy_features_get_a_stronger_penalty_than_clean_ones() -> None:
    clean, targets = clusters(3, 40, 50, spread=0.3)
    noisy, _ = clusters(3, 40, 50, spread=8.0)
    folds = folds_of(targets)
    assert fit_head(noisy, targets, 3, folds).strength > fit_head(clean, targets, 3, folds).strength


def test_two_images_per_class_are_enough() -> None:
    features, targets = clusters(3, 2, 32, spread=0.1)
    fit = fit_head(features, targets, 3, np.array([np.sum(targets[:i] == targets[i]) for i in range(6)]))
    assert (fit.head.logits(features).argmax(axis=1) == targets).all()
    assert (fit.out_of_fold_logits.argmax(axis=1) == targets).all()


def test_features_that_never_change_and_equal_images_give_a_finite_head() -> None:
    features, targets = clusters(2, 10, 16)
    features[:, 3] = 7.0
    features[:5] = features[0]
    targets[:5] = targets[0]
    head = fit_head(features, targets, 2, folds_of(targets)).head
    assert all(np.isfinite(values).all() for values in (head.mean, head.scale, head.weight, head.bias))


def test_standardised_rows_have_length_one_on_average() -> None:
    features, _ = clusters(3, 50, 40)
    mean, scale = standardisation(features * np.geomspace(1e-3, 1e3, 40, dtype=np.float32))
    rows = (features * np.geomspace(1e-3, 1e3, 40, dtype=np.float32) - mean) / scale
    assert np.square(rows).sum(axis=1).mean() == pytest.approx(1.0, rel=1e-3)


def test_a_cancelled_fit_stops() -> None:
    def cancel() -> None:
        raise CancelledError

    features, targets = clusters(2, 5, 8)
    with pytest.raises(CancelledError):
        fit_head(features, targets, 2, folds_of(targets), checkpoint=cancel)


def test_one_sigmoid_per_class_is_what_scikit_learn_finds() -> None:
    features, targets = clusters(3, 40, 30, spread=2.0)
    has_class = targets[:, None] == np.arange(3)
    has_class[:, 2] |= features[:, 0] > 1  # so that some images have two classes
    signs = np.where(has_class, 1, -1).astype(np.float32)
    head = fit_head(features, signs, 3, folds_of(targets), strength=1e-2).head

    rows = (features - head.mean) / head.scale
    for column in range(3):
        reference = LogisticRegression(C=1 / (1e-2 * len(rows)), tol=1e-8, max_iter=10_000)
        expected = reference.fit(rows, has_class[:, column]).predict_proba(rows)[:, 1]
        np.testing.assert_allclose(1 / (1 + np.exp(-head.logits(features)[:, column])), expected, atol=5e-3)


def test_an_entry_that_is_not_known_plays_no_part() -> None:
    features, targets = clusters(2, 40, 30, spread=2.0)
    signs = np.where(targets[:, None] == np.arange(2), 1, -1).astype(np.float32)
    unknown, wrong = signs.copy(), signs.copy()
    unknown[:10, 0], wrong[:10, 0] = 0, -signs[:10, 0]
    folds = folds_of(targets)
    left_out = fit_head(features, unknown, 2, folds, strength=1e-2).head
    misled = fit_head(features, wrong, 2, folds, strength=1e-2).head
    honest = fit_head(features, signs, 2, folds, strength=1e-2).head
    # The other column is the same problem in all three.
    np.testing.assert_allclose(left_out.weight[1], honest.weight[1], atol=1e-2 * np.abs(honest.weight[1]).max())
    distance = np.abs(left_out.weight[0] - honest.weight[0]).max()
    assert distance < 0.5 * np.abs(misled.weight[0] - honest.weight[0]).max()


def test_images_of_a_rare_class_are_not_ranked_last_because_their_fold_left_few_of_them() -> None:
    areas = []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        features = rng.normal(size=(60, 4)).astype(np.float32)  # which say nothing of the classes
        present = np.zeros((60, 2), bool)
        present[:6, 0] = present[::2, 1] = True
        folds = np.arange(60) % 6
        folds[:6] = (1, 0, 0, 0, 0, 0)  # learning without fold 0 sees one image of the class
        fit = fit_head(features, np.where(present, 1, -1).astype(np.float32), 2, folds, strength=1e-2)
        areas.append(roc_auc_score(present[:, 0], fit.out_of_fold_logits[:, 0]))
    assert np.mean(areas) > 0.33  # one half is chance; .16 as long as the odds of each fold were left as they are
