"""Two fingers on a touchpad that come together or part: they zoom what zooms with Ctrl and the wheel."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QNativeGestureEvent

MAX_STEP = 2.0
"""No single event zooms further: what the devices say differs."""


def pinch_factor(event: QEvent) -> float | None:
    """Returns by how much one step of the gesture makes everything larger; None for every other event."""
    if not isinstance(event, QNativeGestureEvent):
        return None
    if event.gestureType() != Qt.NativeGestureType.ZoomNativeGesture:
        return None
    return max(1 / MAX_STEP, min(MAX_STEP, 1 + event.value()))
