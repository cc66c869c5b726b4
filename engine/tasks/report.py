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
from engine.domain import Run
from engine.errors import AppError, ExportError, ImageError, TrainingError
from engine.evaluation.learning_curve import LearningForecast
from engine.evaluation.report import ReportData, WorstImage, render
from engine.files import atomic_write_bytes, disk_error
from engine.job import Job, JobContext, Priority, QuietContext
from engine.language import tr
from engine.nn.run_model import RunModel, read_run
from engine.project import Project
from engine.tasks.explain import BorderEvidence, BorderSnapshot, CheckBorders
from engine.tasks.forecast_learning import ForecastLearning
from engine.tasks.report_words import (
    checks_on,
    facts_on,
    figures_of,
    limits_of,
    looking_words,
    several_figures,
    work_saved_words,
)
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

    title: ClassVar[str] = tr("Writing the report")
    in_worker: ClassVar[bool] = True
    priority = Priority.INTERACTIVE

    def __init__(self, project: Project, file: Path, run: Run | None = None) -> None:
        self.project, self.file, self.run = project, file.absolute(), run

    def prepare(self) -> ReportSnapshot:
        if self.file.suffix.lower() not in (".html", ".htm"):
            raise ExportError(
                tr("{name} is not the name of a page.", name=self.file.name), tr("Choose a name that ends in .html.")
            )
        if self.file.is_dir():
            raise ExportError(tr("{file} is a folder.", file=self.file), tr("Choose another name."))
        project, run = self.project, self.run or self.project.active_run()
        if run is None:
            raise TrainingError(
                tr("This project has no trained model yet."), tr("Label some images and retrain first.")
            )
        project.keep_run(run, tr("Report {name}", name=self.file.name))
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
            written_on=time.strftime(tr("Written on %Y-%m-%d at %H:%M.")),
        )

    @staticmethod
    def work(snapshot: ReportSnapshot, context: JobContext) -> WrittenReport:
        context.progress(0, 4, tr("figures"))
        review = ReviewModel.work(snapshot.review, context)
        context.progress(1, 4, tr("learning curve"))
        forecast, note = None, snapshot.forecast_note
        if snapshot.forecast is not None:
            try:
                forecast = ForecastLearning.work(snapshot.forecast, context)
            except AppError as err:
                note = str(err)
        context.progress(2, 4, tr("where it looks"))
        evidence: BorderEvidence | None = None
        with contextlib.suppress(AppError):  # the weights may not be on this machine any more
            evidence = CheckBorders.work(snapshot.borders, QuietContext()) if snapshot.borders is not None else None
        context.progress(3, 4, tr("pictures"))
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
    figures = figures_of(metrics) if metrics is not None else several_figures(review)
    per_class = metrics.per_class if metrics is not None else several.per_class if several is not None else []
    return ReportData(
        title=tr("{project}: version {number} of the model", project=snapshot.project_name, number=run.id),
        summary=tr(
            "Tells {num_classes} classes apart, having learned from {num_images:,} labelled images.",
            num_classes=len(run.class_names),
            num_images=run.num_images,
        ),
        written_on=snapshot.written_on,
        method=tr(
            "How it was measured: {method}. {num_images:,} images were judged, each by a model that had not seen it.",
            method=run.validation.method,
            num_images=len(review.image_ids),
        ),
        figures=figures,
        checks=checks_on(review) + looking_words(evidence),
        warnings=[*review.warnings, *([evidence.warning] if evidence is not None and evidence.warning else [])],
        work_saved=work_saved_words(review),
        class_names=run.class_names,
        per_class=[each for each in per_class if each["class"] < len(run.class_names)],
        confusion=metrics.confusion if metrics is not None else np.zeros((0, 0), np.int64),
        reliability=review.reliability,
        forecast=forecast,
        forecast_note=forecast_note,
        worst=worst,
        num_wrong=num_wrong,
        facts=facts_on(run, snapshot.model),
        limits=limits_of(run, snapshot.model, per_class),
        test=figures_of(review.test) if review.test is not None else [],
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
        name, path = paths.get(int(review.image_ids[row]), (tr("removed"), Path()))
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
    return ", ".join(names[at] for at in np.flatnonzero(chosen).tolist()) or tr("none of the classes")


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
