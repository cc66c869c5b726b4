"""Converters talk on stderr of passes, versions and their own code; nothing of it is for our users."""

from __future__ import annotations

import io
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout


@contextmanager
def quiet() -> Iterator[None]:
    """Keeps what libraries print, log as warnings or warn of from the user. What they raise passes."""
    root = logging.getLogger()
    handlers, was_disabled = list(root.handlers), root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings(), redirect_stderr(io.StringIO()), redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(was_disabled)
        root.handlers[:] = handlers  # a first word to the root logger gives it a handler, which would stay
