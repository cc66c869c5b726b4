"""Where a command speaks: results on stdout, everything else on stderr.

With `--json` stdout holds one JSON document and nothing else. Progress bars are drawn only when stderr is a terminal.
"""

from __future__ import annotations

import json
import math
import shutil
import sys
from collections.abc import Callable
from typing import IO, Any, TextIO

from engine.events import Event
from engine.jobs import Job, Outcome, Result, Snapshot, run_in_foreground

Document = dict[str, Any]


class Console:
    """The voice of one command."""

    def __init__(self, is_json: bool = False, out: TextIO | None = None, err: TextIO | None = None) -> None:
        self.is_json = is_json
        self._out = out or sys.stdout
        self._err = err or sys.stderr
        self._bar: ProgressBar | None = None

    def say(self, text: str = "") -> None:
        """Prints a line for a person; nothing with `--json`."""
        if not self.is_json:
            if self._bar is not None:
                self._bar.hide()  # It is drawn again below the line.
            print(text, file=self._out, flush=True)

    def document(self, document: Document) -> None:
        """Prints the document of a command that was called with `--json`; nothing otherwise."""
        if self.is_json:
            print(json_text(document), file=self._out, flush=True)

    def copy(self, text: IO[str]) -> None:
        """Prints a document that was written elsewhere, from its beginning; however long it is, memory is not."""
        text.seek(0)
        shutil.copyfileobj(text, self._out)
        self._out.flush()

    def run(self, job: Job[Snapshot, Result, Outcome], on_event: Callable[[Event], None] | None = None) -> Outcome:
        """Runs a job here and now, with a progress bar on a terminal. Ctrl-C cancels it.

        `on_event` gets what it emits.

        Raises:
            AppError: what the job raised.
        """
        self._bar = bar = ProgressBar(job.title, self._err, on_event)
        try:
            return run_in_foreground(job, bar)
        finally:
            bar.close()
            self._bar = None


class ProgressBar:
    """A JobContext that draws a bar while it works on a terminal, and is silent in a pipe."""

    def __init__(self, title: str, stream: TextIO, on_event: Callable[[Event], None] | None = None) -> None:
        self._title = title
        self._stream = stream
        self._on_event = on_event
        self._is_shown = stream.isatty()
        self._bar: Any = None

    def checkpoint(self) -> None:
        """Nothing to do: Ctrl-C raises KeyboardInterrupt in this very thread."""

    def progress(self, done: int, total: int, note: str = "") -> None:
        if not self._is_shown:
            return
        if self._bar is None:
            from tqdm import tqdm  # 30 ms that `--help` and pipes need not pay

            self._bar = tqdm(desc=self._title, file=self._stream, leave=False, dynamic_ncols=True, delay=0.3)
        if self._bar.total != (total or None):
            self._bar.reset(total or None)
        self._bar.n = done
        self._bar.set_postfix_str(note, refresh=False)
        self._bar.update(0)
        self._bar.refresh()

    def emit(self, event: Event) -> None:
        if self._on_event is not None:
            self._on_event(event)

    def hide(self) -> None:
        """Takes the bar away until there is progress again."""
        if self._bar is not None:
            self._bar.clear()

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None


def json_text(value: Any) -> str:
    """Returns a document as one line of JSON."""
    return json.dumps(without_nan(value), ensure_ascii=False)


def without_nan(value: Any) -> Any:
    """Returns the same document with what JSON cannot hold (NaN, infinity) as null."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: without_nan(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [without_nan(entry) for entry in value]
    return value


def percent(fraction: float | None) -> str:
    """Returns 0.934 as "93.4 %"."""
    return "–" if fraction is None or not math.isfinite(fraction) else f"{100 * fraction:.1f} %"


def plural(count: int, noun: str, nouns: str = "") -> str:
    """Returns "1 image", "2 images", "1,240 images"."""
    return f"{count:,} {noun if count == 1 else nouns or noun + 's'}"
