"""What a run is made of and with, so that it can be told apart, compared and made again: labels, versions, machine."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Iterable, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Final

from engine import VERSION

LIBRARIES: Final = ("torch", "torchvision", "onnxruntime", "numpy")


def labels_hash(labels: Iterable[tuple[str, Sequence[int]]]) -> str:
    """Returns a fingerprint of labels, as (content hash, class ids) of each image: the same labels, the same hash.

    The order of the images and of the classes plays no part.
    """
    lines = sorted(f"{content_hash}:{','.join(map(str, sorted(class_ids)))}" for content_hash, class_ids in labels)
    return hashlib.blake2b("\n".join(lines).encode(), digest_size=16).hexdigest()


def made_with(device: str) -> dict[str, str]:
    """Returns the versions of Graft, Python and the libraries, the platform, and the device that did the training."""
    found = {"graft": VERSION, "python": platform.python_version()}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:  # a build without it, or without its particulars
            continue
    return found | {"platform": platform.platform(terse=True), "machine": platform.machine(), "device": device}
