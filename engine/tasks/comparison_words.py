"""The comparison of two versions in words: sentences, rows of figures, and the document of `graft runs --compare`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Final

from engine.domain import LabelMode, Run, Validation
from engine.evaluation.compare import Paired
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
        return f"No image was held out by both version {first} and version {second}, so they cannot be compared."
    where = f"On {_images(paired.num_images)} that both were measured on{_groups(paired)}"
    if not (paired.only_first or paired.only_second):
        return f"{where}, versions {first} and {second} are right on the same ones."
    right = f"version {second} is right on {paired.only_second:,} that version {first} got wrong"
    wrong = f"wrong on {paired.only_first:,} that version {first} got right"
    return f"{where}, {right}, and {wrong}: {_judgement(paired)}."


def sentences(comparison: RunComparison) -> list[str]:
    """Returns what a person should know, the most important first."""
    found = [verdict(comparison), _label_sentence(comparison)]
    changed = len(comparison.other_mistake)
    if changed:
        found.append(f"{_images(changed)} {_is(changed)} wrong in both, with another class.")
    if comparison.num_unlabelled:
        other = len(comparison.other_suggestion)
        found.append(f"{other:,} of {_images(comparison.num_unlabelled)} without a class would get another suggestion.")
    return found + comparison.caveats


def figure_rows(comparison: RunComparison) -> list[FigureRow]:
    """Returns the figures of both. Each was measured on its own images, so a small lead says nothing."""
    first, second = comparison.first.validation, comparison.second.validation
    has_sets = comparison.first.mode is LabelMode.SEVERAL
    rows = [
        FigureRow("All classes right" if has_sets else "Right", _with_interval(first), _with_interval(second)),
        FigureRow("Mean F1", _percent(first.macro_f1), _percent(second.macro_f1)),
        FigureRow("Confidence off by", _percent(first.ece), _percent(second.ece)),
        FigureRow("Log loss", f"{first.log_loss:.3f}", f"{second.log_loss:.3f}"),
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
    number = "less than 0.1 %" if percent < 0.1 else f"{percent:.0f} %" if percent >= 1 else f"{percent:.1f} %"
    chance = f" (chance alone does as much in {number} of cases)" if percent < 50 else ""
    if not paired.is_clear:
        return f"no real difference{chance}"
    return f"{'clearly better' if paired.second_is_better else 'clearly worse'}{chance}"


def _groups(paired: Paired) -> str:
    return f" ({paired.num_units:,} groups)" if paired.num_units < paired.num_images else ""


def _label_sentence(comparison: RunComparison) -> str:
    labels, second = comparison.labels, comparison.second.id
    if labels.is_none:
        return "Both learned from the same labels."
    parts = [
        f"{len(ids):,} {words}"
        for ids, words in ((labels.added, "added"), (labels.changed, "changed"), (labels.gone, "taken away"))
        if len(ids)
    ]
    judged = " Both are judged by the labels of today." if len(labels.changed) else ""
    return f"Version {second} learned from other labels: {', '.join(parts)}.{judged}"


def _with_interval(validation: Validation) -> str:
    low, high = validation.accuracy_interval
    return f"{_percent(validation.accuracy)} ({100 * low:.1f}–{100 * high:.1f})"


def _percent(fraction: float) -> str:
    return f"{100 * fraction:.1f} %"


def _images(number: int) -> str:
    return f"{number:,} image{'' if number == 1 else 's'}"


def _is(number: int) -> str:
    return "is" if number == 1 else "are"


def _seconds(run: Run) -> str:
    return f"{sum(run.seconds.values()):.1f} s"


_PARTICULARS: Final[dict[str, Callable[[Run], str]]] = {
    "Learned from": lambda run: f"{_images(run.num_images)}, {len(run.class_names)} classes",
    "Trained": lambda run: depth_words(run.depth),
    "Took": _seconds,
    "Measured by": lambda run: run.validation.method,
}
