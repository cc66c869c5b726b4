"""What the report on a run says in words: figures, checks, settings, limits."""

from __future__ import annotations

import time
from typing import Any, Final

from engine.domain import DEFAULT_FALSE_ALARM_RATE, LabelMode, Run
from engine.evaluation.metrics import Metrics
from engine.evaluation.report import Figure, interval, share
from engine.evaluation.representation import words_on_unlike
from engine.evaluation.selection import words_on
from engine.language import decimal, tr, trc, trn
from engine.nn.run_model import RunModel
from engine.tasks.explain import BorderEvidence
from engine.tasks.review import Review
from engine.tasks.run_settings import view_words

_RULES: Final = {"folder": trc("rule", "folder"), "column": trc("rule", "column")}
_DEPTHS: Final = {"head": trc("depth", "head"), "partial": trc("depth", "partial"), "full": trc("depth", "full")}


def figures_of(metrics: Metrics) -> list[Figure]:
    """Returns the figures of a run with one class per image."""
    limits = interval(metrics.accuracy_interval)
    return [
        Figure(
            tr("Accuracy"),
            share(metrics.accuracy),
            limits,
            tr("of {num_images:,} images were called right", num_images=metrics.num_images),
        ),
        Figure(
            tr("Balanced accuracy"),
            share(metrics.balanced_accuracy),
            "",
            tr("the same, with every class counting alike"),
        ),
        Figure(
            tr("Macro F1"),
            decimal(metrics.macro_f1, ".3f"),
            "",
            tr("precision and recall in one, mean over the classes"),
        ),
        Figure(tr("Log loss"), decimal(metrics.log_loss, ".3f"), "", tr("how surprised the model was; 0 is perfect")),
        Figure(tr("Calibration error"), share(metrics.ece), "", tr("by how much confidence is off on average")),
        Figure(
            tr("Confident and wrong"),
            tr(
                "{number:,} of {total:,}",
                number=metrics.num_confident_wrong,
                total=metrics.num_confident,
            ),
            "",
            tr("of the predictions that were at least 95 % sure"),
        ),
    ]


def several_figures(review: Review) -> list[Figure]:
    """Returns the figures of a run where images may have several classes; none for another."""
    several = review.several
    if several is None:
        return []
    average = several.mean_average_precision
    limits = interval(several.mean_average_precision_interval)
    return [
        Figure(
            tr("Mean average precision"), share(average), limits, tr("how well each class is told from its absence")
        ),
        Figure(
            tr("All classes right"),
            share(several.accuracy),
            interval(several.accuracy_interval),
            tr("of {num_images:,} images got exactly their classes", num_images=several.num_images),
        ),
        Figure(tr("Macro F1"), decimal(several.macro_f1, ".3f"), "", tr("mean over the classes")),
        Figure(tr("Micro F1"), decimal(several.micro_f1, ".3f"), "", tr("every class of every image counting alike")),
        Figure(tr("Log loss"), decimal(several.log_loss, ".3f"), "", tr("per class; 0 is perfect")),
        Figure(tr("Calibration error"), share(several.ece), "", tr("by how much probabilities are off on average")),
    ]


def checks_on(review: Review) -> list[str]:
    """Returns what was done for the figures to be honest, and what speaks against them."""
    run = review.run
    group_by = run.settings.get("group_by")
    checks = []
    if review.grouping_words:
        checks.append(tr("Held out together: {grouping_words}.", grouping_words=review.grouping_words))
    if group_by:
        checks.append(tr("Images are held out together by: {group_by}.", group_by=_RULES.get(group_by, group_by)))
    if not checks:
        checks.append(tr("No groups of look-alikes were found or given: every image was held out for itself."))
    if review.gap is not None:
        checks.append(review.gap.sentence)
    num_suspects = sum(each.is_likely for each in review.suspects)
    if num_suspects:
        checks.append(
            trn(
                "{number:,} label looks wrong to the model; it counts here as it is.",
                "{number:,} labels look wrong to the model; they count here as they are.",
                num_suspects,
            )
        )
    alarms = [each for each in (run.unknown or {}).get("false_alarms", []) if each["rate"] == DEFAULT_FALSE_ALARM_RATE]
    checks += [
        tr(
            "Unknown images: at the usual setting {share} ({interval}) of the images of known classes, held out, were "
            "called unknown by mistake.",
            share=share(each["measured"]),
            interval=interval(each["interval"]),
        )
        for each in alarms
    ]
    return checks


def looking_words(evidence: BorderEvidence | None) -> list[str]:
    """Returns how much of the evidence lies on the edges of the pictures; nothing where that is not known."""
    if evidence is None or not len(evidence.shares):
        return []
    border, even = share(float(evidence.shares.mean())), share(float(evidence.even.mean()))
    sentence = tr(
        "Where it looks, in {num_images} labelled images: {border} of what speaks for their class lies on the "
        "outermost tenth of the picture, where {even} would be even.",
        num_images=len(evidence.shares),
        border=border,
        even=even,
    )
    return [sentence]


def work_saved_words(review: Review) -> str:
    """Returns how many images need no looking at; "" where that cannot be promised."""
    if review.mode is not LabelMode.ONE:
        return ""
    precision = review.saved.best_precision()
    found = review.saved.at(precision)
    if not found.num_measured:
        return ""
    low, high = found.share_interval
    return tr(
        "At {precision:.0f} % precision, {share:.0f} % of images like the measured ones need no looking at "
        "({low:.0f} to {high:.0f} %); {right} of those were right, at least {at_least} with 95 % certainty.",
        precision=100 * precision,
        share=100 * found.share,
        low=100 * low,
        high=100 * high,
        right=share(found.precision),
        at_least=share(found.at_least),
    )


def facts_on(run: Run, model: RunModel) -> list[tuple[str, list[tuple[str, str]]]]:
    """Returns settings and versions, as (heading, rows) of names and values."""
    spec, preprocessing = model.spec, model.preprocessing
    settings = [
        (
            tr("Backbone"),
            tr(
                "{display_name} (licence of its weights: {licence})",
                display_name=spec.display_name,
                licence=spec.licence,
            ),
        ),
        (tr("Depth"), _DEPTHS.get(run.depth, run.depth)),
        (tr("Seed"), str(run.seed)),
        (tr("Views of a picture"), f"{view_words(preprocessing.views)}; {preprocessing.input_size_px} px"),
        (tr("Class-balanced"), tr("yes") if run.settings.get("is_class_balanced", True) else tr("no")),
        (tr("L2 strength"), decimal(float(run.settings["strength"]), ".2e") if "strength" in run.settings else ""),
        (tr("Temperature"), decimal(model.head.temperature, ".3f")),
        (tr("Trained"), time.strftime(tr("%Y-%m-%d %H:%M UTC"), time.gmtime(run.created_at))),
        (tr("What was tried"), str(run.settings.get("story") or "")),
        (tr("Accepted suggestions"), words_on(run.settings)),
        (tr("Open images"), words_on_unlike(run.settings)),
        *[(tr("Note"), str(note)) for note in run.settings.get("notes", [])],
    ]
    marks = [
        (tr("Weights (SHA-256)"), run.weights_hash),
        (tr("Labels (fingerprint)"), run.labels_hash),
        *[(name, str(value)) for name, value in sorted(run.made_with.items())],
    ]
    parts = [(tr("Settings"), settings), (tr("Versions and fingerprints"), marks)]
    return [(heading, [(name, value) for name, value in rows if value]) for heading, rows in parts]


def limits_of(run: Run, model: RunModel, per_class: list[dict[str, Any]]) -> list[str]:
    """Returns what the figures do not say."""
    side = model.preprocessing.input_size_px
    limits = [
        tr("The figures hold for pictures like the labelled ones; another camera, light or background may be worse."),
        tr("The given classes are taken for the truth: a wrong label counts as a mistake of the model, or hides one."),
        tr(
            "Pictures are looked at in {side} × {side} pixels. What vanishes at that size cannot be told apart.",
            side=side,
        ),
    ]
    if run.unknown is None:
        limits.append(tr("This model does not say when a picture shows none of the classes."))
    smallest = min((int(each["support"]) for each in per_class), default=20)
    if smallest < 20:
        limits.append(
            trn(
                "The smallest class has {number} image; what is said about it is uncertain.",
                "The smallest class has {number} images; what is said about it is uncertain.",
                smallest,
            )
        )
    return limits
