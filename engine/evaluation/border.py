"""Whether a model looks at the edges of the pictures rather than at what they show. Arrays only.

A ruler, a caption, the camera's frame or the edge of a tray can give a class away; the figures then look good and mean
nothing for pictures taken otherwise.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from engine.evaluation.intervals import NORMAL_QUANTILE_95
from engine.language import tr

FEWEST_IMAGES: Final = 12
_CLEARLY_MORE: Final = 1.5
"""So many times as much as an even spread would put there."""


def border_warning(shares: NDArray[np.floating[Any]], even: NDArray[np.floating[Any]]) -> str | None:
    """Returns a sentence when the evidence sits on the border of the pictures, else None.

    Args:
        shares: of each of N pictures, how much of what speaks for its class lies on the border (0..1).
        even: how much would lie there if it were spread evenly.

    Said only where the lower end of the mean's 95 % interval is beyond what is evenly spread by half.
    """
    if len(shares) < FEWEST_IMAGES:
        return None
    ratios = shares / np.maximum(even, 1e-9)
    mean, spread = float(ratios.mean()), float(ratios.std(ddof=1))
    lower = mean - NORMAL_QUANTILE_95 * spread / len(ratios) ** 0.5
    if lower < _CLEARLY_MORE:
        return None
    return tr(
        "The model looks at the edges: {share:.0f} % of what decides lies on the outermost tenth of the pictures, "
        "where {even:.0f} % would be expected. Look at some with H: a frame, a ruler or a caption may give the class "
        "away.",
        share=100 * shares.mean(),
        even=100 * even.mean(),
    )
