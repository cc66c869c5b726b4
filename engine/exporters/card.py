"""The model card: what a person who gets an exported model should know before trusting it. Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from engine import VERSION
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
        _figures(facts),
        "## Limits",
        _limits(model, facts, parity),
        "## Check of this export",
        _check(parity),
        "## Use",
        _use(exporter.requirements(model.spec)),
    ]
    return "\n\n".join(sections) + "\n"


def _summary(model: RunModel, facts: ModelFacts) -> str:
    names = ", ".join(f"**{_plain(name)}**" for name in model.class_names)
    return (
        f"Sorts pictures into {len(model.class_names)} classes: {names}.\n\n"
        f"Made with Graft {VERSION} as version {facts.run_id} on {facts.made_at}. Backbone: {model.spec.display_name} "
        f"(licence of its weights: {model.spec.licence}); depth of training: {facts.depth}."
    )


def _data(model: RunModel, facts: ModelFacts) -> str:
    counts = {str(row.get("class")): row.get("support") for row in facts.validation.per_class}
    rows = [(name, counts.get(name)) for name in model.class_names if counts.get(name) is not None]
    table = "" if not rows else "\n\n" + _table(("class", "labelled images"), rows)
    return (
        f"{facts.num_images:,} images, labelled by the author of the project.{table}\n\n"
        f"Fingerprint of the labels (SHA-256): `{facts.labels_hash}`"
    )


def _figures(facts: ModelFacts) -> str:
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


def _limits(model: RunModel, facts: ModelFacts, parity: Parity) -> str:
    side = model.preprocessing.input_size_px
    points = [
        "The figures hold for pictures like the labelled ones; another camera, light or background may be worse.",
        "Every picture gets one of the classes, also one that shows none of them; a low probability is the only sign.",
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
    return "\n".join(f"- {point}" for point in points)


def _check(parity: Parity) -> str:
    agreement = _percent(parity.top1_agreement)
    return (
        f"Loaded again in {parity.runtime} and compared with Graft on {parity.num_images} of the project's images: "
        f"{agreement} get the same class, probabilities differ by at most {parity.max_abs_diff:.1e} "
        f"(allowed: {parity.limit:.0e})."
    )


def _use(requirements: Sequence[str]) -> str:
    packages = " ".join(f'"{name}"' if ">" in name else name for name in requirements)
    return f"```\npip install {packages}\npython predict.py PICTURE...\n```"


def _table(head: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    lines += ["| " + " | ".join(_plain(str(cell)) for cell in row) + " |" for row in rows]
    return "\n".join(lines)


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
