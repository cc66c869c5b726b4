"""The sentences of Review, from its figures: pure functions of what was measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gui import wording

if TYPE_CHECKING:
    from engine.domain import ImageClass, Run
    from engine.evaluation.work_saved import Acceptance

UNNAMED_COLOR = "#8b939e"
FEW = 20
"""With fewer images than this a figure per class says little."""
NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")


@dataclass(frozen=True, slots=True)
class RunClass:
    """A class of a run as it is called and coloured now. `id` is its class id."""

    id: int
    name: str
    color: str


def classes_of(run: Run, palette: Sequence[ImageClass]) -> list[RunClass]:
    """Returns the classes of a run in target order, also those that were renamed or deleted since."""
    now = {each.id: each for each in palette}
    pairs = zip(run.class_ids, run.class_names, strict=True)
    return [
        RunClass(class_id, now[class_id].name, now[class_id].color)
        if class_id in now
        else RunClass(class_id, name, UNNAMED_COLOR)
        for class_id, name in pairs
    ]


def number(count: int) -> str:
    """Returns a small number as a word, a larger one in digits."""
    return NUMBERS[count] if 0 <= count < len(NUMBERS) else f"{count:,}"


def precision_text(precision: float) -> str:
    """Returns e.g. "99 %", "99.5 %"."""
    return f"{100 * precision:.1f} %".replace(".0 %", " %")


def headline(acceptance: Acceptance, precision: float) -> tuple[str, str, str]:
    """Returns the sentence in three parts; the middle one is to be set off."""
    if not acceptance.num_measured:
        return "Nothing can be accepted without looking", "", f", at {precision_text(precision)} precision"
    share = f"{100 * acceptance.share:.0f} %"
    return "Accept ", share, f" of images without looking, at {precision_text(precision)} precision"


def below_headline(acceptance: Acceptance, precision: float, num_measured: int, best: float) -> str:
    """Returns the small print: how sure that is, on what it was measured, or why nothing can be promised."""
    if not acceptance.num_measured:
        needed = f"To promise {precision_text(precision)}, a model must be right on many images in a row"
        offer = f"; {precision_text(best)} can be promised now" if best < precision else ""
        return f"{needed}: {num_measured:,} were measured{offer}."
    low, high = acceptance.share_interval
    return f"between {100 * low:.0f} % and {100 * high:.0f} %, measured on images the model had not seen"


def mistakes(acceptance: Acceptance, num_accepted: int) -> str:
    """Returns how many of so many accepted suggestions will be wrong, e.g. "about 14 wrong, at most 19"."""
    expected = round((1 - acceptance.precision) * num_accepted)
    at_most = int(np.ceil((1 - acceptance.at_least) * num_accepted - 1e-6))
    return f"{f'about {expected:,}' if expected else 'hardly any'} wrong, at most {at_most:,}"


def weakest(per_class: Sequence[dict[str, Any]], confusion: NDArray[np.int64], names: Sequence[str]) -> list[str]:
    """Returns what is to be said of the class with the lowest F1, in parts: every second part is a class name."""
    known = [each for each in per_class if each["support"]]
    if len(known) < 2:
        return []
    worst = min(known, key=lambda each: (each["f1"], -each["support"]))
    index = int(worst["class"])
    row = confusion[index].copy()
    row[index] = 0
    column = confusion[:, index].copy()
    column[index] = 0
    if not row.any() and not column.any():
        return ["Every image was recognised: no class is weak."]
    if row.max() >= column.max():
        taken = int(row.argmax())
        count = int(row[taken])
        verb = "of its images looks like" if count == 1 else "of its images look like"
        return ["Weakest: ", names[index], f". {number(count).capitalize()} {verb} ", names[taken], "."]
    source = int(column.argmax())
    count = int(column[source])
    noun = "image of" if count == 1 else "images of"
    return ["Weakest: ", names[index], f". {number(count).capitalize()} {noun} ", names[source], " look like it."]


def weakest_of_several(
    per_class: Sequence[dict[str, Any]], missed: NDArray[np.int64], taken: NDArray[np.int64], names: Sequence[str]
) -> list[str]:
    """Returns the same where images have several classes; `missed` and `taken` (K,) count images by class index."""
    known = [each for each in per_class if each["support"]]
    if not known:
        return []
    index = int(min(known, key=lambda each: (each["average_precision"], -each["support"]))["class"])
    if not missed[index] and not taken[index]:
        return ["Every class of every image was right."]
    found = [f"{number(int(missed[index]))} of its images missed"] if missed[index] else []
    found += [f"{number(int(taken[index]))} others taken for it"] if taken[index] else []
    return ["Weakest: ", names[index], f". {' and '.join(found).capitalize()}."]


def calibration(ece: float, num_images: int) -> str:
    """Returns how far confidence is off, in words."""
    if num_images < FEW:
        return f"Measured on {wording.count(num_images, 'image')} only: too few to say."
    return f"Confidence is off by {100 * ece:.1f} points on average."


def cell_title(given: str, said: str) -> str:
    """Returns the title of the images in a cell."""
    return f"{given} recognised, least sure first" if given == said else f"{given} taken for {said}, worst first"


def stale(num_labels: int, run_id: int) -> str:
    """Returns why the figures are not those of this moment, "" when they are."""
    if not num_labels:
        return ""
    return f"{wording.count(num_labels, 'label')} changed since model {run_id}; retrain to refresh"


def suspicion(score: float, num_agreeing: int, num_neighbours: int) -> str:
    """Returns how sure the model is that a class is wrong, and how many of the nearest images say so as well."""
    sure = f"{min(99, max(1, round(100 * score)))} % sure"
    return f"{sure} · {num_agreeing} of {num_neighbours} agree" if num_neighbours else sure
