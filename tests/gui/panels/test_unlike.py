"""Where open images look like nothing labelled, the model bar says of which images its figure is."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from engine.domain import LabelMode
from gui import wording

UNLIKE = {"unlike_labelled": {"num_unlike": 275, "num_open": 317}}


def run_with(settings: dict[str, Any]) -> Any:
    validation = SimpleNamespace(
        num_confident=300,
        num_confident_wrong=1,
        accuracy=0.867,
        accuracy_interval=(0.79, 0.92),
        mean_average_precision=None,
        mean_average_precision_interval=None,
    )
    return SimpleNamespace(id=3, validation=validation, unknown=None, mode=LabelMode.ONE, settings=settings)


def test_the_title_says_of_which_images_the_figure_is_and_gives_no_interval() -> None:
    assert wording.run_title(run_with({})) == "Version 3  ·  86.7 %"
    assert wording.run_interval(run_with({})) == "(79.0–92.0)"
    assert wording.run_title(run_with(UNLIKE)) == "Version 3  ·  87 % of those labelled"
    assert wording.run_interval(run_with(UNLIKE)) == ""
    assert "275 of 317 open images" in wording.run_meaning(run_with(UNLIKE))
