"""ComputeEmbeddings: embeds the images of a project that are not in the feature cache yet."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from engine import speeds
from engine.backbones import BackboneSpec
from engine.domain import ImageRecord, ImageStatus, Run
from engine.errors import BackboneError, TrainingError
from engine.events import EmbeddingsAdded
from engine.images.scan import root_of, status_of_failed
from engine.job import Job, JobContext, Priority
from engine.language import tr
from engine.nn.preprocessing import Preprocessing, Preset, default_preprocessing
from engine.nn.run_model import load_run_model
from engine.own_backbones import RUN_PREFIX, has_own_network
from engine.project import Project
from engine.store import features
from engine.store.feature_file import FeatureFile
from engine.store.features import FeatureKind
from engine.weights import default_backbone, file_sha256, find_backbone, find_weights, has_weights

CHANGED_REASON: Final = tr("The file has changed since it was imported. Rescan its folder.")
_BLOCK_SIZE: Final = 64


@dataclass(frozen=True, slots=True)
class FeatureSource:
    """One kind of embedding of one project: how it is made and where it is kept."""

    spec: BackboneSpec
    weights: Path
    preprocessing: Preprocessing
    kind: FeatureKind
    file: FeatureFile
    set_id: int

    def rows_of(self, project: Project, content_hashes: Iterable[str]) -> NDArray[np.int64]:
        """Returns the row of each content hash in `file`, -1 where there is none yet."""
        listed = list(content_hashes)
        return project.store.call(lambda db: features.rows_of(db, self.set_id, listed))

    def embedded_images(self, project: Project) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Returns the ids (N,) of the readable images that have an embedding, and their rows (N,) in `file`."""
        return project.store.call(lambda db: features.embedded_images(db, self.set_id))


@dataclass(frozen=True, slots=True)
class ImageToEmbed:
    """What the worker needs of one image; size and time tell whether it is still the file that was imported."""

    image_id: int
    name: str
    path: Path
    content_hash: str
    size_bytes: int
    mtime_ns: int


@dataclass(frozen=True, slots=True)
class EmbedSnapshot:
    source: FeatureSource
    images: list[ImageToEmbed]


@dataclass(frozen=True, slots=True)
class EmbedResult:
    num_embedded: int
    failed: list[tuple[ImageToEmbed, str]]
    seconds: float
    notes: list[str] = field(default_factory=list)
    device: str = ""


@dataclass(frozen=True, slots=True)
class EmbedReport:
    """What ComputeEmbeddings did. `failed` pairs an image's name with the reason; those images are now unreadable.

    `notes` are sentences about what did not go as planned, such as a GPU that failed.
    """

    num_embedded: int
    num_cached: int
    failed: list[tuple[str, str]] = field(default_factory=list)
    seconds: float = 0.0
    notes: list[str] = field(default_factory=list)


class ComputeEmbeddings(Job[EmbedSnapshot, EmbedResult, EmbedReport]):
    """Embeds what is missing, in blocks that survive a cancel. `image_ids` None = every readable image, as filed.

    The images are embedded in the order of `image_ids`. `report` is None until the job has succeeded. When the active
    run uses the same embeddings, its predictions are extended to the new images.
    """

    title: ClassVar[str] = tr("Looking at new images")
    in_worker: ClassVar[bool] = True
    is_resumable: ClassVar[bool] = True

    def __init__(
        self,
        project: Project,
        backbone: str | None = None,
        image_ids: Sequence[int] | None = None,
        priority: Priority = Priority.BACKGROUND,
    ) -> None:
        self.project, self.backbone, self.image_ids, self.priority = project, backbone, image_ids, priority
        self.report: EmbedReport | None = None
        self._source: FeatureSource | None = None
        self._num_cached = 0

    def prepare(self) -> EmbedSnapshot:
        return self._missing_of(open_source(self.project, self.backbone))

    def _missing_of(self, source: FeatureSource) -> EmbedSnapshot:
        self._source = source
        missing, self._num_cached = missing_images(self.project, source, self.image_ids)
        return EmbedSnapshot(source, missing)

    @staticmethod
    def work(snapshot: EmbedSnapshot, context: JobContext) -> EmbedResult:
        started = time.perf_counter()
        source, total = snapshot.source, len(snapshot.images)
        if not snapshot.images:
            return EmbedResult(0, [], 0.0)
        # Here and not above: it brings onnxruntime, which the window's process has no need of.
        from engine.nn.embed import Embedder

        failed = [(image, CHANGED_REASON) for image in snapshot.images if _has_changed(image)]
        changed = {image.image_id for image, _ in failed}
        images = [image for image in snapshot.images if image.image_id not in changed]
        context.progress(0, total, tr("loading the backbone"))
        num_embedded = 0
        with Embedder(source.spec, source.weights, source.preprocessing) as embedder:
            context.checkpoint()
            began = time.perf_counter()
            paths = [image.path for image in images]
            for block in embedder.blocks(paths, _BLOCK_SIZE, context.checkpoint):
                source.file.append([images[position].content_hash for position in block.kept], block.features)
                failed += [
                    (images[position], reason) for position, reason in zip(block.failed, block.reasons, strict=True)
                ]
                num_embedded += len(block.kept)
                done = num_embedded + len(failed)
                so_far = tr("{done:,} of {total:,} images", done=done, total=total)
                if embedder.notes:
                    so_far = tr("{so_far} · the GPU failed, so the processor does it", so_far=so_far)
                context.progress(done, total, so_far)
                context.emit(EmbeddingsAdded(len(block.kept)))
            notes, device = embedder.notes, embedder.device.name
        seconds = time.perf_counter() - began
        speeds.note(source.spec.key, device, num_embedded, source.preprocessing.num_views, seconds)
        return EmbedResult(num_embedded, failed, time.perf_counter() - started, notes, device)

    def finish(self, result: EmbedResult) -> EmbedReport:
        self._index()
        _mark_failed(self.project, result.failed)
        if result.num_embedded and self._source is not None:
            # Imported late: predict builds on this module.
            from engine.tasks.predict import extend_predictions

            extend_predictions(self.project, self._source)
        failed = [(image.name, reason) for image, reason in result.failed]
        self.report = EmbedReport(result.num_embedded, self._num_cached, failed, result.seconds, result.notes)
        return self.report

    def clean_up(self) -> None:
        """Keeps what was embedded before a cancel: those blocks are on the disk already."""
        self._index()

    def _index(self) -> None:
        if self._source is not None and not self.project.read_only:
            index_new_rows(self.project, self._source)


class EmbedForActiveRun(ComputeEmbeddings):
    """Embeds what is missing with the network and the views of the active run, so that it suggests for new images too.

    Does nothing where those are what the next training would use as well (a ComputeEmbeddings sees to that), where
    there is no run, or where its weights are gone: whoever needs them says so.
    """

    def prepare(self) -> EmbedSnapshot:
        source = open_source(self.project, self.backbone)
        run = self.project.active_run()
        if run is None:
            return EmbedSnapshot(source, [])
        try:
            own = source_of_run(self.project, run)
        except (BackboneError, TrainingError):
            return EmbedSnapshot(source, [])
        return EmbedSnapshot(source, []) if own.kind == source.kind else self._missing_of(own)


def choose_backbone(project: Project, backbone: str | None) -> str:
    """Returns the backbone to use: the one asked for, else that of the active run, else the best one that is here.

    Raises:
        BackboneError: none is asked for and this machine has the weights of none.
    """
    if backbone is not None:
        return find_backbone(backbone, project.folder).key
    run = project.active_run()
    if run is not None:
        with contextlib.suppress(BackboneError):  # it may be one that this version or this machine does not know
            record = find_backbone(run.backbone, project.folder)
            if has_weights(record, project.folder):
                return record.key
    return default_backbone(project.folder)


def open_source(
    project: Project, backbone: str | None = None, preprocessing: Preprocessing | None = None
) -> FeatureSource:
    """Returns the feature cache of a backbone in a project, with everything indexed that is in its file.

    Raises:
        BackboneError: the backbone is not known or has no weights on this machine.
    """
    record = find_backbone(choose_backbone(project, backbone), project.folder)
    weights = find_weights(record, project.folder)
    if preprocessing is None:
        preprocessing = default_preprocessing(record, preset_of_project(project))
    return feature_source(project, record, weights, preprocessing)


def source_of_run(project: Project, run: Run) -> FeatureSource:
    """Returns the cache of the embeddings that a run's head takes: its own network and views, whatever is chosen now.

    Raises:
        BackboneError: the run's weights are not on this machine.
        TrainingError: a file of the run is missing or damaged.
    """
    folder = project.run_dir(run)
    model = load_run_model(folder, project.folder)
    record = model.spec
    if has_own_network(folder):
        record = record.with_own_weights(f"{RUN_PREFIX}{run.id}", record.display_name)
    return feature_source(project, record, model.weights, model.preprocessing)


def preset_of_project(project: Project) -> Preset:
    """Returns how many looks an image is worth in a project."""
    try:
        return Preset(project.views_preset() or Preset.BALANCED)
    except ValueError:
        return Preset.BALANCED  # a name of a newer version


def feature_source(
    project: Project, record: BackboneSpec, weights: Path, preprocessing: Preprocessing
) -> FeatureSource:
    """Returns the feature cache of a network with these weights, with everything indexed that is in its file."""
    kind = FeatureKind(record.file_stem, file_sha256(weights), preprocessing.key, record.embedding_size)
    file = kind.file(project.cache_dir)
    set_id = project.store.call(lambda db: features.open_set(db, kind, file))
    source = FeatureSource(record, weights, preprocessing, kind, file, set_id)
    index_new_rows(project, source)
    return source


def index_new_rows(project: Project, source: FeatureSource) -> None:
    """Makes the rows visible that the worker has written; short transactions, so that labels get in between."""
    while project.store.call(lambda db: features.index_new_rows(db, source.set_id, source.file)):
        pass


def missing_images(
    project: Project, source: FeatureSource, image_ids: Sequence[int] | None = None
) -> tuple[list[ImageToEmbed], int]:
    """Returns the readable images without an embedding, each content once, and how many have one.

    Files that were not read yet (see `engine.tasks.read_files`) have to wait: their embedding could not be kept.
    """
    images = project.images(image_ids)
    readable = [image for image in images if image.status == ImageStatus.READABLE and image.content_hash]
    rows = source.rows_of(project, (image.content_hash for image in readable))
    missing: dict[str, ImageRecord] = {}
    for image, row in zip(readable, rows, strict=True):
        if row < 0:
            missing.setdefault(image.content_hash, image)
    listed = [
        ImageToEmbed(image.id, image.name, image.path, image.content_hash, image.size_bytes, image.mtime_ns)
        for image in missing.values()
    ]
    return listed, int((rows >= 0).sum())


def _has_changed(image: ImageToEmbed) -> bool:
    """Whether the file is another one than was imported. One that is gone is left to the decoder's own sentence."""
    try:
        state = image.path.stat()
    except OSError:
        return False
    return (state.st_size, state.st_mtime_ns) != (image.size_bytes, image.mtime_ns)


def _mark_failed(project: Project, failed: Iterable[tuple[ImageToEmbed, str]]) -> None:
    """Notes why images cannot be looked at. While a whole folder is away, its images stay what they were."""
    by_outcome: dict[tuple[ImageStatus, str], list[int]] = {}
    for image, reason in failed:
        status = status_of_failed(image.path, root_of(image.path, image.name))
        if status is not None:
            by_outcome.setdefault((status, reason), []).append(image.image_id)
    for (status, reason), image_ids in by_outcome.items():
        project.set_image_status(image_ids, status, reason)
