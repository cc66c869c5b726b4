"""What the worker does to train a network: kept activations, folds, the choice of when to stop, the last training.

Everything that took time lies in a scratch folder until the whole is done, so that a training that was stopped, or
whose program was closed, goes on where it was when it is begun again with the same labels and settings.

Letters: N images, n of them held out, K classes, P points in time at which the layers are judged.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch import nn

from engine.errors import ImageError, TrainingError
from engine.evaluation.calibration import fit_temperature
from engine.evaluation.metrics import log_loss
from engine.evaluation.splits import assign_folds
from engine.evaluation.unknown import plain_detector
from engine.events import EpochEnded
from engine.files import atomic_write_bytes, disk_error
from engine.job import CancelledError, JobContext
from engine.language import tr
from engine.nn.activations import keep_activations
from engine.nn.augmentation import NO_VARIANTS, PRESETS, num_views
from engine.nn.device import Place
from engine.nn.fine_tune import FineTuning
from engine.nn.head import balance_of, fit_head, probabilities_of
from engine.nn.material import Material, Recipe
from engine.nn.preprocessing import Preprocessing
from engine.nn.team import Team
from engine.nn.training_plan import Plan, point_epochs
from engine.nn.variants import ViewMaker
from engine.settings import num_threads

Array = NDArray[np.float32]

_ENOUGH_FOR_MEANS = 40
"""So many images of a class tell where it lies; to embed all of them at every look would take as long as training."""

_PATIENCE = 3
_WORSE = 1.02
"""A training stops when the log loss has been so much above its best for so many points."""


@dataclass(frozen=True, slots=True)
class DeepInputs:
    """What is trained on: labelled images with their embeddings (N, D) by the network as it was."""

    depth: str
    paths: list[Path]
    content_hashes: list[str]
    units: list[str]
    features: Array
    targets: NDArray[np.int64]
    num_classes: int
    folds: NDArray[np.int64]
    strength: float
    temperature: float
    preprocessing: Preprocessing
    augmentation: str
    is_class_balanced: bool
    seed: int
    scratch: Path
    stamps: dict[Path, tuple[int, int]]
    """Size in bytes and time of change (ns) of each file as it was labelled; one that differs is not learned from."""


@dataclass(frozen=True, slots=True)
class Measured:
    """Predictions (n, K) of images `rows` held out, each calibrated and stopped by what other images said.

    `signs` (n, 3) are those of `engine.evaluation.unknown`, by the layers that had not seen the image; `parts` (n,)
    says which of the images calibrated each other.
    """

    rows: NDArray[np.int64]
    probabilities: Array
    num_epochs: int
    temperature: float
    signs: Array
    parts: NDArray[np.int64]


class DeepTraining:
    """One depth, from activations to the trained layers. `upper` is trained, `lower` (None = nothing) stays."""

    def __init__(
        self,
        lower: nn.Module | None,
        upper: nn.Module,
        input_shape: tuple[int, ...],
        inputs: DeepInputs,
        plan: Plan,
        place: Place,
        context: JobContext,
        tell: Callable[[str], None],
        team: Team | None = None,
    ) -> None:
        self.upper, self.inputs, self.plan, self.place, self.team = upper, inputs, plan, place, team
        self.context, self.tell = context, tell
        self.usable, kept = self._activations(lower, input_shape)
        goals = np.eye(inputs.num_classes, dtype=np.float32)[inputs.targets]
        weights = np.ones(len(goals), np.float32)
        if inputs.is_class_balanced:
            weights = balance_of(inputs.targets, inputs.num_classes)
        self.material = Material(kept, goals, weights, inputs.preprocessing.num_views)
        preset = PRESETS[inputs.augmentation]
        variation = preset if lower is None and inputs.augmentation != NO_VARIANTS else None
        self.recipe = Recipe(plan.num_epochs, inputs.seed, mixup=preset.mixup, variation=variation)

    def measure(self) -> Measured:
        """Trains without each of some folds in turn and returns what the layers say of the images held out."""
        inputs, folds = self.inputs, np.unique(self.inputs.folds)[: self.plan.num_measured]
        found = [self._measure_fold(int(fold), index) for index, fold in enumerate(folds)]
        num_points = min(len(points) for _, points in found)
        rows = np.concatenate([held_out for held_out, _ in found])
        judged = np.concatenate([points[:num_points] for _, points in found], axis=1)  # (P, n, K + 3)
        logits, signs = judged[:, :, : inputs.num_classes], judged[:, :, inputs.num_classes :]
        if len(folds) > 1:
            parts = inputs.folds[rows]
        else:
            units = [inputs.units[row] for row in rows]
            parts = assign_folds(
                inputs.targets[rows], [inputs.content_hashes[row] for row in rows], units, 2, inputs.seed
            )
        probabilities, point, temperature = calibrated_at_best_point(logits, inputs.targets[rows], parts)
        num_epochs = point_epochs(self.plan.num_epochs)[point]
        return Measured(rows, probabilities, num_epochs, temperature, signs[point], parts)

    def train_on_all(self, num_epochs: int) -> FineTuning:
        """Returns the training on all images, stopped after so many rounds."""
        training = self._begin(self.usable)
        file = self.inputs.scratch / f"{self.inputs.depth}-all.safetensors"
        training.restore(file)
        while training.epoch < num_epochs:
            self._epoch(
                training,
                self.usable,
                file,
                tr("last training, round {round} of {num_rounds}", round=training.epoch + 1, num_rounds=num_epochs),
            )
            training.save(file)
            self._emit("all", training, math.nan, math.nan)
        return training

    # ---- inside

    def _measure_fold(self, fold: int, index: int) -> tuple[NDArray[np.int64], Array]:
        """Returns the images of the fold, and their logits and signs of strangeness (P, n, K + 3)."""
        inputs = self.inputs
        is_held_out = inputs.folds == fold
        held_out = self.usable[is_held_out[self.usable]]
        rows = self.usable[~is_held_out[self.usable]]
        done = inputs.scratch / f"{inputs.depth}-fold{fold}-judged.npy"
        if done.is_file():
            return held_out, np.load(done)
        training = self._begin(rows)
        state = done.with_suffix(".safetensors")
        looks = done.with_suffix(".looks.npy")
        training.restore(state)
        points: list[Array] = list(np.load(looks)) if training.epoch and looks.is_file() else []
        judged_at = point_epochs(self.plan.num_epochs)
        losses = [self._loss_at(judged, held_out) for judged in points]
        while training.epoch < self.plan.num_epochs and not _is_over(losses):
            step = tr(
                "part {part} of {num_parts} held out, round {round} of {num_rounds}",
                part=index + 1,
                num_parts=self.plan.num_measured,
                round=training.epoch + 1,
                num_rounds=self.plan.num_epochs,
            )
            self._epoch(training, rows, state, step)
            accuracy = math.nan
            if training.epoch in judged_at[len(points) :]:
                points.append(self._judge(training, rows, held_out))
                losses.append(self._loss_at(points[-1], held_out))
                best = points[-1][:, : inputs.num_classes].argmax(axis=1)
                accuracy = float((best == inputs.targets[held_out]).mean())
            np.save(looks, np.stack(points) if points else np.empty((0, 0, 0), np.float32))
            training.save(state)
            self._emit(str(index + 1), training, losses[-1] if losses else math.nan, accuracy)
        np.save(done, np.stack(points))
        state.unlink(missing_ok=True)
        looks.unlink(missing_ok=True)
        return held_out, np.stack(points)

    def _judge(self, training: FineTuning, rows: NDArray[np.int64], held_out: NDArray[np.int64]) -> Array:
        """Returns logits and signs of strangeness (n, K + 3) of the images held out, as the layers are now."""
        head, targets = training.head(), self.inputs.targets
        of_class = [rows[targets[rows] == target][:_ENOUGH_FOR_MEANS] for target in np.unique(targets[rows])]
        known = np.concatenate(of_class)
        detector = plain_detector(
            training.embeddings(known, self.context.checkpoint), targets[known], head.mean, head.scale
        )
        embeddings = training.embeddings(held_out, self.context.checkpoint)
        logits = head.logits(embeddings)
        return np.concatenate([logits, detector.signs(embeddings, logits)], axis=1)

    def _loss_at(self, judged: Array, held_out: NDArray[np.int64]) -> float:
        return _calibrated_loss(judged[:, : self.inputs.num_classes], self.inputs.targets[held_out])

    def _begin(self, rows: NDArray[np.int64]) -> FineTuning:
        inputs = self.inputs
        # A head that knows these images only: the one on all of them has seen those that are held out.
        fit = fit_head(
            inputs.features[rows],
            inputs.targets[rows],
            inputs.num_classes,
            inputs.folds[rows],
            is_class_balanced=inputs.is_class_balanced,
            strength=inputs.strength,
            checkpoint=self.context.checkpoint,
        )
        head = replace(fit.head, temperature=inputs.temperature)
        return FineTuning(self.upper, head, self.material, self.recipe, self.place, self.team)

    def _epoch(self, training: FineTuning, rows: NDArray[np.int64], state: Path, note: str) -> None:
        self.tell(note)
        try:
            training.run_epoch(rows, self.context.checkpoint)
        except CancelledError:
            training.save(state)  # so that it goes on with the next batch
            raise

    def _emit(self, fold: str, training: FineTuning, validation_loss: float, accuracy: float) -> None:
        loss = training.losses[-1] if training.losses else math.nan
        self.context.emit(
            EpochEnded(self.inputs.depth, fold, training.epoch, self.plan.num_epochs, loss, validation_loss, accuracy)
        )

    def _activations(
        self, lower: nn.Module | None, shape: tuple[int, ...]
    ) -> tuple[NDArray[np.int64], NDArray[np.float16]]:
        """Returns which images could be read and the inputs (N, V, *S), computing what is not in the scratch folder."""
        inputs = self.inputs
        augmentation = inputs.augmentation if lower is not None else NO_VARIANTS
        views = num_views(inputs.preprocessing.num_views, augmentation)
        file = inputs.scratch / f"{inputs.depth}-inputs.npy"
        note = file.with_suffix(".json")
        try:
            if not note.is_file():
                kept = np.lib.format.open_memmap(
                    file,
                    "w+",
                    np.float16,
                    (len(inputs.paths), views, *shape),
                )
                _claim_room(file)
                failed = keep_activations(
                    lower,
                    self._views_of(ViewMaker(inputs.preprocessing, augmentation, inputs.seed)),
                    inputs.paths,
                    kept,
                    self.place,
                    self._look_at,
                    num_threads(has_window=False),
                )
                kept.flush()
                atomic_write_bytes(note, json.dumps(failed).encode())
            failed = json.loads(note.read_text())
            found: NDArray[np.float16] = np.load(file, mmap_mode="r")
        except OSError as err:
            raise disk_error(err, file) from err
        usable = np.setdiff1d(np.arange(len(inputs.paths)), failed)
        _refuse_lost_classes(inputs, usable)
        return usable, found

    def _views_of(self, make_views: ViewMaker) -> Callable[[Path], Array]:
        def views_of(path: Path) -> Array:
            try:
                state = path.stat()
            except OSError as err:
                raise ImageError(tr("{file} is gone.", file=path.name), tr("Rescan its folder.")) from err
            if (state.st_size, state.st_mtime_ns) != self.inputs.stamps.get(path, (state.st_size, state.st_mtime_ns)):
                raise ImageError(
                    tr("{file} has changed since it was labelled.", file=path.name), tr("Rescan its folder.")
                )
            return make_views(path)

        return views_of

    def _look_at(self, num_done: int) -> None:
        self.tell(tr("looking at the images, {done:,} of {total:,}", done=num_done, total=len(self.inputs.paths)))
        self.context.checkpoint()


def calibrated_at_best_point(
    logits: Array, targets: NDArray[np.int64], parts: NDArray[np.int64]
) -> tuple[Array, int, float]:
    """Returns probabilities (n, K), the best point in time and the temperature there.

    Each image's own point and temperature come from the images of the other parts: chosen on the image itself they
    would flatter.

    Args:
        logits: out-of-fold logits at each point (P, n, K).
        targets: class indices (n,).
        parts: images of one part are judged by the others (n,).
    """
    probabilities = np.empty(logits.shape[1:], np.float32)
    for part in np.unique(parts):
        judged, others = parts == part, parts != part
        if not others.any():
            others = judged
        point, temperature = _best_point(logits[:, others], targets[others])
        probabilities[judged] = probabilities_of(logits[point][judged], temperature)
    point, temperature = _best_point(logits, targets)
    return probabilities, point, temperature


def _best_point(logits: Array, targets: NDArray[np.int64]) -> tuple[int, float]:
    temperatures = [fit_temperature(each, targets) for each in logits]
    losses = [
        log_loss(probabilities_of(each, temperature), targets)
        for each, temperature in zip(logits, temperatures, strict=True)
    ]
    best = int(np.argmin(losses))
    return best, temperatures[best]


def _claim_room(file: Path) -> None:
    """Raises OSError when the disk has no room for all of it: writing to a mapped file would end the process."""
    if hasattr(os, "posix_fallocate"):
        with open(file, "r+b") as opened:
            os.posix_fallocate(opened.fileno(), 0, file.stat().st_size)


def _calibrated_loss(logits: Array, targets: NDArray[np.int64]) -> float:
    return log_loss(probabilities_of(logits, fit_temperature(logits, targets)), targets)


def _is_over(losses: list[float]) -> bool:
    return len(losses) > _PATIENCE and min(losses[-_PATIENCE:]) > _WORSE * min(losses[:-_PATIENCE])


def _refuse_lost_classes(inputs: DeepInputs, usable: NDArray[np.int64]) -> None:
    if len(np.unique(inputs.targets[usable])) < inputs.num_classes:
        raise TrainingError(
            tr("All images of a class could no longer be read."), tr("Look for changed images (F5), then retrain.")
        )
