"""The sentences of the block page, from its figures: pure functions."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from engine.language import tr, trn
from gui import wording

if TYPE_CHECKING:
    from engine.evaluation.acceptance import Mistakes
    from gui.block_records import Tally

UNKNOWN_MISTAKES = tr("too few labels to tell how many are wrong")


def mistakes(found: Mistakes | None) -> str:
    """Returns e.g. "about 2 wrong, at most 5"; "" is never returned."""
    if found is None:
        return UNKNOWN_MISTAKES
    expected, at_most = round(found.expected), math.ceil(found.at_most)
    if not at_most:
        return tr("none wrong")
    if not expected:
        return tr("hardly any wrong, at most {at_most:,}", at_most=at_most)
    return tr("about {expected:,} wrong, at most {at_most:,}", expected=expected, at_most=at_most)


def expected(num_images: int, found: Mistakes | None) -> str:
    """Returns what is to be expected of a page, as a sentence."""
    if num_images == 1 and found is not None:
        return tr("This one is probably right.") if found.expected < 0.5 else tr("This one may well be wrong.")
    if found is None:
        return tr("Too few labels yet to say how many of these {num_images:,} are wrong.", num_images=num_images)
    return tr("Of these {num_images:,} expect {mistakes}.", num_images=num_images, mistakes=mistakes(found))


def so_far(tally: Tally) -> str:
    """Returns how the pages before turned out, "" where there were none."""
    total = tally.num_accepted + tally.num_out
    return tr("So far {num_out:,} of {total:,} taken out.", num_out=tally.num_out, total=total) if total else ""


def summary(tally: Tally, num_refused: int, num_new: int = 0) -> str:
    """Returns what came of a pass, how many refused ones have no class yet, and what a newer model suggests since."""
    parts = []
    if tally.num_accepted:
        suggestions = wording.count(tally.num_accepted, "suggestion")
        parts.append(tr("{suggestions} accepted after a look", suggestions=suggestions))
    parts += [tr("{number:,} without one", number=tally.num_unseen)] if tally.num_unseen else []
    parts += [tr("{number:,} taken out", number=tally.num_out)] if tally.num_out else []
    sentences = [f"{', '.join(parts)}." if parts else tr("Nothing was accepted.")]
    if num_refused:
        sentences.append(
            trn(
                "Of those taken out, {number:,} has no class yet: it counts as a wrong suggestion in the accuracy. "
                "With a class, the model learns from it.",
                "Of those taken out, {number:,} have no class yet: they count as wrong suggestions in the accuracy. "
                "With a class, the model learns from them.",
                num_refused,
            )
        )
    if num_new:
        sentences.append(
            trn("{number:,} suggestion came since then.", "{number:,} suggestions came since then.", num_new)
        )
    return " ".join(sentences)
