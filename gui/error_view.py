"""The only place that shows an error: a banner for what the user can act on, a dialog for a bug of ours.

Also short notices ("Exported to …") come through here, so that there is one look and one place for them.
"""

from __future__ import annotations

import logging
import platform
import sys
import threading
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import TracebackType

from PySide6.QtCore import QEvent, QObject, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QFontDatabase, QGuiApplication, QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QDialog, QHBoxLayout, QPlainTextEdit, QToolButton, QVBoxLayout, QWidget

from engine.errors import AppError, InternalError
from gui.theme import icon, paint_icon, theme
from gui.widgets.buttons import button
from gui.widgets.text import text_label

log = logging.getLogger("graft.gui")

NOTICE_MS = 7000
MAX_WIDTH_PX = 560


@dataclass(frozen=True, slots=True)
class Remedy:
    """A button beside an error: what the user can do about it."""

    text: str
    act: Callable[[], None]


class Banner(QWidget):
    """A card that floats over the bottom of the window until it is closed (or, for notices, for some seconds)."""

    closed = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._color = "danger"
        self._icon = "error"
        self._message = text_label(role="heading", wrap=True)
        self._hint = text_label(role="dim", wrap=True)
        for label in (self._message, self._hint):
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._remedies = QHBoxLayout()
        self._remedies.setSpacing(8)
        close = QToolButton()
        close.setIcon(icon("close"))
        close.setIconSize(QSize(16, 16))
        close.setToolTip("Close (Esc)")
        close.setAccessibleName("Close this message")
        close.clicked.connect(self.close_banner)
        self._close = close
        texts = QVBoxLayout()
        texts.setSpacing(4)
        texts.addWidget(self._message)
        texts.addWidget(self._hint)
        texts.addLayout(self._remedies)
        row = QHBoxLayout(self)
        row.setContentsMargins(52, 14, 10, 14)
        row.setSpacing(8)
        row.addLayout(texts, 1)
        row.addWidget(close, 0, Qt.AlignmentFlag.AlignTop)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(NOTICE_MS)
        self._timer.timeout.connect(self.close_banner)
        parent.installEventFilter(self)
        self.hide()

    @property
    def message(self) -> str:
        return self._message.text()

    @property
    def hint(self) -> str:
        return self._hint.text()

    def show_text(
        self, message: str, hint: str, icon_name: str, color: str, remedies: Sequence[Remedy], is_lasting: bool
    ) -> None:
        """Shows a message, instead of the one that is there."""
        self._icon, self._color = icon_name, color
        self._message.setText(message)
        self._hint.setText(hint)
        self._hint.setVisible(bool(hint))
        self._set_remedies(remedies)
        self.setAccessibleName(f"{message} {hint}".strip())
        self._timer.stop()
        if not is_lasting:
            self._timer.start()
        self.show()
        self._place()
        self.raise_()
        self.update()

    def close_banner(self) -> None:
        self._timer.stop()
        if self.isVisible():
            self.hide()
            self.closed.emit()

    def _set_remedies(self, remedies: Sequence[Remedy]) -> None:
        while (item := self._remedies.takeAt(0)) is not None:
            if (old := item.widget()) is not None:
                old.setParent(None)
                old.deleteLater()
        for remedy in remedies:
            made = button(remedy.text, "chip")
            made.clicked.connect(lambda _checked=False, chosen=remedy: self._on_remedy(chosen))
            self._remedies.addWidget(made)
        if remedies:
            self._remedies.addStretch(1)

    def _on_remedy(self, remedy: Remedy) -> None:
        self.close_banner()
        remedy.act()

    def _place(self) -> None:
        parent = self.parentWidget()
        if parent is None:
            return
        width = min(MAX_WIDTH_PX, parent.width() - 32)
        layout = self.layout()
        height = layout.totalHeightForWidth(width) if layout is not None else self.sizeHint().height()
        self.setGeometry((parent.width() - width) // 2, parent.height() - height - 24, width, height)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize and self.isVisible():
            self._place()
        return False

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.close_banner()
        else:
            super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        colors = theme()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setBrush(colors.color("card"))
        painter.setPen(colors.color(self._color))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 12, 12)
        paint_icon(painter, self._icon, QRectF(18, 15, 22, 22), self._color)


class InternalErrorDialog(QDialog):
    """Shows a bug of ours, with everything that a report needs ready to be copied."""

    def __init__(self, message: str, details: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Something went wrong inside Graft")
        self.resize(640, 420)
        self._details = details
        box = QPlainTextEdit(details)
        box.setReadOnly(True)
        box.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        box.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        box.setAccessibleName("Details")
        copy = button("Copy details", "", "copy", "Copy everything below, to send it to us")
        copy.clicked.connect(self._copy)
        self._copy_button = copy
        close = button("Close", "primary")
        close.setDefault(True)
        close.clicked.connect(self.accept)
        row = QHBoxLayout()
        row.addWidget(copy)
        row.addStretch(1)
        row.addWidget(close)
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 24, 24, 20)
        column.setSpacing(12)
        column.addWidget(text_label("Something went wrong inside Graft", "title"))
        column.addWidget(
            text_label(
                f"{message} This is our mistake, not yours.",
                "dim",
                wrap=True,
            )
        )
        column.addWidget(box, 1)
        column.addLayout(row)

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(self._details)
        self._copy_button.setText("Copied")


class ErrorView(QObject):
    """Shows errors and notices over one window. `show_error` may be called from any thread."""

    _posted = Signal(object)

    def __init__(self, window: QWidget, banner_parent: QWidget) -> None:
        super().__init__(window)
        self._window = window
        self.banner = Banner(banner_parent)
        self.dialog: InternalErrorDialog | None = None
        self._shown_details: set[str] = set()
        self._posted.connect(self._show_exception)

    def show_error(self, error: BaseException, remedies: Sequence[Remedy] = ()) -> None:
        """Shows what the user can act on as a banner, anything else once as an internal error."""
        if threading.current_thread() is not threading.main_thread():
            self._posted.emit(error)
        elif isinstance(error, AppError) and not isinstance(error, InternalError):
            self.banner.show_text(error.message, error.hint, "error", "danger", remedies, is_lasting=True)
        else:
            self._show_exception(error)

    def show_warning(self, message: str, hint: str = "", remedies: Sequence[Remedy] = ()) -> None:
        """Shows something that went only partly well, until it is closed."""
        self.banner.show_text(message, hint, "warning", "warning", remedies, is_lasting=True)

    def show_notice(self, message: str, hint: str = "", remedies: Sequence[Remedy] = ()) -> None:
        """Shows good news for some seconds."""
        self.banner.show_text(message, hint, "check-circle", "success", remedies, is_lasting=False)

    def _show_exception(self, error: BaseException) -> None:
        if isinstance(error, AppError) and not isinstance(error, InternalError):
            self.show_error(error)
            return
        message = (
            error.message if isinstance(error, InternalError) else "The program met a situation that it does not know."
        )
        details = error.hint if isinstance(error, InternalError) and "\n" in error.hint else format_details(error)
        if details in self._shown_details:
            return
        self._shown_details.add(details)
        self.dialog = InternalErrorDialog(message, details, self._window)
        self.dialog.open()

    def install_hook(self) -> None:
        """Catches what nobody caught, in this thread and in others: logged with its traceback, shown once."""
        sys.excepthook = self._on_uncaught
        threading.excepthook = lambda failure: self._on_uncaught(
            failure.exc_type, failure.exc_value or failure.exc_type(), failure.exc_traceback
        )

    def _on_uncaught(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            sys.__excepthook__(kind, error, trace)
            return
        log.error("Uncaught exception", exc_info=(kind, error, trace))
        self._posted.emit(error)


def format_details(error: BaseException) -> str:
    """Returns what a bug report needs as text."""
    from PySide6 import __version__ as qt_version

    head = f"Graft on {platform.platform()}, Python {platform.python_version()}, Qt {qt_version}"
    return f"{head}\n\n{''.join(traceback.format_exception(error)).rstrip()}\n"
