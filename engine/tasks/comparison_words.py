"""The comparison of two versions in words: sentences, rows of figures, and the document of `graft runs --compare`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Final

from engine.domain import LabelMode, Run, Validation
from engine.evaluation.compare import Paired
from engine.language import count, decimal, tr, trc, trn
from engine.tasks.compare_runs import RunComparison
from engine.tasks.run_settings import depth_words


@dataclass(frozen=True, slots=True)
class FigureRow:
    """One figure of both versions, in words."""

    name: str
    first: str
    second: str


def verdict(comparison: RunComparison) -> str:
    """Returns the one sentence that matters: which version is better on the images that both were measured on."""
    paired, first, second = comparison.paired, comparison.first.id, comparison.second.id
    if not paired.num_images:
        return tr(
            "No image was held out by both version {first} and version {second}, so they cannot be compared.",
            first=first,
            second=second,
        )
    if not (paired.only_first or paired.only_second):
        return trn(
            "On {number:,} image that both were measured on{groups}, versions {first} and {second} are right on the "
            "same ones.",
            "On {number:,} images that both were measured on{groups}, versions {first} and {second} are right on the "
            "same ones.",
            paired.num_images,
            groups=_groups(paired),
            first=first,
            second=second,
        )
    return trn(
        "On {number:,} image that both were measured on{groups}, version {second} is right on {num_fixed:,} that "
        "version {first} got wrong, and wrong on {num_broken:,} that version {first} got right: {judgement}.",
        "On {number:,} images that both were measured on{groups}, version {second} is right on {num_fixed:,} that "
        "version {first} got wrong, and wrong on {num_broken:,} that version {first} got right: {judgement}.",
        paired.num_images,
        groups=_groups(paired),
        first=first,
        second=second,
        num_fixed=paired.only_second,
        num_broken=paired.only_first,
        judgement=_judgement(paired),
    )


def sentences(comparison: RunComparison) -> list[str]:
    """Returns what a person should know, the most important first."""
    found = [verdict(comparison), _label_sentence(comparison)]
    changed = len(comparison.other_mistake)
    if changed:
        found.append(
            trn(
                "{number:,} image is wrong in both, with another class.",
                "{number:,} images are wrong in both, with another class.",
                changed,
            )
        )
    if comparison.num_unlabelled:
        other = len(comparison.other_suggestion)
        found.append(
            trn(
                "{num_other:,} of {number:,} image without a class would get another suggestion.",
                "{num_other:,} of {number:,} images without a class would get another suggestion.",
                comparison.num_unlabelled,
                num_other=other,
            )
        )
    return found + comparison.caveats


def figure_rows(comparison: RunComparison) -> list[FigureRow]:
    """Returns the figures of both. Each was measured on its own images, so a small lead says nothing."""
    first, second = comparison.first.validation, comparison.second.validation
    has_sets = comparison.first.mode is LabelMode.SEVERAL
    rows = [
        FigureRow(
            tr("All classes right") if has_sets else trc("share", "Right"),
            _with_interval(first),
            _with_interval(second),
        ),
        FigureRow(tr("Mean F1"), _percent(first.macro_f1), _percent(second.macro_f1)),
        FigureRow(tr("Confidence off by"), _percent(first.ece), _percent(second.ece)),
        FigureRow(tr("Log loss"), decimal(first.log_loss, ".3f"), decimal(second.log_loss, ".3f")),
    ]
    return rows + [
        FigureRow(name, words(comparison.first), words(comparison.second)) for name, words in _PARTICULARS.items()
    ]


def document(comparison: RunComparison) -> dict[str, Any]:
    """Returns the comparison for JSON."""
    paired = comparison.paired
    labels = comparison.labels
    return {
        "first": comparison.first.id,
        "second": comparison.second.id,
        "settings": [asdict(each) for each in comparison.settings],
        "labels": {
            "added": labels.added.tolist(),
            "changed": labels.changed.tolist(),
            "gone": labels.gone.tolist(),
        },
        "figures": {
            str(run.id): {
                "accuracy": run.validation.accuracy,
                "accuracy_interval": list(run.validation.accuracy_interval),
                "macro_f1": run.validation.macro_f1,
                "log_loss": run.validation.log_loss,
                "ece": run.validation.ece,
                "num_images": run.num_images,
                "method": run.validation.method,
            }
            for run in (comparison.first, comparison.second)
        },
        "paired": asdict(paired) | {"is_clear": paired.is_clear, "second_is_better": paired.second_is_better},
        "fixed": comparison.fixed.tolist(),
        "broken": comparison.broken.tolist(),
        "other_mistake": comparison.other_mistake.tolist(),
        "num_unlabelled": comparison.num_unlabelled,
        "other_suggestion": comparison.other_suggestion.tolist(),
        "sentences": sentences(comparison),
    }


def _judgement(paired: Paired) -> str:
    percent = 100 * paired.p_value
    share = f"{decimal(percent, '.0f' if percent >= 1 else '.1f')} %" if percent >= 0.1 else tr("less than 0.1 %")
    chance = tr(" (chance alone does as much in {share} of cases)", share=share) if percent < 50 else ""
    if not paired.is_clear:
        return tr("no real difference") + chance
    return (tr("clearly better") if paired.second_is_better else tr("clearly worse")) + chance


def _groups(paired: Paired) -> str:
    if paired.num_units >= paired.num_images:
        return ""
    return f" ({count(paired.num_units, 'group')})"


def _label_sentence(comparison: RunComparison) -> str:
    labels, second = comparison.labels, comparison.second.id
    if labels.is_none:
        return tr("Both learned from the same labels.")
    parts = [tr("{number:,} added", number=len(labels.added))] if len(labels.added) else []
    parts += [tr("{number:,} changed", number=len(labels.changed))] if len(labels.changed) else []
    parts += [tr("{number:,} taken away", number=len(labels.gone))] if len(labels.gone) else []
    text = tr("Version {second} learned from other labels: {changes}.", second=second, changes=", ".join(parts))
    return f"{text} {tr('Both are judged by the labels of today.')}" if len(labels.changed) else text


def _with_interval(validation: Validation) -> str:
    low, high = validation.accuracy_interval
    return f"{_percent(validation.accuracy)} ({decimal(100 * low, '.1f')}–{decimal(100 * high, '.1f')})"


def _percent(fraction: float) -> str:
    return f"{decimal(100 * fraction, '.1f')} %"


def _learned_from(run: Run) -> str:
    return f"{count(run.num_images, 'image')}, {count(len(run.class_names), 'class', 'classes')}"


def _seconds(run: Run) -> str:
    return f"{decimal(sum(run.seconds.values()), '.1f')} s"


_PARTICULARS: Final[dict[str, Callable[[Run], str]]] = {
    tr("Learned from"): _learned_from,
    tr("Trained"): lambda run: depth_words(run.depth),
    tr("Took"): _seconds,
    tr("Measured by"): lambda run: run.validation.method,
}
