"""The sentences of the block page, from its figures: pure functions."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from gui import wording

if TYPE_CHECKING:
    from engine.evaluation.acceptance import Mistakes
    from gui.block_records import Tally

UNKNOWN_MISTAKES = "too few labels to tell how many are wrong"


def mistakes(found: Mistakes | None) -> str:
    """Returns e.g. "about 2 wrong, at most 5"; "" is never returned."""
    if found is None:
        return UNKNOWN_MISTAKES
    expected, at_most = round(found.expected), math.ceil(found.at_most)
    if not at_most:
        return "none wrong"
    return f"{f'about {expected:,}' if expected else 'hardly any'} wrong, at most {at_most:,}"


def expected(num_images: int, found: Mistakes | None) -> str:
    """Returns what is to be expected of a page, as a sentence."""
    if num_images == 1 and found is not None:
        return "This one is probably right." if found.expected < 0.5 else "This one may well be wrong."
    if found is None:
        return f"Too few labels yet to say how many of these {num_images:,} are wrong."
    return f"Of these {num_images:,} expect {mistakes(found)}."


def so_far(tally: Tally) -> str:
    """Returns how the pages before turned out, "" where there were none."""
    total = tally.num_accepted + tally.num_out
    return f"So far {tally.num_out:,} of {total:,} taken out." if total else ""


def summary(tally: Tally, num_unlabelled: int, num_new: int = 0) -> str:
    """Returns what came of a pass, what is left of what was taken out, and what a newer model suggests since."""
    parts = [f"{wording.count(tally.num_accepted, 'suggestion')} accepted after a look"] if tally.num_accepted else []
    parts += [f"{tally.num_unseen:,} without one"] if tally.num_unseen else []
    parts += [f"{tally.num_out:,} taken out"] if tally.num_out else []
    text = f"{', '.join(parts)}." if parts else "Nothing was accepted."
    if num_unlabelled:
        verb = "has" if num_unlabelled == 1 else "have"
        text += f" Of those taken out, {num_unlabelled:,} {verb} no class yet: left out, figures look too good."
    if num_new:
        text += f" {wording.count(num_new, 'suggestion')} came since then."
    return text
