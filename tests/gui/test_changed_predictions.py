"""What a refit changed is one click away, says what was suggested before, and pulls nothing away by itself."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.domain import NO_CLASS
from gui.theme import RESOURCES

PER_CLASS = 8


@pytest.fixture
def sample(room: Any, tmp_path: Path) -> Any:
    """A window on sample pictures that have all been looked at; the classes of two kinds were mixed up at first."""
    images = tmp_path / "images"
    for folder in sorted((RESOURCES / "sample").iterdir()):
        if folder.is_dir():
            (images / folder.name).mkdir(parents=True)
            for file in sorted(folder.iterdir())[:PER_CLASS]:
                shutil.copy(file, images / folder.name)
    room.create(tmp_path / "project")
    with room.qtbot.waitSignal(
        room.session.work.ended, timeout=90_000, check_params_cb=lambda kind, _: kind == "embed"
    ):
        room.import_folder(images)
    room.add_classes(*sorted(folder.name for folder in images.iterdir()))
    label(room, 2, swaps=True)
    train(room)
    return room


def label(room: Any, num_each: int, swaps: bool = False) -> None:
    columns, classes = room.session.columns, room.session.classes
    kinds = np.array([name.split("/")[0] for name in columns.names])
    ids = [each.id for each in classes]
    given = [ids[1], ids[0], *ids[2:]] if swaps else ids
    for item, class_id in zip(classes, given, strict=True):
        room.session.label(columns.image_ids[np.flatnonzero(kinds == item.name)[:num_each]], class_id)


def train(room: Any) -> None:
    before = room.session.run.id if room.session.run is not None else 0
    room.wait_for(lambda: room.session.num_unsaved == 0)
    room.session.retrain()
    room.wait_for(lambda: room.session.run is not None and room.session.run.id != before, 90_000)
    room.wait_for(lambda: not room.session.work.is_running("train") and not room.session.is_reloading, 90_000)


def test_the_images_whose_suggestion_changed_are_a_click_away_with_what_was_suggested_before(sample: Any) -> None:
    session, workspace = sample.session, sample.window.workspace
    assert session.changes.num_changed == 0
    assert not workspace.footer.changes.isVisible()
    before = session.columns.predicted_ids.copy()
    label(sample, 2)
    sample.wait_for(lambda: session.num_unsaved == 0)
    sample.qtbot.wait(50)
    looked_at, filtered = session.current_image_id, workspace.filtering.wanted
    train(sample)
    now = session.columns.predicted_ids
    is_open = (session.columns.class_ids == NO_CLASS) & ~session.columns.look_unknown()
    assert session.changes.num_changed > 0
    assert (session.current_image_id, workspace.filtering.wanted) == (looked_at, filtered)

    assert workspace.footer.changes.isVisible()
    sample.click(workspace.footer.changes)
    sample.wait_for(lambda: workspace.filtering.wanted.picked is session.changes.picked)
    shown = workspace.images.rows
    assert (session.columns.class_ids[shown] == NO_CLASS).all()
    certain = shown[is_open[shown]]
    assert certain.tolist() == shown[: len(certain)].tolist()
    assert (np.diff(session.columns.confidences[certain]) <= 1e-6).all()
    names = {each.id: each.name for each in session.classes}
    for row in certain.tolist():
        face = workspace.faces.of_row(row)
        if face.was is not None and face.was[0] != "unknown":
            assert (face.was[0], before[row] != now[row]) == (names[int(before[row])], True)
            assert f"was {face.was[0]}" in workspace.images.describe(row)
    assert any(workspace.faces.of_row(row).was for row in shown.tolist())

    workspace.filtering.clear()
    assert not any(workspace.faces.of_row(row).was for row in shown.tolist())


def test_what_is_labelled_is_no_change_any_more_and_a_refit_on_the_same_labels_changes_nothing(sample: Any) -> None:
    session = sample.session
    label(sample, 2)
    train(sample)
    session.label(session.columns.image_ids, session.classes[0].id)
    assert session.changes.num_changed == 0
    sample.wait_for(lambda: session.num_unsaved == 0)
    session.undo()
    sample.wait_for(lambda: session.num_unsaved == 0)
    train(sample)
    assert session.changes.num_changed == 0
