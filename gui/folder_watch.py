"""Which of a project's folders can be reached: drives are pulled out, networks go away, and come back.

The disk is asked in the loader threads, which read anyway, and in one thread per folder that probes it; never in the
GUI thread. A read that hangs costs its thread, which is reported to be replaced, and nothing else.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QObject, Qt, QTimer, Signal

from engine.domain import ImageRoot
from engine.errors import ImageError
from engine.images.files import read_bytes
from engine.images.scan import can_reach
from engine.language import tr

TICK_MS = 500
SUSPECT_S = 1.0
"""A read that takes this long has its folder probed."""
STALL_S = 3.0
"""A read or probe that takes this long hangs, as far as the user is concerned."""
MAX_HANGING = 4
"""So many hanging reads make a folder offline whatever a probe says: each of them holds a thread."""
PROBE_OFFLINE_S, PROBE_ONLINE_S = 2.0, 10.0
"""How often a folder is probed."""


@dataclass(slots=True)
class _Read:
    path: Path
    root_id: int
    started: float
    is_hanging: bool = False


class FolderWatch(QObject):
    """Knows the import folders of the open project. Methods are for the GUI thread, except `read`."""

    changed = Signal()
    """Folders went offline or came back, or a file that hung was read after all: what failed may be tried again."""
    thread_hung = Signal(object)
    """Identifier of a thread that hangs in `read` and should be replaced (too large for a C int)."""
    _told = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._roots: dict[int, ImageRoot] = {}
        self._offline: frozenset[int] = frozenset()
        # Shared with the threads, guarded by the lock.
        self._lock = threading.Lock()
        self._prefixes: list[tuple[str, int]] = []
        self._gone: set[int] = set()
        self._reads: dict[int, _Read] = {}
        self._probes: dict[int, float] = {}
        self._probed_at: dict[int, float] = {}
        self._has_news = False
        self._told.connect(self._tick, Qt.ConnectionType.QueuedConnection)
        self._timer = QTimer(self, interval=TICK_MS)
        self._timer.timeout.connect(self._tick)

    @property
    def offline(self) -> frozenset[int]:
        """The ids of the folders that cannot be reached now."""
        return self._offline

    def offline_roots(self) -> list[ImageRoot]:
        """Returns the folders that cannot be reached now, in the order of their import."""
        return [self._roots[root_id] for root_id in sorted(self._offline) if root_id in self._roots]

    def open(self, roots: Iterable[ImageRoot]) -> None:
        """Watches these folders instead of those before, and probes them at once."""
        listed = {root.id: root for root in roots}
        if listed == self._roots:
            return
        kept = {root_id for root_id, root in listed.items() if self._roots.get(root_id) == root}
        with self._lock:
            self._roots = listed
            # The longest first: a folder may lie in another one.
            prefixes = ((os.path.join(root.path, ""), root.id) for root in listed.values())
            self._prefixes = sorted(prefixes, key=lambda each: -len(each[0]))
            self._gone &= kept
            for known in (self._probes, self._probed_at):
                for root_id in set(known) - kept:
                    del known[root_id]
        self._timer.start()
        self._tick()

    def close(self) -> None:
        """Watches nothing. Threads that hang are left behind."""
        self._timer.stop()
        with self._lock:
            self._roots, self._prefixes = {}, []
            self._gone.clear()
            self._reads.clear()
            self._probes.clear()
            self._probed_at.clear()
            self._has_news = False
        self._offline = frozenset()

    def look_again(self) -> None:
        """Probes the folders that are offline, now."""
        with self._lock:
            for root_id in self._offline:
                self._probed_at.pop(root_id, None)
        self._tick()

    def read(self, path: Path) -> bytes:
        """Returns the content of a file. For worker threads.

        Raises:
            ImageError: the file cannot be read, or it is not tried because its folder is offline.
        """
        me = threading.get_ident()
        with self._lock:
            root_id = next((root_id for prefix, root_id in self._prefixes if os.fspath(path).startswith(prefix)), 0)
            if root_id in self._offline or root_id in self._gone:
                raise ImageError(
                    tr("The drive or folder of this image is not there."), tr("It is looked for all the time.")
                )
            if any(read.is_hanging and read.path == path for read in self._reads.values()):
                raise ImageError(
                    tr("The drive takes its time with this image."), tr("It is shown as soon as it is read.")
                )
            self._reads[me] = reading = _Read(path, root_id, time.monotonic())
        try:
            data = read_bytes(path)
        except ImageError:
            self._ask_for_root(root_id)
            raise
        finally:
            with self._lock:
                # Another project may be open by now, and its threads may have the same identifier.
                if self._reads.get(me) is reading:
                    del self._reads[me]
                self._has_news |= reading.is_hanging
        return data

    def _ask_for_root(self, root_id: int) -> None:
        """Notes whether a file failed because its whole folder is gone. In the thread that read, which may hang."""
        root = self._roots.get(root_id)
        if root is not None and not can_reach(root.path):
            with self._lock:
                self._gone.add(root_id)
            self._tell()
            raise ImageError(
                tr("The drive or folder of this image is not there."), tr("It is looked for all the time.")
            )

    def _tick(self) -> None:
        now = time.monotonic()
        hung: list[int] = []
        with self._lock:
            num_hanging: dict[int, int] = {}
            to_probe: set[int] = set()
            for ident, reading in self._reads.items():
                age_s = now - reading.started
                if age_s > SUSPECT_S:
                    to_probe.add(reading.root_id)
                if age_s > STALL_S:
                    num_hanging[reading.root_id] = num_hanging.get(reading.root_id, 0) + 1
                    if not reading.is_hanging:
                        reading.is_hanging = True
                        hung.append(ident)
            unanswered = {root_id for root_id, started in self._probes.items() if now - started > STALL_S}
            offline = self._gone | unanswered | {root for root, count in num_hanging.items() if count >= MAX_HANGING}
            offline &= self._roots.keys()
            for root_id in self._roots:
                since_s = now - self._probed_at.get(root_id, -PROBE_ONLINE_S)
                every_s = PROBE_OFFLINE_S if root_id in offline or root_id in to_probe else PROBE_ONLINE_S
                if root_id not in self._probes and since_s >= every_s:
                    self._probes[root_id] = self._probed_at[root_id] = now
                    self._start_probe(root_id)
            has_news, self._has_news = self._has_news, False
        for ident in hung:
            self.thread_hung.emit(ident)
        if offline != self._offline or has_news:
            self._offline = frozenset(offline)
            self.changed.emit()

    def _start_probe(self, root_id: int) -> None:
        root = self._roots[root_id]
        threading.Thread(target=self._probe, args=(root,), name="graft-probe", daemon=True).start()

    def _probe(self, root: ImageRoot) -> None:
        is_there = can_reach(root.path)
        with self._lock:
            if self._roots.get(root.id) != root:
                return
            self._probes.pop(root.id, None)
            was_there = root.id not in self._gone
            (self._gone.discard if is_there else self._gone.add)(root.id)
        if is_there != was_there or root.id in self._offline:
            self._tell()

    def _tell(self) -> None:
        try:
            self._told.emit()
        except RuntimeError:  # the window went away meanwhile, and the C++ half of this object with it
            return
