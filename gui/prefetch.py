"""Which images to decode ahead of a user who walks through them: in the direction of travel, further when faster."""

from __future__ import annotations

import math
from collections import deque

LOOK_AHEAD_S = 0.8
MIN_AHEAD, MAX_AHEAD, BEHIND = 4, 16, 1
NUM_MOVES = 6
PAUSE_S = 1.5
"""After a longer rest the speed of before says nothing."""


class Prefetch:
    """Remembers the last moves."""

    def __init__(self) -> None:
        self._position = -1
        self._is_forward = True
        self._moves: deque[float] = deque(maxlen=NUM_MOVES)

    def move(self, position: int, now_s: float) -> None:
        """Notes that another position is shown, at a monotonic time."""
        if position == self._position:
            return
        self._is_forward = position >= self._position
        self._position = position
        if self._moves and now_s - self._moves[-1] > PAUSE_S:
            self._moves.clear()
        self._moves.append(now_s)

    @property
    def images_per_s(self) -> float:
        """How fast the user goes; 0 when nothing is known."""
        if len(self._moves) < 2:
            return 0.0
        return (len(self._moves) - 1) / max(0.02, self._moves[-1] - self._moves[0])

    def positions(self, num_images: int, max_images: int) -> list[int]:
        """Returns the positions to have ready, the present one first.

        Args:
            num_images: length of the list.
            max_images: how many decoded images may be kept at a time.
        """
        wanted = math.ceil(self.images_per_s * LOOK_AHEAD_S) + 1
        ahead = min(max(MIN_AHEAD, wanted), MAX_AHEAD, max(1, max_images - BEHIND - 1))
        direction = 1 if self._is_forward else -1
        steps = (*range(ahead + 1), *range(-1, -BEHIND - 1, -1))
        positions = (self._position + direction * step for step in steps)
        return [position for position in positions if 0 <= position < num_images]
