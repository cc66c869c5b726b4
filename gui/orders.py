"""Every order in which images can be shown, in one table: its name, group, words, and how it comes about.

An order either sorts the columns at once (`sorts`), or is a question to the engine (`asks`), whose answer is shown as
picked images. The query strategies of `engine.suggestions.strategies` are here by themselves: a new one is a record
there, and nothing here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from engine.language import tr
from engine.suggestions.strategies import STRATEGIES, is_cold_start
from gui.models.image_filter import Order
from gui.widgets.order_menu import MenuEntry, MenuGroup

if TYPE_CHECKING:
    from engine.jobs import AnyJob
    from engine.project import Project
    from gui.session import Session

Ids = NDArray[np.int64]
MakeJob = Callable[["Project", Ids | None], "AnyJob"]
"""Makes the job that answers, for all images or for those given."""

NUM_NEXT = 500
"""So many images a query strategy is asked for: more than anyone labels before asking again."""
GUIDED, DUPLICATES = "guided", "near_duplicates"


class OrderGroup(Enum):
    """The parts of the menu; the value is the heading."""

    SORT = tr("Sort")
    PICTURE = tr("By the picture")
    LABEL = tr("For labelling")
    CHECK = tr("For checking")


class Need(Enum):
    """What there must be before an order says anything. The value says what to do about it."""

    NOTHING = ""
    MODEL = tr("Needs a model: press Retrain first.")
    MEASURES = tr("The pictures were not checked yet: that is done last, in the background.")


@dataclass(frozen=True, slots=True)
class OrderChoice:
    """One entry of the menu. `explanation` is a sentence in plain words. Exactly one of `sorts` and `asks` is set,
    except for near-duplicates, which have a page of their own."""

    name: str
    group: OrderGroup
    title: str
    explanation: str
    need: Need = Need.NOTHING
    sorts: Order | None = None
    asks: MakeJob | None = None


def _sort(order: Order, group: OrderGroup, explanation: str, need: Need = Need.NOTHING) -> OrderChoice:
    return OrderChoice(order.name.lower(), group, order.value, explanation, need, sorts=order)


def _rank(name: str, project: Project, among: Ids | None) -> AnyJob:
    from engine.tasks.assist import RankImages

    return RankImages(project, name, NUM_NEXT, among=among)


def _strange(project: Project, _among: Ids | None) -> AnyJob:
    from engine.tasks.check_images import RankStrange

    return RankStrange(project)


def _suspects(project: Project, _among: Ids | None) -> AnyJob:
    from engine.tasks.check_images import RankSuspects

    return RankSuspects(project)


_SORT, _PICTURE, _CHECK = OrderGroup.SORT, OrderGroup.PICTURE, OrderGroup.CHECK

ORDERS: dict[str, OrderChoice] = {
    choice.name: choice
    for choice in (
        _sort(Order.FILED, _SORT, tr("Folder by folder, as the images were added.")),
        _sort(Order.NAME, _SORT, tr("By file name, 2 before 10.")),
        _sort(Order.DATE, _SORT, tr("By the date on which they were taken, oldest first.")),
        _sort(Order.CLASS, _SORT, tr("Labelled ones class by class, then the others by what is suggested.")),
        _sort(Order.BLURRIEST, _PICTURE, tr("The softest pictures first."), Need.MEASURES),
        _sort(Order.SHARPEST, _PICTURE, tr("The crispest pictures first."), Need.MEASURES),
        _sort(Order.DARKEST, _PICTURE, tr("By mean brightness, dark ones first."), Need.MEASURES),
        _sort(Order.BRIGHTEST, _PICTURE, tr("By mean brightness, bright ones first."), Need.MEASURES),
        _sort(Order.SMALLEST, _PICTURE, tr("By number of pixels, small ones first.")),
        _sort(Order.LARGEST, _PICTURE, tr("By number of pixels, large ones first.")),
        *(
            OrderChoice(
                each.name,
                OrderGroup.LABEL,
                each.title,
                each.explanation,
                Need.MODEL if each.needs_model else Need.NOTHING,
                asks=partial(_rank, each.name),
            )
            for each in STRATEGIES.values()
        ),
        _sort(Order.MOST_CONFIDENT, _CHECK, tr("The surest suggestions first: accept whole pages."), Need.MODEL),
        _sort(Order.LEAST_CONFIDENT, _CHECK, tr("Suggestions that are most likely wrong first."), Need.MODEL),
        OrderChoice(
            "suspects",
            _CHECK,
            tr("Likely mistakes first"),
            tr("Labelled images that another class fits better."),
            Need.MODEL,
            asks=_suspects,
        ),
        _sort(Order.STRANGEST, _CHECK, tr("What the model finds stranger than its classes."), Need.MODEL),
        OrderChoice(
            "outliers",
            _CHECK,
            tr("Strangest first"),
            tr("Images unlike any other here: odd ones out, wrong files. Needs no model."),
            asks=_strange,
        ),
        OrderChoice(
            DUPLICATES,
            _CHECK,
            tr("Near-duplicates together"),
            tr("The same picture several times, side by side: keep one."),
        ),
    )
}
BY_SORT: dict[Order, OrderChoice] = {choice.sorts: choice for choice in ORDERS.values() if choice.sorts is not None}


def why_not(choice: OrderChoice, session: Session) -> str:
    """Returns why an order makes no sense now, "" where it does."""
    if choice.need is Need.MODEL and session.run is None:
        return Need.MODEL.value
    if choice.need is Need.MEASURES and not session.quality.has_measures:
        return Need.MEASURES.value
    return ""


def menu_columns(session: Session, chosen: str) -> list[list[MenuGroup]]:
    """Returns the menu: sorting on the left, then labelling, then checking."""

    def group(of: OrderGroup, is_terse: bool = False) -> MenuGroup:
        entries = [
            MenuEntry(
                choice.name,
                choice.title,
                f"{choice.explanation} {stage_words(session)}" if choice.name == GUIDED else choice.explanation,
                why_not(choice, session),
                choice.name == chosen,
            )
            for choice in ORDERS.values()
            if choice.group is of
        ]
        return MenuGroup(of.value, entries, is_terse)

    return [[group(_SORT, True), group(_PICTURE, True)], [group(OrderGroup.LABEL)], [group(_CHECK)]]


def stage_words(session: Session) -> str:
    """Returns what the mixed order looks for at this stage of the work."""
    counts = session.class_counts()[1:]
    is_cold = session.run is None or is_cold_start(int(counts.sum()), int((counts > 0).sum()))
    return tr("Now: typical ones.") if is_cold else tr("Now: doubtful ones.")
