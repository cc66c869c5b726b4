"""Which classes the type-ahead lists first: what the model thinks likely of the images, then those used last."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from engine.domain import class_ids_of

if TYPE_CHECKING:
    from gui.session import Session

NUM_LIKELY: Final = 5
_MAX_IMAGES: Final = 64
"""So many of a selection, evenly spread, are asked about."""


def likely_first(session: Session, image_ids: NDArray[np.int64], recent: Sequence[int]) -> list[int]:
    """Returns ids of classes: up to five that are likelier than chance for these images, then `recent`; best first.

    Also where an image looks unknown, so that nothing is suggested for it: choosing from a list is the user's doing.
    Not what was refused of an image.
    """
    asked = image_ids[np.unique(np.linspace(0, len(image_ids) - 1, min(len(image_ids), _MAX_IMAGES)).astype(np.int64))]
    columns, rows = session.columns, session.rows_of(asked)
    known = zip(columns.image_ids[rows].tolist(), columns.refused_bits[rows].tolist(), strict=True)
    refused = {image_id: class_ids_of(words) for image_id, words in known if any(words)}
    totals: dict[int, float] = {}
    for image_id in asked.tolist():
        for item, probability in session.predictions(image_id):
            if item.id not in refused.get(image_id, ()):
                totals[item.id] = totals.get(item.id, 0.0) + probability
    chance = len(asked) / max(1, len(session.classes))
    likely = sorted((class_id for class_id, total in totals.items() if total > chance), key=lambda each: -totals[each])
    likely = likely[:NUM_LIKELY]
    return likely + [class_id for class_id in recent if class_id not in likely]
