"""MakeFingerprints: the small grey pictures by which near-duplicates are told, kept in the cache.

Made in the background for every image that was looked at: the first training would have to open each labelled file
once more otherwise, which for a thousand of them was three quarters of its time.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from engine.domain import ImageStatus
from engine.errors import ImageError
from engine.job import Job, JobContext, Priority
from engine.language import tr
from engine.project import Project
from engine.store.feature_file import FeatureFile
from engine.store.features import FeatureKind

FINGERPRINTS: Final = FeatureKind("fingerprint", "grey", "32-1", 32 * 32)
_NUM_READERS: Final = max(1, min(4, os.cpu_count() or 1))
_AHEAD: Final = 32


@dataclass(frozen=True, slots=True)
class FingerprintSnapshot:
    """The images without a fingerprint, each content once: pairs of content hash and path."""

    file: FeatureFile
    wanted: list[tuple[str, Path]]


class MakeFingerprints(Job[FingerprintSnapshot, int, int]):
    """Makes the fingerprints of all readable images that have none; outcome is how many were made.

    What was made before a cancel is kept.
    """

    title: ClassVar[str] = tr("Looking at new images")
    in_worker: ClassVar[bool] = True
    is_resumable: ClassVar[bool] = True
    priority = Priority.BACKGROUND

    def __init__(self, project: Project) -> None:
        self.project = project

    def prepare(self) -> FingerprintSnapshot:
        return FingerprintSnapshot(FINGERPRINTS.file(self.project.cache_dir), fingerprints_missing(self.project))

    @staticmethod
    def work(snapshot: FingerprintSnapshot, context: JobContext) -> int:
        return make_fingerprints(snapshot.file, snapshot.wanted, context)

    def finish(self, result: int) -> int:
        return result


def fingerprints_missing(project: Project) -> list[tuple[str, Path]]:
    """Returns content hash and path of every readable image without a fingerprint, each content once."""
    readable = (image for image in project.images() if image.status == ImageStatus.READABLE)
    wanted = {image.content_hash: image.path for image in readable if image.content_hash}
    for content in FINGERPRINTS.file(project.cache_dir).hashes():
        wanted.pop(content, None)
    return list(wanted.items())


def make_fingerprints(file: FeatureFile, wanted: Sequence[tuple[str, Path]], context: JobContext) -> int:
    """Makes those of (content hash, path) as far as the files can be decoded; returns how many."""
    from engine.images.fingerprint import fingerprint

    def make(path: Path) -> NDArray[np.float32] | None:
        try:
            return fingerprint(path)
        except ImageError:
            return None

    num_made = 0
    with ThreadPoolExecutor(_NUM_READERS, thread_name_prefix="fingerprint") as pool:
        for start in range(0, len(wanted), _AHEAD):
            context.checkpoint()
            block = wanted[start : start + _AHEAD]
            made = zip(block, pool.map(make, [path for _, path in block]), strict=True)
            good = [(content, values) for (content, _), values in made if values is not None]
            if good:
                file.append([content for content, _ in good], np.stack([row for _, row in good]))
            num_made += len(good)
            done = start + len(block)
            context.progress(done, len(wanted), tr("{done:,} of {total:,} images", done=done, total=len(wanted)))
    return num_made
