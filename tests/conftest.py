"""What all tests share: the shared material, a few generated images, and a clean room around each test.

Tests share helpers only through the fixtures here (there are no test packages to import from).
"""

from __future__ import annotations

import contextlib
import json
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.domain import Run, Validation
from engine.project import Project

# Before anything imports Qt. Window tests (tests/e2e) start the program as a process of its own with its own setting.
os.environ["QT_QPA_PLATFORM"] = "offscreen"
# The expected texts are English, also on a machine that is not.
os.environ["GRAFT_LANGUAGE"] = "en"
# Two threads that spin on two busy cores slow each other down many times over.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

ROOT = Path(__file__).resolve().parent.parent


# ------------------------------------------------------------------------------------------------- shared material


@pytest.fixture(scope="session")
def repository() -> Path:
    """The folder that holds main.py."""
    return ROOT


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of shared material (image sets, weights); the test is skipped where it is absent."""
    folder = Path(os.environ.get("GRAFT_SHARED") or ROOT.parent / "shared")
    if not (folder / "data").is_dir():
        pytest.skip(f"needs the shared material, and {folder} is not here (set GRAFT_SHARED)")
    return folder


@pytest.fixture(scope="session")
def shared_data(shared: Path) -> Path:
    """Six real image sets, each a folder per class."""
    return shared / "data"


@pytest.fixture
def shared_weights(shared: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of real ImageNet weights; the program finds them through GRAFT_WEIGHTS for the length of the test."""
    folder = shared / "weights"
    if not folder.is_dir():
        pytest.skip(f"needs real weights, and {folder} is not here")
    monkeypatch.setenv("GRAFT_WEIGHTS", str(folder))
    return folder


# ------------------------------------------------------------------------------------------------ generated images


@pytest.fixture
def tiny_images(tmp_path: Path) -> Path:
    """A folder with three class folders (circles, squares, stripes) of four 64x48 JPEGs each, all different."""
    folder = tmp_path / "tiny_images"
    rng = np.random.default_rng(0)
    y, x = np.mgrid[0:48, 0:64]
    for name in ("circles", "squares", "stripes"):
        (folder / name).mkdir(parents=True)
        for index in range(4):
            centre_x, centre_y, size = rng.integers(20, 44), rng.integers(16, 32), rng.integers(7, 14)
            if name == "circles":
                mask = (x - centre_x) ** 2 + (y - centre_y) ** 2 < size**2
            elif name == "squares":
                mask = (abs(x - centre_x) < size) & (abs(y - centre_y) < size)
            else:
                mask = ((x + centre_x) // size) % 2 == 0
            pixels = rng.integers(0, 60, size=(48, 64, 3)) + mask[..., None] * rng.integers(90, 190, size=3)
            Image.fromarray(pixels.astype(np.uint8)).save(folder / name / f"{name}_{index}.jpg", quality=92)
    return folder


# ------------------------------------------------------------------------------------------ versions without a training


@pytest.fixture(scope="session")
def add_version() -> Callable[..., Run]:
    """Records a version of the model whose files say what they are told to; see `_add_version`."""
    return _add_version


def _add_version(
    project: Project,
    number: int,
    image_ids: Sequence[int],
    class_ids: Sequence[int],
    targets: Sequence[int],
    said: Sequence[int],
    rest: Sequence[Sequence[float]],
) -> Run:
    """Records version `number` and returns it.

    Args:
        image_ids: the labelled images first, as many as there are `targets`, then those without a class.
        targets: positions in `class_ids` of the classes that the labelled images had.
        said: those that it gave them while they were held out.
        rest: its probabilities for the images without a class.
    """
    folder = project.models_dir / f"run-{number:04d}"
    folder.mkdir()
    labelled = list(image_ids[: len(targets)])
    chances = np.where(np.eye(len(class_ids), dtype=bool)[list(said)], 0.9, 0.1 / (len(class_ids) - 1))
    np.savez(folder / "labels.npz", image_ids=labelled, targets=targets, folds=[0] * len(targets))
    np.savez(folder / "out_of_fold.npz", image_ids=labelled, probabilities=chances.astype(np.float32))
    probabilities = np.vstack([chances, rest]).astype(np.float32)
    np.savez(folder / "predictions.npz", image_ids=image_ids, class_ids=class_ids, probabilities=probabilities)
    accuracy = float(np.mean(np.array(said) == targets))
    validation = Validation("5-fold cross-validation", accuracy, (0.4, 0.99), accuracy, 0.3, 0.02)
    names = {each.id: each.name for each in project.classes()}
    run = Run(number, 1.7e9 + number, "starter", "w", "head", number, folder.name, list(class_ids),
              [names[each] for each in class_ids], len(targets), project.last_step(), validation, {"train": 0.5},
              {"group_by": None}, False)  # fmt: skip
    (folder / "run.json").write_text(json.dumps(asdict(run)))
    return project.add_run(run)


# --------------------------------------------------------------------------------------------- a server of this machine


class FileServer(ThreadingHTTPServer):
    """Serves `content` at every address; below /moved it sends on first, stating `stated_hash` as Hugging Face does.

    `stop_after` cuts the next answer off after so many bytes; `pause_s` makes it wait between blocks.
    """

    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _FileHandler)
        self.content = b""
        self.stop_after: int | None = None
        self.status: int | None = None
        self.has_ranges = True
        self.ranges: list[str | None] = []
        self.stated_hash = ""
        self.pause_s = 0.0


class _FileHandler(BaseHTTPRequestHandler):
    server: FileServer

    def do_GET(self) -> None:
        if self.path.startswith("/moved"):
            self.send_response(302)
            self.send_header("Location", self.path.removeprefix("/moved"))
            self.send_header("X-Linked-Etag", f'"{self.server.stated_hash}"')
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        wanted = self.headers.get("Range")
        self.server.ranges.append(wanted)
        if self.server.status is not None:
            self.send_error(self.server.status)
            return
        start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and self.server.has_ranges else 0
        if start >= len(self.server.content):
            self.send_error(416)
            return
        body = self.server.content[start:]
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        body = body[: self.server.stop_after]
        self.server.stop_after = None
        with contextlib.suppress(ConnectionError):  # the client may cancel
            for position in range(0, len(body), _BLOCK_BYTES):
                self.wfile.write(body[position : position + _BLOCK_BYTES])
                time.sleep(self.server.pause_s)

    def log_message(self, format: str, *args: object) -> None:
        return


_BLOCK_BYTES = 1 << 16


@pytest.fixture
def file_server() -> Iterator[FileServer]:
    """A server on the loopback address, for downloads."""
    with FileServer() as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield running
        running.shutdown()
        thread.join()


# ---------------------------------------------------------------------------------------------------- a clean room


@pytest.fixture(autouse=True)
def _own_user_folders(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads or writes the user's own settings, weights or caches."""
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("GRAFT_DATA", str(home / "graft"))
    monkeypatch.delenv("GRAFT_WEIGHTS", raising=False)
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME"):
        monkeypatch.setenv(name, str(home / name.lower()))


@pytest.fixture(autouse=True)
def _no_thread_outlives_a_window_test(request: pytest.FixtureRequest) -> Iterator[None]:
    """After a GUI test no thread that it started is alive; a thread left behind crashes Qt at exit."""
    if "qapp" not in request.fixturenames:
        yield
        return
    before = set(threading.enumerate())
    yield
    deadline = time.monotonic() + 3.0
    while left := [thread for thread in threading.enumerate() if thread not in before and thread.is_alive()]:
        # Threads that Qt started and that ran Python show up as dummies; they cannot be joined.
        left = [thread for thread in left if not isinstance(thread, threading._DummyThread)]
        if not left:
            return
        if time.monotonic() > deadline:
            pytest.fail(f"threads left alive: {', '.join(sorted(thread.name for thread in left))}")
        left[0].join(0.05)
