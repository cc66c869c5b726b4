"""TrainNetwork: trains more of the network than its head where that pays, measured on the same images held out."""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from engine.domain import ImageStatus, Run
from engine.errors import TrainingError
from engine.evaluation.metrics import log_loss, measure
from engine.job import Job, JobContext, Priority
from engine.nn.head import Head, probabilities_of
from engine.nn.training_plan import (
    AUTO,
    DEFAULT_BUDGET_S,
    FULL,
    NUM_FOLDS,
    PARTIAL,
    SCRATCH_FOLDER,
    Plan,
    duration_words,
)
from engine.own_backbones import BACKBONE_FILE, RUN_PREFIX
from engine.project import Project
from engine.store.features import FeatureKind
from engine.tasks.curves import CurveKeeper
from engine.tasks.embed import ComputeEmbeddings
from engine.tasks.head_run import FittedHead, fit_and_measure, run_of, write_head_run, write_run
from engine.tasks.predict import write_predictions
from engine.tasks.train import TrainHead
from engine.tasks.train_snapshot import TrainSettings, TrainSnapshot
from engine.weights import file_sha256

if TYPE_CHECKING:
    from engine.nn.deep_training import DeepTraining, Measured
    from engine.nn.network_depths import NetworkDepths

_ENOUGH_PER_CLASS: Final = 15
_ENOUGH_IMAGES: Final = 80
"""With fewer labelled images Auto does not try more than the head."""


@dataclass(frozen=True, slots=True)
class NetworkSnapshot:
    """What TrainNetwork sees. `paths` are those of the labelled images; the images that are predicted at once are
    `predicted_ids`, `predicted_paths` and `predicted_hashes`, the labelled ones among them."""

    head: TrainSnapshot
    paths: list[Path]
    predicted_ids: NDArray[np.int64]
    predicted_paths: list[Path]
    predicted_hashes: list[str]
    scratch: Path
    cache_dir: Path


@dataclass(frozen=True, slots=True)
class Trial:
    """How one depth did on images held out: log loss and accuracy beside those of the head on the same images."""

    depth: str
    log_loss: float
    accuracy: float
    head_log_loss: float
    head_accuracy: float
    seconds: float

    @property
    def has_won(self) -> bool:
        return self.log_loss < self.head_log_loss


class TrainNetwork(Job[NetworkSnapshot, Run, Run]):
    """Trains at the depth of the settings and makes the result the active run; "auto" keeps what measures best.

    Stopped and begun again with the same labels and settings, it goes on where it was.
    """

    title: ClassVar[str] = "Training the network"
    in_worker: ClassVar[bool] = True
    is_resumable: ClassVar[bool] = True
    priority = Priority.NORMAL

    def __init__(self, project: Project, settings: TrainSettings, embedding: ComputeEmbeddings | None = None) -> None:
        """`embedding` is the job before this one in the chain, whose time the run records."""
        self.project, self.settings = project, settings
        self._head = TrainHead(project, settings, embedding)
        self._scratch: Path | None = None

    def prepare(self) -> NetworkSnapshot:
        head = self._head.prepare()
        labelled = self.project.images(head.image_ids.tolist())
        readable = [image for image in self.project.images() if image.status == ImageStatus.READABLE]
        is_predicted = set(head.all_image_ids.tolist())
        predicted = [image for image in readable if image.id in is_predicted]
        scratch = self.project.cache_dir / SCRATCH_FOLDER / _key_of(head)
        self._scratch = scratch
        _keep_only(scratch)
        return NetworkSnapshot(
            head=head,
            paths=[image.path for image in labelled],
            predicted_ids=np.array([image.id for image in predicted], np.int64),
            predicted_paths=[image.path for image in predicted],
            predicted_hashes=[image.content_hash for image in predicted],
            scratch=scratch,
            cache_dir=self.project.cache_dir,
        )

    @staticmethod
    def work(snapshot: NetworkSnapshot, context: JobContext) -> Run:
        return _Work(snapshot, context).run()

    def finish(self, result: Run) -> Run:
        run = self._head.finish(result)
        if self._scratch is not None:
            shutil.rmtree(self._scratch, ignore_errors=True)
        return run

    def clean_up(self) -> None:
        self._head.clean_up()


class _Work:
    """One piece of work in the worker process."""

    def __init__(self, snapshot: NetworkSnapshot, context: JobContext) -> None:
        self.snapshot, self.context = snapshot, CurveKeeper(context, snapshot.scratch)
        self.started = time.perf_counter()
        self.settings = snapshot.head.settings
        self.is_auto = self.settings.depth == AUTO
        budget = self.settings.time_budget_s
        self.budget_s = DEFAULT_BUDGET_S if budget is None and self.is_auto else budget
        self.planned_s = self.budget_s or 0.0
        self.story: list[str] = []
        self.trials: list[Trial] = []

    def run(self) -> Run:
        self._tell("the head first")
        fitted = fit_and_measure(self.snapshot.head, NUM_FOLDS, self.context)
        best: tuple[Trial, DeepTraining, Measured, NetworkDepths] | None = None
        depths = self._worth_trying(fitted)
        if depths:
            from engine.nn.network_depths import NetworkDepths

            self._tell("loading the network")
            network = NetworkDepths(self.snapshot.head.source.spec, self.snapshot.head.source.weights)
            for depth in depths:
                training = self._begin(network, depth, fitted)
                if training is None:
                    continue
                trial, measured = self._try(training, depth, fitted)
                is_asked_for = not self.is_auto
                if is_asked_for or (trial.has_won and (best is None or trial.log_loss < best[0].log_loss)):
                    best = trial, training, measured, network
        if best is None:
            if self.is_auto:
                self._say_head_won()
            self.context.write(self.snapshot.head.folder)
            return write_head_run(self.snapshot.head, fitted, self.started, self._more_settings(), self.context)
        return self._finish_training(best[0], best[1], best[2], best[3], fitted)

    def _worth_trying(self, fitted: FittedHead) -> list[str]:
        if not self.is_auto:
            return [self.settings.depth]
        counts = np.bincount(self.snapshot.head.targets)
        if len(self.snapshot.head.targets) < _ENOUGH_IMAGES or np.median(counts) < _ENOUGH_PER_CLASS:
            self.story.append(
                f"With fewer than {_ENOUGH_IMAGES} labelled images, or fewer than {_ENOUGH_PER_CLASS} of most classes, "
                "training more than the head does not pay; it was not tried."
            )
            return []
        if fitted.metrics.accuracy >= 1.0:
            self.story.append("The head got every image right that it had not seen; nothing deeper was tried.")
            return []
        return [PARTIAL, FULL]

    def _begin(self, network: NetworkDepths, depth: str, fitted: FittedHead) -> DeepTraining | None:
        """Returns the training of a depth; None where Auto has no time for it or the network has no such depth."""
        from engine.nn.deep_training import DeepInputs, DeepTraining

        head, source = self.snapshot.head, self.snapshot.head.source
        if depth == PARTIAL and not network.has_partial:
            reason = f"{source.spec.display_name} cannot be divided into a part that stays and one that is trained"
            if not self.is_auto:
                raise TrainingError(f"{reason}.", "Choose the depth head or full, or another backbone.")
            self.story.append(f"{reason}, so only its head was tried.")
            return None
        self._tell("measuring how fast this machine is")
        plan, least_s = network.plan(
            depth,
            self.settings.augmentation,
            source.preprocessing,
            len(head.targets),
            len(self.snapshot.predicted_ids),
            self._seconds_left(),
            self.context.checkpoint,
        )
        if plan is None:
            needed = f"Training {_what(depth)} would take about {duration_words(least_s)} at least"
            if not self.is_auto:
                raise TrainingError(f"{needed}.", "Allow more time, or choose a smaller depth.")
            self.story.append(f"{needed} and was not tried.")
            return None
        self.planned_s = max(self.planned_s, time.perf_counter() - self.started + plan.seconds)
        self.snapshot.scratch.mkdir(parents=True, exist_ok=True)
        inputs = DeepInputs(
            depth=depth,
            paths=self.snapshot.paths,
            content_hashes=head.content_hashes,
            units=head.grouping.units,
            features=source.file.read(head.rows),
            targets=head.targets,
            num_classes=len(head.class_ids),
            folds=fitted.folds,
            strength=fitted.fit.strength,
            temperature=fitted.head.temperature,
            preprocessing=source.preprocessing,
            augmentation=self.settings.augmentation,
            is_class_balanced=self.settings.is_class_balanced,
            seed=self.settings.seed,
            scratch=self.snapshot.scratch,
        )
        lower, upper, shape = network.parts(depth)
        return DeepTraining(
            lower, upper, shape, inputs, self._resumed_plan(depth, plan), network.place, self.context, self._tell
        )

    def _resumed_plan(self, depth: str, plan: Plan) -> Plan:
        """Returns the plan that this training was begun with, which the pace of another hour must not change."""
        file = self.snapshot.scratch / f"{depth}-plan.json"
        if file.is_file():
            return Plan(**json.loads(file.read_text()))
        file.write_text(json.dumps(asdict(plan)))
        return plan

    def _try(self, training: DeepTraining, depth: str, fitted: FittedHead) -> tuple[Trial, Measured]:
        began = time.perf_counter()
        measured = training.measure()
        targets = self.snapshot.head.targets[measured.rows]
        beside = fitted.out_of_fold[measured.rows]
        trial = Trial(
            depth,
            log_loss(measured.probabilities, targets),
            float((measured.probabilities.argmax(axis=1) == targets).mean()),
            log_loss(beside, targets),
            float((beside.argmax(axis=1) == targets).mean()),
            time.perf_counter() - began,
        )
        self.trials.append(trial)
        verdict = "better" if trial.has_won else "no better"
        self.story.append(
            f"Training {_what(depth)} took {duration_words(trial.seconds)} to measure and was {verdict}: "
            f"{100 * trial.accuracy:.1f} % right against {100 * trial.head_accuracy:.1f} % of the head alone, and a "
            f"log loss of {trial.log_loss:.3f} against {trial.head_log_loss:.3f}, on {len(targets):,} images held out."
        )
        return trial, measured

    def _say_head_won(self) -> None:
        if self.trials:
            self.story.append("The head alone was kept.")

    def _finish_training(
        self, trial: Trial, training: DeepTraining, measured: Measured, network: NetworkDepths, fitted: FittedHead
    ) -> Run:
        """Trains on all images, writes the network and predicts with it."""
        head_snapshot = self.snapshot.head
        trained = training.train_on_all(measured.num_epochs)
        head = replace(trained.head(), temperature=measured.temperature)
        weights = head_snapshot.folder / BACKBONE_FILE
        network.write_trained(trial.depth, trained, weights)
        self.story.append(f"The final model was trained for {measured.num_epochs} rounds over all images.")
        kept_ids, probabilities = self._predict(head, weights)
        targets = head_snapshot.targets[measured.rows]
        num_measured = training.plan.num_measured
        method = (
            f"{NUM_FOLDS}-fold cross-validation"
            if num_measured == NUM_FOLDS
            else f"{num_measured} of {NUM_FOLDS} parts held out, {len(targets):,} images"
        ) + head_snapshot.grouping.method_words
        metrics = measure(measured.probabilities, targets)
        run = run_of(head_snapshot, trial.depth, head, fitted.fit.strength, metrics, method)
        more = {"num_folds": num_measured, "num_epochs": measured.num_epochs} | self._more_settings()
        run = replace(run, weights_hash=file_sha256(weights), settings=run.settings | more)
        write_predictions(head_snapshot.folder, kept_ids, run.class_ids, probabilities)
        self.context.write(head_snapshot.folder)
        measured_ids = head_snapshot.image_ids[measured.rows]
        return write_run(head_snapshot, run, head, fitted.folds, measured_ids, measured.probabilities, self.started)

    def _predict(self, head: Head, weights: Path) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Embeds the images with the trained network, keeps that for later, and returns ids and probabilities."""
        from engine.nn.embed import Embedder

        snapshot, source = self.snapshot, self.snapshot.head.source
        kept: list[int] = []
        rows = [np.empty((0, source.spec.embedding_size), np.float32)]
        record = source.spec.with_own_weights(f"{RUN_PREFIX}{snapshot.head.run_id}", source.spec.display_name)
        with Embedder(record, weights, source.preprocessing) as embedder:
            for block in embedder.blocks(snapshot.predicted_paths, checkpoint=self.context.checkpoint):
                kept += block.kept
                rows.append(block.features)
                self._tell(f"predicting, {len(kept):,} of {len(snapshot.predicted_paths):,} images")
        features = np.concatenate(rows)
        kind = FeatureKind(record.file_stem, file_sha256(weights), source.preprocessing.key, source.spec.embedding_size)
        kind.file(snapshot.cache_dir).append([snapshot.predicted_hashes[index] for index in kept], features)
        return snapshot.predicted_ids[kept], probabilities_of(head.logits(features), head.temperature)

    def _more_settings(self) -> dict[str, Any]:
        return {
            "asked_depth": self.settings.depth,
            "story": " ".join(self.story),
            "trials": [asdict(trial) for trial in self.trials],
        }

    def _seconds_left(self) -> float | None:
        return None if self.budget_s is None else self.budget_s - (time.perf_counter() - self.started)

    def _tell(self, note: str) -> None:
        """Tells how far it is, by the time it was planned to take: pieces of different kinds have no other measure."""
        spent = time.perf_counter() - self.started
        total = int(10 * max(self.planned_s, spent * 1.05, 1.0))
        self.context.progress(min(int(10 * spent), total - 1), total, note)


def _what(depth: str) -> str:
    return "the upper half of the network" if depth == PARTIAL else "the whole network"


def _key_of(snapshot: TrainSnapshot) -> str:
    """Names what a training depends on: one that was stopped goes on only where all of it is the same."""
    parts = {
        "settings": asdict(snapshot.settings),
        "features": snapshot.source.kind.key,
        "labels": sorted(zip(snapshot.content_hashes, snapshot.targets.tolist(), snapshot.grouping.units, strict=True)),
        "classes": snapshot.class_ids,
    }
    return hashlib.blake2b(json.dumps(parts, sort_keys=True).encode(), digest_size=10).hexdigest()


def _keep_only(scratch: Path) -> None:
    """Deletes what trainings left behind whose labels or settings are no more those of the user."""
    if scratch.parent.is_dir():
        for other in scratch.parent.iterdir():
            if other != scratch:
                shutil.rmtree(other, ignore_errors=True)
