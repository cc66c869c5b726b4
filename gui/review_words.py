"""The sentences of Review, from its figures: pure functions of what was measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from engine.evaluation.selection import COUNTED
from engine.language import decimal, tr, trc, trn
from gui import wording

if TYPE_CHECKING:
    from engine.domain import ImageClass, Run
    from engine.evaluation.work_saved import Acceptance
    from engine.tasks.review import Review
    from engine.tasks.review_parts import Suspect

UNNAMED_COLOR = "#8b939e"
FEW = 20
"""With fewer images than this a figure per class says little."""
DIFFERENT = 0.05
"""By so much more than chance allows the open images must differ from the labelled ones to be told."""
NUMBERS = (
    *(trc("number", "no"), trc("number", "one"), trc("number", "two"), trc("number", "three"), trc("number", "four")),
    *(trc("number", "five"), trc("number", "six"), trc("number", "seven"), trc("number", "eight")),
    *(trc("number", "nine"), trc("number", "ten"), trc("number", "eleven"), trc("number", "twelve")),
)
BREAK = "\0"
"""Stands on both sides of what is set off in a sentence; the sentence is split there."""


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
    return NUMBERS[count] if 0 <= count < len(NUMBERS) else decimal(count, ",")


def precision_text(precision: float) -> str:
    """Returns e.g. "99 %", "99.5 %"."""
    return wording.percent(precision, 0 if f"{100 * precision:.1f}".endswith(".0") else 1)


def headline(acceptance: Acceptance, precision: float, num_accepted: int, num_open: int) -> tuple[str, str, str]:
    """Returns the sentence in three parts; the middle one is to be set off.

    It is about the `num_open` images that wait for a class: `num_accepted` of them is what the button accepts. Where
    none waits it is about images like the measured ones.
    """
    exact = precision_text(precision)
    if not acceptance.num_measured:
        nothing = tr("Nothing can be accepted without looking, at {precision} precision", precision=exact)
        return nothing, "", ""
    if not num_open:
        share = f"{BREAK}{wording.percent(acceptance.share, 0)}{BREAK}"
        text = tr(
            "Of images like the labelled ones {share} could be accepted without looking, at {precision} precision",
            share=share,
            precision=exact,
        )
    elif not num_accepted:
        nothing = trn(
            "The {number:,} open image is not sure enough to accept without looking, at {precision} precision",
            "None of the {number:,} open images is sure enough to accept without looking, at {precision} precision",
            num_open,
            precision=exact,
        )
        return nothing, "", ""
    else:
        text = trn(
            "Accept {share} of the {number:,} open image without looking, at {precision} precision",
            "Accept {share} of the {number:,} open images without looking, at {precision} precision",
            num_open,
            share=f"{BREAK}{_share_text(num_accepted, num_open)}{BREAK}",
            precision=exact,
        )
    before, share, after = text.split(BREAK)
    return before, share, after


def _share_text(part: int, whole: int) -> str:
    """Returns a share in whole per cent that is 100 only for all and never 0."""
    if 200 * part < whole:
        return tr("less than 1 %")
    return wording.percent(1.0 if part == whole else min(part / whole, 0.99), 0)


def below_headline(
    acceptance: Acceptance, precision: float, num_measured: int, best: float, num_accepted: int, num_open: int
) -> str:
    """Returns the small print: how sure that is, on what it was measured, or why nothing can be promised."""
    if not acceptance.num_measured:
        if best < precision:
            return tr(
                "To promise {precision}, a model must be right on many images in a row: {num_measured:,} were "
                "measured; {best} can be promised now.",
                precision=precision_text(precision),
                num_measured=num_measured,
                best=precision_text(best),
            )
        return tr(
            "To promise {precision}, a model must be right on many images in a row: {num_measured:,} were measured.",
            precision=precision_text(precision),
            num_measured=num_measured,
        )
    low, high = acceptance.share_interval
    if not num_open:
        return tr(
            "between {low:.0f} % and {high:.0f} %, measured on images the model had not seen · no image waits for a "
            "class",
            low=100 * low,
            high=100 * high,
        )
    parts = [
        tr(
            "{accepted:,} of {open:,}: {mistakes}, measured on images the model had not seen",
            accepted=num_accepted,
            open=num_open,
            mistakes=mistakes(acceptance, num_accepted),
        )
        if num_accepted
        else tr("measured on images the model had not seen")
    ]
    share = num_accepted / num_open
    if low - DIFFERENT <= share <= high + DIFFERENT:
        return parts[0]
    difference = (
        tr(
            "Of the labelled images it would be {share:.0f} % ({low:.0f} to {high:.0f}): they are easier than the open "
            "ones, as labels given in stacks are.",
            share=100 * acceptance.share,
            low=100 * low,
            high=100 * high,
        )
        if share < low
        else tr(
            "Of the labelled images it would be {share:.0f} % ({low:.0f} to {high:.0f}): they are harder than the open "
            "ones.",
            share=100 * acceptance.share,
            low=100 * low,
            high=100 * high,
        )
    )
    return f"{parts[0]}. {difference}"


def mistakes(acceptance: Acceptance, num_accepted: int) -> str:
    """Returns how many of so many accepted suggestions will be wrong, e.g. "about 14 wrong, at most 19"."""
    expected = round((1 - acceptance.precision) * num_accepted)
    at_most = int(np.ceil((1 - acceptance.at_least) * num_accepted - 1e-6))
    if not expected:
        return tr("hardly any wrong, at most {at_most:,}", at_most=at_most)
    return tr("about {expected:,} wrong, at most {at_most:,}", expected=expected, at_most=at_most)


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
        return [tr("Every image was recognised: no class is weak.")]
    if row.max() >= column.max():
        taken = int(row.argmax())
        count = int(row[taken])
        sentence = trn(
            "Weakest: {weakest}. {how_many} of its images looks like {other}.",
            "Weakest: {weakest}. {how_many} of its images look like {other}.",
            count,
            weakest=_set_off(names[index]),
            how_many=number(count).capitalize(),
            other=_set_off(names[taken]),
        )
        return sentence.split(BREAK)
    source = int(column.argmax())
    count = int(column[source])
    sentence = trn(
        "Weakest: {weakest}. {how_many} image of {other} looks like it.",
        "Weakest: {weakest}. {how_many} images of {other} look like it.",
        count,
        weakest=_set_off(names[index]),
        how_many=number(count).capitalize(),
        other=_set_off(names[source]),
    )
    return sentence.split(BREAK)


def weakest_of_several(
    per_class: Sequence[dict[str, Any]], missed: NDArray[np.int64], taken: NDArray[np.int64], names: Sequence[str]
) -> list[str]:
    """Returns the same where images have several classes; `missed` and `taken` (K,) count images by class index."""
    known = [each for each in per_class if each["support"]]
    if not known:
        return []
    index = int(min(known, key=lambda each: (each["average_precision"], -each["support"]))["class"])
    if not missed[index] and not taken[index]:
        return [tr("Every class of every image was right.")]
    weakest, num_missed, num_taken = _set_off(names[index]), int(missed[index]), int(taken[index])
    if not num_taken:
        text = tr(
            "Weakest: {weakest}. {missed} of its images missed.",
            weakest=weakest,
            missed=number(num_missed).capitalize(),
        )
    elif not num_missed:
        text = tr(
            "Weakest: {weakest}. {taken} others taken for it.", weakest=weakest, taken=number(num_taken).capitalize()
        )
    else:
        text = tr(
            "Weakest: {weakest}. {missed} of its images missed and {taken} others taken for it.",
            weakest=weakest,
            missed=number(num_missed).capitalize(),
            taken=number(num_taken),
        )
    return text.split(BREAK)


def _set_off(text: str) -> str:
    return f"{BREAK}{text}{BREAK}"


def calibration(ece: float, num_images: int) -> str:
    """Returns how far confidence is off, in words."""
    if num_images < FEW:
        return trn(
            "Measured on {number:,} image only: too few to say.",
            "Measured on {number:,} images only: too few to say.",
            num_images,
        )
    return tr("Confidence is off by {points:.1f} points on average.", points=100 * ece)


def cell_title(given: str, said: str) -> str:
    """Returns the title of the images in a cell."""
    if given == said:
        return tr("{given} recognised, least sure first", given=given)
    return tr("{given} taken for {said}, worst first", given=given, said=said)


def stale(num_labels: int, run_id: int) -> str:
    """Returns why the figures are not those of this moment, "" when they are."""
    if not num_labels:
        return ""
    return trn(
        "{number:,} label changed since version {id}; retrain to refresh",
        "{number:,} labels changed since version {id}; retrain to refresh",
        num_labels,
        id=run_id,
    )


def measured_again(before: Review | None, now: Review) -> str:
    """Returns what is other since the figures that were shown before, "" where nothing can be compared."""
    if before is None or before.metrics is None or now.metrics is None or before.run.id == now.run.id:
        return ""
    was, is_now = before.metrics, now.metrics
    _, old, new = np.intersect1d(before.image_ids, now.image_ids, assume_unique=True, return_indices=True)
    old_ids = np.asarray(before.run.class_ids)[before.targets[old]]
    new_ids = np.asarray(now.run.class_ids)[now.targets[new]]
    num_changed, num_new = int((old_ids != new_ids).sum()), len(now.image_ids) - len(new)
    num_gone = len(before.image_ids) - len(old)
    changes = [
        trn("{number:,} label changed", "{number:,} labels changed", num_changed) if num_changed else "",
        trn("{number:,} label more", "{number:,} labels more", num_new) if num_new else "",
        trn("{number:,} label less", "{number:,} labels less", num_gone) if num_gone else "",
    ]
    what = ", ".join(each for each in changes if each) or tr("the same labels")
    low, high = is_now.accuracy_interval
    figures = {
        "changes": what,
        "now": wording.percent(is_now.accuracy),
        "before": wording.percent(was.accuracy),
    }
    text = (
        tr("Measured again ({changes}): {now} right, {before} before; that is within the interval.", **figures)
        if low <= was.accuracy <= high
        else tr("Measured again ({changes}): {now} right, {before} before; that is more than chance.", **figures)
    )
    if _way_of_counting(before.run) == _way_of_counting(now.run):
        return text
    return f"{text} {tr('They are counted in different ways.')}"


def _way_of_counting(run: Run) -> tuple[object, ...]:
    """Returns what must be the same for two accuracies to be of the same kind."""
    settings = run.settings
    return (
        COUNTED in settings,
        bool(settings.get("alike")),
        settings.get("group_by"),
        settings.get("with_accepted", True),
    )


def suspicion(suspect: Suspect) -> str:
    """Returns what speaks for the suggested class and for the given one: the model, and the images most like it."""
    given, suggested = _percent(suspect.given_probability), _percent(suspect.probability)
    model = tr("model {suggested} : {given} %", suggested=suggested, given=given)
    if not suspect.neighbour_ids:
        return model
    alike = tr("look-alikes {agreeing} : {given}", agreeing=suspect.num_agreeing, given=suspect.num_given)
    return f"{model} · {alike}"


def suspicion_in_full(suspect: Suspect, suggested: str, given: str) -> str:
    """Returns the same as sentences, with the names of both classes."""
    model = tr(
        "The model, which had not seen it: {suggested} {suggested_percent} %, {given} {given_percent} %.",
        suggested=suggested,
        suggested_percent=_percent(suspect.probability),
        given=given,
        given_percent=_percent(suspect.given_probability),
    )
    if not suspect.neighbour_ids:
        return model
    alike = tr(
        "Of the {total} images most like it: {agreeing} {suggested}, {num_given} {given}.",
        total=len(suspect.neighbour_ids),
        agreeing=suspect.num_agreeing,
        suggested=suggested,
        num_given=suspect.num_given,
        given=given,
    )
    return f"{model} {alike}"


def _percent(probability: float) -> int:
    """Nothing that a model says is certain."""
    return min(99, max(1, round(100 * probability)))
