"""A row of buttons of which exactly one is chosen: workspaces, pages, ways to count."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QFont, QFontMetrics
from PySide6.QtWidgets import QButtonGroup, QFrame, QHBoxLayout, QPushButton, QSizePolicy, QWidget


@dataclass(frozen=True, slots=True)
class Segment:
    """One choice: `key` names it in code, `text` is shown, `tooltip` says what it is and by which key it is reached."""

    key: str
    text: str
    tooltip: str = ""


class SegmentButton(QPushButton):
    """As wide as its text is in bold, which it is when chosen: nothing moves then."""

    def sizeHint(self) -> QSize:
        bold = QFont(self.font())
        bold.setBold(True)
        text = self.text()
        more = QFontMetrics(bold).horizontalAdvance(text) - QFontMetrics(self.font()).horizontalAdvance(text)
        return super().sizeHint() + QSize(max(0, more) + 2, 0)

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()


class Segments(QFrame):
    """Looks: "segments" (a block, for few short words) or "tabs" (underlined words). Arrow keys choose as well."""

    chosen = Signal(str)
    """Key of the segment that the user chose."""

    def __init__(self, name: str, segments: Sequence[Segment], look: str = "segments", parent: QWidget | None = None):
        super().__init__(parent)
        self.setProperty("role", look)
        self.setAccessibleName(name)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self._texts = {each.key: each.text for each in segments}
        self._buttons: dict[str, QPushButton] = {}
        self._group = QButtonGroup(self)
        row = QHBoxLayout(self)
        margin = 2 if look == "segments" else 0
        row.setContentsMargins(margin, margin, margin, margin)
        row.setSpacing(2 if look == "segments" else 8)
        for each in segments:
            made = SegmentButton(each.text)
            made.setProperty("role", "segment" if look == "segments" else "tab")
            made.setCheckable(True)
            made.setToolTip(each.tooltip)
            made.setAccessibleName(each.text)
            made.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            made.setCursor(Qt.CursorShape.PointingHandCursor)
            self._group.addButton(made)
            self._buttons[each.key] = made
            row.addWidget(made)
        self._group.buttonToggled.connect(self._on_toggled)
        self._is_telling = True
        if segments:
            self.set_current(segments[0].key)

    @property
    def current(self) -> str:
        """Key of the chosen segment."""
        return next((key for key, made in self._buttons.items() if made.isChecked()), "")

    @property
    def available_keys(self) -> list[str]:
        """Keys of the segments that are not left out, in their order."""
        return [key for key, made in self._buttons.items() if not made.isHidden()]

    def set_current(self, key: str) -> None:
        """Marks a segment as chosen, without telling."""
        self._is_telling = False
        self._buttons[key].setChecked(True)
        self._is_telling = True

    def set_note(self, key: str, note: str) -> None:
        """Puts a small note (a number) behind the word of a segment; "" takes it away."""
        text = f"{self._texts[key]}  {note}" if note else self._texts[key]
        self._buttons[key].setText(text)
        self._buttons[key].setAccessibleName(text)

    def set_available(self, key: str, on: bool) -> None:
        """Shows a segment, or leaves it out."""
        self._buttons[key].setVisible(on)

    def _on_toggled(self, button: QPushButton, is_checked: bool) -> None:
        if is_checked and self._is_telling:
            self.chosen.emit(next(key for key, made in self._buttons.items() if made is button))
