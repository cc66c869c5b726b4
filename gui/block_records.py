"""What block verification remembers: the page, what came of it, and how it was before."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from engine.domain import NO_CLASS, Change, ImageColumns, Source
from engine.language import tr
from engine.project import Project
from gui.label_effects import Effect, accept

NO_IDS = np.zeros(0, np.int64)


@dataclass(frozen=True, slots=True)
class Page:
    """What is looked at: images that a run takes for a class, the surest first; those of `out` are not accepted."""

    class_id: int
    run_id: int
    image_ids: NDArray[np.int64] = field(default_factory=lambda: NO_IDS)
    confidences: NDArray[np.float32] = field(default_factory=lambda: np.zeros(0, np.float32))
    out: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Tally:
    """What has come of a pass so far: images accepted unchanged on a page, taken out, and accepted without a look."""

    num_accepted: int = 0
    num_out: int = 0
    num_unseen: int = 0
    num_classes: int = 0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the user said of a page: which of its predictions, as sure as they were, were right."""

    class_id: int
    confidences: NDArray[np.float32]
    is_right: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Accepted:
    """A page that was accepted, with everything as it was before: undoing the step brings it back."""

    page: Page
    tally: Tally
    aside: NDArray[np.int64]
    image_ids: NDArray[np.int64]
    refused_ids: NDArray[np.int64]
    outcomes: tuple[Outcome, ...]

    def is_undone(self, columns: ImageColumns, rows_of: Callable[[NDArray[np.int64]], NDArray[np.int64]]) -> bool:
        """Whether nothing of it is left: none has the class, none is refused or got a class since."""
        rows, refused = rows_of(self.image_ids), rows_of(self.refused_ids)
        is_there = (columns.class_ids[rows] == self.page.class_id).any()
        is_there |= (columns.refused_bits[refused].any(axis=1) | (columns.class_ids[refused] != NO_CLASS)).any()
        return bool(len(rows) + len(refused)) and not is_there


def all_wrong(page: Page, image_ids: NDArray[np.int64]) -> Outcome:
    """Returns what came of some images of a page that were taken out, while nothing was said of the others."""
    confidences = page.confidences[np.isin(page.image_ids, image_ids)]
    return Outcome(page.class_id, confidences, np.zeros(len(confidences), np.bool_))


@dataclass(frozen=True, slots=True)
class PageWrite:
    """What a page does: images that get its class, and others that are refused it."""

    page: Page
    image_ids: NDArray[np.int64]
    refused_ids: NDArray[np.int64]
    source: Source

    @property
    def effect(self) -> Effect:
        return accept(self.image_ids, self.page.class_id, self.refused_ids)

    def start(self, project: Project, class_name: str) -> Future[Change]:
        text = accept_text(len(self.image_ids), len(self.refused_ids), class_name)
        page, refused = self.page, self.refused_ids.tolist()
        return project.accept(self.image_ids.tolist(), page.class_id, self.source, text, refused, page.run_id)


def accept_text(num_accepted: int, num_refused: int, name: str) -> str:
    """Returns the text of the step that a page is, e.g. "accept 22 as rust, refuse 2"."""
    if not num_refused:
        return tr("accept {num_images:,} as {name}", num_images=num_accepted, name=name)
    if not num_accepted:
        return tr("refuse {num_images:,} as {name}", num_images=num_refused, name=name)
    return tr(
        "accept {num_images:,} as {name}, refuse {num_refused:,}",
        num_images=num_accepted,
        num_refused=num_refused,
        name=name,
    )
