"""What the forecast says of each class, and of all together, in words that its figures bear out.

A class is only said to gain hardly anything from more labels where that was measured on enough of its images. Where it
is recognised far worse than the others and too few of its images are there to tell, it is asked for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from engine.language import count, tr, trn

NUM_NEXT: Final = 20
"""The forecast is for so many more labels of each class."""
FEWEST_TO_TELL: Final = 10
"""From fewer images of a class nothing is forecast: half of them would be less than five."""
FEWEST_TO_RULE_OUT: Final = 20
"""From fewer it is not said that more would hardly help..."""
FEWEST_TO_GIVE_UP: Final = 40
"""...nor from fewer than these, where it is recognised far worse than the others."""

_FAR_BELOW: Final = 0.1
_WORTH: Final = 0.005
"""A gain of half a point of accuracy is worth the labels..."""
_WORTH_RECALL: Final = 0.03
"""...and so are three points of the class's own recall."""
_CANNOT_TELL: Final = 0.02
"""With as much possible gain as that, nobody is told to be done."""
_NAMED: Final = 3
"""So many classes are named one by one."""


@dataclass(frozen=True, slots=True)
class ClassGain:
    """What the next labels of one class should bring; `num_images`, `recall` and `f1` are those of the class table.

    `gain` is in points of the overall accuracy, as a fraction (0.01 = one point), within `interval` (95 %);
    `recall_gain` in the recall of the class itself, never more than what is missing from 1. At most one is true:
    `is_worth_it`, more of this class should help noticeably; `is_idle`, it will hardly help; `is_asked_for`, it is
    recognised far worse than the others, and what more would bring cannot be told yet.
    """

    class_id: int
    num_images: int
    recall: float
    f1: float
    gain: float
    interval: tuple[float, float]
    recall_gain: float
    is_worth_it: bool = False
    is_idle: bool = False
    is_asked_for: bool = False


def judged(classes: Sequence[ClassGain]) -> list[ClassGain]:
    """Returns the classes with what may be said of each, the most rewarding first."""
    weakest = min(classes, key=lambda each: (each.f1, -each.num_images), default=None)
    found = []
    for each in classes:
        others = [other for other in classes if other is not each]
        is_weak = bool(others) and (
            each.recall < sum(other.recall for other in others) / len(others) - _FAR_BELOW
            or each.f1 < sum(other.f1 for other in others) / len(others) - _FAR_BELOW
        )
        gains = each.gain >= _WORTH or each.recall_gain >= _WORTH_RECALL
        is_worth_it = gains and each.num_images >= FEWEST_TO_TELL
        is_asked_for = is_weak and not is_worth_it and each.num_images < FEWEST_TO_GIVE_UP
        # The class that the table calls the weakest is not dropped beside it, unless enough of its images say so.
        is_last = each is weakest and each.f1 < 1
        enough = FEWEST_TO_GIVE_UP if is_weak or is_last else FEWEST_TO_RULE_OUT
        is_idle = not (gains or is_asked_for) and each.num_images >= enough
        found.append(replace(each, is_worth_it=is_worth_it, is_idle=is_idle, is_asked_for=is_asked_for))
    return sorted(found, key=lambda each: -each.gain)


def sentence(classes: Sequence[ClassGain], names: Mapping[int, str], gain: float, interval: tuple[float, float]) -> str:
    """Returns the forecast in words.

    Args:
        classes: as `judged` returns them.
        names: by class id.
        gain: what NUM_NEXT more labels of each class should add to the accuracy, as a fraction.
        interval: its 95 % interval.
    """
    worth = [each for each in classes if each.is_worth_it]
    asked = sorted(
        (each for each in classes if each.is_asked_for), key=lambda each: (each.f1, each.recall, each.num_images)
    )
    if not (worth or asked) and interval[1] >= _CANNOT_TELL:
        return tr(
            "It cannot be told yet what more labels bring: {num_next} more of each class should gain {gain} "
            "({interval}). Label some more of each and look again.",
            num_next=NUM_NEXT,
            gain=_points(gain),
            interval=_span(interval),
        )
    if not (worth or asked):
        return tr(
            "You are about done: {num_next} more labels of each class should gain {gain} ({interval}), and no class "
            "stands out.",
            num_next=NUM_NEXT,
            gain=_points(gain),
            interval=_span(interval),
        )
    parts = []
    if asked:
        text = trn(
            "Label more of {names} first: it is recognised far worse than the others, and from so few images it "
            "cannot be told yet what more bring.",
            "Label more of {names} first: they are recognised far worse than the others, and from so few images it "
            "cannot be told yet what more bring.",
            len(asked),
            names=_list([_with_count(each, names) for each in asked]),
        )
        parts.append(text)
    if worth:
        first = worth[0]
        text = tr(
            "About {num_next} more of “{name}” should find {recall_gain} more of them and gain {gain} in all "
            "({interval}).",
            num_next=NUM_NEXT,
            name=names[first.class_id],
            recall_gain=_points(first.recall_gain),
            gain=_points(first.gain),
            interval=_span(first.interval),
        )
        parts.append(text)
    if len(worth) > 1:
        parts.append(tr("Then {names}.", names=", ".join(_quoted(each, names) for each in worth[1:4])))
    idle = [_quoted(each, names) for each in reversed(classes) if each.is_idle]
    if idle:
        parts.append(tr("More of {names} will hardly help.", names=_list(idle)))
    return " ".join(parts)


def _quoted(each: ClassGain, names: Mapping[int, str]) -> str:
    return tr("“{name}”", name=names[each.class_id])


def _with_count(each: ClassGain, names: Mapping[int, str]) -> str:
    return tr("“{name}” ({images})", name=names[each.class_id], images=count(each.num_images, "image"))


def _list(parts: Sequence[str]) -> str:
    """Returns the first few, and how many others there are."""
    names, num_others = ", ".join(parts[:_NAMED]), len(parts) - _NAMED
    if num_others <= 0:
        return names
    return trn("{names} and {number:,} other", "{names} and {number:,} others", num_others, names=names)


def _points(gain: float) -> str:
    """Returns a gain as the object of "should gain"."""
    points = 100 * gain
    if points < 0.5:
        return tr("less than half a point")
    return tr("about 1 point") if points < 1.5 else tr("about {points:.0f} points", points=points)


def _span(interval: tuple[float, float]) -> str:
    low, high = (max(0.0, 100 * value) for value in interval)
    return tr("{low:.1f} to {high:.1f}", low=low, high=high)
