"""Opening, resizing, jumping and labelling in the grid with 10,000 and 1,000,000 images. A frame is 16 ms.

Run with: QT_QPA_PLATFORM=offscreen python tests/bench/bench_grid.py
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication

from engine.domain import ImageClass, ImageColumns
from gui import theme
from gui.models.image_filter import ImageFilter, Order, Show
from gui.models.image_list import ImageListModel
from gui.models.label_counts import LabelCounts
from gui.thumbnails import Thumbnails
from gui.widgets.image_card import CardFace
from gui.widgets.image_grid import ImageGrid

REPEATS = 15


def make_columns(size: int) -> ImageColumns:
    rng = np.random.default_rng(0)
    return ImageColumns(
        image_ids=np.arange(1, size + 1),
        names=[f"line_{at % 50}/day_{at % 31}/img_{at:07}.jpg" for at in range(size)],
        class_ids=(rng.integers(1, 13, size) * (rng.random(size) < 0.2)).astype(np.int32),
        marks=np.zeros(size, np.uint8),
        statuses=np.zeros(size, np.uint8),
        taken_at=rng.random(size) * 1e9,
        widths_px=np.full(size, 640, np.int32),
        heights_px=np.full(size, 480, np.int32),
        predicted_ids=rng.integers(1, 13, size).astype(np.int32),
        confidences=rng.random(size).astype(np.float32),
    )


def median_ms(act: Callable[[], object], before: Callable[[], object] = lambda: None) -> tuple[float, float]:
    """Returns the medians of wall time and of this thread's CPU time (which a busy machine does not inflate)."""
    times = []
    for _ in range(REPEATS):
        before()
        start, start_cpu = time.perf_counter(), time.thread_time()
        act()
        times.append((1e3 * (time.perf_counter() - start), 1e3 * (time.thread_time() - start_cpu)))
    return statistics.median(wall for wall, _ in times), statistics.median(cpu for _, cpu in times)


def measure(size: int, picture: QImage) -> dict[str, tuple[float, float]]:
    columns = make_columns(size)
    model, thumbnails, counts = ImageListModel(), Thumbnails(), LabelCounts()
    classes = {at: ImageClass(at, f"class {at}", "#5fc27e", str(at), at) for at in range(1, 13)}

    def face(position: int) -> CardFace:
        row = int(model.rows[position])
        item = classes[int(columns.class_ids[row]) or int(columns.predicted_ids[row])]
        is_open = not columns.class_ids[row]
        return CardFace(
            row, columns.names[row], picture, "", item.name, item.color, is_open, float(columns.confidences[row])
        )

    found: dict[str, tuple[float, float]] = {}
    found["filter and order"] = median_ms(lambda: model.set_columns(columns))
    grid = ImageGrid(model, thumbnails, face)
    grid.setAttribute(Qt.WidgetAttribute.WA_DontShowOnScreen)
    grid.resize(1060, 740)

    def paint() -> None:
        grid.viewport().repaint()

    def open_() -> None:
        grid.show()
        paint()

    found["open"] = median_ms(open_, before=grid.hide)
    sizes = iter(range(800, 800 + REPEATS * 17, 17))
    found["resize"] = median_ms(lambda: (grid.resize(next(sizes), 740), paint()))
    places = iter(np.random.default_rng(1).integers(0, size, REPEATS).tolist())
    found["jump"] = median_ms(lambda: (grid.go_to(next(places)), paint()))
    bar = grid.verticalScrollBar()
    found["scroll"] = median_ms(lambda: (bar.setValue(bar.value() + 60), paint()))
    cards = iter(range(100, 100 + 3 * REPEATS, 3))
    found["zoom"] = median_ms(lambda: (grid.set_card_px(next(cards)), paint()))
    found["select all"] = median_ms(lambda: (grid.selectAll(), paint()), before=grid.clearSelection)
    counts.reset(columns)
    model.set_filter(ImageFilter(Show.UNLABELLED))
    model.still_matches()
    model.position_of_row(0)

    def label_one() -> None:
        row = model.rows[0:1]
        columns.class_ids[row] = 3
        counts.update(columns, row)
        model.note_changes(row)
        model.num_gone()
        for show in Show:
            counts.of(show)
        grid.go_to(model.next_position(0))
        paint()

    found["label one"] = median_ms(label_one)
    found["filter unlabelled"] = median_ms(lambda: model.set_filter(ImageFilter(Show.UNLABELLED)))
    found["order by confidence"] = median_ms(lambda: model.set_filter(ImageFilter(), Order.MOST_CONFIDENT))
    model.set_filter(ImageFilter(text="x"), Order.FILED)
    found["search"] = median_ms(lambda: model.set_filter(ImageFilter(text="day_7/img_00")))
    found["count anew"] = median_ms(lambda: counts.reset(columns))
    grid.deleteLater()
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    return found


def main() -> None:
    app = QApplication(sys.argv)
    theme.apply(app, "dark")
    picture = QImage(256, 192, QImage.Format.Format_RGB32)
    picture.fill(Qt.GlobalColor.darkGray)
    small, large = measure(10_000, picture), measure(1_000_000, picture)
    print(f"{'median, ms (CPU)':24}{'10,000':>20}{'1,000,000':>20}")
    for name, value in small.items():
        cells = (f"{wall:.2f} ({cpu:.2f})" for wall, cpu in (value, large[name]))
        print(f"{name:24}" + "".join(f"{cell:>20}" for cell in cells))


if __name__ == "__main__":
    main()
