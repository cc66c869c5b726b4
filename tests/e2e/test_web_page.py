"""The exported web page in a real browser on real pictures: the program's own answers, offline, honest failures."""

from __future__ import annotations

import csv
import io
import os
import random
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from engine.job import QuietContext, run_in_foreground
from engine.project import Project
from engine.tasks.classify_files import ClassifyFiles
from engine.tasks.export import ExportModel
from engine.tasks.scan import ScanFolder
from engine.tasks.train import retrain_jobs
from engine.tasks.train_snapshot import TrainSettings
from tests.e2e.chromium import Chromium, find_chromium

pytestmark = pytest.mark.slow

PER_CLASS, NUM_TEST = 8, 9
CAMERA = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")
Made = tuple[Project, Path, Path]


@pytest.fixture(scope="module")
def browser() -> Iterator[Chromium]:
    if find_chromium() is None:
        pytest.skip("needs Chromium, which is not here (Debian: apt-get install chromium)")
    with Chromium(*CAMERA) as started:
        yield started


@pytest.fixture(scope="module")
def made(shared: Path, browser: Chromium, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    """A project of steel surfaces, its web page, and pictures that no training has seen, odd ones among them."""
    folder = tmp_path_factory.mktemp("web")
    rng = random.Random(3)
    for class_folder in sorted((shared / "data" / "steel_neu").iterdir()):
        files = sorted(class_folder.iterdir())
        rng.shuffle(files)
        for index, file in enumerate(files[: PER_CLASS + NUM_TEST]):
            place = folder / ("train" if index < PER_CLASS else "test") / class_folder.name
            place.mkdir(parents=True, exist_ok=True)
            shutil.copy2(file, place / file.name)
    make_odd_pictures(shared / "data" / "clothing10", folder / "test" / "odd")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRAFT_DATA", str(folder / "data"))
        patch.setenv("GRAFT_WEIGHTS", str(shared / "weights"))
        with Project.create(folder / "project", "Steel & <b>more</b>") as project:
            run_in_foreground(ScanFolder(project, folder / "train", True))
            for job in retrain_jobs(project, TrainSettings(backbone="mobilenet_v2")):
                run_in_foreground(job)
            run_in_foreground(ExportModel(project, "web", folder / "page"))
            yield project, folder / "page", folder / "test"


def make_odd_pictures(source: Path, target: Path) -> None:
    """A colour photo in every EXIF orientation, transparent, grey, with a palette, and in a wide colour space."""
    target.mkdir(parents=True)
    with Image.open(next(path for path in sorted(source.rglob("*.jpg")))) as opened:
        photo = opened.convert("RGB")
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = orientation
        photo.save(target / f"orientation {orientation}.jpg", quality=95, exif=exif)
    alpha = Image.fromarray(np.linspace(0, 255, photo.width, dtype=np.uint8)[None].repeat(photo.height, 0))
    photo.putalpha(alpha)
    photo.save(target / "transparent.png")
    photo.convert("L").save(target / "grey.jpg", quality=95)
    photo.convert("RGB").quantize(64).save(target / "palette.png")
    photo.convert("RGB").save(target / "wide.jpg", quality=95, icc_profile=wide_profile())


def wide_profile() -> bytes:
    """An ICC profile with the primaries of Display P3 and a gamma of 2.2, made by hand: Pillow brings only sRGB."""

    def fixed(value: float) -> bytes:
        return round(value * 65536).to_bytes(4, "big", signed=True)

    def text(kind: bytes, words: str) -> bytes:
        data = words.encode("utf-16-be")
        return (
            kind
            + bytes(4)
            + (1).to_bytes(4, "big")
            + (12).to_bytes(4, "big")
            + b"enUS"
            + len(data).to_bytes(4, "big")
            + (28).to_bytes(4, "big")
            + data
        )

    def xyz(*values: float) -> bytes:
        return b"XYZ " + bytes(4) + b"".join(map(fixed, values))

    curve = b"curv" + bytes(4) + (1).to_bytes(4, "big") + round(2.2 * 256).to_bytes(2, "big") + bytes(2)
    tags = {
        b"desc": text(b"mluc", "Wide"),
        b"cprt": text(b"mluc", "None"),
        b"wtpt": xyz(0.9642, 1.0, 0.8249),
        b"rXYZ": xyz(0.5151, 0.2412, -0.0011),
        b"gXYZ": xyz(0.2920, 0.6922, 0.0419),
        b"bXYZ": xyz(0.1571, 0.0666, 0.7841),
        b"rTRC": curve,
        b"gTRC": curve,
        b"bTRC": curve,
    }
    start = 128 + 4 + 12 * len(tags)
    table, body = len(tags).to_bytes(4, "big"), b""
    for name, data in tags.items():
        data += bytes(-len(data) % 4)
        table += name + (start + len(body)).to_bytes(4, "big") + len(data).to_bytes(4, "big")
        body += data
    head = b"none" + bytes.fromhex("04300000") + b"mntrRGB XYZ " + bytes(12) + b"acsp" + bytes(28)
    head += b"".join(map(fixed, (0.9642, 1.0, 0.8249)))
    size = start + len(body)
    return (size.to_bytes(4, "big") + head[:]).ljust(128, b"\0") + table + body


def open_page(browser: Chromium, address: str) -> None:
    browser.log.clear()
    browser.asked.clear()
    browser.open(address)
    browser.wait_for("graft.isReady || graft.error")
    assert browser.run("graft.error") is None


def classify(browser: Chromium, files: list[Path]) -> list[dict[str, Any]]:
    """Returns what the page says of files that the user chose."""
    browser.run("document.getElementById('clear-button').click()")
    browser.choose_files("#choose", files)
    browser.wait_for(f"graft.results.length === {len(files)} && graft.results.every((each) => each.group)", 150)
    said: list[dict[str, Any]] = browser.run(
        "graft.results.map(({ name, group, problem, answer }) => ({ name, group, problem, answer }))"
    )
    return said


class Collector(QuietContext):
    def __init__(self) -> None:
        self.predictions: list[Any] = []

    def emit(self, event: Any) -> None:
        self.predictions += event.predictions


def said_by_program(project: Project, folder: Path, shared: Path) -> list[Any]:
    collector = Collector()
    run_in_foreground(ClassifyFiles(project, [folder]), collector)
    return collector.predictions


@pytest.fixture(autouse=True)
def _same_folders(request: pytest.FixtureRequest, made: Made, shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRAFT_DATA", str(made[1].parent / "data"))
    monkeypatch.setenv("GRAFT_WEIGHTS", str(shared / "weights"))


def test_the_page_says_what_the_program_says_opened_as_a_file(browser: Chromium, made: Made, shared: Path) -> None:
    project, page, test = made
    open_page(browser, (page / "index.html").as_uri())
    assert browser.run("graft.difference") <= 1e-5, "the model's own test picture"
    expected = said_by_program(project, test, shared)
    said = classify(browser, [each.path for each in expected])
    assert len(said) >= 50

    theirs = np.array([each["answer"]["probabilities"] for each in said])
    ours = np.array([each.probabilities for each in expected])
    assert (theirs.argmax(axis=1) == ours.argmax(axis=1)).all()
    is_wide = np.array([each.path.stem == "wide" for each in expected])
    # Where the browser decodes to the same pixels, the numbers are the same; a colour profile costs rounding steps.
    assert np.abs(theirs - ours)[~is_wide].max() <= 1e-3
    assert np.abs(theirs - ours)[is_wide].max() <= 0.02
    strangeness = np.array([each["answer"]["unknownScore"] for each in said])
    assert np.abs(strangeness - [each.unknown_score for each in expected])[~is_wide].max() <= 1e-2
    groups = ["unknown" if each.is_unknown else each.classes[0] for each in expected]
    assert [each["group"] for each in said] == groups


def test_the_page_asks_for_nothing_but_its_own_files(browser: Chromium, made: Made) -> None:
    page = made[1]
    open_page(browser, (page / "index.html").as_uri())
    assert browser.asked
    assert all(address.startswith((page.as_uri(), "blob:null/")) for address in browser.asked), browser.asked
    assert browser.log == []
    for address in ("https://example.org/", "http://127.0.0.1:9/"):
        assert browser.run(f"fetch('{address}').then(() => 'got it', () => 'refused')") == "refused"
    assert "Content Security Policy" in " ".join(browser.log)


def test_the_name_of_a_project_and_a_picture_is_text_and_no_markup(browser: Chromium, made: Made) -> None:
    open_page(browser, (made[1] / "index.html").as_uri())
    assert browser.run("document.getElementById('name').textContent") == "Steel & <b>more</b>"
    assert browser.run("document.querySelectorAll('b').length") == 0


def test_what_is_no_picture_is_said_and_the_others_go_on(browser: Chromium, made: Made, tmp_path: Path) -> None:
    _project, page, test = made
    good = next(path for path in sorted(test.rglob("*.jpg")))
    (tmp_path / "broken.jpg").write_bytes(good.read_bytes()[:300])
    (tmp_path / "empty.png").write_bytes(b"")
    Image.open(good).save(tmp_path / "scan.tif")
    open_page(browser, (page / "index.html").as_uri())
    said = classify(browser, [tmp_path / "broken.jpg", tmp_path / "empty.png", tmp_path / "scan.tif", good])
    assert [bool(each["problem"]) for each in said] == [True, True, True, False]
    assert "Convert it" in said[2]["problem"]
    assert browser.run("document.querySelectorAll('.card.failed').length") == 3


def test_the_table_of_the_page_is_the_tables_of_the_program(browser: Chromium, made: Made, tmp_path: Path) -> None:
    _project, page, test = made
    open_page(browser, (page / "index.html").as_uri())
    files = sorted((test / "patches").iterdir())[:3]
    classify(browser, files)
    browser.send("Page.setDownloadBehavior", behavior="allow", downloadPath=str(tmp_path))
    browser.run("document.getElementById('save-button').click()")
    browser.wait_for("true")
    table = tmp_path / "predictions.csv"
    for _ in range(100):
        if table.exists() and table.stat().st_size:
            break
        browser.run("new Promise((done) => setTimeout(done, 50))")
    rows = list(csv.DictReader(io.StringIO(table.read_text(encoding="utf-8"))))
    assert [row["image"] for row in rows] == [file.name for file in files]
    assert set(rows[0]) > {"class", "confidence", "unknown", "unknown_score", "patches"}


def test_the_camera_is_classified_live_and_a_picture_of_it_kept(browser: Chromium, made: Made) -> None:
    open_page(browser, (made[1] / "index.html").as_uri())
    browser.run("document.getElementById('camera-button').click()")
    browser.wait_for("document.querySelectorAll('#live-answer .bars li').length === 6")
    browser.run("document.getElementById('keep-button').click()")
    browser.wait_for("graft.results.length === 1 && graft.results[0].answer")
    browser.run("document.getElementById('stop-button').click()")
    assert browser.run("document.getElementById('camera').hidden")
    assert browser.run("document.getElementById('video').srcObject") is None


def test_served_by_its_own_script_it_is_reached_from_this_computer_only_and_has_threads(
    browser: Chromium, made: Made
) -> None:
    _project, page, test = made
    server = subprocess.Popen([sys.executable, page / "serve.py"], stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        address = next(word for word in server.stdout.readline().split() if word.startswith("http://127.0.0.1:"))
        open_page(browser, address)
        assert browser.run("crossOriginIsolated")
        said = classify(browser, sorted((test / "patches").iterdir())[:3])
        assert all(each["answer"] for each in said)
        assert all(each.startswith((address, "blob:")) for each in browser.asked), browser.asked
        port = int(address.rstrip("/").rpartition(":")[2])
        with pytest.raises(OSError):  # A server that listened everywhere would answer here too.
            socket.create_connection(("127.0.0.2", port), timeout=2)
    finally:
        server.terminate()
        server.wait(10)


def test_a_page_without_its_folder_says_what_to_copy(browser: Chromium, made: Made, tmp_path: Path) -> None:
    shutil.copytree(made[1], tmp_path / "copy")
    os.unlink(tmp_path / "copy" / "page" / "model-0.js")
    browser.open((tmp_path / "copy" / "index.html").as_uri())
    browser.wait_for("graft.error")
    assert "Copy the whole folder" in browser.run("document.getElementById('status-text').textContent")
