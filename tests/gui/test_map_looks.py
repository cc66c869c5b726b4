"""What the colours and rings of the map say."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from engine.domain import ImageClass
from engine.project import Project
from gui.map_looks import ColorBy, _quiet, looks_of

CLASSES = [ImageClass(1, "rust", "#ff8800", "1", 0), ImageClass(4, "ok", "#0088ff", "2", 1)]


@dataclass
class Measured:
    """The part of a Review that the map reads."""

    image_ids: np.ndarray
    targets: np.ndarray
    probabilities: np.ndarray
    metrics: object = True


@pytest.fixture
def columns(project: Project, file_images):
    file_images(project, 6)
    found = project.columns()
    found.class_ids[:] = [1, 1, 4, 4, 0, 0]
    found.predicted_ids[:] = [1, 4, 4, 4, 4, 0]
    found.unknown_scores[:] = [0.1, 0.4, 0.6, 0.99, np.nan, 0.2]
    return found


@pytest.fixture
def file_images(tmp_path: Path):
    from engine.domain import NewImage

    def make(project: Project, count: int) -> list[int]:
        root = project.add_root(tmp_path)
        new = [NewImage(f"{at}.jpg".encode(), f"{at:032x}", 1, 1, 8, 8) for at in range(count)]
        return project.add_images(root, new)

    return make


@pytest.fixture
def project(tmp_path: Path):
    with Project.create(tmp_path / "project") as made:
        yield made


@pytest.fixture
def review(columns) -> Measured:
    probabilities = np.array([[0.9, 0.1], [0.2, 0.8], [0.1, 0.9], [0.3, 0.7]])
    return Measured(columns.image_ids[:4], np.array([0, 0, 1, 1]), probabilities)


def rgb(color: str) -> int:
    return int(color[1:], 16) | 0xFF000000


def test_classes_have_their_colours_and_mistakes_a_ring(columns, review) -> None:
    looks = looks_of(ColorBy.CLASS, columns, CLASSES, np.arange(6), review)
    grey = rgb(_quiet())
    assert looks.colors.tolist() == [rgb("#ff8800")] * 2 + [rgb("#0088ff")] * 2 + [grey] * 2
    assert np.flatnonzero(looks.ringed).tolist() == [1]
    said = [(each.text, each.points.tolist(), each.has_ring) for each in looks.legend]
    assert said == [
        ("rust", [0, 1], False),
        ("ok", [2, 3], False),
        ("no class", [4, 5], False),
        ("got wrong", [1], True),
    ]


def test_predictions_and_images_that_went_away(columns) -> None:
    rows = np.array([0, -1, 4])
    looks = looks_of(ColorBy.PREDICTION, columns, CLASSES, rows, None)
    assert looks.colors.tolist() == [rgb("#ff8800"), rgb(_quiet()), rgb("#0088ff")]
    assert not looks.ringed.any()


def test_mistakes_are_only_known_of_measured_images(columns, review) -> None:
    looks = looks_of(ColorBy.MISTAKES, columns, CLASSES, np.arange(6), review)
    assert [(each.text, each.points.tolist()) for each in looks.legend] == [
        ("wrong", [1]),
        ("right", [0, 2, 3]),
        ("not measured", [4, 5]),
    ]
    assert looks.note == ""
    assert "first training" in looks_of(ColorBy.MISTAKES, columns, CLASSES, np.arange(6), None).note
    several = replace(review, metrics=None)
    assert not looks_of(ColorBy.MISTAKES, columns, CLASSES, np.arange(6), several).ringed.any()


def test_the_strange_have_a_ring(columns) -> None:
    looks = looks_of(ColorBy.UNKNOWN, columns, CLASSES, np.arange(6), None)
    assert np.flatnonzero(looks.ringed).tolist() == [3]
    assert len({*looks.colors.tolist()}) == 6
    columns.unknown_scores[:] = np.nan
    assert "Retrain" in looks_of(ColorBy.UNKNOWN, columns, CLASSES, np.arange(6), None).note
