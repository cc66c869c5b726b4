"""Two fingers on a touchpad that come together or part: they zoom what zooms with Ctrl and the wheel."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QNativeGestureEvent

MAX_STEP = 2.0
"""No single event zooms further: what the devices say differs."""


def pinch_factor(event: QNativeGestureEvent) -> float | None:
    """Returns by how much one step of the gesture makes everything larger; None for every other gesture."""
    if event.gestureType() != Qt.NativeGestureType.ZoomNativeGesture:
        return None
    return max(1 / MAX_STEP, min(MAX_STEP, 1 + event.value()))


def follow_pinch(event: QEvent, zoom_by: Callable[[float, QPointF], object]) -> bool:
    """Returns whether an event was one step of the gesture; then it has zoomed, by a factor and around a place."""
    if not isinstance(event, QNativeGestureEvent) or (factor := pinch_factor(event)) is None:
        return False
    zoom_by(factor, event.position())
    event.accept()
    return True
