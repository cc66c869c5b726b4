"""Picture quality in the window: measured by itself, then a filter with counts, an order, a line of the details."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageFilter
from PySide6.QtCore import QPoint, Qt

from engine.suggestions.flaws import Flaw
from gui.activities import QUALITY
from gui.models.image_filter import Order
from gui.theme import RESOURCES

NUM_GOOD = 30


@pytest.fixture
def spoilt(room: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A window on thirty sample pictures, two blurred ones, a dark one, and one that breaks after it was filed."""
    room.session.quality._timer.setInterval(50)
    images = tmp_path / "images"
    images.mkdir()
    files = sorted((RESOURCES / "sample").rglob("*.jpg"))[::2][: NUM_GOOD + 4]
    for at, file in enumerate(files[:NUM_GOOD]):
        shutil.copy2(file, images / f"good {at:02}.jpg")
    for at, file in enumerate(files[NUM_GOOD:]):
        with Image.open(file) as image:
            if at < 2:
                image.filter(ImageFilter.GaussianBlur(6)).save(images / f"blurred {at}.jpg", quality=90)
            elif at == 2:
                image.point(lambda value: value * 0.1).save(images / "dark.jpg", quality=90)
            else:
                image.save(images / "broken.jpg")
    monkeypatch.setattr("gui.engine_work.EngineWork.embed", lambda _work: None)
    room.create(tmp_path / "project")
    room.import_folder(images)
    (images / "broken.jpg").write_bytes(b"no picture any more")
    room.wait_for(lambda: room.session.quality.has_measures, 60_000)
    return room


def shown(room: Any) -> list[str]:
    return [room.session.columns.names[row] for row in room.window.workspace.images.rows.tolist()]


def test_flaws_are_filters_with_counts_an_order_and_a_line_of_the_details(spoilt: Any) -> None:
    room, workspace = spoilt, spoilt.window.workspace
    section, view = workspace.sections["quality"], workspace.flaws
    room.wait_for(section.isVisible)
    assert view.facets.tree.names[:2] == ["Blurry", "Dark"]
    room.wait_for(lambda: [view.facets.index(row, 0).data(Qt.ItemDataRole.UserRole + 1) for row in (0, 1)] == [2, 1])
    room.qtbot.mouseClick(
        view.viewport(), Qt.MouseButton.LeftButton, pos=view.visualRect(view.facets.index(0, 0)).center() - QPoint(2, 0)
    )
    assert workspace.filtering.wanted.flaws == Flaw.BLURRY
    assert sorted(shown(room)) == ["blurred 0.jpg", "blurred 1.jpg"]
    assert [chip.text() for chip in workspace.filter_bar.chips] == ["Blurry  ×"]
    room.click(workspace.filter_bar.chips[0])
    assert len(shown(room)) == NUM_GOOD + 4
    room.session.assistance.order_wanted.emit("blurriest")
    assert workspace.images.order is Order.BLURRIEST
    assert set(shown(room)[:2]) == {"blurred 0.jpg", "blurred 1.jpg"}
    assert shown(room)[-1] == "broken.jpg"
    workspace.grid.go_to(0)
    facts = workspace.details.facts.values["picture"]
    room.wait_for(lambda: facts.text() == "blurry")
    assert "Softer than" in facts.toolTip()


def test_measuring_is_quiet_and_a_cancel_holds_until_the_project_is_opened_again(
    room: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gui.engine_work.EngineWork.embed", lambda _work: None)
    images = tmp_path / "images"
    images.mkdir()
    for at, file in enumerate(sorted((RESOURCES / "sample").rglob("*.jpg"))[:6]):
        shutil.copy2(file, images / f"{at}.jpg")
    room.session.quality._timer.setInterval(50)
    room.create(tmp_path / "project")
    room.import_folder(images)
    room.wait_for(lambda: room.session.work.is_running(QUALITY))
    room.session.work.cancel()
    room.wait_for(lambda: not room.session.work.is_running(QUALITY))
    room.session.work.ended.emit("scan", None)
    room.qtbot.wait(400)
    assert not room.session.work.is_running(QUALITY)
    assert not room.session.quality.has_measures
