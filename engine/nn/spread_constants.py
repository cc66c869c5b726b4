"""The numbers in the definition of spreads (`engine.nn.spreads`), for those who do without torch."""

from __future__ import annotations

from typing import Final

SMALLEST_VARIANCE: Final = 1e-6
SMALLEST_LENGTH: Final = 1e-12
SPREAD_WEIGHT: Final = 1.4
"""Length of each block's spreads beside that of the means, which is 1."""
