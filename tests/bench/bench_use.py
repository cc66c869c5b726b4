"""How fast and with how much memory files are classified outside the program: `bench_use.py [NUM_IMAGES]`.

Command line: images to a table on the disk, against images to embeddings alone, in the same run and interleaved, by the
clock and by processor time (which other programs do not change); from a project's version and from its exports. Memory:
the largest it ever was, with a tenth of the images and with all. Web page (where Chromium is): the page's answers
against the program's, its size, its time for an image. Local server: requests answered in a second, one caller and
eight. Needs the shared image sets and weights (GRAFT_SHARED).
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT))
SHARED = Path(os.environ.get("GRAFT_SHARED") or ROOT.parent / "shared")
os.environ.setdefault("GRAFT_WEIGHTS", str(SHARED / "weights"))
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

from engine.importers.model import find_model  # noqa: E402
from engine.job import QuietContext, run_in_foreground  # noqa: E402
from engine.nn.embed import Embedder  # noqa: E402
from engine.nn.run_model import load_run_model  # noqa: E402
from engine.project import Project  # noqa: E402
from engine.tasks.classify_files import ClassifyFiles  # noqa: E402
from engine.tasks.export import ExportModel  # noqa: E402
from engine.tasks.predict import run_folder_of  # noqa: E402
from engine.tasks.scan import ScanFolder  # noqa: E402
from engine.tasks.train import retrain_jobs  # noqa: E402
from engine.tasks.train_snapshot import TrainSettings  # noqa: E402
from tests.e2e.chromium import Chromium, find_chromium  # noqa: E402

BACKBONE = "mobilenet_v2"
SETS = ("clothing10", "steel_neu", "coffee_leaf")
ROUNDS = 3
NUM_IN_BROWSER = 60
MEMORY = """
import resource, sys
sys.path.insert(0, {root!r})
from engine.commands.cli import run
assert run({arguments!r}) == 0
largest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(largest // (1024 if sys.platform != "darwin" else 1024 * 1024), file=sys.stderr)
"""


class Collector(QuietContext):
    """Keeps the predictions."""

    def __init__(self) -> None:
        self.predictions: list[Any] = []

    def emit(self, event: Any) -> None:
        self.predictions += event.predictions


def make(folder: Path, num_images: int) -> tuple[Project, Path]:
    """A project of three sets, 10 images of each class, and a folder of images to classify."""
    test = folder / "test"
    for name in SETS:
        for class_folder in sorted(path for path in (SHARED / "data" / name).iterdir() if path.is_dir()):
            files = sorted(class_folder.glob("*.jpg"))
            (folder / "train" / class_folder.name).mkdir(parents=True, exist_ok=True)
            for file in files[:10]:
                shutil.copy2(file, folder / "train" / class_folder.name / f"{name} {file.name}")
            (test / name / class_folder.name).mkdir(parents=True)
            for file in files[10:]:
                shutil.copy2(file, test / name / class_folder.name / file.name)
    files = sorted(test.rglob("*.jpg"))
    for file in set(files) - set(files[:: max(1, len(files) // num_images)][:num_images]):
        file.unlink()
    project = Project.create(folder / "project", "Everything")
    run_in_foreground(ScanFolder(project, folder / "train", True))
    for job in retrain_jobs(project, TrainSettings(backbone=BACKBONE)):
        run_in_foreground(job)
    return project, test


def bench_command_line(project: Project, test: Path, folder: Path) -> None:
    """Images to a table against images to embeddings."""
    paths = sorted(test.rglob("*.jpg"))
    model = load_run_model(run_folder_of(project), project.folder)
    works: dict[str, Callable[[], object]] = {}
    with Embedder(model.spec, model.weights, model.preprocessing) as embedder:
        works["images to embeddings"] = lambda: list(embedder.blocks(paths))
        sources = {
            "a project's version": project,
            **{name: find_model(folder / name) for name in ("onnx", "safetensors")},
        }
        for name, source in sources.items():
            job = ClassifyFiles(source, [test], table=folder / f"{name}.csv")
            works[f"images to a table, from {name}"] = lambda job=job: run_in_foreground(job)
        taken: dict[str, list[tuple[float, float]]] = {name: [] for name in works}
        for number in range(ROUNDS + 1):
            for name, work in works.items():
                wall, computed = time.perf_counter(), time.process_time()
                work()
                if number:
                    taken[name].append((time.perf_counter() - wall, time.process_time() - computed))
    base = taken["images to embeddings"]
    for name, seconds in taken.items():
        rate = len(paths) / statistics.median(wall for wall, _ in seconds)
        ratios = [
            statistics.median(alone[clock] / own[clock] for alone, own in zip(base, seconds, strict=True))
            for clock in (0, 1)
        ]
        words = f"{ratios[0]:5.2f} x embeddings alone, {ratios[1]:5.2f} x by processor time"
        print(f"{name:<48}{rate:8.1f} images/s   {words}", flush=True)


def bench_memory(project: Project, test: Path, folder: Path) -> None:
    """The largest memory of `graft predict` with a tenth of the images, and with all."""
    few = folder / "few"
    few.mkdir()
    files = sorted(test.rglob("*.jpg"))
    for index, file in enumerate(files[::10]):
        shutil.copy2(file, few / f"{index} {file.name}")
    for name, images in (("a tenth", few), ("all", test)):
        arguments = ["predict", str(project.folder), str(images), "--csv", str(folder / "memory.csv"), "--json"]
        script = MEMORY.format(root=str(ROOT), arguments=arguments)
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
        count = len(json.loads(done.stdout)["predictions"])
        print(
            f"memory of graft predict, {name:<24}{count:10,d} images   {int(done.stderr.split()[-1]):6,d} MB at most",
            flush=True,
        )


def bench_page(project: Project, test: Path, folder: Path) -> None:
    """The page's answers against the program's."""
    if find_chromium() is None:
        print("web page: skipped, no Chromium is here")
        return
    collector = Collector()
    run_in_foreground(ClassifyFiles(project, [test]), collector)
    chosen = collector.predictions[:: max(1, len(collector.predictions) // NUM_IN_BROWSER)][:NUM_IN_BROWSER]
    page = folder / "web"
    size = sum(file.stat().st_size for file in page.rglob("*") if file.is_file())
    shown = sum(file.stat().st_size for file in (*(page / "page").iterdir(), page / "index.html"))
    print(f"web page: {size / 1e6:.1f} MB in all, {shown / 1e6:.1f} MB of it the page with its model")
    with Chromium() as browser, served(page) as address:
        for name, place in (("as a file, one thread", (page / "index.html").as_uri()), ("served, threads", address)):
            started = time.perf_counter()
            browser.open(place)
            browser.wait_for("graft.isReady || graft.error")
            loaded = time.perf_counter() - started
            browser.choose_files("#choose", [each.path for each in chosen])
            browser.wait_for(
                f"graft.results.length === {len(chosen)} && graft.results.every((each) => each.group)", 300
            )
            answers = browser.run("graft.results.map(({ answer }) => answer)")
            theirs = np.array([each["probabilities"] for each in answers])
            ours = np.array([each.probabilities for each in chosen])
            agreement = (theirs.argmax(axis=1) == ours.argmax(axis=1)).mean()
            strange = max(abs(a["unknownScore"] - b.unknown_score) for a, b in zip(answers, chosen, strict=True))
            ms = statistics.median(each["ms"] for each in answers)
            print(
                f"web page {name:<24} {len(chosen)} images, the same class {agreement:.1%}, probabilities within "
                f"{np.abs(theirs - ours).max():.1e}, unknown scores within {strange:.1e}; ready in {loaded:.1f} s, "
                f"{ms:.0f} ms an image",
                flush=True,
            )


@contextmanager
def served(page: Path) -> Iterator[str]:
    """Runs the page's own serve.py."""
    server = subprocess.Popen([sys.executable, page / "serve.py"], stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    try:
        yield next(word for word in server.stdout.readline().split() if word.startswith("http://"))
    finally:
        server.terminate()
        server.wait(10)


def bench_server(project: Path, test: Path) -> None:
    """Requests answered in a second."""
    server = subprocess.Popen(
        [sys.executable, ROOT / "main.py", "serve", project, "--json"], stdout=subprocess.PIPE, text=True
    )
    assert server.stdout is not None
    said = json.loads(server.stdout.readline())
    pictures = [file.read_bytes() for file in sorted(test.rglob("*.jpg"))[:100]]
    headers = {"Authorization": f"Bearer {said['token']}", "Content-Type": "image/jpeg"}

    def ask(data: bytes) -> float:
        started = time.perf_counter()
        with urllib.request.urlopen(urllib.request.Request(f"{said['address']}/predict", data, headers)) as answer:
            answer.read()
        return time.perf_counter() - started

    try:
        for callers in (1, 8):
            with ThreadPoolExecutor(callers) as pool:
                started = time.perf_counter()
                waited = sorted(pool.map(ask, pictures))
                rate = len(pictures) / (time.perf_counter() - started)
            half, most = 1e3 * statistics.median(waited), 1e3 * waited[int(0.95 * len(waited))]
            took = f"median {half:.0f} ms, 95 % within {most:.0f} ms"
            print(f"local server, {callers} at once {rate:10.1f} requests/s   {took}", flush=True)
    finally:
        server.terminate()
        server.wait(20)


def main(num_images: int) -> None:
    """Prints all of it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        project, test = make(folder, num_images)
        for kind in ("onnx", "safetensors", "web"):
            run_in_foreground(ExportModel(project, kind, folder / kind))
        bench_command_line(project, test, folder)
        bench_page(project, test, folder)
        project.close()
        bench_memory(project, test, folder)
        bench_server(project.folder, test)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
