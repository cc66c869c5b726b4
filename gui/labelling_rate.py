"""How fast the user labels, for the chip in the top bar."""

from __future__ import annotations

import itertools
import time
from collections import deque
from collections.abc import Callable

WINDOW_S = 180.0
MAX_PAUSE_S = 15.0
MIN_IMAGES = 8


class LabellingRate:
    """Images per hour over the last minutes of work; pauses count as at most 15 seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._moments: deque[tuple[float, int]] = deque()

    def add(self, num_images: int) -> None:
        """Notes that some images got a class just now."""
        now = self._clock()
        self._moments.append((now, num_images))
        while self._moments and now - self._moments[0][0] > WINDOW_S:
            self._moments.popleft()

    def images_per_hour(self) -> int | None:
        """Returns the rate, or None while there is too little to tell."""
        if sum(count for _moment, count in self._moments) < MIN_IMAGES or len(self._moments) < 2:
            return None
        moments = list(self._moments)
        # The first key only starts the clock: its images were looked at before it.
        num_images = sum(count for _moment, count in moments[1:])
        worked_s = sum(min(later - earlier, MAX_PAUSE_S) for (earlier, _), (later, _) in itertools.pairwise(moments))
        if worked_s <= 0.0:
            return None
        return round(3600.0 * num_images / worked_s)

    def clear(self) -> None:
        self._moments.clear()
