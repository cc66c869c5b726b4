"""FindNearDuplicates: compares labelled images with each other and keeps in the cache which are near-duplicates.

It comes before a training, so that near-duplicates are held out together when the model is measured. What was compared
once is not compared again: a retrain after one more label looks at that image only.
"""

from __future__ import annotations

import logging
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from engine.domain import ImageStatus
from engine.files import atomic_write_file
from engine.job import Job, JobContext, Priority
from engine.language import tr
from engine.project import Project
from engine.store.feature_file import FeatureFile
from engine.tasks.embed import FeatureSource, open_source
from engine.tasks.fingerprints import FINGERPRINTS, MakeFingerprints, fingerprints_missing, make_fingerprints

FOLDER: Final = "near_duplicates"
MANY: Final = 300
"""From so many images on it is work for the worker process, as is making fingerprints."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class KnownPairs:
    """What was compared: the contents, and which pairs (P, 2) of them are near-duplicates."""

    hashes: list[str] = field(default_factory=list)
    pairs: NDArray[np.int64] = field(default_factory=lambda: np.empty((0, 2), np.int64))

    def by_content(self) -> list[tuple[str, str]]:
        """Returns the pairs as contents."""
        return [(self.hashes[first], self.hashes[second]) for first, second in self.pairs.tolist()]


@dataclass(frozen=True, slots=True)
class Comparison:
    """What the work sees: `rows` of the feature file for what is known and then for what is new.

    `paths` (new ones only) opens the files, except where a fingerprint is there already: None.
    """

    source: FeatureSource
    fingerprints: FeatureFile
    known: KnownPairs
    new_hashes: list[str]
    rows: NDArray[np.int64]
    paths: list[Path | None]


class FindNearDuplicates(Job[Comparison, KnownPairs, KnownPairs]):
    """Compares the images that have an embedding, labelled ones or all; outcome is everything that is known then."""

    title: ClassVar[str] = tr("Looking for near-duplicates")
    priority = Priority.INTERACTIVE

    def __init__(
        self,
        project: Project,
        backbone: str | None = None,
        compares_all: bool = False,
        makes_fingerprints: bool = True,
    ) -> None:
        """Without `makes_fingerprints` only what has one is compared: one process at a time may write them."""
        self.project, self.backbone, self.compares_all = project, backbone, compares_all
        self.makes_fingerprints = makes_fingerprints
        self._file: Path | None = None

    def prepare(self) -> Comparison:
        source = open_source(self.project, self.backbone)
        self._file = pairs_file(self.project, source)
        known = read_pairs(self._file)
        wanted = _all_contents(self.project) if self.compares_all else _labelled_contents(self.project)
        rows = source.rows_of(self.project, wanted)
        is_known = set(known.hashes)
        place_of = dict(zip(wanted, rows.tolist(), strict=True))
        new = [content for content, row in place_of.items() if row >= 0 and content not in is_known]
        known_rows = source.rows_of(self.project, known.hashes)
        if len(known_rows) and known_rows.min() < 0:  # the cache of embeddings was deleted: begin anew
            known, known_rows = KnownPairs(), np.empty(0, np.int64)
            new = [content for content, row in place_of.items() if row >= 0]
        path_of = {image.content_hash: image.path for image in self.project.images() if image.content_hash}
        fingerprints = FINGERPRINTS.file(self.project.cache_dir)
        has_print = set(fingerprints.hashes())
        if not self.makes_fingerprints:
            new = [content for content in new if content in has_print]
        return Comparison(
            source=source,
            fingerprints=fingerprints,
            known=known,
            new_hashes=new,
            rows=np.concatenate([known_rows, np.array([place_of[content] for content in new], np.int64)]),
            paths=[None if content in has_print else path_of.get(content) for content in new],
        )

    @staticmethod
    def work(snapshot: Comparison, context: JobContext) -> KnownPairs:
        if not snapshot.new_hashes:
            return snapshot.known
        from engine.suggestions.near_duplicates import near_duplicates
        from engine.suggestions.vectors import unit_vectors

        missing = [(content, path) for content, path in zip(snapshot.new_hashes, snapshot.paths, strict=True) if path]
        make_fingerprints(snapshot.fingerprints, missing, context)
        hashes = snapshot.known.hashes + snapshot.new_hashes
        prints = _read_fingerprints(snapshot.fingerprints, hashes)
        context.progress(0, 0, tr("comparing"))
        # Only the network's own output: by how much it varies over the picture, far more pictures are alike.
        num_columns = snapshot.source.spec.without_spreads().embedding_size
        features = unit_vectors(snapshot.source.file.read(snapshot.rows, num_columns))
        pairs = near_duplicates(features, prints, len(snapshot.known.hashes), context.checkpoint)
        return KnownPairs(hashes, np.concatenate([snapshot.known.pairs, pairs]))

    def finish(self, result: KnownPairs) -> KnownPairs:
        assert self._file is not None
        _write_pairs(self._file, result)
        return result


class FindManyNearDuplicates(FindNearDuplicates):
    """The same in the worker process."""

    in_worker: ClassVar[bool] = True


def job_before_training(project: Project, source: FeatureSource) -> FindNearDuplicates | None:
    """Returns the comparison that a training has to wait for; None where nothing is new or it is switched off."""
    if not project.has_automatic_groups():
        return None
    new = set(_labelled_contents(project)) - set(read_pairs(pairs_file(project, source)).hashes)
    if not new:
        return None
    if len(new) >= MANY or not new.issubset(FINGERPRINTS.file(project.cache_dir).hashes()):
        return FindManyNearDuplicates(project, source.spec.key)
    return FindNearDuplicates(project, source.spec.key, makes_fingerprints=False)


def jobs_ahead_of_training(project: Project, backbone: str, has_new_images: bool) -> list[Job[Any, Any, Any]]:
    """Returns what may be done before anyone asks for a training, so that it need not wait; empty where nothing is new.

    With `has_new_images`, every image that has none gets its fingerprint as well.

    Raises:
        BackboneError: the backbone is not known or has no weights on this machine.
    """
    if not project.has_automatic_groups():
        return []
    source = open_source(project, backbone)
    comparison = job_before_training(project, source)
    jobs: list[Job[Any, Any, Any]] = []
    if has_new_images and fingerprints_missing(project):
        jobs.append(MakeFingerprints(project))
    if comparison is not None:
        jobs.append(FindManyNearDuplicates(project, source.spec.key))
    return jobs


def pairs_file(project: Project, source: FeatureSource) -> Path:
    """Returns where the pairs are kept that were found with one kind of embedding."""
    return project.cache_dir / FOLDER / f"{source.kind.key}.npz"


def read_pairs(file: Path) -> KnownPairs:
    """Returns what is known; nothing where the file is not there or damaged: it can be made again."""
    try:
        with np.load(file, allow_pickle=False) as arrays:
            known = KnownPairs(arrays["hashes"].tolist(), arrays["pairs"].astype(np.int64).reshape(-1, 2))
    except FileNotFoundError:
        return KnownPairs()
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as err:
        _log.warning("Near-duplicates in %s cannot be read: %s", file, err)
        return KnownPairs()
    is_sound = not len(known.pairs) or (known.pairs.min() >= 0 and known.pairs.max() < len(known.hashes))
    return known if is_sound else KnownPairs()


def _write_pairs(file: Path, known: KnownPairs) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    hashes = np.array(known.hashes, "U32")
    atomic_write_file(file, lambda place: np.savez(place, hashes=hashes, pairs=known.pairs.astype(np.int32)))


def _labelled_contents(project: Project) -> list[str]:
    """Returns the content of every readable labelled image, also of those in the locked test set."""
    labels, test = project.snapshot(), project.test_snapshot()
    contents = list(labels.content_hashes) + (list(test.content_hashes) if test is not None else [])
    return list(dict.fromkeys(content for content in contents if content))


def _all_contents(project: Project) -> list[str]:
    """Returns the content of every readable image."""
    contents = (image.content_hash for image in project.images() if image.status == ImageStatus.READABLE)
    return list(dict.fromkeys(content for content in contents if content))


def _read_fingerprints(file: FeatureFile, hashes: list[str]) -> NDArray[np.float32]:
    """Returns fingerprints (N, S * S); zeros, which are like nothing, for a content without one."""
    place_of = {content: row for row, content in enumerate(file.hashes())}
    rows = np.array([place_of.get(content, -1) for content in hashes], np.int64)
    prints = np.zeros((len(hashes), file.embedding_size), np.float32)
    prints[rows >= 0] = file.read(rows[rows >= 0])
    return prints
