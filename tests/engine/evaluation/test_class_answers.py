"""Answers per class, against a reference that looks at one image after the other."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from engine.evaluation.class_answers import class_answers


@given(st.integers(0, 2**32 - 1), st.integers(0, 12), st.integers(1, 4))
def test_answers_are_those_of_counting_image_by_image(seed: int, num_images: int, num_classes: int) -> None:
    rng = np.random.default_rng(seed)
    present, suggested = rng.random((2, num_images, num_classes)) < 0.5
    answers = class_answers(present, suggested)
    mixed, together, both = np.zeros((3, num_classes, num_classes), np.int64)
    for has, said in zip(present, suggested, strict=True):
        for i in range(num_classes):
            for j in range(num_classes):
                mixed[i, j] += has[i] and not said[i] and said[j] and not has[j]
                together[i, j] += has[i] and has[j]
                both[i, j] += has[i] and has[j] and said[i] and said[j]
    assert np.array_equal(answers.mixed, mixed)
    assert np.array_equal(answers.together, together)
    assert np.array_equal(answers.both_found, both)
    assert np.array_equal(answers.found + answers.missed, present.sum(axis=0))
    assert np.array_equal(answers.found + answers.wrong, suggested.sum(axis=0))
    assert np.array_equal(answers.found + answers.missed + answers.wrong + answers.left_out, [num_images] * num_classes)
    shares = answers.no_is_right()
    for index in range(num_classes):
        said_no = ~suggested[:, index]
        expected = (~present[said_no, index]).mean() if said_no.any() else np.nan
        np.testing.assert_allclose(shares[index], expected)
