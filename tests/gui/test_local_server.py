"""The switch of the local server: a real process, asked over HTTP by another program; off unless it is switched on."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from PySide6.QtGui import QGuiApplication

from engine.job import run_in_foreground
from engine.project import Project
from engine.tasks.scan import ScanFolder
from engine.tasks.train import retrain_jobs
from engine.tasks.train_snapshot import TrainSettings
from gui.dialogs.local_server import NO_MODEL, LocalServerDialog
from gui.local_server import ServerState


def ask(address: str, token: str, file: Path) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "image/jpeg"}
    request = urllib.request.Request(f"{address}/predict", file.read_bytes(), headers)
    with urllib.request.urlopen(request, timeout=20) as answer:
        document: dict[str, Any] = json.load(answer)
    return document


def is_reached(address: str) -> bool:
    try:
        urllib.request.urlopen(f"{address}/health", timeout=2).close()
    except urllib.error.URLError:
        return False
    return True


def trained_project(folder: Path, images: Path) -> None:
    with Project.create(folder) as project:
        run_in_foreground(ScanFolder(project, images, True))
        for job in retrain_jobs(project, TrainSettings("starter")):
            run_in_foreground(job)


def test_it_is_switched_on_answers_and_is_gone_with_its_project(room: Any, tiny_images: Path, tmp_path: Path) -> None:
    trained_project(tmp_path / "project", tiny_images)
    room.open(tmp_path / "project")
    room.wait_for(lambda: room.session.run is not None)
    room.window.action_set["local_server"].trigger()
    dialog = room.dialog(LocalServerDialog)
    server = room.window.commands.local_server.server
    assert server.state is ServerState.OFF, "nothing listens until it is asked to"
    assert "Version 1" in dialog.model_label.text()

    room.click(dialog.switch_button)
    room.wait_for(lambda: server.state is ServerState.ON, 60_000)
    address, token = dialog.address_field.text(), dialog.token_field.text()
    said = ask(address, token, next(tiny_images.rglob("*.jpg")))
    assert said["predictions"][0]["class"] in ("circles", "squares", "stripes")
    copy = dialog.findChildren(type(dialog.switch_button), "")[1:]
    next(each for each in copy if each.accessibleName() == "Copy: Token").click()
    assert QGuiApplication.clipboard().text() == token

    room.click(dialog.switch_button)
    room.wait_for(lambda: server.state is ServerState.OFF, 30_000)
    assert not is_reached(address)
    assert dialog.address_field.text() == dialog.token_field.text() == ""

    room.click(dialog.switch_button)
    room.wait_for(lambda: server.state is ServerState.ON, 60_000)
    assert (dialog.address_field.text(), dialog.token_field.text()) == (address, token), (
        "programs need not be told anew"
    )
    dialog.reject()
    room.session.close_project()
    room.wait_for(lambda: server.state is ServerState.OFF, 30_000)
    assert not is_reached(address)


def test_without_a_model_there_is_nothing_to_switch_on(room: Any) -> None:
    room.window.action_set["local_server"].trigger()
    dialog = room.dialog(LocalServerDialog)
    assert dialog.model_label.text() == NO_MODEL
    assert not dialog.switch_button.isEnabled()
    dialog.reject()


def test_a_server_that_is_killed_is_told_of(room: Any, tiny_images: Path, tmp_path: Path) -> None:
    trained_project(tmp_path / "project", tiny_images)
    room.open(tmp_path / "project")
    room.wait_for(lambda: room.session.run is not None)
    commands = room.window.commands
    room.wait_for(lambda: commands.use.session.model is not None)
    server = commands.local_server.server
    server.start(commands.use.session.model)
    room.wait_for(lambda: server.state is ServerState.ON, 60_000)
    failures: list[Any] = []
    server.failed.connect(failures.append)
    server._process.kill()
    room.wait_for(lambda: server.state is ServerState.OFF)
    assert "ended by itself" in failures[0].message
