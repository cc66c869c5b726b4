"""The grid with 10,000, 100,000 and 1,000,000 images, beside QListView (icon mode, uniform sizes, batched).

Rows of the table "Feel": open, resize, random jump, scroll, filter and sort, every order and filter, memory.
Run with: QT_QPA_PLATFORM=offscreen python tests/bench/bench_grid.py [SIZES]
"""

from __future__ import annotations

import gc
import os
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np
from PySide6.QtCore import QAbstractListModel, QEvent, QPoint, QPointF, QSize, Qt
from PySide6.QtGui import QIcon, QImage, QPixmap, QWheelEvent
from PySide6.QtWidgets import QApplication, QListView

from engine.domain import ImageClass, ImageColumns
from gui import theme
from gui.models.image_filter import ImageFilter, Order, Show, Trait
from gui.models.image_index import ImageIndex
from gui.models.image_list import ImageListModel
from gui.models.label_counts import LabelCounts
from gui.thumbnails import Thumbnails
from gui.widgets.image_card import CardFace
from gui.widgets.image_grid import ImageGrid

SIZES = (10_000, 100_000, 1_000_000)
MAX_LIST_VIEW = 100_000
REPEATS = 9
NUM_FRAMES = 240
CLASSES = [ImageClass(at, f"class {at}", "#5fc27e", str(at), at) for at in range(1, 13)]
GOALS_MS = {"open": 100, "resize": 100, "jump": 100, "scroll p95": 16, "zoom": 100, "label one": 16}
GOAL_MB = 40
Figures = dict[str, tuple[float, float]]
"""Milliseconds by the clock, and those that this thread was at work: a busy machine does not inflate the second."""


def make_columns(size: int) -> ImageColumns:
    """Returns columns of a line inspection: 100 lines, 10,000 folders, two years; 20 % labelled, all predicted."""
    rng = np.random.default_rng(0)
    return ImageColumns(
        image_ids=np.arange(1, size + 1),
        names=[f"line_{at % 100}/day_{at % 10_000}/img_{at * 7919 % size}.jpg" for at in range(size)],
        class_ids=(rng.integers(1, 13, size) * (rng.random(size) < 0.2)).astype(np.int32),
        marks=rng.choice(np.array([0, 0, 0, 0, 0, 1, 2], np.uint8), size),
        statuses=np.zeros(size, np.uint8),
        taken_at=1.7e9 + rng.random(size) * 6e7,
        widths_px=np.full(size, 640, np.int32),
        heights_px=np.full(size, 480, np.int32),
        predicted_ids=rng.integers(1, 13, size).astype(np.int32),
        confidences=rng.random(size).astype(np.float32),
        root_ids=np.ones(size, np.int32),
    )


def resident_mb() -> float:
    """Returns the memory of this process; only where /proc is, else 0."""
    statm = Path("/proc/self/statm")
    pages = int(statm.read_text().split()[1]) if statm.exists() else 0
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def timed_ms(act: Callable[[], object]) -> tuple[float, float]:
    start, start_cpu = time.perf_counter(), time.thread_time()
    act()
    return 1e3 * (time.perf_counter() - start), 1e3 * (time.thread_time() - start_cpu)


def median_ms(act: Callable[[], object], before: Callable[[], object] = lambda: None) -> tuple[float, float]:
    times = []
    for _ in range(REPEATS):
        before()
        times.append(timed_ms(act))
    return statistics.median(wall for wall, _ in times), statistics.median(cpu for _, cpu in times)


def frames_ms(view: Any, turn: int = -120) -> list[tuple[float, float]]:
    """Scrolls with the wheel and returns how long each frame took from the event to the painted window."""
    viewport, times = view.viewport(), []
    where = QPointF(viewport.rect().center())
    for at in range(NUM_FRAMES):
        delta = QPoint(0, turn if at < NUM_FRAMES // 2 else -turn)
        event = QWheelEvent(where, QPointF(viewport.mapToGlobal(where.toPoint())), QPoint(), delta,
                            Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier,
                            Qt.ScrollPhase.NoScrollPhase, False)  # fmt: skip
        times.append(timed_ms(partial(scroll, viewport, event)))
    return times


def scroll(viewport: Any, event: QWheelEvent) -> None:
    QApplication.sendEvent(viewport, event)
    QApplication.sendPostedEvents()  # paints what the scrolling uncovered, as the event loop does


def painted(view: Any) -> None:
    """Lets everything that waits be laid out and painted, and the whole view too."""
    QApplication.sendPostedEvents()
    view.viewport().repaint()


def view_figures(view: Any, size: int, jump: Callable[[int], object]) -> Figures:
    """Measures what both views can do."""
    found: Figures = {}
    view.setAttribute(Qt.WidgetAttribute.WA_DontShowOnScreen)  # without it, a window is painted when X says so

    def open_() -> None:
        view.show()
        painted(view)

    found["open"] = median_ms(open_, before=view.hide)
    sizes = iter(range(800, 800 + REPEATS * 34, 34))
    found["resize"] = median_ms(lambda: (view.resize(next(sizes), 740), painted(view)))
    places = iter(np.random.default_rng(1).integers(0, size, REPEATS).tolist())
    found["jump"] = median_ms(lambda: (jump(next(places)), painted(view)))
    frames = frames_ms(view)
    for name, share in (("scroll p50", 50), ("scroll p95", 95)):
        found[name] = tuple(np.percentile(frames, share, axis=0).tolist())
    return found


def measure(size: int, picture: QImage) -> tuple[Figures, dict[str, float]]:
    """Returns times in milliseconds, and memory in megabytes."""
    columns = make_columns(size)
    gc.collect()
    bare = resident_mb()
    model, counts, index = ImageListModel(), LabelCounts(), ImageIndex(columns, {1: "/data/photos"})
    model.set_classes(CLASSES)
    found: Figures = {"filed": median_ms(lambda: model.set_columns(columns, index))}
    by_id = {each.id: each for each in CLASSES}

    def face(position: int) -> CardFace:
        row = int(model.rows[position])
        item = by_id[int(columns.class_ids[row]) or int(columns.predicted_ids[row])]
        is_open = not columns.class_ids[row]
        share = float(columns.confidences[row])
        return CardFace(
            row, columns.names[row], picture, "", item.name, item.color, is_suggestion=is_open, confidence=share
        )

    grid = ImageGrid(model, Thumbnails(), face)
    grid.resize(1060, 740)
    found |= view_figures(grid, size, grid.go_to)
    cards = iter(range(100, 100 + 3 * REPEATS, 3))
    found["zoom"] = median_ms(lambda: (grid.set_card_px(next(cards)), painted(grid)))
    found["select all"] = median_ms(lambda: (grid.selectAll(), painted(grid)), before=grid.clearSelection)
    found["count anew"] = median_ms(lambda: counts.reset(columns))
    opened = resident_mb() - bare
    found["label one"] = _label_one_ms(grid, model, columns, counts)
    found["index (background)"] = timed_ms(lambda: [step() for step in index.steps()])
    index.is_ready = True
    gc.collect()
    indexed = resident_mb() - bare
    index.names.prepare_search()  # as the cursor in the field does
    found["filter and sort, least sure"] = median_ms(
        lambda: (model.set_filter(ImageFilter(Show.UNLABELLED), Order.LEAST_CONFIDENT), painted(grid)),
        before=lambda: model.set_filter(ImageFilter(), Order.FILED),
    )
    for order in Order:
        found[f"order: {order.value.lower()}"] = median_ms(lambda wanted=order: model.set_filter(ImageFilter(), wanted))
    for name, wanted in _filters(index).items():
        found[f"filter: {name}"] = median_ms(lambda wanted=wanted: model.set_filter(wanted, Order.FILED))
    tree = index.folders
    found["counts per folder"] = median_ms(lambda: tree.counts(columns.class_ids == 0))
    grid.deleteLater()
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    return found, {"opened": opened, "with index": indexed}


def _filters(index: ImageIndex) -> dict[str, ImageFilter]:
    folders, dates = frozenset({index.folders.keys[1]}), frozenset({index.dates.keys[1]})
    every = ImageFilter(Show.UNLABELLED, frozenset({1, 2}), "img_1", frozenset({Trait.UNSURE}), folders, dates)
    return {
        **{show.value.lower(): ImageFilter(show) for show in (Show.UNLABELLED, Show.LABELLED, Show.SUGGESTED)},
        **{trait.value.lower(): ImageFilter(traits=frozenset({trait})) for trait in (Trait.SKIPPED, Trait.UNSURE)},
        "two classes": ImageFilter(class_ids=frozenset({3, 7})),
        "text": ImageFilter(text="day_7/img_00"),
        "text in every name": ImageFilter(text="img"),
        "folder": ImageFilter(folders=folders),
        "month": ImageFilter(dates=dates),
        "all at once": every,
        "all but state": replace(every, show=Show.ALL),
    }


def _label_one_ms(
    grid: ImageGrid, model: ImageListModel, columns: ImageColumns, counts: LabelCounts
) -> tuple[float, float]:
    """Returns what one class key costs the window: columns, counts, list, next image, paint."""
    model.set_filter(ImageFilter(Show.UNLABELLED))
    model.still_matches()
    model.position_of_row(0)

    def label_one() -> None:
        row = model.rows[0:1]
        columns.class_ids[row] = 3
        counts.update(columns, row)
        model.note_changes(row)
        model.num_gone()
        for entry in (*Show, *Trait):
            counts.of(entry)
        grid.update_rows(row)
        grid.go_to(model.next_position(0))
        QApplication.sendPostedEvents()  # paints the cards that look different

    return median_ms(label_one)


class PlainModel(QAbstractListModel):
    """What QListView shows: as many items with a name and a picture."""

    def __init__(self, size: int, picture: QImage) -> None:
        super().__init__()
        self._size = size
        self._icon = QIcon(QPixmap.fromImage(picture))

    def rowCount(self, parent: Any = None) -> int:
        return self._size

    def data(self, index: Any, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if role == Qt.ItemDataRole.DisplayRole:
            return f"img_{index.row():07}.jpg"
        return self._icon if role == Qt.ItemDataRole.DecorationRole else None


def measure_list_view(size: int, picture: QImage) -> Figures:
    """Measures Qt's own view of the same number of images."""
    view = QListView()
    view.setViewMode(QListView.ViewMode.IconMode)
    view.setResizeMode(QListView.ResizeMode.Adjust)
    view.setUniformItemSizes(True)
    view.setLayoutMode(QListView.LayoutMode.Batched)
    view.setBatchSize(size)  # the whole in one batch: with smaller ones the end cannot be reached for as long
    view.setIconSize(QSize(160, 120))
    view.setGridSize(QSize(174, 176))
    model = PlainModel(size, picture)
    view.resize(1060, 740)
    view.setAttribute(Qt.WidgetAttribute.WA_DontShowOnScreen)

    def open_() -> None:
        view.setModel(model)
        view.show()
        painted(view)
        view.scrollToBottom()  # it lays the rest out no later than here
        painted(view)

    first = timed_ms(open_)
    found = view_figures(view, size, lambda at: view.scrollTo(model.index(at, 0)))
    found["open"] = first
    view.deleteLater()
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    return found


def print_row(name: str, goal: str, figures: list[tuple[float, float]]) -> None:
    cells = [f"{wall:,.1f} ({cpu:,.1f})" for wall, cpu in figures]
    print(f"{name:30}{goal:>8}" + "".join(f"{cell:>20}" for cell in cells))


def main() -> None:
    app = QApplication(sys.argv)
    theme.apply(app, "dark")
    picture = QImage(256, 192, QImage.Format.Format_RGB32)
    picture.fill(Qt.GlobalColor.darkGray)
    sizes = [int(text) for text in sys.argv[1:]] or list(SIZES)
    grids, lists, memory = {}, {}, {}
    for size in sizes:
        grids[size], memory[size] = measure(size, picture)
        if size <= MAX_LIST_VIEW:
            lists[size] = measure_list_view(size, picture)
    print("Milliseconds: median by the clock (at work on the processor)")
    print(f"Load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    print(f"{'':30}{'goal':>8}" + "".join(f"{size:>20,}" for size in sizes))
    for name in grids[sizes[0]]:
        goal = GOALS_MS.get(name, 100 if name.startswith(("filter", "order")) else 0)
        print_row(name, f"<= {goal}" if goal else "", [grids[size][name] for size in sizes])
        if any(name in found for found in lists.values()):
            print_row("  QListView", "", [lists[size][name] for size in sizes if size in lists])
    for name in memory[sizes[0]]:
        cells = [f"{memory[size][name]:+.1f} MB" for size in sizes]
        goal_text = f"<= {GOAL_MB}" if name == "opened" else ""
        print(f"{f'memory, {name}':30}{goal_text:>8}" + "".join(f"{cell:>20}" for cell in cells))


if __name__ == "__main__":
    main()
