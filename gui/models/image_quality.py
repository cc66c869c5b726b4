"""What is known of the pictures as pictures, row by row of the columns: flaws to filter by, measures to sort by."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from engine.domain import ImageColumns
from engine.images.quality import MEASURES
from engine.language import tr, trc
from engine.suggestions.flaws import NUM_CODES, Flaw, find_flaws
from gui.columns import RowIndex
from gui.models.facet_tree import FacetTree

FLAW_NAMES = {
    Flaw.BLURRY: tr("Blurry"),
    Flaw.DARK: tr("Dark"),
    Flaw.OVER_EXPOSED: tr("Over-exposed"),
    Flaw.LOW_CONTRAST: tr("Low contrast"),
    Flaw.ODD_SIZE: tr("Odd size"),
}
FLAW_TIPS = {
    Flaw.BLURRY: tr("Pictures that are far softer than the others here"),
    Flaw.DARK: tr("Pictures in which even the brightest parts are dark"),
    Flaw.OVER_EXPOSED: tr("Pictures of which far more is plain white than of the others here"),
    Flaw.LOW_CONTRAST: tr("Pictures in which there is hardly anything to see: all of one grey"),
    Flaw.ODD_SIZE: tr("Pictures that are tiny, or far smaller, larger or longer than the others here"),
}


@dataclass(frozen=True)
class ImageQuality:
    """Flaws (N,) as `Flaw`, and measures (N, M), NaN where they are not known. Belongs to one state of the columns."""

    flaws: NDArray[np.uint8] = field(default_factory=lambda: np.zeros(0, np.uint8))
    measures: NDArray[np.float16] = field(default_factory=lambda: np.zeros((0, len(MEASURES)), np.float16))

    def __len__(self) -> int:
        return len(self.flaws)

    def counts(self, mask: NDArray[np.bool_] | None = None) -> dict[Flaw, int]:
        """Returns how many pictures (of those in a mask (N,)) have each flaw."""
        codes = self.flaws if mask is None or len(mask) != len(self) else self.flaws[mask]
        by_code = np.bincount(codes, minlength=NUM_CODES)
        return {flaw: int(by_code[np.arange(NUM_CODES) & flaw != 0].sum()) for flaw in Flaw}

    def measure(self, name: str) -> NDArray[np.float16]:
        """Returns one measure (N,) of all pictures."""
        return self.measures[:, MEASURES.index(name)]


def quality_of(columns: ImageColumns, image_ids: NDArray[np.int64], measures: NDArray[np.float32]) -> ImageQuality:
    """Returns the quality of the images of columns, of which some (`image_ids`, (K,)) have measures (K, M)."""
    of_rows = np.full((len(columns), len(MEASURES)), np.nan, np.float32)
    index = RowIndex(columns.image_ids)
    is_there = index.has(image_ids)
    of_rows[index.rows(image_ids)] = measures[is_there]
    return ImageQuality(find_flaws(of_rows, columns.widths_px, columns.heights_px), of_rows.astype(np.float16))


def flaw_tree(flaws: Iterable[Flaw]) -> FacetTree:
    """Returns flaws as a flat tree to choose from; the keys are their numbers."""
    shown = list(flaws)
    keys = [str(int(flaw)) for flaw in shown]
    return FacetTree(
        keys=keys,
        names=[FLAW_NAMES[flaw] for flaw in shown],
        titles=[FLAW_TIPS[flaw] for flaw in shown],
        parents=np.full(len(shown), -1, np.int32),
        stops=np.arange(1, len(shown) + 1, dtype=np.int32),
        nodes={key: at for at, key in enumerate(keys)},
    )


def describe_quality(quality: ImageQuality, row: int) -> tuple[str, str]:
    """Returns what is wrong with a picture, e.g. "blurry, dark", and a sentence on each; both "" for a good one."""
    code = int(quality.flaws[row]) if row < len(quality) else 0
    names, sentences = [], []
    for flaw, word in _WORDS.items():
        if code & flaw:
            names.append(word)
            sentences.append(_SENTENCES[flaw].format(share=_share(quality, row, flaw)))
    return ", ".join(names), "\n".join(sentences)


_WORDS = {
    Flaw.BLURRY: tr("blurry"),
    Flaw.DARK: tr("dark"),
    Flaw.OVER_EXPOSED: tr("over-exposed"),
    Flaw.LOW_CONTRAST: tr("low contrast"),
    Flaw.ODD_SIZE: tr("odd size"),
}
_SENTENCES = {
    Flaw.BLURRY: tr("Softer than {share} of the pictures here."),
    Flaw.DARK: tr("Even its brightest parts are darker than those of {share} of the pictures here."),
    Flaw.OVER_EXPOSED: tr("Too much light: parts of it are plain white or have no shades left."),
    Flaw.LOW_CONTRAST: tr("Nearly all of it has one grey."),
    Flaw.ODD_SIZE: tr("Tiny, or far smaller, larger or longer than the other pictures here."),
}
_RANKED_BY = {Flaw.BLURRY: "sharpness", Flaw.DARK: "brightest"}


def _share(quality: ImageQuality, row: int, flaw: Flaw) -> str:
    """Returns how many of the pictures are better in what a flaw is about, as text."""
    if flaw not in _RANKED_BY:
        return ""
    values = quality.measure(_RANKED_BY[flaw])
    known = values[~np.isnan(values)]
    return f"{100 * (known > values[row]).mean():.0f} %" if len(known) else trc("share of the pictures", "most")
