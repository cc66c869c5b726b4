"""Key presses of a simulated expert from zero to all labelled: `python tests/bench/bench_expert.py [--sets A,B] ...`.

What it presses, sees and decides: see `simulated_expert.py`. Every set is labelled in five ways: plainly (one key for
each image, or the type-ahead), with suggestions (Space where the suggestion is right), page by page (blocks), by
stacks, and by stacks and blocks; and once more with an eye that misses 2 % of the wrong pictures on a page. A seed
leaves out another tenth of the images of a set and files the rest in another order. Embeddings are made once per set
(mobilenet_v2, the views of a new project) and are there when the expert begins, as they are a minute after an import.

Prints the keys and clicks per correctly labelled image (goals: steel_neu 0.35, caltech59 0.60, at 99 % correct), how
many mistakes were left, and after how many labels the model came within 5 % of its accuracy with all labels (measured
over all images: those it had learned from out of fold).
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(Path(__file__).parent)]
SHARED = Path(os.environ.get("GRAFT_SHARED") or ROOT.parent / "shared")
os.environ.setdefault("GRAFT_WEIGHTS", str(SHARED / "weights"))

BACKBONE = "mobilenet_v2"
SETS = ("steel_neu", "caltech59", "clothing10", "coffee_leaf", "blood_cells")
GOALS = {"steel_neu": 0.35, "caltech59": 0.6}
ENOUGH_SHARE = 0.95
KEPT_SHARE = 0.9
PAUSE_MS = 50
"""In place of the second that the session waits for a pause, so that the benchmark waits less than a person."""
CACHE = Path(tempfile.gettempdir(), "graft-bench-expert")


def picture_files(set_name: str) -> list[Path]:
    """Returns the image files of a set, each in the folder of its class."""
    folder = SHARED / "data" / set_name
    return [file for one in sorted(folder.iterdir()) if one.is_dir() for file in sorted(one.iterdir())]


def features_of(set_name: str) -> Path:
    """Returns the cache folder of a project that has all embeddings of a set; made where it is not there yet."""
    from engine.job import run_in_foreground
    from engine.project import Project
    from engine.tasks.embed import ComputeEmbeddings
    from engine.tasks.scan import ScanFolder

    folder = CACHE / set_name
    is_new = not folder.is_dir()
    project = Project.create(folder) if is_new else Project.open(folder)
    if is_new:
        run_in_foreground(ScanFolder(project, SHARED / "data" / set_name, True))
    run_in_foreground(ComputeEmbeddings(project, BACKBONE))
    project.close()
    return folder / "cache"


def fill(folder: Path, set_name: str, seed: int) -> dict[str, str]:
    """Puts a seed's pictures into a folder, in an order that says nothing of their classes; returns their classes."""
    rng = np.random.default_rng(seed)
    files = picture_files(set_name)
    chosen = rng.permutation(len(files))[: round(KEPT_SHARE * len(files))]
    folder.mkdir(parents=True)
    truth = {}
    for number, at in enumerate(chosen.tolist()):
        name = f"{number:05d}{files[at].suffix}"
        shutil.copy2(files[at], folder / name)
        truth[name] = files[at].parent.name
    return truth


def label_once(set_name: str, mode: str, seed: int, eye: float) -> tuple[object, int, int, float]:
    """Labels a seed's pictures; returns the tally, mistakes, number of images and the seconds it took."""
    from simulated_expert import PLAIN, Expert, wait_until

    from engine.jobs import Engine
    from gui.engine_bridge import EngineBridge
    from gui.preferences import Preferences
    from gui.session import Session

    work = Path(tempfile.mkdtemp(prefix="graft-expert-"))
    os.environ["GRAFT_DATA"] = str(work / "data")
    truth = fill(work / "images", set_name, seed)
    engine = Engine()
    engine.start()
    preferences = Preferences()
    preferences.set_auto_retrain(mode != PLAIN)
    session = Session(EngineBridge(engine), preferences=preferences)
    session.error_raised.connect(lambda error: print(f"error: {error!r}"))
    try:
        session.create_project(work / "project")
        wait_until(lambda: session.project is not None)
        shutil.copytree(features_of(set_name), work / "project" / "cache", dirs_exist_ok=True)
        session.backbones.choose(BACKBONE)
        wait_until(lambda: session.backbones.chosen is not None and session.backbones.chosen.key == BACKBONE)
        looked_at: list[str] = []
        session.work.ended.connect(lambda kind, _end: looked_at.append(kind))
        session.add_folder(work / "images")
        wait_until(lambda: "embed" in looked_at and len(session.columns) == len(truth) and not session.is_reloading)
        began = time.perf_counter()
        expert = Expert(session, lambda name: truth[name.rpartition("/")[2]], eye, seed)
        tally = expert.label_all(mode)
        return tally, expert.num_mistakes(), len(truth), time.perf_counter() - began
    finally:
        session.work.cancel_all()
        engine.shutdown()
        session.shutdown()
        shutil.rmtree(work, ignore_errors=True)


def labels_for_most(tally: object) -> float:
    """Returns how many labels the model needed to come within 5 % of what it was at the end; NaN without a model."""
    moments = tally.moments  # type: ignore[attr-defined]
    if not moments:
        return float("nan")
    enough = ENOUGH_SHARE * moments[-1].accuracy
    return float(next(each.num_labelled for each in moments if each.accuracy >= enough))


def time_line(tally: object) -> str:
    """Returns a few of the moments: keys, labels, accuracy."""
    moments = tally.moments  # type: ignore[attr-defined]
    shown = [moments[at] for at in np.unique(np.linspace(0, len(moments) - 1, 7).astype(int))] if moments else []
    return "; ".join(f"{each.keys} keys {each.num_labelled} labels {each.accuracy:.3f}" for each in shown)


def main() -> None:
    """Runs what was asked for."""
    from simulated_expert import BOTH, MODES

    import gui.auto_retrain

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", default=",".join(SETS))
    parser.add_argument("--modes", default=",".join(MODES))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--no-weak-eye", action="store_true")
    options = parser.parse_args()
    gui.auto_retrain.PAUSE_MS = PAUSE_MS
    print(f"{BACKBONE}, {options.seeds} seeds, load {os.getloadavg()[0]:.1f}; keys and clicks per correct image")
    for set_name in options.sets.split(","):
        runs = [(mode, 1.0) for mode in options.modes.split(",")]
        if not options.no_weak_eye:
            runs.append((BOTH, 0.98))
        for mode, eye in runs:
            found = [label_once(set_name, mode, seed, eye) for seed in range(options.seeds)]
            keys = [tally.keys / (number - mistakes) for tally, mistakes, number, _ in found]  # type: ignore[attr-defined]
            naming = [tally.naming / number for tally, _, number, _ in found]  # type: ignore[attr-defined]
            right = [1 - mistakes / number for _, mistakes, number, _ in found]
            enough = [labels_for_most(tally) / number for tally, _, number, _ in found]
            goal = f" (goal {GOALS[set_name]})" if set_name in GOALS and mode == BOTH else ""
            print(
                f"{set_name:12s} {mode + ('' if eye == 1 else f', eye {eye:.0%}'):27s} {np.mean(keys):.3f}{goal} "
                f"({min(keys):.3f} to {max(keys):.3f}), class names + {np.mean(naming):.3f}; "
                f"right {np.mean(right):.4f}; labels for 95 % of the accuracy {np.mean(enough):.0%}; "
                f"{np.mean([seconds for *_, seconds in found]):.0f} s",
                flush=True,
            )
            tally = found[0][0]
            print(f"    {tally.by_what}; {time_line(tally)}", flush=True)  # type: ignore[attr-defined]


if __name__ == "__main__":
    from PySide6.QtCore import QCoreApplication

    application = QCoreApplication(sys.argv[:1])
    main()
