"""Near-duplicates in groups, and which image of a group to keep.

Letters: N images, P pairs, G groups.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.int64]

_SAME_SIZE: Final = 1.2
"""Numbers of pixels that differ by a smaller factor count as the same."""
_SAME_SHARPNESS: Final = 0.04


def groups_of_pairs(pairs: Rows, num_images: int) -> list[Rows]:
    """Returns the groups (rows ascending, at least two) that pairs (P, 2) of rows tie together, in order of their
    first rows."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    if not len(pairs):
        return []
    graph = coo_matrix((np.ones(len(pairs), np.bool_), (pairs[:, 0], pairs[:, 1])), (num_images, num_images))
    _, label = connected_components(graph, directed=False)
    order = np.argsort(label, kind="stable")
    found = np.split(order, np.flatnonzero(np.diff(label[order])) + 1)
    return sorted((rows.astype(np.int64) for rows in found if len(rows) > 1), key=lambda rows: int(rows[0]))


def best_first(
    is_labelled: NDArray[np.bool_],
    is_skipped: NDArray[np.bool_],
    num_pixels: NDArray[np.int64],
    sharpness: NDArray[np.float32],
    sizes_bytes: NDArray[np.int64],
) -> Rows:
    """Returns the order (n,) in which the images of a group are worth keeping, the best first.

    One with a class before one without, then one that the user did not skip (it was kept before), then the larger
    picture, then the sharper one, then the larger file (of two of one size the one that was compressed less). Where
    nothing tells them apart they stay as they are. Sharpness may be NaN: not measured.
    """
    size_steps = np.round(np.log(np.maximum(num_pixels, 1)) / np.log(_SAME_SIZE))
    known = np.nan_to_num(sharpness, nan=float(np.nanmean(sharpness)) if np.isfinite(sharpness).any() else 0.0)
    sharp_steps = np.round(known / _SAME_SHARPNESS)
    return np.lexsort((-sizes_bytes, -sharp_steps, -size_steps, is_skipped, ~is_labelled)).astype(np.int64)
