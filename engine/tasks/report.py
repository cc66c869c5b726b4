"""WriteReport: what is known of a run as one HTML page that opens anywhere, for an appendix or an auditor."""

from __future__ import annotations

import contextlib
import io
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from engine.backbones.catalogue import CATALOGUE_FILE
from engine.domain import DEFAULT_FALSE_ALARM_RATE, LabelMode, Run
from engine.errors import AppError, ExportError, ImageError, TrainingError
from engine.evaluation.learning_curve import LearningForecast
from engine.evaluation.metrics import Metrics
from engine.evaluation.report import Figure, ReportData, WorstImage, interval, render, share
from engine.evaluation.selection import words_on
from engine.files import atomic_write_bytes, disk_error
from engine.job import Job, JobContext, Priority, QuietContext
from engine.nn.run_model import RunModel, read_run
from engine.project import Project
from engine.tasks.explain import BorderEvidence, BorderSnapshot, CheckBorders
from engine.tasks.forecast_learning import ForecastLearning
from engine.tasks.review import Review, ReviewModel

NUM_WORST: Final = 24
PICTURE_PX: Final = 240
_QUALITY: Final = 78
TEMPLATE_FILE: Final = CATALOGUE_FILE.parents[1] / "report" / "report.html"


@dataclass(frozen=True, slots=True)
class ReportSnapshot:
    """`review`, `forecast` and `borders` are the snapshots of those jobs; the last two are None where there is none."""

    review: Any
    forecast: Any
    borders: BorderSnapshot | None
    forecast_note: str
    paths: dict[int, tuple[str, Path]]
    """Name and file of each measured image."""
    model: RunModel
    project_name: str
    file: Path
    written_on: str


@dataclass(frozen=True, slots=True)
class WrittenReport:
    file: Path
    size_bytes: int


class WriteReport(Job[ReportSnapshot, WrittenReport, WrittenReport]):
    """Writes the report on a run, the active one unless another is named, to an HTML file.

    The bytes are the same for the same run and labels, except for the line that says when it was written.
    """

    title: ClassVar[str] = "Writing the report"
    in_worker: ClassVar[bool] = True
    priority = Priority.INTERACTIVE

    def __init__(self, project: Project, file: Path, run: Run | None = None) -> None:
        self.project, self.file, self.run = project, file.absolute(), run

    def prepare(self) -> ReportSnapshot:
        if self.file.suffix.lower() not in (".html", ".htm"):
            raise ExportError(f"{self.file.name} is not the name of a page.", "Choose a name that ends in .html.")
        if self.file.is_dir():
            raise ExportError(f"{self.file} is a folder.", "Choose another name.")
        project, run = self.project, self.run or self.project.active_run()
        if run is None:
            raise TrainingError("This project has no trained model yet.", "Label some images and retrain first.")
        project.keep_run(run, f"Report {self.file.name}")
        forecast: Any = None
        note = ""
        forecasting: Any = ForecastLearning(project, run)
        try:
            forecast = forecasting.prepare()
        except AppError as err:
            note = str(err)
        borders: BorderSnapshot | None = None
        with contextlib.suppress(AppError):
            borders = CheckBorders(project, run).prepare()
        return ReportSnapshot(
            review=ReviewModel(project, run).prepare(),
            forecast=forecast,
            forecast_note=note,
            borders=borders,
            paths={image.id: (image.name, image.path) for image in project.images()},
            model=read_run(project.run_dir(run), project.run_dir(run)),
            project_name=project.name,
            file=self.file,
            written_on=time.strftime("Written on %Y-%m-%d at %H:%M."),
        )

    @staticmethod
    def work(snapshot: ReportSnapshot, context: JobContext) -> WrittenReport:
        context.progress(0, 4, "figures")
        review = ReviewModel.work(snapshot.review, context)
        context.progress(1, 4, "learning curve")
        forecast, note = None, snapshot.forecast_note
        if snapshot.forecast is not None:
            try:
                forecast = ForecastLearning.work(snapshot.forecast, context)
            except AppError as err:
                note = str(err)
        context.progress(2, 4, "where it looks")
        evidence: BorderEvidence | None = None
        with contextlib.suppress(AppError):  # the weights may not be on this machine any more
            evidence = CheckBorders.work(snapshot.borders, QuietContext()) if snapshot.borders is not None else None
        context.progress(3, 4, "pictures")
        worst, num_wrong = _worst_images(review, snapshot.paths, context)
        data = report_data(review, forecast, note, evidence, worst, num_wrong, snapshot)
        page = render(data, TEMPLATE_FILE.read_text(encoding="utf-8")).encode("utf-8")
        context.checkpoint()
        try:
            snapshot.file.parent.mkdir(parents=True, exist_ok=True)
        except OSError as err:
            raise disk_error(err, snapshot.file) from err
        atomic_write_bytes(snapshot.file, page)
        context.progress(4, 4, "")
        return WrittenReport(snapshot.file, len(page))

    def finish(self, result: WrittenReport) -> WrittenReport:
        return result


def report_data(
    review: Review,
    forecast: LearningForecast | None,
    forecast_note: str,
    evidence: BorderEvidence | None,
    worst: list[WorstImage],
    num_wrong: int,
    snapshot: ReportSnapshot,
) -> ReportData:
    """Returns what the page says."""
    run, metrics, several = review.run, review.metrics, review.several
    figures = _figures(metrics) if metrics is not None else _several_figures(review)
    per_class = metrics.per_class if metrics is not None else several.per_class if several is not None else []
    classes = f"{len(run.class_names)} classes"
    return ReportData(
        title=f"{snapshot.project_name}: model {run.id}",
        summary=f"Tells {classes} apart, having learned from {run.num_images:,} labelled images.",
        written_on=snapshot.written_on,
        method=f"How it was measured: {run.validation.method}. {len(review.image_ids):,} images were judged, each by a "
        "model that had not seen it.",
        figures=figures,
        checks=_checks(review) + _looking(evidence),
        warnings=[*review.warnings, *([evidence.warning] if evidence is not None and evidence.warning else [])],
        work_saved=_work_saved(review),
        class_names=run.class_names,
        per_class=[each for each in per_class if each["class"] < len(run.class_names)],
        confusion=metrics.confusion if metrics is not None else np.zeros((0, 0), np.int64),
        reliability=review.reliability,
        forecast=forecast,
        forecast_note=forecast_note,
        worst=worst,
        num_wrong=num_wrong,
        facts=_facts(run, snapshot.model),
        limits=_limits(run, snapshot.model, per_class),
        test=_figures(review.test) if review.test is not None else [],
    )


def _figures(metrics: Metrics) -> list[Figure]:
    limits = interval(metrics.accuracy_interval)
    return [
        Figure("Accuracy", share(metrics.accuracy), limits, f"of {metrics.num_images:,} images were called right"),
        Figure("Balanced accuracy", share(metrics.balanced_accuracy), "", "the same, with every class counting alike"),
        Figure("Macro F1", f"{metrics.macro_f1:.3f}", "", "precision and recall in one, mean over the classes"),
        Figure("Log loss", f"{metrics.log_loss:.3f}", "", "how surprised the model was; 0 is perfect"),
        Figure("Calibration error", share(metrics.ece), "", "by how much confidence is off on average"),
        Figure(
            "Confident and wrong",
            f"{metrics.num_confident_wrong:,} of {metrics.num_confident:,}",
            "",
            "of the predictions that were at least 95 % sure",
        ),
    ]


def _several_figures(review: Review) -> list[Figure]:
    several = review.several
    if several is None:
        return []
    average = several.mean_average_precision
    limits = interval(several.mean_average_precision_interval)
    return [
        Figure("Mean average precision", share(average), limits, "how well each class is told from its absence"),
        Figure(
            "All classes right",
            share(several.accuracy),
            interval(several.accuracy_interval),
            f"of {several.num_images:,} images got exactly their classes",
        ),
        Figure("Macro F1", f"{several.macro_f1:.3f}", "", "mean over the classes"),
        Figure("Micro F1", f"{several.micro_f1:.3f}", "", "every class of every image counting alike"),
        Figure("Log loss", f"{several.log_loss:.3f}", "", "per class; 0 is perfect"),
        Figure("Calibration error", share(several.ece), "", "by how much probabilities are off on average"),
    ]


def _checks(review: Review) -> list[str]:
    run = review.run
    group_by = run.settings.get("group_by")
    checks = []
    if review.grouping_words:
        checks.append(f"Held out together: {review.grouping_words}.")
    if group_by:
        checks.append(f"Images are held out together by: {group_by}.")
    if not checks:
        checks.append("No groups of look-alikes were found or given: every image was held out for itself.")
    if review.gap is not None:
        checks.append(review.gap.sentence)
    if review.suspects:
        checks.append(f"{len(review.suspects):,} labels look wrong to the model; they count here as they are.")
    alarms = [each for each in (run.unknown or {}).get("false_alarms", []) if each["rate"] == DEFAULT_FALSE_ALARM_RATE]
    checks += [
        f"Unknown images: at the usual setting {share(each['measured'])} ({interval(each['interval'])}) of the images "
        "of known classes, held out, were called unknown by mistake."
        for each in alarms
    ]
    return checks


def _looking(evidence: BorderEvidence | None) -> list[str]:
    if evidence is None or not len(evidence.shares):
        return []
    border, even = share(float(evidence.shares.mean())), share(float(evidence.even.mean()))
    sentence = (
        f"Where it looks, in {len(evidence.shares)} labelled images: {border} of what speaks for their class lies on "
        f"the outermost tenth of the picture, where {even} would be even."
    )
    return [sentence]


def _work_saved(review: Review) -> str:
    if review.mode is not LabelMode.ONE:
        return ""
    precision = review.saved.best_precision()
    found = review.saved.at(precision)
    if not found.num_measured:
        return ""
    low, high = found.share_interval
    return (
        f"At {100 * precision:.0f} % precision, {100 * found.share:.0f} % of the images need no looking at "
        f"({100 * low:.0f} to {100 * high:.0f} %); {share(found.precision)} of those were right, at least "
        f"{share(found.at_least)} with 95 % certainty."
    )


def _worst_images(
    review: Review, paths: dict[int, tuple[str, Path]], context: JobContext
) -> tuple[list[WorstImage], int]:
    """Returns the surest mistakes with small pictures, and how many mistakes there are."""
    num_classes = len(review.run.class_names)
    given = _as_sets(review.targets, num_classes) if review.present is None else review.present
    said = _as_sets(review.probabilities.argmax(axis=1), num_classes) if review.suggested is None else review.suggested
    wrong = np.flatnonzero((given != said).any(axis=1))
    order = np.lexsort((review.image_ids[wrong], -review.confidences[wrong]))[:NUM_WORST]
    found = []
    for row in wrong[order].tolist():
        context.checkpoint()
        name, path = paths.get(int(review.image_ids[row]), ("removed", Path()))
        names = review.run.class_names
        confidence = float(review.confidences[row])
        found.append(
            WorstImage(name, _words(names, given[row]), _words(names, said[row]), confidence, _small_jpeg(path))
        )
    return found, len(wrong)


def _as_sets(indices: NDArray[np.int64], num_classes: int) -> NDArray[np.bool_]:
    """Returns one class per image (M,) as the set of its classes (M, K)."""
    sets: NDArray[np.bool_] = indices[:, None] == np.arange(num_classes)
    return sets


def _words(names: Sequence[str], chosen: NDArray[np.bool_]) -> str:
    return ", ".join(names[at] for at in np.flatnonzero(chosen).tolist()) or "none of the classes"


def _small_jpeg(path: Path) -> bytes:
    """Returns a picture at most PICTURE_PX wide and high; empty where it cannot be read."""
    from engine.images.decode import decode_rgb

    try:
        picture = Image.fromarray(decode_rgb(path, PICTURE_PX))
    except ImageError:
        return b""
    picture.thumbnail((PICTURE_PX, PICTURE_PX))
    written = io.BytesIO()
    picture.save(written, "JPEG", quality=_QUALITY)
    return written.getvalue()


def _facts(run: Run, model: RunModel) -> list[tuple[str, list[tuple[str, str]]]]:
    spec, preprocessing = model.spec, model.preprocessing
    settings = [
        ("Backbone", f"{spec.display_name} (licence of its weights: {spec.licence})"),
        ("Depth", run.depth),
        ("Seed", str(run.seed)),
        ("Views of a picture", f"{', '.join(preprocessing.views)}; {preprocessing.input_size_px} px"),
        ("Class-balanced", "yes" if run.settings.get("is_class_balanced", True) else "no"),
        ("L2 strength", f"{float(run.settings['strength']):.2e}" if "strength" in run.settings else ""),
        ("Temperature", f"{model.head.temperature:.3f}"),
        ("Trained", time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(run.created_at))),
        ("What was tried", str(run.settings.get("story") or "")),
        ("Accepted suggestions", words_on(run.settings)),
        *[("Note", str(note)) for note in run.settings.get("notes", [])],
    ]
    marks = [
        ("Weights (SHA-256)", run.weights_hash),
        ("Labels (fingerprint)", run.labels_hash),
        *[(name, str(value)) for name, value in sorted(run.made_with.items())],
    ]
    parts = [("Settings", settings), ("Versions and fingerprints", marks)]
    return [(heading, [(name, value) for name, value in rows if value]) for heading, rows in parts]


def _limits(run: Run, model: RunModel, per_class: list[dict[str, Any]]) -> list[str]:
    side = model.preprocessing.input_size_px
    limits = [
        "The figures hold for pictures like the labelled ones; another camera, light or background may be worse.",
        "The given classes are taken for the truth: a wrong label counts as a mistake of the model, or hides one.",
        f"Pictures are looked at in {side} × {side} pixels. What vanishes at that size cannot be told apart.",
    ]
    if run.unknown is None:
        limits.append("This model does not say when a picture shows none of the classes.")
    smallest = min((int(each["support"]) for each in per_class), default=20)
    if smallest < 20:
        limits.append(f"The smallest class has {smallest} images; what is said about it is uncertain.")
    return limits
