"""What Graft knows of a pretrained network without loading it: one record, and the words for licence and speed."""

from __future__ import annotations

import re
import zlib
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)

SPREADS_VERSION = 1
"""Changes whenever the same blocks would give other numbers."""

_FAST_BELOW_GMACS = 1.0
_MEDIUM_BELOW_GMACS = 3.5
_UNSAFE_IN_FILE_NAMES = re.compile(r"[^A-Za-z0-9._-]+")


class SpeedClass(StrEnum):
    """How long an image takes on two processor cores: well under 10 ms, about 20 ms, more."""

    FAST = "fast"
    MEDIUM = "medium"
    SLOW = "slow"


class LicenceKind(StrEnum):
    """What the licence of the weights means for somebody who wants to use the model at work."""

    FREE = "free"
    NON_COMMERCIAL = "non-commercial"
    OWN_TERMS = "own terms"


_FREE_LICENCES = ("apache-2.0", "mit", "bsd", "cc-by-4.0")
_NON_COMMERCIAL_LICENCES = ("-nc-", "noncommercial", "apple-amlr", "seer-license")


def licence_kind_of(licence: str) -> LicenceKind:
    """Returns the kind of a licence by its name; what is not known to be free has terms of its own to be read."""
    lowered = licence.lower()
    if any(part in lowered for part in _NON_COMMERCIAL_LICENCES):
        return LicenceKind.NON_COMMERCIAL
    return LicenceKind.FREE if lowered.startswith(_FREE_LICENCES) else LicenceKind.OWN_TERMS


@dataclass(frozen=True, slots=True)
class BackboneSpec:
    """A network without its classifier, and the weights that go with it.

    The network takes RGB images of `input_size_px` squared, scaled to 0..1, less `mean`, divided by `std`, and gives
    one embedding of `embedding_size`. `library` is "torchvision", "timm" or "graft" (built in). `sha256_prefix` begins
    the SHA-256 of the file at `url`; it is empty where the publisher states none beforehand, and both are empty for
    what has no download. `size_bytes` is the download. `gmacs` is the arithmetic for one view in thousand million
    multiplications.

    `spreads` names blocks of the network and their channels: how much each of these varies over the picture follows the
    network's own output in the embedding, and counts in `embedding_size` (see `engine.nn.spreads`). Models made before
    there were spreads, and transformers, have none.

    `architecture_key` is the key in the catalogue of the network's form. It differs from `key` for weights of the
    user's own: those of an earlier run ("run:3") and those taken from elsewhere ("own:NAME").
    """

    key: str
    display_name: str
    library: str
    model_name: str
    embedding_size: int
    input_size_px: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    interpolation: str
    licence: str
    url: str
    sha256_prefix: str
    size_bytes: int
    gmacs: float
    architecture_key: str = ""
    spreads: tuple[tuple[str, int], ...] = ()

    def __post_init__(self) -> None:
        if not self.architecture_key:
            object.__setattr__(self, "architecture_key", self.key)

    @property
    def speed_class(self) -> SpeedClass:
        if self.gmacs < _FAST_BELOW_GMACS:
            return SpeedClass.FAST
        return SpeedClass.MEDIUM if self.gmacs < _MEDIUM_BELOW_GMACS else SpeedClass.SLOW

    @property
    def licence_kind(self) -> LicenceKind:
        return licence_kind_of(self.licence)

    @property
    def file_stem(self) -> str:
        """Names what it computes from given weights, in a form that every file system takes."""
        stem = _UNSAFE_IN_FILE_NAMES.sub("_", self.key)
        return f"{stem}+{zlib.crc32(repr((SPREADS_VERSION, self.spreads)).encode()):08x}" if self.spreads else stem

    def without_spreads(self) -> BackboneSpec:
        """Returns the record of the network whose embedding is its own output alone."""
        size = self.embedding_size - sum(channels for _name, channels in self.spreads)
        return replace(self, embedding_size=size, spreads=())

    def with_spreads(self, spreads: tuple[tuple[str, int], ...]) -> BackboneSpec:
        """Returns the record with these blocks, and no others, in the embedding."""
        plain = self.without_spreads()
        size = plain.embedding_size + sum(channels for _name, channels in spreads)
        return replace(plain, embedding_size=size, spreads=spreads)

    def with_own_weights(self, key: str, display_name: str) -> BackboneSpec:
        """Returns the record of the same network with weights of the user's own, which have no download."""
        return replace(self, key=key, display_name=display_name, url="", sha256_prefix="")

    def to_document(self) -> dict[str, Any]:
        """Returns the record for a JSON file."""
        return asdict(self)

    @staticmethod
    def from_document(document: dict[str, Any]) -> BackboneSpec:
        """Returns what `to_document` wrote. Raises KeyError, TypeError or ValueError for anything else."""
        mean, std = (tuple(float(value) for value in document[name]) for name in ("mean", "std"))
        if len(mean) != 3 or len(std) != 3:
            raise ValueError("mean and std need one value per colour channel")
        texts = ("key", "display_name", "library", "model_name", "interpolation", "licence", "url", "sha256_prefix")
        numbers = ("embedding_size", "input_size_px", "size_bytes")
        plain: dict[str, Any] = {name: str(document[name]) for name in texts}
        plain |= {name: int(document[name]) for name in numbers}
        return BackboneSpec(
            **plain,
            mean=(mean[0], mean[1], mean[2]),
            std=(std[0], std[1], std[2]),
            gmacs=float(document["gmacs"]),
            architecture_key=str(document.get("architecture_key", "")),
            spreads=spreads_from(document.get("spreads", ())),
        )


def spreads_from(document: object) -> tuple[tuple[str, int], ...]:
    """Returns the blocks that a JSON value names. Raises TypeError or ValueError for anything else."""
    if not isinstance(document, (list, tuple)):
        raise TypeError("not a list of blocks")
    blocks = tuple((str(name), int(channels)) for name, channels in document)
    if any(channels < 1 for _name, channels in blocks):
        raise ValueError("a block without channels")
    return blocks
