"""The simulated expert of the benchmarks labels real pictures through the session, with a real network behind it."""

from __future__ import annotations

import importlib.util
import shutil
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import Qt

from engine.domain import Source
from gui.block_records import Page
from gui.likely_classes import likely_first
from gui.theme import RESOURCES

PER_CLASS = 14


@pytest.fixture(scope="module")
def simulated_expert(repository: Path) -> ModuleType:
    file = repository / "tests" / "bench" / "simulated_expert.py"
    loader = importlib.util.spec_from_file_location("simulated_expert", file)
    assert loader is not None
    assert loader.loader is not None
    module = importlib.util.module_from_spec(loader)
    sys.modules["simulated_expert"] = module
    loader.loader.exec_module(module)
    return module


@pytest.fixture
def sample(room: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """A window on sample pictures, filed in an order that says nothing; returns the class of each by its name."""
    monkeypatch.setattr("gui.auto_retrain.PAUSE_MS", 50)
    files = [
        (folder.name, file)
        for folder in sorted((RESOURCES / "sample").iterdir())
        if folder.is_dir()
        for file in sorted(folder.iterdir())[:PER_CLASS]
    ]
    images, truth = tmp_path / "images", {}
    images.mkdir()
    for number, at in enumerate(np.random.default_rng(3).permutation(len(files)).tolist()):
        name = f"{number:03d}{files[at][1].suffix}"
        shutil.copy(files[at][1], images / name)
        truth[name] = files[at][0]
    room.create(tmp_path / "project")
    with room.qtbot.waitSignal(
        room.session.work.ended, timeout=90_000, check_params_cb=lambda kind, _: kind == "embed"
    ):
        room.import_folder(images)
    return truth


def test_all_is_labelled_right_with_fewer_keys_than_images_by_stacks_and_blocks(
    room: Any, sample: dict[str, str], simulated_expert: ModuleType
) -> None:
    expert = simulated_expert.Expert(room.session, lambda name: sample[name])
    tally = expert.label_all(simulated_expert.BOTH)
    assert expert.num_mistakes() == 0
    assert tally.keys < 0.9 * len(sample)
    assert sum(tally.by_what.values()) == tally.keys
    assert room.session.project.snapshot().image_ids.size == len(sample)
    assert tally.moments[-1].accuracy > 0.8


def test_one_key_each_is_what_it_costs_without_help(
    room: Any, sample: dict[str, str], simulated_expert: ModuleType
) -> None:
    room.session.auto_retrain.set_on(False)
    expert = simulated_expert.Expert(room.session, lambda name: sample[name])
    tally = expert.label_all(simulated_expert.PLAIN)
    assert expert.num_mistakes() == 0
    assert tally.keys == len(sample) - len(room.session.classes)  # the first of each class comes with its name
    assert tally.naming == sum(len(name) + 2 for name in set(sample.values()))


def test_the_type_ahead_lists_what_the_model_thinks_likely_first(room: Any, sample: dict[str, str]) -> None:
    session = room.session
    session.auto_retrain.set_on(True)
    for name in sorted(set(sample.values())):
        session.add_class(name)
    room.wait_for(lambda: len(session.classes) == len(set(sample.values())))
    truth = np.array([sample[name] for name in session.columns.names])
    for each in session.classes:
        session.label(session.columns.image_ids[np.flatnonzero(truth == each.name)[:4]], each.id)
    room.wait_for(lambda: session.run is not None and not session.facts.num_labels_since, 60_000)
    row = int(np.flatnonzero(session.columns.class_ids == 0)[-1])
    image_id = int(session.columns.image_ids[row])
    room.wait_for(lambda: session.predictions(image_id))
    likeliest = session.predictions(image_id)[0][0]
    least = session.predictions(image_id)[-1][0]
    order = likely_first(session, np.array([image_id]), [least.id])
    assert order[0] == likeliest.id
    assert order[-1] == least.id
    session.accept_page([], [image_id], Page(likeliest.id, session.run.id), Source.SUGGESTION)
    assert likeliest.id not in likely_first(session, np.array([image_id]), [least.id]), "it was refused"
    room.wait_for(lambda: session.num_unsaved == 0)
    session.undo()
    room.wait_for(lambda: session.num_unsaved == 0 and not session.columns.refused_bits.any())

    workspace = room.window.workspace
    workspace.grid.go_to(int(np.flatnonzero(workspace.images.rows == row)[0]))
    room.press(Qt.Key.Key_Slash)
    room.press(Qt.Key.Key_Return)
    room.wait_for(lambda: session.columns.class_ids[row] == likeliest.id)
