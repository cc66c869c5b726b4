"""Starts the program as `main.py` does, and answers on a local socket what is to be seen in its window.

Not a test and not part of the program: window tests start it instead of main.py, so that they can ask where a button is
and then press it with a real mouse. It only reads. usage: window_probe.py SOCKET [ARGUMENTS OF main.py]
"""

from __future__ import annotations

import json
import multiprocessing
import queue
import runpy
import socket
import sys
import threading
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent


def serve(path: str) -> None:
    """Answers one JSON document per connection: everything that is visible now."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as server:
        server.bind(path)
        server.listen(1)
        while True:
            connection, _ = server.accept()
            with connection:
                connection.sendall(json.dumps(ask_window()).encode())


def ask_window() -> dict[str, Any]:
    """Returns what `look` sees in the GUI thread; an empty document while there is no window yet."""
    if "PySide6.QtWidgets" not in sys.modules:
        return {"widgets": []}
    from PySide6.QtCore import QTimer
    from PySide6.QtWidgets import QApplication

    app = QApplication.instance()
    if app is None:
        return {"widgets": []}
    answers: queue.Queue[dict[str, Any]] = queue.Queue()
    QTimer.singleShot(0, app, lambda: answers.put(look()))
    try:
        return answers.get(timeout=5)
    except queue.Empty:  # the event loop does not run yet (or no longer)
        return {"widgets": []}


def look() -> dict[str, Any]:
    """Returns the visible widgets with their place on the screen, and the items of the visible item views."""
    from PySide6.QtCore import QPoint
    from PySide6.QtWidgets import QAbstractItemView, QApplication, QMenu

    found = []
    for widget in QApplication.allWidgets():
        if not widget.isVisible() or widget.visibleRegion().isEmpty():
            continue
        corner = widget.mapToGlobal(QPoint(0, 0))
        entry: dict[str, Any] = {
            "class": type(widget).__name__,
            "bases": [base.__name__ for base in type(widget).__mro__],
            "name": widget.objectName(),
            "accessible_name": widget.accessibleName(),
            "tool_tip": widget.toolTip(),
            "text": text_of(widget),
            "title": widget.windowTitle() if widget.isWindow() else "",
            "is_window": widget.isWindow(),
            "is_enabled": widget.isEnabled(),
            "has_focus": widget.hasFocus(),
            "rect": [corner.x(), corner.y(), widget.width(), widget.height()],
        }
        if isinstance(widget, QMenu):
            entry["actions"] = [
                {
                    "text": action.text().replace("&", ""),
                    "is_enabled": action.isEnabled(),
                    "rect": on_screen(widget, widget.actionGeometry(action)),
                }
                for action in widget.actions()
            ]
        if isinstance(widget, QAbstractItemView) and (model := widget.model()) is not None:
            entry["num_rows"] = model.rowCount(widget.rootIndex())
            entry["items"] = items_of(widget)
            entry["current_row"] = widget.currentIndex().row()
        if entry["class"] == "ConfusionView":
            entry["cells"] = cells_of(widget)
        found.append(entry)
    return {"widgets": found}


def text_of(widget: Any) -> str:
    for name in ("text", "toPlainText", "currentText", "title"):
        method = getattr(widget, name, None)
        if callable(method):
            try:
                return str(method()).replace("&", "")
            except TypeError:  # a method of the same name that wants arguments
                continue
    return ""


def items_of(view: Any) -> list[dict[str, Any]]:
    """Returns the items that are inside the viewport, at most 200."""
    from PySide6.QtCore import Qt

    model, root, area = view.model(), view.rootIndex(), view.viewport().rect()
    items = []
    for row in range(min(model.rowCount(root), 2000)):
        index = model.index(row, 0, root)
        rect = view.visualRect(index)
        if rect.isValid() and area.intersects(rect) and len(items) < 200:
            text = model.data(index, Qt.ItemDataRole.DisplayRole)
            items.append({"row": row, "text": str(text or ""), "rect": on_screen(view.viewport(), rect)})
    return items


def cells_of(matrix: Any) -> list[dict[str, Any]]:
    """Returns the cells of a confusion matrix with their sentences."""
    picture = matrix.picture()
    every = range(len(picture.names))
    return [
        {
            "cell": [true, said],
            "text": matrix.sentence(true, said),
            "rect": on_screen(matrix.viewport(), picture.cell_rect((true, said)).toRect()),
        }
        for true in every
        for said in every
    ]


def on_screen(widget: Any, rect: Any) -> list[int]:
    corner = widget.mapToGlobal(rect.topLeft())
    return [corner.x(), corner.y(), rect.width(), rect.height()]


if __name__ == "__main__":
    multiprocessing.freeze_support()
    threading.Thread(target=serve, args=(sys.argv[1],), name="window-probe", daemon=True).start()
    sys.argv = [str(ROOT / "main.py"), *sys.argv[2:]]
    sys.path[0] = str(ROOT)
    runpy.run_path(sys.argv[0], run_name="__main__")
