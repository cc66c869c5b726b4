"""The report on a model as one HTML page: figures, plots, worst images, settings, limits. Plain data in, text out.

The page needs no network, no script and no other file. Equal data give equal bytes; the date stands on a line of its
own.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field
from string import Template
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from engine.evaluation.html import Html, Piece, element, filled, joined, table
from engine.evaluation.learning_curve import LearningForecast
from engine.evaluation.reliability import ReliabilityBin
from engine.evaluation.report_plots import MOST_CLASSES_IN_MATRIX, confusion_table, learning_plot, reliability_plot
from engine.language import current, decimal, tr

NUM_CONFUSIONS: Final = 30


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure: its name, its value and its 95 % interval in words, and what it means."""

    name: str
    value: str
    interval: str
    meaning: str


@dataclass(frozen=True, slots=True)
class WorstImage:
    """A wrong prediction. `jpeg` is small, and empty where the image cannot be read."""

    name: str
    given: str
    predicted: str
    confidence: float
    jpeg: bytes


@dataclass(frozen=True, slots=True)
class ReportData:
    """Everything that the page says. Class names are in the order of the confusion matrix (K, K).

    `per_class` has the dictionaries of `engine.evaluation.metrics.Metrics` (or of `SeveralMetrics`, then `confusion`
    is empty); `facts` are (heading, rows) of names and values.
    """

    title: str
    summary: str
    written_on: str
    method: str
    figures: Sequence[Figure]
    checks: Sequence[str]
    warnings: Sequence[str]
    work_saved: str
    class_names: Sequence[str]
    per_class: Sequence[dict[str, Any]]
    confusion: NDArray[np.int64]
    reliability: Sequence[ReliabilityBin]
    forecast: LearningForecast | None
    forecast_note: str
    worst: Sequence[WorstImage]
    num_wrong: int
    facts: Sequence[tuple[str, Sequence[tuple[str, str]]]]
    limits: Sequence[str]
    test: Sequence[Figure] = field(default_factory=list)


def render(data: ReportData, template: str) -> str:
    """Returns the page; `template` has the places ${title} and ${body}."""
    body = joined(
        [
            element("h1", data.title),
            element("p", data.summary, class_="big"),
            Html(f"\n{element('p', data.written_on, class_='date')}\n"),
            *_how_good(data),
            *_classes(data),
            *_plots(data),
            *_worst(data),
            *_facts(data),
        ],
        "\n",
    )
    return Template(template).substitute(language=current(), title=joined([data.title]), body=body)


def share(value: float) -> str:
    """Returns a fraction as a percentage."""
    return f"{decimal(100 * value, '.1f')} %" if np.isfinite(value) else "\N{EN DASH}"


def interval(limits: Sequence[float] | None) -> str:
    """Returns an interval of fractions in words."""
    return tr("{low:.1f} to {high:.1f} %", low=100 * limits[0], high=100 * limits[1]) if limits is not None else ""


def _how_good(data: ReportData) -> list[Html]:
    parts = [element("h2", tr("How good it is")), element("p", data.method)]
    parts.append(_figure_table(tr("Measured on images that the scored model had not seen"), data.figures))
    if data.test:
        parts.append(_figure_table(tr("On the locked test set, which no training ever sees"), data.test))
    if data.work_saved:
        parts.append(element("p", data.work_saved, class_="big"))
    parts.append(element("h2", tr("Honest check")))
    parts += [element("p", warning, class_="warn") for warning in data.warnings]
    parts += [element("p", each) for each in data.checks]
    return parts


def _figure_table(caption: str, figures: Sequence[Figure]) -> Html:
    rows = [(each.name, each.value, each.interval, each.meaning) for each in figures]
    return table(caption, (tr("Figure"), tr("Value"), tr("95 % interval"), tr("What it says")), rows)


def _classes(data: ReportData) -> list[Html]:
    has_average = any("average_precision" in each for each in data.per_class)
    names = (["average_precision"] if has_average else []) + ["precision", "recall", "f1"]
    words = {
        "average_precision": tr("Average precision"),
        "precision": tr("Precision"),
        "recall": tr("Recall"),
        "f1": "F1",
    }
    rows: list[list[Piece]] = []
    for each in data.per_class:
        cells: list[Piece] = [data.class_names[each["class"]], decimal(each["support"], ",")]
        for name in names:
            limits = each.get(f"{name}_interval")
            small = element("span", f" ({interval(limits)})", class_="dim") if limits is not None else ""
            cells.append(joined([share(each[name]), small]))
        rows.append(cells)
    head = [tr("Class"), tr("Images"), *[words[name] for name in names]]
    parts = [element("h2", tr("Class by class")), table(tr("With 95 % intervals"), head, rows, class_="numbers long")]
    if not data.confusion.size:
        return parts
    parts.append(element("h2", tr("What is taken for what")))
    if len(data.confusion) <= MOST_CLASSES_IN_MATRIX:
        parts.append(element("div", confusion_table(data.confusion, data.class_names), class_="wide"))
    confused = data.confusion.copy()
    np.fill_diagonal(confused, 0)
    places = np.argsort(-confused, axis=None, kind="stable")[:NUM_CONFUSIONS]
    pairs = [divmod(int(at), len(confused)) for at in places if confused.flat[at]]
    lines = [
        (data.class_names[given], data.class_names[said], decimal(confused[given, said], ","),
         share(confused[given, said] / max(1, data.confusion[given].sum())))
        for given, said in pairs
    ]  # fmt: skip
    if lines:
        head = [tr("Given"), tr("Predicted"), tr("Images"), tr("Of the class")]
        parts.append(table(tr("The most frequent mistakes"), head, lines, class_="long"))
    else:
        parts.append(element("p", tr("Nothing: every image was called right while it was held out.")))
    return parts


def _plots(data: ReportData) -> list[Html]:
    parts = [element("h2", tr("Does confidence mean what it says?"))]
    if data.reliability:
        parts.append(reliability_plot(data.reliability))
        parts.append(
            element(
                "p",
                tr("On the dashed line, 80 % sure means right in 80 of 100. Bars are 95 % intervals."),
                class_="dim",
            )
        )
    parts.append(element("h2", tr("What would more labels bring?")))
    if data.forecast is not None:
        parts += [element("p", data.forecast.sentence), learning_plot(data.forecast)]
    else:
        parts.append(element("p", data.forecast_note, class_="dim"))
    return parts


def _worst(data: ReportData) -> list[Html]:
    parts = [element("h2", tr("The worst mistakes"))]
    if not data.worst:
        return [*parts, element("p", tr("None of the images was called wrong while it was held out."))]
    parts.append(
        element(
            "p",
            tr(
                "The surest of {number:,} wrong predictions, each made by a model that had not seen the image.",
                number=data.num_wrong,
            ),
        )
    )
    items = []
    for each in data.worst:
        said = tr(
            "given {given}, predicted {predicted} ({confidence:.0f} % sure)",
            given=each.given,
            predicted=each.predicted,
            confidence=100 * each.confidence,
        )
        picture: Html = element("p", tr("The image cannot be read."), class_="dim")
        if each.jpeg:
            source = "data:image/jpeg;base64," + base64.b64encode(each.jpeg).decode("ascii")
            picture = element("img", src=source, alt=f"{each.name}: {said}", loading="lazy")
        words = filled(
            tr("{given} was called {predicted}, {confidence} % sure"),
            given=element("b", each.given),
            predicted=element("b", each.predicted),
            confidence=decimal(100 * each.confidence, ".0f"),
        )
        caption = element("figcaption", words, element("br"), each.name)
        items.append(element("li", element("figure", picture, caption)))
    return [*parts, element("ul", joined(items, "\n"), class_="pictures")]


def _facts(data: ReportData) -> list[Html]:
    parts = [element("h2", tr("Limits")), element("ul", *[element("li", each) for each in data.limits])]
    for heading, rows in data.facts:
        parts.append(element("h2", heading))
        cells = [(name, element("code", value)) for name, value in rows]
        parts.append(table(heading, ("", ""), cells, class_="facts long"))
    return parts
