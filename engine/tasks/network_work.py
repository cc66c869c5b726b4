"""What the worker does to train a network: the head, then what is deeper, measured on the same images held out."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from engine.domain import Run
from engine.evaluation.metrics import log_loss, measure
from engine.evaluation.unknown import FEWEST_IMAGES, UnknownFit, calibrated, plain_detector
from engine.job import CancelledError, JobContext
from engine.language import tr
from engine.nn.device import choose_device, choose_devices, is_here
from engine.nn.head import Head
from engine.nn.run_model import RunModel
from engine.nn.training_plan import AUTO, DEFAULT_BUDGET_S, FULL, NUM_FOLDS, PARTIAL, Plan
from engine.own_backbones import BACKBONE_FILE, RUN_PREFIX
from engine.settings import num_threads
from engine.store.features import FeatureKind
from engine.tasks import network_words
from engine.tasks.curves import CurveKeeper
from engine.tasks.embed import FeatureSource
from engine.tasks.grouping import cross_validation_words
from engine.tasks.head_run import FittedHead, fit_and_measure, run_of, write_head_run, write_run
from engine.tasks.interrupted import seconds_spent, write_progress
from engine.tasks.network_words import Trial
from engine.tasks.predict import predictions_of, write_predictions
from engine.tasks.train_snapshot import TrainSnapshot
from engine.weights import file_sha256

if TYPE_CHECKING:
    from engine.nn.deep_training import DeepTraining, Measured
    from engine.nn.network_depths import NetworkDepths
    from engine.nn.team import Team

_ENOUGH_PER_CLASS: Final = 15
_ENOUGH_IMAGES: Final = 80
"""With fewer labelled images Auto does not try more than the head."""

_NOTED_EVERY_S: Final = 2.0
"""So often it is noted how far a training is, for when it is cut off."""


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
    stamps: dict[Path, tuple[int, int]]
    """Size in bytes and time of change (ns) of the labelled images' files, as they were imported."""


class NetworkWork:
    """One piece of work in the worker process."""

    def __init__(self, snapshot: NetworkSnapshot, context: JobContext) -> None:
        self.snapshot, self.context = snapshot, CurveKeeper(context, snapshot.scratch)
        # What earlier goes took counts: for the time that there is, and for how far it is.
        self.started = time.perf_counter() - seconds_spent(snapshot.scratch)
        self.noted_at = self.started
        self.team: Team | None = None
        self.settings = snapshot.head.settings
        self.is_auto = self.settings.depth == AUTO
        budget = self.settings.time_budget_s
        self.budget_s = DEFAULT_BUDGET_S if budget is None and self.is_auto else budget
        self.planned_s = self.budget_s or 0.0
        self.story: list[str] = []
        self.trials: list[Trial] = []

    def run(self) -> Run:
        try:
            return self._run()
        except CancelledError:
            self._note_progress()
            raise
        finally:
            if self.team is not None:
                self.team.close()

    def _run(self) -> Run:
        self._tell(tr("the head first"))
        fitted = fit_and_measure(self.snapshot.head, NUM_FOLDS, self.context)
        best: tuple[Trial, DeepTraining, Measured, NetworkDepths] | None = None
        depths = self._worth_trying(fitted)
        if depths:
            from engine.nn.network_depths import NetworkDepths

            self._tell(tr("loading the network"))
            source = self.snapshot.head.source
            network = NetworkDepths(source.spec, source.weights, choose_device(self.settings.device))
            if not is_here(self.settings.device):
                self.story.append(
                    tr(
                        "The device {device} is not in this machine; the processor was used.",
                        device=self.settings.device,
                    )
                )
            for depth in depths:
                training = self._begin(network, depth, fitted)
                if training is None:
                    continue
                trial, measured = self._try(training, depth, fitted)
                is_asked_for = not self.is_auto
                if is_asked_for or (trial.has_won and (best is None or trial.log_loss < best[0].log_loss)):
                    best = trial, training, measured, network
            self.story += network.place.notes
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
                tr(
                    "With fewer than {num_images} labelled images, or fewer than {num_per_class} of most classes, "
                    "training more than the head does not pay; it was not tried.",
                    num_images=_ENOUGH_IMAGES,
                    num_per_class=_ENOUGH_PER_CLASS,
                )
            )
            return []
        if fitted.metrics.accuracy >= 1.0:
            self.story.append(tr("The head got every image right that it had not seen; nothing deeper was tried."))
            return []
        return [PARTIAL, FULL]

    def _begin(self, network: NetworkDepths, depth: str, fitted: FittedHead) -> DeepTraining | None:
        """Returns the training of a depth; None where Auto has no time for it or the network has no such depth."""
        from engine.nn.deep_training import DeepInputs, DeepTraining

        head, source = self.snapshot.head, self.snapshot.head.source
        if depth == PARTIAL and not network.has_partial:
            if not self.is_auto:
                raise network_words.cannot_be_divided(source.spec.display_name)
            self.story.append(network_words.only_its_head(source.spec.display_name))
            return None
        plan = self._plan(network, depth)
        if plan is None:
            return None
        self.planned_s = max(self.planned_s, self._seconds() + plan.seconds)
        inputs = DeepInputs(
            depth=depth,
            paths=self.snapshot.paths,
            content_hashes=head.content_hashes,
            units=head.grouping.units,
            features=network.features_of(source.file.read(head.rows)),
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
            stamps=self.snapshot.stamps,
        )
        self._gather_team(network, depth)
        lower, upper, shape = network.parts(depth)
        training = DeepTraining(lower, upper, shape, inputs, plan, network.place, self.context, self._tell, self.team)
        num_lost = len(self.snapshot.paths) - len(training.usable)
        if num_lost:
            self.story.append(network_words.left_out(num_lost))
        return training

    def _plan(self, network: NetworkDepths, depth: str) -> Plan | None:
        """Returns the plan that this training was begun with, which the pace of another hour must not change, or a new
        one; None where Auto has no time for any."""
        file = self.snapshot.scratch / f"{depth}-plan.json"
        if file.is_file():
            return Plan(**json.loads(file.read_text()))
        self._tell(tr("measuring how fast this machine is"))
        plan, least_s = network.plan(
            depth,
            self.settings.augmentation,
            self.snapshot.head.source.preprocessing,
            len(self.snapshot.head.targets),
            len(self.snapshot.predicted_ids),
            self._seconds_left(),
            self.context.checkpoint,
        )
        if plan is not None:
            self.snapshot.scratch.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps(asdict(plan)))
            return plan
        if not self.is_auto:
            raise network_words.takes_too_long(depth, least_s)
        self.story.append(network_words.not_tried(depth, least_s))
        return None

    def _gather_team(self, network: NetworkDepths, depth: str) -> None:
        """Starts the processes that train together with this one, where more than one device is asked for."""
        if self.team is not None:
            self.team.close()
            self.team = None
        if self.settings.num_devices < 2:
            return
        from engine.nn.team import TeamBrokenError, start_team

        devices = choose_devices(self.settings.device, self.settings.num_devices)
        if len(devices) < self.settings.num_devices:
            self.story.append(network_words.fewer_devices(self.settings.num_devices, len(devices)))
        if len(devices) > 1:
            self._tell(tr("starting the other processes"))
            threads = max(1, num_threads(has_window=False) // len(devices))
            source = self.snapshot.head.source
            try:
                self.team = start_team(network.spec, source.weights, depth, network.place.precision, devices, threads)
            except TeamBrokenError:
                self.story.append(tr("The devices could not reach each other; the first one trained alone."))

    def _try(self, training: DeepTraining, depth: str, fitted: FittedHead) -> tuple[Trial, Measured]:
        began = time.perf_counter()
        measured = training.measure()
        targets = self.snapshot.head.targets[measured.rows]
        beside = fitted.out_of_fold[measured.rows]
        rows = np.arange(len(targets))
        shares = np.stack([measured.probabilities[rows, targets], beside[rows, targets]])
        differences = np.diff(np.log(np.maximum(shares, 1e-7)), axis=0)[0]
        trial = Trial(
            depth,
            log_loss(measured.probabilities, targets),
            float((measured.probabilities.argmax(axis=1) == targets).mean()),
            log_loss(beside, targets),
            float((beside.argmax(axis=1) == targets).mean()),
            time.perf_counter() - began,
            float(differences.std() / np.sqrt(len(differences))),
        )
        self.trials.append(trial)
        self.story.append(network_words.outcome_of(trial, len(targets)))
        return trial, measured

    def _say_head_won(self) -> None:
        if self.trials:
            self.story.append(tr("The head alone was kept."))

    def _finish_training(
        self, trial: Trial, training: DeepTraining, measured: Measured, network: NetworkDepths, fitted: FittedHead
    ) -> Run:
        """Trains on all images, writes the network and predicts with it."""
        source = replace(self.snapshot.head.source, spec=network.spec)
        head_snapshot = replace(self.snapshot.head, source=source)
        trained = training.train_on_all(measured.num_epochs)
        head = replace(trained.head(), temperature=measured.temperature)
        weights = head_snapshot.folder / BACKBONE_FILE
        network.write_trained(trial.depth, trained, weights)
        self.story.append(network_words.final_training(measured.num_epochs))
        kept_ids, features = self._embed_all(weights, source)
        targets = head_snapshot.targets[measured.rows]
        num_measured = training.plan.num_measured
        method = cross_validation_words(NUM_FOLDS, head_snapshot.grouping)
        if num_measured != NUM_FOLDS:
            method = network_words.parts_held_out(num_measured, NUM_FOLDS, len(targets), head_snapshot.grouping)
        units = np.array(head_snapshot.grouping.units)[measured.rows]
        metrics = measure(measured.probabilities, targets, units, is_cross_validated=True)
        run = run_of(head_snapshot, trial.depth, head, fitted.fit.strength, metrics, method)
        more = {"num_folds": num_measured, "num_epochs": measured.num_epochs} | self._more_settings()
        run = replace(run, weights_hash=file_sha256(weights), settings=run.settings | more)
        unknown = self._unknown(measured, head, kept_ids, features)
        model = RunModel(
            spec=source.spec,
            weights=weights,
            weights_hash=run.weights_hash,
            preprocessing=source.preprocessing,
            head=head,
            class_names=run.class_names,
            class_ids=run.class_ids,
            document={},
            unknown=unknown.detector if unknown is not None else None,
        )
        write_predictions(head_snapshot.folder, predictions_of(model, kept_ids, features))
        self.context.write(head_snapshot.folder)
        measured_ids = head_snapshot.image_ids[measured.rows]
        return write_run(
            head_snapshot,
            run,
            head,
            fitted.folds,
            measured_ids,
            measured.probabilities,
            self.started,
            unknown=unknown,
        )

    def _unknown(
        self, measured: Measured, head: Head, kept_ids: NDArray[np.int64], features: NDArray[np.float32]
    ) -> UnknownFit | None:
        """Returns what tells strange images by the trained network, calibrated by what the held-out parts looked like.

        `kept_ids` (N,) and `features` (N, D) are those of all predicted images.
        """
        snapshot = self.snapshot.head
        if len(measured.signs) < FEWEST_IMAGES:
            return None
        order = np.argsort(kept_ids)
        places = np.minimum(np.searchsorted(kept_ids[order], snapshot.image_ids), len(order) - 1)
        rows = order[places]
        is_there = kept_ids[rows] == snapshot.image_ids
        detector = plain_detector(features[rows[is_there]], snapshot.targets[is_there], head.mean, head.scale)
        return calibrated(detector, measured.signs, measured.parts)

    def _embed_all(self, weights: Path, source: FeatureSource) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Embeds the images with the trained network, keeps that for later, and returns ids (N,) and embeddings."""
        from engine.nn.embed import Embedder

        snapshot = self.snapshot
        kept: list[int] = []
        rows = [np.empty((0, source.spec.embedding_size), np.float32)]
        record = source.spec.with_own_weights(f"{RUN_PREFIX}{snapshot.head.run_id}", source.spec.display_name)
        device = choose_device(self.settings.device)
        with Embedder(record, weights, source.preprocessing, device=device) as embedder:
            for block in embedder.blocks(snapshot.predicted_paths, checkpoint=self.context.checkpoint):
                kept += block.kept
                rows.append(block.features)
                self._tell(network_words.predicting(len(kept), len(snapshot.predicted_paths)))
        features = np.concatenate(rows)
        kind = FeatureKind(record.file_stem, file_sha256(weights), source.preprocessing.key, source.spec.embedding_size)
        kind.file(snapshot.cache_dir).append([snapshot.predicted_hashes[index] for index in kept], features)
        return snapshot.predicted_ids[kept], features

    def _more_settings(self) -> dict[str, Any]:
        return {
            "asked_depth": self.settings.depth,
            "story": " ".join(self.story),
            "trials": [asdict(trial) for trial in self.trials],
        }

    def _seconds(self) -> float:
        return time.perf_counter() - self.started

    def _seconds_left(self) -> float | None:
        return None if self.budget_s is None else self.budget_s - self._seconds()

    def _tell(self, note: str) -> None:
        """Tells how far it is, by the time it was planned to take: pieces of different kinds have no other measure."""
        spent = self._seconds()
        total = int(10 * max(self.planned_s, spent * 1.05, 1.0))
        self.context.progress(min(int(10 * spent), total - 1), total, note)
        if time.perf_counter() - self.noted_at > _NOTED_EVERY_S:
            self._note_progress()

    def _note_progress(self) -> None:
        spent = self._seconds()
        write_progress(self.snapshot.scratch, spent / max(self.planned_s, spent * 1.05, 1.0), spent)
        self.noted_at = time.perf_counter()
