"""The bins of the reliability diagram hold every prediction once."""

from __future__ import annotations

import numpy as np
import pytest

from engine.evaluation.intervals import grouped
from engine.evaluation.reliability import reliability_bins


def test_every_prediction_is_in_the_bin_of_its_confidence() -> None:
    rng = np.random.default_rng(0)
    confidences = np.append(rng.random(300), [0.0, 1.0])
    is_right = rng.random(302) < confidences
    found = reliability_bins(confidences, is_right, grouped(is_right))
    assert sorted(np.concatenate([each.rows for each in found]).tolist()) == list(range(302))
    for each in found:
        members = confidences[each.rows]
        assert ((members >= each.low) & (members <= each.high)).all()
        assert each.confidence == pytest.approx(members.mean())
        assert each.accuracy == pytest.approx(is_right[each.rows].mean())
        assert each.interval[0] <= each.accuracy <= each.interval[1]
        assert (np.diff(members) >= 0).all()
