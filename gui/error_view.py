"""The only place that shows an error: a banner for what the user can act on, a dialog for a bug of ours.

Also short notices ("Exported to …") come through here, so that there is one look and one place for them.
"""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from engine.errors import AppError, InternalError
from engine.language import tr

if TYPE_CHECKING:
    from gui.dialogs.internal_error import InternalErrorDialog
    from gui.widgets.banner import Banner, Remedy

log = logging.getLogger("graft.gui")


class ErrorView(QObject):
    """Shows errors and notices over one window. `show_error` may be called from any thread."""

    _posted = Signal(object)

    def __init__(self, window: QWidget, banner_parent: QWidget) -> None:
        super().__init__(window)
        self._window = window
        self._banner_parent = banner_parent
        self._banner: Banner | None = None
        self.dialog: InternalErrorDialog | None = None
        self._shown_details: set[str] = set()
        self._posted.connect(self._show_exception)

    @property
    def banner(self) -> Banner:
        """Returns the one banner of the window, made when it is first needed."""
        if self._banner is None:
            from gui.widgets.banner import Banner

            self._banner = Banner(self._banner_parent)
        return self._banner

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
        from gui.dialogs.internal_error import InternalErrorDialog, format_details

        message = (
            error.message
            if isinstance(error, InternalError)
            else tr("The program met a situation that it does not know.")
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
