"""The model card: what a person who gets an exported model should know before trusting it. Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from engine import VERSION
from engine.domain import LabelMode
from engine.exporters.parity import Parity
from engine.exporters.protocol import Exporter, ModelFacts
from engine.language import decimal, tr, trc, trn
from engine.nn.run_model import RunModel

_DEPTHS = {"head": trc("depth", "head"), "partial": trc("depth", "partial"), "full": trc("depth", "full")}


def model_card(model: RunModel, facts: ModelFacts, exporter: Exporter, parity: Parity) -> str:
    """Returns the text of model_card.md; the same for the same run."""
    sections = [
        tr("# {project}: image classifier", project=_plain(facts.project_name)),
        _summary(model, facts),
        tr("## Data"),
        _data(model, facts),
        tr("## How good it is"),
        _figures(model, facts),
        tr("## Unknown pictures"),
        _unknown(model, facts),
        tr("## Limits"),
        _limits(model, facts, parity, exporter.notes(model)),
        tr("## Check of this export"),
        _check(model, parity),
        tr("## Use"),
        _use(exporter.requirements(model.spec)),
    ]
    return "\n\n".join(sections) + "\n"


def _summary(model: RunModel, facts: ModelFacts) -> str:
    names = ", ".join(f"**{_plain(name)}**" for name in model.class_names)
    has_several = model.mode is LabelMode.SEVERAL
    num_classes = len(model.class_names)
    if has_several:
        task = tr("Gives pictures any of {num_classes} classes: {names}.", num_classes=num_classes, names=names)
    else:
        task = tr("Sorts pictures into {num_classes} classes: {names}.", num_classes=num_classes, names=names)
    origin = tr(
        "Made with Graft {program} as version {version} on {time}. Backbone: {backbone} (licence of its weights: "
        "{licence}); depth of training: {depth}.",
        program=VERSION,
        version=facts.run_id,
        time=facts.made_at,
        backbone=model.spec.display_name,
        licence=model.spec.licence,
        depth=_DEPTHS.get(facts.depth, facts.depth),
    )
    return f"{task}\n\n{origin}"


def _data(model: RunModel, facts: ModelFacts) -> str:
    counts = {str(row.get("class")): row.get("support") for row in facts.validation.per_class}
    rows = [(name, counts.get(name)) for name in model.class_names if counts.get(name) is not None]
    table = "" if not rows else "\n\n" + _table((trc("column", "class"), tr("labelled images")), rows)
    images = tr("{number:,} images, labelled by the author of the project.", number=facts.num_images)
    if facts.labels_hash:
        fingerprint = tr("Fingerprint of the labels: `{hash}`", hash=facts.labels_hash)
    else:
        fingerprint = tr("Fingerprint of the labels: not recorded")
    return f"{images}{table}\n\n{fingerprint}"


def _figures(model: RunModel, facts: ModelFacts) -> str:
    if model.mode is LabelMode.SEVERAL:
        return _figures_of_several(model, facts)
    validation = facts.validation
    rows = [
        (tr("accuracy"), _with_interval(validation.accuracy, validation.accuracy_interval)),
        (tr("macro F1"), _number(validation.macro_f1)),
        *_losses(facts),
    ]
    per_class = [
        (str(row.get("class")), *(_share(row, name) for name in ("precision", "recall", "f1")))
        for row in validation.per_class
    ]
    head = (trc("column", "class"), trc("column", "precision"), trc("column", "recall"), "F1")
    return _measured(facts, rows, head, per_class)


def _figures_of_several(model: RunModel, facts: ModelFacts) -> str:
    validation = facts.validation
    of_mean = validation.mean_average_precision_interval
    mean = _number(validation.mean_average_precision)
    if of_mean is not None:
        mean = tr("{value} (95 % interval {low:.3f} to {high:.3f})", value=mean, low=of_mean[0], high=of_mean[1])
    rows = [
        (tr("mean average precision"), mean),
        (tr("macro F1"), _number(validation.macro_f1)),
        (tr("micro F1"), _number(validation.micro_f1)),
        (tr("all classes right"), _with_interval(validation.accuracy, validation.accuracy_interval)),
        *_losses(facts),
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
    head = (
        trc("column", "class"),
        tr("average precision"),
        trc("column", "precision"),
        trc("column", "recall"),
        "F1",
        tr("from this probability on"),
    )
    return _measured(facts, rows, head, per_class)


def _losses(facts: ModelFacts) -> list[tuple[str, str]]:
    return [
        (tr("log loss"), _number(facts.validation.log_loss)),
        (tr("expected calibration error"), _number(facts.validation.ece)),
    ]


def _measured(
    facts: ModelFacts, rows: Sequence[Sequence[str]], head: Sequence[str], per_class: Sequence[Sequence[str]]
) -> str:
    """Returns how the figures were measured, the figures (name, value), and those of each class."""
    how = tr("Measured on images that the scored model had not seen ({method}).", method=facts.validation.method)
    parts = [how, _table((tr("figure"), tr("value")), rows)]
    return "\n\n".join([*parts, _table(head, per_class)] if per_class else parts)


def _unknown(model: RunModel, facts: ModelFacts) -> str:
    if model.unknown is None:
        if model.mode is LabelMode.SEVERAL:
            return tr(
                "This model cannot tell them: a picture that shows something else may get any of the classes, or none."
            )
        return tr("This model cannot tell them: a picture that shows something else gets one of the classes.")
    text = tr(
        "`unknown_score` says which share of pictures of the classes look less strange to the model than this one: "
        "0.99 is stranger than 99 % of them. From {threshold:g} on a picture is called unknown, which about {rate:.0f} "
        "% of the pictures that do show a class are, too.",
        threshold=facts.unknown_threshold,
        rate=100 * facts.false_alarm_rate,
    )
    measured = facts.unknown or {"false_alarms": []}
    for row in measured["false_alarms"]:
        if abs(row["rate"] - facts.false_alarm_rate) < 1e-9:
            low, high = row["interval"]
            text += " " + tr(
                "Measured on {number:,} labelled images that were held out: {share} (95 % interval {low} to {high}).",
                number=measured["num_images"],
                share=_percent(row["measured"]),
                low=_percent(low),
                high=_percent(high),
            )
    others = tr(
        "How many pictures of something else are found depends on how much they resemble the classes; what is very "
        "much like one of them is not."
    )
    return f"{text}\n\n{others}"


def _limits(model: RunModel, facts: ModelFacts, parity: Parity, notes: Sequence[str]) -> str:
    side = model.preprocessing.input_size_px
    points = [
        tr("The figures hold for pictures like the labelled ones; another camera, light or background may be worse."),
        tr(
            "Pictures are looked at in {side} × {side} pixels. What vanishes at that size cannot be told apart.",
            side=side,
        ),
    ]
    smallest = min((row.get("support", 0) for row in facts.validation.per_class), default=None)
    if smallest is not None and smallest < 20:
        points.append(
            trn(
                "The smallest class has {number} image; what is said about it is uncertain.",
                "The smallest class has {number} images; what is said about it is uncertain.",
                smallest,
            )
        )
    if parity.num_read_alike < parity.num_images:
        points.append(
            tr(
                "`predict.py` reads {number} of {num_images} checked pictures slightly differently from Graft (16-bit "
                "values or colour profiles); convert such pictures to 8-bit sRGB.",
                number=parity.num_images - parity.num_read_alike,
                num_images=parity.num_images,
            )
        )
    points += notes
    return "\n".join(f"- {point}" for point in points)


def _check(model: RunModel, parity: Parity) -> str:
    if parity.top1_agreement is None or parity.max_abs_diff is None:
        return tr(
            "**Not checked.** {reason} Before you rely on it, compare its answers on some of your pictures with those "
            "of the program, or of the ONNX export.",
            reason=parity.unchecked_because,
        )
    difference = decimal(parity.max_abs_diff, ".1e")
    if parity.limit is not None:
        difference = tr("{difference} (allowed: {limit:.0e})", difference=difference, limit=parity.limit)
    text = tr(
        "Loaded again in {runtime} and compared with Graft on {num_images} of the project's images: {agreement} get "
        "{same} ({least} are needed), probabilities differ by at most {difference}.",
        runtime=parity.runtime,
        num_images=parity.num_images,
        agreement=_percent(parity.top1_agreement),
        same=tr("the same classes") if model.mode is LabelMode.SEVERAL else tr("the same class"),
        least=_percent(parity.least_agreement),
        difference=difference,
    )
    if parity.max_unknown_diff is not None:
        text += " " + tr("Unknown scores differ by at most {difference:.1e}.", difference=parity.max_unknown_diff)
    return text


def _use(requirements: Sequence[str]) -> str:
    packages = " ".join(f'"{name}"' if ">" in name else name for name in requirements)
    return f"```\npip install {packages}\npython predict.py PICTURE...\n```"


def read_me(project_name: str, requirements: Sequence[str], files: Sequence[str]) -> str:
    """Returns the text of README.txt: how the model is run, and what the files are. `files` are those of the folder."""
    packages = " ".join(f'"{name}"' if ">" in name else name for name in requirements)
    what = {
        "predict.py": tr("tells the class of pictures; short, to read and to build upon"),
        "labels.txt": tr("the classes, one a line, in the order of the model's answers"),
        "model.json": tr("what the model takes and gives, for programs"),
        "model_card.md": tr("what the model can do, how that was measured, and its limits"),
        "parity.json": tr("how this export was compared with Graft"),
        "index.html": tr("the model as a web page"),
    }
    listed = [name for name in what if name in files]
    width = max(map(len, listed), default=0)
    parts = [tr("{project}: image classifier, made with Graft", project=" ".join(project_name.split()))]
    if "index.html" in files:
        parts.append(tr("Open index.html in a browser to try it. Or in a terminal, in this folder, with Python:"))
    else:
        parts.append(tr("To try it on pictures, in a terminal, in this folder, with Python:"))
    parts.append(f"    pip install {packages}\n    python predict.py PICTURE...")
    parts.append("\n".join(f"{name:{width}}  {what[name]}" for name in listed))
    return "\n\n".join(parts) + "\n"


def _table(head: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    lines += ["| " + " | ".join(_plain(str(cell)) for cell in row) + " |" for row in rows]
    return "\n".join(lines)


def _number(value: float | None) -> str:
    return "–" if value is None else decimal(value, ".3f")


def _share(row: dict[str, Any], name: str) -> str:
    value, interval = row.get(name), row.get(f"{name}_interval")
    if value is None:
        return "–"
    if not interval:
        return _percent(value)
    low, high = interval
    return tr("{value} ({low} to {high})", value=_percent(value), low=_percent(low), high=_percent(high))


def _with_interval(fraction: float, interval: tuple[float, float]) -> str:
    low, high = interval
    return tr(
        "{value} (95 % interval {low} to {high})", value=_percent(fraction), low=_percent(low), high=_percent(high)
    )


def _percent(fraction: float) -> str:
    return f"{decimal(100 * fraction, '.1f')} %"


def _plain(text: str) -> str:
    """Keeps a name of the user's from being read as Markdown."""
    return " ".join(text.split()).replace("\\", "\\\\").replace("|", "\\|").replace("*", "\\*").replace("`", "\\`")
