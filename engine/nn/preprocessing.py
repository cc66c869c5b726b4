"""The settings that say how an image becomes what a backbone takes. No network and no runtime is needed to know them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from engine.backbones import IMAGENET_MEAN, IMAGENET_STD, BackboneSpec


@dataclass(frozen=True, slots=True)
class Preprocessing:
    """How an image becomes the views whose embeddings are averaged.

    Every view is the whole image squeezed to a square of `input_size_px`; with `has_mirror` the mirror image is a
    second view. `version` changes whenever the same settings would give other numbers.
    """

    input_size_px: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    interpolation: str
    has_mirror: bool = False
    version: int = 1

    @property
    def key(self) -> str:
        """Names the definition in feature caches: equal keys give equal embeddings for equal weights."""
        views = "mirror" if self.has_mirror else "plain"
        is_imagenet = self.mean == IMAGENET_MEAN and self.std == IMAGENET_STD
        normalisation = "imagenet" if is_imagenet else f"{self.mean}{self.std}"
        return f"v{self.version}-{self.input_size_px}-{self.interpolation}-{views}-{normalisation}"

    @property
    def num_views(self) -> int:
        return 2 if self.has_mirror else 1

    def to_document(self) -> dict[str, Any]:
        """Returns the settings for run.json and for the model.json of exports."""
        return {
            "input_size_px": self.input_size_px,
            "mean": list(self.mean),
            "std": list(self.std),
            "interpolation": self.interpolation,
            "has_mirror": self.has_mirror,
            "version": self.version,
        }

    @staticmethod
    def from_document(document: dict[str, Any]) -> Preprocessing:
        """Returns what `to_document` wrote. Raises KeyError, TypeError or ValueError for anything else."""
        mean, std = (tuple(float(value) for value in document[name]) for name in ("mean", "std"))
        if len(mean) != 3 or len(std) != 3:
            raise ValueError("mean and std need one value per colour channel")
        return Preprocessing(
            input_size_px=int(document["input_size_px"]),
            mean=(mean[0], mean[1], mean[2]),
            std=(std[0], std[1], std[2]),
            interpolation=str(document["interpolation"]),
            has_mirror=bool(document["has_mirror"]),
            version=int(document["version"]),
        )


def default_preprocessing(spec: BackboneSpec) -> Preprocessing:
    """Returns the preprocessing that new runs of this backbone use."""
    return Preprocessing(spec.input_size_px, spec.mean, spec.std, spec.interpolation)
