"""What the hint line promises before all confident suggestions are accepted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest


@pytest.fixture
def desk(open_desk: Callable[[Path], Any], make_images: Callable[[int], Path]) -> Any:
    desk = open_desk(make_images(60))
    desk.add_classes("sound", "rotten")
    return desk


def measured(desk: Any, num_confident: int, num_wrong: int) -> None:
    validation = SimpleNamespace(num_confident=num_confident, num_confident_wrong=num_wrong)
    desk.session.run = SimpleNamespace(validation=validation, unknown=None, settings={})
    desk.suggest(np.full(60, 1), np.full(60, 0.99))


def wait_for_hint(desk: Any, text: str) -> None:
    desk.qtbot.waitUntil(lambda: text in desk.workspace.footer.hints.accessibleDescription())


def test_ten_labels_promise_nothing(desk: Any) -> None:
    measured(desk, 4, 2)
    wait_for_hint(desk, "too few labels to tell how many are wrong")


def test_nothing_is_promised_where_open_images_look_like_nothing_labelled(desk: Any) -> None:
    measured(desk, 200, 1)
    desk.session.run.settings = {"unlike_labelled": {"num_unlike": 275, "num_open": 317}}
    wait_for_hint(desk, "nobody can tell how many are wrong")
    assert "at most" not in desk.workspace.footer.hints.accessibleDescription()


def test_a_model_that_was_wrong_when_sure_promises_as_many_mistakes(desk: Any) -> None:
    measured(desk, 200, 40)
    wait_for_hint(desk, "about 12 wrong, at most 16")


def test_a_model_that_kept_its_word_is_believed(desk: Any) -> None:
    measured(desk, 2000, 10)
    wait_for_hint(desk, "about 1 wrong, at most 1")
