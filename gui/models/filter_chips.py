"""A filter as chips: each says one part of it, and what is left when that part is taken away."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from engine.language import tr
from gui.days import span_text
from gui.models.day_span import ANY_DAY
from gui.models.image_filter import ImageFilter, Show, Trait
from gui.models.image_index import ImageIndex
from gui.models.image_quality import FLAW_NAMES


@dataclass(frozen=True, slots=True)
class FilterChip:
    """`text` is short enough for a bar, `title` is the whole of it."""

    text: str
    title: str
    without: ImageFilter


def chips_of(wanted: ImageFilter, class_names: Mapping[int, str], index: ImageIndex) -> list[FilterChip]:
    """Returns the parts of a filter: picked images, then in the order of the left column."""
    parts: list[tuple[str, ImageFilter]] = []
    if wanted.picked is not None:
        parts.append((wanted.picked.title, replace(wanted, picked=None)))
    if wanted.show is not Show.ALL:
        parts.append((wanted.show.value, replace(wanted, show=Show.ALL)))
    parts += [(each.value, replace(wanted, traits=wanted.traits - {each})) for each in Trait if each in wanted.traits]
    parts += [
        (name, replace(wanted, flaws=wanted.flaws & ~flaw)) for flaw, name in FLAW_NAMES.items() if wanted.flaws & flaw
    ]
    parts += [
        (class_names.get(each, tr("deleted class")), wanted.without_class(each)) for each in sorted(wanted.class_ids)
    ]
    if wanted.text:
        parts.append((f"“{wanted.text}”", replace(wanted, text="")))
    parts += [(index.dates.title(key), replace(wanted, dates=wanted.dates - {key})) for key in sorted(wanted.dates)]
    if not wanted.days.is_open:
        parts.append((span_text(wanted.days.first, wanted.days.last), replace(wanted, days=ANY_DAY)))
    chips = [FilterChip(title, title, without) for title, without in parts]
    for key in sorted(wanted.folders):
        title = index.folders.title(key)
        chips.append(FilterChip(title.rpartition("/")[2], title, replace(wanted, folders=wanted.folders - {key})))
    return chips
