"""What is learned from besides the images as they are: the presets. No torch; `engine.nn.variants` makes the variants.

A partial training sees variants that were made once, since what the lower part of the network says of them is kept
(torchvision's RandomResizedCrop, ColorJitter and RandAugment). A training of the whole network sees new ones at every
step, made for a batch at a time where the network is (`vary`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

NO_VARIANTS: Final = "none"
MIRRORED: Final = "mirror"
VARIED: Final = "varied"
STRONG: Final = "strong"
AUGMENTATIONS: Final = (NO_VARIANTS, MIRRORED, VARIED, STRONG)


@dataclass(frozen=True, slots=True)
class Augmentation:
    """One preset. The smallest cut-out as a share of the area, changes of colour as a factor up or down, turns in
    degrees; `num_operations` of RandAugment; `mixup` is the parameter of the mixing of two images, 0 = never."""

    num_variants: int = 0
    is_mirrored: bool = True
    smallest_cut: float = 1.0
    colour: float = 0.0
    turn_degrees: float = 0.0
    num_operations: int = 0
    mixup: float = 0.4


PRESETS: Final = {
    NO_VARIANTS: Augmentation(is_mirrored=False),
    MIRRORED: Augmentation(),
    VARIED: Augmentation(num_variants=4, smallest_cut=0.5, colour=0.25),
    STRONG: Augmentation(num_variants=4, smallest_cut=0.35, colour=0.4, turn_degrees=20.0, num_operations=2),
}


def num_views(num_test_views: int, augmentation: str) -> int:
    """Returns how many views of an image are kept, when the model looks at it `num_test_views` times."""
    preset = PRESETS[augmentation]
    return num_test_views * (1 + preset.is_mirrored) + preset.num_variants
