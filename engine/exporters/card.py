"""The model card: what a person who gets an exported model should know before trusting it. Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from engine import VERSION
from engine.domain import LabelMode
from engine.exporters.parity import Parity
from engine.exporters.protocol import Exporter, ModelFacts
from engine.nn.run_model import RunModel


def model_card(model: RunModel, facts: ModelFacts, exporter: Exporter, parity: Parity) -> str:
    """Returns the text of model_card.md; the same for the same run."""
    sections = [
        f"# {_plain(facts.project_name)}: image classifier",
        _summary(model, facts),
        "## Data",
        _data(model, facts),
        "## How good it is",
        _figures(model, facts),
        "## Unknown pictures",
        _unknown(model, facts),
        "## Limits",
        _limits(model, facts, parity, exporter.notes(model)),
        "## Check of this export",
        _check(model, parity),
        "## Use",
        _use(exporter.requirements(model.spec)),
    ]
    return "\n\n".join(sections) + "\n"


def _summary(model: RunModel, facts: ModelFacts) -> str:
    names = ", ".join(f"**{_plain(name)}**" for name in model.class_names)
    has_several = model.mode is LabelMode.SEVERAL
    task = "Gives pictures any of" if has_several else "Sorts pictures into"
    return (
        f"{task} {len(model.class_names)} classes: {names}.\n\n"
        f"Made with Graft {VERSION} as version {facts.run_id} on {facts.made_at}. Backbone: {model.spec.display_name} "
        f"(licence of its weights: {model.spec.licence}); depth of training: {facts.depth}."
    )


def _data(model: RunModel, facts: ModelFacts) -> str:
    counts = {str(row.get("class")): row.get("support") for row in facts.validation.per_class}
    rows = [(name, counts.get(name)) for name in model.class_names if counts.get(name) is not None]
    table = "" if not rows else "\n\n" + _table(("class", "labelled images"), rows)
    return (
        f"{facts.num_images:,} images, labelled by the author of the project.{table}\n\n"
        f"Fingerprint of the labels: {f'`{facts.labels_hash}`' if facts.labels_hash else 'not recorded'}"
    )


def _figures(model: RunModel, facts: ModelFacts) -> str:
    if model.mode is LabelMode.SEVERAL:
        return _figures_of_several(model, facts)
    validation = facts.validation
    low, high = validation.accuracy_interval
    rows = [
        ("accuracy", f"{_percent(validation.accuracy)} (95 % interval {_percent(low)} to {_percent(high)})"),
        ("macro F1", f"{validation.macro_f1:.3f}"),
        ("log loss", f"{validation.log_loss:.3f}"),
        ("expected calibration error", f"{validation.ece:.3f}"),
    ]
    text = f"Measured on images that the scored model had not seen ({validation.method}).\n\n" + _table(
        ("figure", "value"), rows
    )
    per_class = [
        (str(row.get("class")), *(_share(row, name) for name in ("precision", "recall", "f1")))
        for row in validation.per_class
    ]
    return text + ("\n\n" + _table(("class", "precision", "recall", "F1"), per_class) if per_class else "")


def _figures_of_several(model: RunModel, facts: ModelFacts) -> str:
    validation = facts.validation
    low, high = validation.accuracy_interval
    mean = validation.mean_average_precision
    of_mean = validation.mean_average_precision_interval
    interval = f" (95 % interval {of_mean[0]:.3f} to {of_mean[1]:.3f})" if of_mean is not None else ""
    rows = [
        ("mean average precision", f"{_number(mean)}{interval}"),
        ("macro F1", f"{validation.macro_f1:.3f}"),
        ("micro F1", _number(validation.micro_f1)),
        ("all classes right", f"{_percent(validation.accuracy)} (95 % interval {_percent(low)} to {_percent(high)})"),
        ("log loss", f"{validation.log_loss:.3f}"),
        ("expected calibration error", f"{validation.ece:.3f}"),
    ]
    thresholds = dict(zip(model.class_names, [] if model.thresholds is None else model.thresholds, strict=False))
    per_class = [
        (
            str(row.get("class")),
            _number(row.get("average_precision")),
            *(_share(row, name) for name in ("precision", "recall", "f1")),
            _number(thresholds.get(str(row.get("class")))),
        )
        for row in validation.per_class
    ]
    head = ("class", "average precision", "precision", "recall", "F1", "from this probability on")
    return (
        f"Measured on images that the scored model had not seen ({validation.method}).\n\n"
        + _table(("figure", "value"), rows)
        + ("\n\n" + _table(head, per_class) if per_class else "")
    )


def _unknown(model: RunModel, facts: ModelFacts) -> str:
    if model.unknown is None:
        what = "may get any of the classes, or none" if model.mode is LabelMode.SEVERAL else "gets one of the classes"
        return f"This model cannot tell them: a picture that shows something else {what}."
    rate = f"{100 * facts.false_alarm_rate:.0f} %"
    text = (
        "`unknown_score` says which share of pictures of the classes look less strange to the model than this one: "
        f"0.99 is stranger than 99 % of them. From {facts.unknown_threshold:g} on a picture is called unknown, which "
        f"about {rate} of the pictures that do show a class are, too."
    )
    measured = facts.unknown or {"false_alarms": []}
    for row in measured["false_alarms"]:
        if abs(row["rate"] - facts.false_alarm_rate) < 1e-9:
            low, high = row["interval"]
            text += (
                f" Measured on {measured['num_images']:,} labelled images that were held out: "
                f"{_percent(row['measured'])} (95 % interval {_percent(low)} to {_percent(high)})."
            )
    return (
        f"{text}\n\nHow many pictures of something else are found depends on how much they resemble the classes; what "
        "is very much like one of them is not."
    )


def _limits(model: RunModel, facts: ModelFacts, parity: Parity, notes: Sequence[str]) -> str:
    side = model.preprocessing.input_size_px
    points = [
        "The figures hold for pictures like the labelled ones; another camera, light or background may be worse.",
        f"Pictures are looked at in {side} × {side} pixels. What vanishes at that size cannot be told apart.",
    ]
    smallest = min((row.get("support", 0) for row in facts.validation.per_class), default=None)
    if smallest is not None and smallest < 20:
        points.append(f"The smallest class has {smallest} images; what is said about it is uncertain.")
    if parity.num_read_alike < parity.num_images:
        points.append(
            f"`predict.py` reads {parity.num_images - parity.num_read_alike} of {parity.num_images} checked pictures "
            "slightly differently from Graft (16-bit values or colour profiles); convert such pictures to 8-bit sRGB."
        )
    points += notes
    return "\n".join(f"- {point}" for point in points)


def _check(model: RunModel, parity: Parity) -> str:
    if parity.top1_agreement is None or parity.max_abs_diff is None:
        return (
            f"**Not checked.** {parity.unchecked_because} Before you rely on it, compare its answers on some of your "
            "pictures with those of the program, or of the ONNX export."
        )
    agreement = _percent(parity.top1_agreement)
    what = "classes" if model.mode is LabelMode.SEVERAL else "class"
    of_unknown = ""
    allowed = "" if parity.limit is None else f" (allowed: {parity.limit:.0e})"
    if parity.max_unknown_diff is not None:
        of_unknown = f" Unknown scores differ by at most {parity.max_unknown_diff:.1e}."
    return (
        f"Loaded again in {parity.runtime} and compared with Graft on {parity.num_images} of the project's images: "
        f"{agreement} get the same {what} ({_percent(parity.least_agreement)} are needed), probabilities differ by at "
        f"most {parity.max_abs_diff:.1e}{allowed}.{of_unknown}"
    )


def _use(requirements: Sequence[str]) -> str:
    packages = " ".join(f'"{name}"' if ">" in name else name for name in requirements)
    return f"```\npip install {packages}\npython predict.py PICTURE...\n```"


def _table(head: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    lines += ["| " + " | ".join(_plain(str(cell)) for cell in row) + " |" for row in rows]
    return "\n".join(lines)


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _share(row: dict[str, Any], name: str) -> str:
    value, interval = row.get(name), row.get(f"{name}_interval")
    if value is None:
        return "–"
    return _percent(value) + (f" ({_percent(interval[0])} to {_percent(interval[1])})" if interval else "")


def _percent(fraction: float) -> str:
    return f"{100 * fraction:.1f} %"


def _plain(text: str) -> str:
    """Keeps a name of the user's from being read as Markdown."""
    return " ".join(text.split()).replace("\\", "\\\\").replace("|", "\\|").replace("*", "\\*").replace("`", "\\`")
