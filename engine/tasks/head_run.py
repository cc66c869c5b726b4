"""Fitting and measuring the head of a training, and writing the folder of the run that comes of it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.domain import LabelMode, Run, Validation, set_confidences
from engine.evaluation.calibration import RefusedLogits, cross_fitted_temperatures, fit_temperature
from engine.evaluation.groups import assign_group_folds
from engine.evaluation.metrics import Metrics, measure
from engine.evaluation.multi_label import SeveralMetrics, measure_several
from engine.evaluation.multi_label_calibration import calibrate, cross_fitted
from engine.evaluation.multi_label_folds import assign_folds_of_several
from engine.evaluation.splits import choose_num_folds
from engine.evaluation.unknown import UnknownFit, combinations_of, fit_unknown
from engine.job import JobContext
from engine.language import tr
from engine.nn.device import CPU, choose_device
from engine.nn.head import Head, HeadFit, fit_head, probabilities_of
from engine.nn.run_model import (
    HEAD_FILE,
    LABELS_FILE,
    OUT_OF_FOLD_FILE,
    RUN_FILE,
    UNKNOWN_FILE,
    RunModel,
    write_head,
    write_unknown,
)
from engine.nn.training_plan import HEAD
from engine.store.predictions import read as read_predictions
from engine.tasks.accepted_labels import counted_fairly, is_measured, notes_on, refused_predictions, rows_of
from engine.tasks.grouping import cross_validation_words
from engine.tasks.predict import predictions_of_rows, write_predictions
from engine.tasks.provenance import labels_hash, made_with
from engine.tasks.representative import counted_for_open, units_without_stacks
from engine.tasks.several_labels import entry_weights
from engine.tasks.train_snapshot import TrainSnapshot


@dataclass(frozen=True, slots=True)
class FittedHead:
    """A calibrated head, and what it said of images it had not seen. Shapes: `out_of_fold` (N, K).

    Where images have several classes, `out_of_fold` (M, K) is that of the confirmed ones; `suggested` (M, K) are the
    classes that these got, with thresholds of the other folds, and `thresholds` (K,) those of the head.
    """

    fit: HeadFit
    head: Head
    folds: NDArray[np.int64]
    out_of_fold: NDArray[np.float32]
    metrics: Metrics | SeveralMetrics
    suggested: NDArray[np.bool_] | None = None
    thresholds: NDArray[np.float32] | None = None
    unknown: UnknownFit | None = None


def fit_and_measure(snapshot: TrainSnapshot, num_folds: int, context: JobContext) -> FittedHead:
    """Fits the head on the embeddings and measures it by cross-validation."""
    if snapshot.mode is LabelMode.SEVERAL:
        return _fit_several(snapshot, num_folds, context)
    settings, targets = snapshot.settings, snapshot.targets
    features = snapshot.source.file.read(snapshot.rows)
    folds = assign_group_folds(targets, snapshot.content_hashes, snapshot.grouping.units, num_folds, settings.seed)
    fit = fit_head(
        features,
        targets,
        len(snapshot.class_ids),
        folds,
        is_class_balanced=settings.is_class_balanced,
        strength=snapshot.strength,
        start=snapshot.start,
        checkpoint=context.checkpoint,
    )
    context.progress(1, 3, tr("measuring"))
    # Calibrated by the other folds: a temperature fitted on the very images that it is judged on would flatter.
    refused = _refused_logits(snapshot, fit.head)
    temperatures = cross_fitted_temperatures(fit.out_of_fold_logits, targets, folds, refused)
    out_of_fold = probabilities_of(fit.out_of_fold_logits / temperatures[:, None])
    head = replace(fit.head, temperature=fit_temperature(fit.out_of_fold_logits, targets, refused))
    context.checkpoint()
    strange = folds, fit.out_of_fold_logits
    if snapshot.in_stacks.any():
        # How alike the labelled images are is told one by one: beside other stacks nothing would look strange any more.
        units = units_without_stacks(snapshot)
        one_by_one = assign_group_folds(
            targets, snapshot.content_hashes, units, choose_num_folds(targets, units), settings.seed
        )
        again = fit_head(
            features,
            targets,
            len(snapshot.class_ids),
            one_by_one,
            is_class_balanced=settings.is_class_balanced,
            strength=fit.strength,
            start=fit.head,
            checkpoint=context.checkpoint,
        )
        strange = one_by_one, again.out_of_fold_logits
    unknown = fit_unknown(features, targets, *strange, head.mean, head.scale)
    metrics = measure(out_of_fold, targets, np.array(snapshot.grouping.units), is_cross_validated=True)
    return FittedHead(fit, head, folds, out_of_fold, metrics, unknown=unknown)


def _refused_logits(snapshot: TrainSnapshot, head: Head) -> RefusedLogits | None:
    """Returns what the head says of images that it has not learned from, and of which suggestions were refused."""
    if not len(snapshot.refused_ids):
        return None
    return RefusedLogits(head.logits(snapshot.source.file.read(snapshot.refused_rows)), snapshot.refused)


def _fit_several(snapshot: TrainSnapshot, num_folds: int, context: JobContext) -> FittedHead:
    """As `fit_and_measure` where an image may have several classes: one sigmoid per class.

    Calibration, thresholds and figures are of the confirmed images, whose classes are all known.
    """
    present, confirmed, units = snapshot.present, snapshot.confirmed, snapshot.grouping.units
    features = snapshot.source.file.read(snapshot.rows)
    folds = assign_folds_of_several(
        present, confirmed, snapshot.content_hashes, units, num_folds, snapshot.settings.seed
    )
    fit = fit_head(
        features,
        entry_weights(present, confirmed),
        len(snapshot.class_ids),
        folds,
        strength=snapshot.strength,
        start=snapshot.start,
        checkpoint=context.checkpoint,
    )
    context.progress(1, 3, tr("measuring"))
    logits, complete = fit.out_of_fold_logits[confirmed], present[confirmed]
    probabilities, suggested = cross_fitted(logits, complete, folds[confirmed])
    calibration = calibrate(logits, complete)
    head = fit.head.calibrated(calibration.slopes, calibration.offsets)
    metrics = measure_several(
        probabilities, complete, suggested, calibration.thresholds, np.array(units)[confirmed], logits, True
    )
    context.checkpoint()
    # Like what it has seen, whatever the classes: an image with none of them may be quite ordinary.
    unknown = fit_unknown(features[confirmed], combinations_of(complete), folds[confirmed], None, head.mean, head.scale)
    return FittedHead(fit, head, folds, probabilities, metrics, suggested, calibration.thresholds, unknown)


def write_head_run(
    snapshot: TrainSnapshot, fitted: FittedHead, started: float, more_settings: dict[str, Any], context: JobContext
) -> Run:
    """Writes the folder of a run whose network is as it was, with its predictions of all embedded images."""
    num_folds = int(np.unique(fitted.folds).size)
    method = cross_validation_words(num_folds, snapshot.grouping)
    run = run_of(snapshot, "head", fitted.head, fitted.fit.strength, fitted.metrics, method)
    thresholds = [] if fitted.thresholds is None else fitted.thresholds.tolist()
    run = replace(run, settings=run.settings | {"num_folds": num_folds} | more_settings, thresholds=thresholds)
    source = snapshot.source
    model = RunModel(
        source.spec,
        source.weights,
        run.weights_hash,
        source.preprocessing,
        fitted.head,
        run.class_names,
        run.class_ids,
        {},
        snapshot.mode,
        fitted.thresholds,
        fitted.unknown.detector if fitted.unknown is not None else None,
    )
    write_predictions(
        snapshot.folder, predictions_of_rows(source, model, snapshot.all_image_ids, snapshot.all_rows, context)
    )
    has_several = snapshot.mode is LabelMode.SEVERAL
    measured_ids = snapshot.image_ids[snapshot.confirmed] if has_several else snapshot.image_ids
    return write_run(
        snapshot,
        run,
        fitted.head,
        fitted.folds,
        measured_ids,
        fitted.out_of_fold,
        started,
        fitted.suggested,
        fitted.unknown,
        fitted.fit.out_of_fold_logits[snapshot.confirmed] if has_several else fitted.fit.out_of_fold_logits,
    )


def write_run(
    snapshot: TrainSnapshot,
    run: Run,
    head: Head,
    folds: NDArray[np.int64],
    measured_ids: NDArray[np.int64],
    out_of_fold: NDArray[np.float32],
    started: float,
    suggested: NDArray[np.bool_] | None = None,
    unknown: UnknownFit | None = None,
    logits: NDArray[np.float32] | None = None,
) -> Run:
    """Writes head, labels, out-of-fold predictions (of `measured_ids`) and run.json; returns the run with its times.

    The predictions are there already. Labels that are suggestions which nobody looked at are not measured on.
    """
    folder = snapshot.folder
    write_head(folder / HEAD_FILE, head)
    labels: dict[str, NDArray[Any]] = {
        "image_ids": snapshot.image_ids,
        "targets": snapshot.targets,
        "folds": folds,
        "units": np.unique(snapshot.grouping.units, return_inverse=True)[1].astype(np.int32),
    }
    found: dict[str, NDArray[Any]] = {"image_ids": measured_ids, "probabilities": out_of_fold}
    if suggested is not None:
        labels |= {"targets_matrix": snapshot.present, "confirmed": snapshot.confirmed}
        found["suggested"] = suggested
    if logits is not None:
        found["logits"] = logits
    if unknown is not None:
        write_unknown(folder / UNKNOWN_FILE, unknown.detector)
        found["unknown_scores"] = unknown.out_of_fold_scores
        confidences = out_of_fold.max(axis=1) if suggested is None else set_confidences(out_of_fold, suggested)
        run = replace(run, unknown=unknown.document(confidences))
    run, found = counted_for_open(snapshot, *_settled(snapshot, run, found))
    np.savez(folder / LABELS_FILE, **labels)  # type: ignore[arg-type]
    np.savez(folder / OUT_OF_FOLD_FILE, **found)  # type: ignore[arg-type]
    run = replace(run, seconds={"embed": snapshot.embed_seconds, "train": time.perf_counter() - started})
    document = asdict(run) | {
        "backbone_spec": snapshot.source.spec.to_document(),
        "preprocessing": snapshot.source.preprocessing.to_document(),
    }
    (folder / RUN_FILE).write_text(json.dumps(document, indent=1, ensure_ascii=False), encoding="utf-8")
    return run


def _settled(snapshot: TrainSnapshot, run: Run, found: dict[str, NDArray[Any]]) -> tuple[Run, dict[str, NDArray[Any]]]:
    """Returns run and held-out predictions with figures that accepted suggestions do not flatter."""
    if not (snapshot.accepted.any() or len(snapshot.refused_ids)):
        return run, found
    kept = is_measured(snapshot, found["image_ids"])
    others = found["probabilities"][~kept].max(axis=1, initial=0)
    if not kept.all():
        found = {name: values[kept] for name, values in found.items()}
        metrics = _metrics_again(snapshot, run, found)
        run = replace(run, validation=validation_of(metrics, run.class_names, run.validation.method))
    notes = [*snapshot.notes, *notes_on(snapshot, int((~kept).sum()))]
    run = replace(run, settings=run.settings | {"notes": notes})
    predictions = read_predictions(snapshot.folder)
    run, weights = counted_fairly(snapshot, run, found["image_ids"], found["probabilities"], others, predictions)
    if weights is not None:
        found |= {"weights": weights}
    refused_ids, refused = refused_predictions(snapshot, predictions)
    if len(refused):
        found |= {
            "refused_ids": refused_ids,
            "refused_probabilities": refused.probabilities,
            "refused_classes": refused.classes,
        }
    return run, found


def _metrics_again(snapshot: TrainSnapshot, run: Run, found: dict[str, NDArray[Any]]) -> Metrics | SeveralMetrics:
    """Returns the figures of the held-out predictions that are left to measure on."""
    rows = rows_of(snapshot, found["image_ids"])
    units = np.array(snapshot.grouping.units)[rows]
    if snapshot.mode is not LabelMode.SEVERAL:
        return measure(found["probabilities"], snapshot.targets[rows], units, is_cross_validated=True)
    suggested, logits, thresholds = found["suggested"], found["logits"], np.array(run.thresholds, np.float32)
    return measure_several(
        found["probabilities"], snapshot.present[rows], suggested, thresholds, units, logits, is_cross_validated=True
    )


def run_of(
    snapshot: TrainSnapshot,
    depth: str,
    head: Head,
    strength: float,
    metrics: Metrics | SeveralMetrics,
    method: str,
) -> Run:
    """Returns the record of a run on the weights that the training began with."""
    settings = asdict(snapshot.settings) | {
        "strength": strength,
        "strength_chosen_at": snapshot.strength_chosen_at,
        "temperature": head.temperature,
        "group_by": snapshot.grouping.rule,
        "num_groups": len(set(snapshot.grouping.units)) if snapshot.grouping.rule else None,
        "alike": snapshot.grouping.alike_words,
        "notes": snapshot.notes,
    }
    return Run(
        id=snapshot.run_id,
        created_at=time.time(),
        backbone=snapshot.source.spec.key,
        weights_hash=snapshot.source.kind.weights_hash,
        depth=depth,
        seed=snapshot.settings.seed,
        folder=snapshot.folder_name,
        class_ids=snapshot.class_ids,
        class_names=snapshot.class_names,
        num_images=len(snapshot.targets),
        last_step=snapshot.last_step,
        validation=validation_of(metrics, snapshot.class_names, method),
        seconds={},
        settings=settings,
        is_active=True,
        labels_hash=labels_hash(_labels_of(snapshot)),
        made_with=made_with((CPU if depth == HEAD else choose_device()).name),
        mode=snapshot.mode,
    )


def _labels_of(snapshot: TrainSnapshot) -> Iterator[tuple[str, list[int]]]:
    """Yields content hash and class ids of each image that the training sees."""
    if snapshot.mode is LabelMode.SEVERAL:
        class_ids = np.array(snapshot.class_ids)
        for content_hash, row in zip(snapshot.content_hashes, snapshot.present, strict=True):
            yield content_hash, class_ids[row].tolist()
        return
    for content_hash, target in zip(snapshot.content_hashes, snapshot.targets.tolist(), strict=True):
        yield content_hash, [snapshot.class_ids[target]]


def validation_of(metrics: Metrics | SeveralMetrics, class_names: Sequence[str], method: str) -> Validation:
    """Returns metrics in the words of the domain: class names for indices."""
    validation = Validation(
        method=method,
        accuracy=metrics.accuracy,
        accuracy_interval=metrics.accuracy_interval,
        macro_f1=metrics.macro_f1,
        log_loss=metrics.log_loss,
        ece=metrics.ece,
        per_class=[figures | {"class": class_names[figures["class"]]} for figures in metrics.per_class],
        num_confident=metrics.num_confident,
        num_confident_wrong=metrics.num_confident_wrong,
        num_measured=metrics.num_images,
    )
    if isinstance(metrics, SeveralMetrics):
        return replace(
            validation,
            mean_average_precision=metrics.mean_average_precision,
            mean_average_precision_interval=metrics.mean_average_precision_interval,
            micro_f1=metrics.micro_f1,
        )
    return replace(validation, confusion=metrics.confusion.tolist())
