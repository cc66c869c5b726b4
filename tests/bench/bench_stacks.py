"""Stacks of look-alikes: how pure they are, how long they take, and the page with 100,000 images.

usage: QT_QPA_PLATFORM=offscreen python tests/bench/bench_stacks.py [quality] [hints] [time] [window]

- quality: on each development set the purity of the stacks (share of images of their stack's commonest class, odd ones
  left out), the share of all images in stacks that are at least 95 % pure, what stands apart as odd and how much of it
  is another class, and the actions for a whole pass (naming a stack or setting a picture aside is one) per image,
  beside k-means with as many stacks and plain one-key labelling (1.0).
- hints: whether "look closely" is said of the mixed stacks (less than 95 % of one class): the area under the ROC curve,
  and precision and recall of what the window says; without a model by how clearly a stack stands apart (beside the
  fifth of the stacks with the largest spread, as it was), with one of 8 labels per class by how far it agrees. And how
  pure the first stack and the first quarter of them are. Two backbones.
- time: making the stacks of 10,000 and 100,000 embeddings of 1,280 numbers (200 kinds, noise).
- window: opening the page, naming a stack, setting a picture aside, scrolling, at 100,000 images in stacks.

Needs the shared image sets and weights for the first part (GRAFT_SHARED, GRAFT_WEIGHTS).
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
import bench_strategies
from bench_strategies import SETS, embeddings_of

from engine.suggestions.clusters import Stacks, stacks_of

REPEATS = 9
PURE = 0.95
WIDTHS = (6, 7, 8, 6, 9, 8, 8)


def quality() -> None:
    heads = ("stacks", "purity", "in pure", "odd", "of those", "actions", "k-means")
    print("set".ljust(12), *(head.rjust(width) for head, width in zip(heads, WIDTHS, strict=True)))
    totals = []
    for name in SETS:
        features, targets = embeddings_of(name)
        stacks = stacks_of(lambda rows, features=features: features[rows], len(features))
        figures = judge(stacks, targets)
        alternative = kmeans_actions(features, targets, len(stacks.members))
        totals.append((*figures, alternative))
        print(name.ljust(12), *(cell(value, at) for at, value in enumerate((*figures, alternative))))
    means = np.mean(totals, axis=0)
    print("mean".ljust(12), *(cell(value, at) for at, value in enumerate(means)))


def hints() -> None:
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score

    from engine.suggestions.vectors import unit_vectors
    from gui.panels.stack_faces import AGREED, CLEAR

    rules = ("spread", "clearness", "agreement")
    print("set".ljust(24), "mixed", *(f"{rule:>9}: AUC prec. rec." for rule in rules), "  first  quarter")
    totals, usual = [], bench_strategies.BACKBONE
    for backbone in (usual, "starter"):
        bench_strategies.BACKBONE = backbone
        for name in SETS:
            features, targets = embeddings_of(name)
            stacks = stacks_of(lambda rows, features=features: features[rows], len(features))
            typical = [rows[:number] for rows, number in zip(stacks.members, stacks.num_typical, strict=True)]
            purities = np.array([np.bincount(targets[rows]).max() / len(rows) for rows in typical])
            are_mixed = purities < PURE
            generator = np.random.default_rng(0)
            own = [np.flatnonzero(targets == each) for each in range(targets.max() + 1)]
            labelled = np.concatenate([generator.choice(rows, min(8, len(rows) // 2), replace=False) for rows in own])
            units = unit_vectors(features)
            model = LogisticRegression(C=100, max_iter=500).fit(units[labelled], targets[labelled])
            predicted = model.predict(units)
            votes = np.array([np.bincount(predicted[rows]).max() / len(rows) for rows in typical])
            points, spreads = stacks.points.astype(np.float32), []
            for start, number in zip(stacks.starts[:-1].tolist(), stacks.num_typical.tolist(), strict=True):
                inside = points[start : start + number]
                spreads.append(float(np.linalg.norm(inside - inside.mean(axis=0), axis=1).mean()))
            figures = [float(are_mixed.mean())]
            for score, are_told in (
                (np.array(spreads), np.array(spreads) > np.quantile(spreads, 0.8)),
                (-stacks.clearnesses, stacks.clearnesses < CLEAR),
                (-votes, votes < AGREED),
            ):
                num_right = np.count_nonzero(are_told & are_mixed)
                figures += [float(roc_auc_score(are_mixed, score)), num_right / max(1, are_told.sum())]
                figures.append(num_right / are_mixed.sum())
            figures += [float(purities[0]), float(purities[: len(purities) // 4].mean())]
            totals.append(figures)
            print(f"{name} {backbone}".ljust(24), *(f"{figure:8.2f}" for figure in figures))
    bench_strategies.BACKBONE = usual
    print("mean".ljust(24), *(f"{figure:8.2f}" for figure in np.mean(totals, axis=0)))


def cell(value: float, at: int) -> str:
    return f"{value:6.0f}" if at == 0 else f"{value:{WIDTHS[at]}.2f}"


def judge(stacks: Stacks, targets: np.ndarray) -> tuple[float, ...]:
    """Returns number, purity, share in pure stacks, share of odd ones, other class among them, actions per image."""
    num_right = num_typical = num_pure = num_odd = num_odd_other = actions = 0
    for members, number in zip(stacks.members, stacks.num_typical.tolist(), strict=True):
        typical = targets[members[:number]]
        commonest = np.bincount(typical).argmax()
        right = int(np.count_nonzero(typical == commonest))
        num_right, num_typical = num_right + right, num_typical + number
        num_pure += number if right >= PURE * number else 0
        num_odd += len(members) - number
        num_odd_other += int(np.count_nonzero(targets[members[number:]] != commonest))
        actions += 1 + number - right + len(members) - number  # the odd ones are labelled one by one afterwards
    total = len(targets)
    share_other = num_odd_other / max(1, num_odd)
    return (
        len(stacks.members),
        num_right / num_typical,
        num_pure / total,
        num_odd / total,
        share_other,
        actions / total,
    )


def kmeans_actions(features: np.ndarray, targets: np.ndarray, num_stacks: int) -> float:
    from sklearn.cluster import KMeans

    units = features / np.linalg.norm(features, axis=1, keepdims=True)
    labels = KMeans(num_stacks, n_init=2, random_state=0).fit_predict(units)
    wrong = sum(len(own) - np.bincount(own).max() for own in (targets[labels == at] for at in np.unique(labels)))
    return float((num_stacks + wrong) / len(targets))


def times() -> None:
    for size in (10_000, 100_000):
        features = synthetic(size)
        begin, worked = time.perf_counter(), time.process_time()
        stacks = stacks_of(lambda rows, features=features: features[rows], size)
        spent, worked = time.perf_counter() - begin, time.process_time() - worked
        print(f"{size:8,} embeddings: {spent:6.1f} s ({worked:.1f} s of work), {len(stacks.members):,} stacks")


def synthetic(size: int, num_kinds: int = 200) -> np.ndarray:
    generator = np.random.default_rng(0)
    centres = generator.standard_normal((num_kinds, 1_280)).astype(np.float32)
    features = centres[generator.integers(0, num_kinds, size)]
    for start in range(0, size, 10_000):
        block = features[start : start + 10_000]
        block += 0.8 * generator.standard_normal(block.shape, dtype=np.float32)
    return features


def window(size: int = 100_000) -> None:
    from PySide6.QtWidgets import QApplication

    from engine.domain import NewImage
    from engine.jobs import Engine
    from engine.project import Project
    from gui import theme
    from gui.engine_bridge import EngineBridge
    from gui.models.arrangement import Arrangement
    from gui.panels.label_workspace import LabelWorkspace
    from gui.session import Session
    from gui.stacks import StackState

    app = QApplication([])
    theme.apply(app)
    with tempfile.TemporaryDirectory() as folder:
        project = Project.create(Path(folder, "project"), "Many")
        new = [NewImage(os.fsencode(f"img_{at}.jpg"), f"{at:032x}", 1, 1) for at in range(size)]
        project.add_images(project.add_root(Path(folder)), new)
        class_id = project.add_class("rust").result().id
        project.close()
        engine = Engine()
        engine.start()
        session = Session(EngineBridge(engine))
        workspace = LabelWorkspace(session)
        workspace.resize(1400, 900)
        workspace.show()
        session.open_project(Path(folder, "project"))
        until(lambda: len(session.columns) == size)
        num_stacks = 3_000
        starts = np.linspace(0, size, num_stacks + 1).astype(np.int64)
        points = np.random.default_rng(0).standard_normal((size, 64)).astype(np.float16)
        neighbours = np.random.default_rng(0).choice(session.columns.image_ids, (size, 10))
        clear = np.ones(num_stacks, np.float32)
        found = Stacks(session.columns.image_ids, starts, np.diff(starts) - 1, points, neighbours, clear)
        session.stacks.state = StackState.READY
        page = workspace.pages.stacks
        figures = {"open": [], "name": [], "aside": [], "join": [], "split": [], "jump": []}
        for at in range(REPEATS):
            session.stacks._show(Arrangement.of(found))
            figures["open"].append(timed(workspace.pages.show_stacks))
            figures["jump"].append(timed(lambda at=at: page.view.go_to_stack(at * 300)))
            figures["aside"].append(timed(lambda: page.view.toggled.emit(page.view.current_position())))
            figures["join"].append(timed(page.join))
            figures["split"].append(timed(page.split))
            figures["name"].append(timed(lambda: page.label(class_id)))
            until(lambda: session.num_unsaved == 0)
            workspace.pages.close()
        for name, values in figures.items():
            spent, worked = (statistics.median(each) for each in zip(*values, strict=True))
            print(f"{name:6} {spent:6.1f} ms ({worked:.1f} ms of work)")
        workspace.shutdown()
        session.shutdown()
        engine.shutdown()


def timed(act: Callable[[], object]) -> tuple[float, float]:
    """Returns milliseconds by the clock, and those that this thread was at work."""
    from PySide6.QtWidgets import QApplication

    begin, worked = time.perf_counter(), time.thread_time()
    act()
    QApplication.sendPostedEvents()  # paints what changed, as the event loop does
    return 1_000 * (time.perf_counter() - begin), 1_000 * (time.thread_time() - worked)


def until(condition: Callable[[], bool]) -> None:
    """Lets the window work until something is so."""
    from PySide6.QtCore import QEventLoop, QTimer

    loop, timer = QEventLoop(), QTimer(interval=5)
    timer.timeout.connect(lambda: loop.quit() if condition() else None)
    timer.start()
    loop.exec()
    timer.stop()


if __name__ == "__main__":
    for part in sys.argv[1:] or ("quality", "hints", "time", "window"):
        print(f"-- {part}, load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
        {"quality": quality, "hints": hints, "time": times, "window": window}[part]()
