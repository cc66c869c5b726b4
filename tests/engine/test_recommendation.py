"""The advice which backbone to take follows the rule that its docstring states."""

from __future__ import annotations

import pytest

from engine.backbones import CATALOGUE, STARTER_KEY
from engine.backbones.recommendation import PATIENCE_S, RELATIVE_SPEED, Machine, recommend
from engine.backbones.worth import accuracy

TWO_CORES = Machine(1, False, {})
ALL = frozenset({"mobilenet_v2", "mobilenet_v3_small", "squeezenet1_1", STARTER_KEY})


def test_the_figures_are_there_for_whatever_may_be_advised() -> None:
    measured = {key for key, record in CATALOGUE.items() if accuracy(record) is not None}
    assert measured == set(RELATIVE_SPEED) == set(ALL)


@pytest.mark.parametrize(
    ("available", "num_images", "machine", "expected"),
    [
        (ALL, 600, TWO_CORES, "mobilenet_v2"),
        (ALL, 0, TWO_CORES, "mobilenet_v2"),
        (ALL, 130_000, TWO_CORES, "mobilenet_v2"),
        (ALL, 150_000, TWO_CORES, "mobilenet_v3_small"),
        (ALL, 150_000, Machine(15, False, {}), "mobilenet_v2"),  # many cores
        (ALL, 10_000_000, TWO_CORES, "mobilenet_v3_small"),  # none is quick enough: the quickest
        (ALL, 10_000_000, Machine(1, True, {}), "mobilenet_v2"),  # a GPU
        (ALL, 20_000, Machine(1, False, {"mobilenet_v2": 5.0}), "mobilenet_v3_small"),  # slow, as measured
        (frozenset({STARTER_KEY}), 600, TWO_CORES, "mobilenet_v2"),  # worth the download
        (frozenset({STARTER_KEY, "squeezenet1_1"}), 600, TWO_CORES, "mobilenet_v2"),
        (frozenset({STARTER_KEY, "mobilenet_v3_small"}), 600, TWO_CORES, "mobilenet_v3_small"),  # not worth it
        (frozenset(), 600, TWO_CORES, "mobilenet_v2"),
        (ALL | {"resnet50"}, 600, TWO_CORES, "mobilenet_v2"),  # nobody measured the larger one
    ],
)
def test_the_advice_follows_from_the_machine_and_the_images(
    available: frozenset[str], num_images: int, machine: Machine, expected: str
) -> None:
    found = recommend(available, num_images, 2, machine)
    assert found.spec.key == expected
    assert found.is_here == (expected in available)


def test_what_is_better_and_too_slow_is_named_with_its_time() -> None:
    found = recommend(ALL, 300_000, 2, TWO_CORES)
    assert found.seconds is not None
    assert found.seconds < PATIENCE_S < found.better_seconds
    assert found.better is CATALOGUE["mobilenet_v2"]
    assert recommend(ALL, 600, 2, TWO_CORES).better is None
