"""The plots of the report as SVG: reliability, learning curve, confusion. Colours come from the page's style sheet."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.evaluation.html import Html, element, joined
from engine.evaluation.learning_curve import LearningForecast
from engine.evaluation.reliability import ReliabilityBin
from engine.language import decimal, tr, trn

WIDTH, HEIGHT = 460, 320
LEFT, RIGHT, TOP, BOTTOM = 56, 16, 16, 48
MOST_CLASSES_IN_MATRIX: Final = 40
_TICKS: Final = (0.0, 0.25, 0.5, 0.75, 1.0)


def reliability_plot(bins: Sequence[ReliabilityBin]) -> Html:
    """Returns how often predictions of each confidence were right, with intervals, beside the ideal line."""
    parts = [_frame(tr("confidence"), tr("share that was right")), *_percent_ticks(0, 1)]
    parts += [_tick_below(tick, f"{100 * tick:.0f} %") for tick in _TICKS]
    parts.append(_line(_x(0, 0, 1), _y(0, 0, 1), _x(1, 0, 1), _y(1, 0, 1), "ideal"))
    for each in bins:
        x = _x(each.confidence, 0, 1)
        hint = trn(
            "{number:,} prediction about {confidence:.0f} % sure: {accuracy:.0f} % right",
            "{number:,} predictions about {confidence:.0f} % sure: {accuracy:.0f} % right",
            len(each.rows),
            confidence=100 * each.confidence,
            accuracy=100 * each.accuracy,
        )
        bar = _line(x, _y(each.interval[0], 0, 1), x, _y(each.interval[1], 0, 1), "band")
        dot = element("circle", cx=x, cy=_y(each.accuracy, 0, 1), r=4, class_="dot")
        parts.append(element("g", element("title", hint), bar, dot))
    said = "; ".join(
        tr(
            "{confidence:.0f} % sure: {accuracy:.0f} % of {number} right",
            confidence=100 * each.confidence,
            accuracy=100 * each.accuracy,
            number=len(each.rows),
        )
        for each in bins
    )
    return _svg(tr("Reliability. {points}.", points=said), parts)


def learning_plot(forecast: LearningForecast) -> Html:
    """Returns the measured accuracies over the number of labels, with the fitted curve beyond them and its band."""
    most = float(max([*forecast.sizes.tolist(), *[point.num_images for point in forecast.points], 1]))
    values = [value for point in forecast.points for value in point.interval]
    values += forecast.band.ravel().tolist()
    low = max(0.0, np.floor(10 * min([value for value in values if np.isfinite(value)], default=0.0)) / 10)
    parts = [_frame(tr("labelled images"), tr("accuracy")), *_percent_ticks(low, 1)]
    parts += [_tick_below(tick, decimal(round(most * tick), ",")) for tick in _TICKS[1:]]
    if len(forecast.sizes):
        upper = _points(forecast.sizes, forecast.band[:, 1], most, low)
        lower = _points(forecast.sizes[::-1], forecast.band[::-1, 0], most, low)
        parts.append(element("polygon", points=f"{upper} {lower}", class_="area"))
        curve = _points(forecast.sizes, forecast.curve, most, low)
        parts.append(element("polyline", points=curve, class_="curve"))
    for point in forecast.points:
        x = _x(point.num_images, 0, most)
        parts.append(_line(x, _y(point.interval[0], low, 1), x, _y(point.interval[1], low, 1), "band"))
        parts.append(element("circle", cx=x, cy=_y(point.accuracy, low, 1), r=4, class_="dot"))
    said = "; ".join(
        tr("{number} images: {accuracy:.1f} %", number=point.num_images, accuracy=100 * point.accuracy)
        for point in forecast.points
    )
    return _svg(tr("Learning curve. {points}. {forecast}", points=said, forecast=forecast.sentence), parts)


def confusion_table(confusion: NDArray[np.int64], names: Sequence[str]) -> Html:
    """Returns the confusion matrix as a table; cells are the darker the larger their share of the row."""
    head = [element("th", tr("given → predicted"), scope="col")]
    head += [element("th", element("span", name), scope="col", class_="turned") for name in names]
    rows = []
    for at, name in enumerate(names):
        total = int(confusion[at].sum())
        cells = [element("th", name, scope="row")]
        for other, count in enumerate(confusion[at].tolist()):
            share = count / total if total else 0.0
            kind = "hit" if at == other else "miss"
            style = f"--share:{share:.2f}" if count else None
            cells.append(
                element("td", count if count else "·", class_=f"cell {kind}" if count else "cell", style=style)
            )
        rows.append(element("tr", *cells))
    return element(
        "table",
        element("caption", tr("Confusion: rows are the given classes, columns what the model said of images held out")),
        element("thead", element("tr", *head)),
        element("tbody", joined(rows, "\n")),
        class_="matrix",
    )


def _svg(label: str, parts: Sequence[Html]) -> Html:
    return element(
        "svg", element("title", label), *parts, viewBox=f"0 0 {WIDTH} {HEIGHT}", role="img", aria_label=label
    )


def _frame(x_name: str, y_name: str) -> Html:
    middle_x, middle_y = (LEFT + WIDTH - RIGHT) / 2, (TOP + HEIGHT - BOTTOM) / 2
    return joined(
        [
            _line(LEFT, HEIGHT - BOTTOM, WIDTH - RIGHT, HEIGHT - BOTTOM, "axis"),
            _line(LEFT, TOP, LEFT, HEIGHT - BOTTOM, "axis"),
            element("text", x_name, x=middle_x, y=HEIGHT - 10, class_="name mid"),
            element("text", y_name, x=14, y=middle_y, class_="name mid", transform=f"rotate(-90 14 {middle_y:g})"),
        ]
    )


def _percent_ticks(low: float, high: float) -> list[Html]:
    parts = []
    for share in _TICKS:
        value = low + (high - low) * share
        y = _y(value, low, high)
        parts.append(_line(LEFT, y, WIDTH - RIGHT, y, "grid"))
        parts.append(element("text", f"{100 * value:.0f} %", x=LEFT - 6, y=y + 4, class_="tick end"))
    return parts


def _tick_below(place: float, text: str) -> Html:
    return element("text", text, x=_x(place, 0, 1), y=HEIGHT - BOTTOM + 18, class_="tick mid")


def _line(x1: float, y1: float, x2: float, y2: float, kind: str) -> Html:
    return element("line", x1=f"{x1:g}", y1=f"{y1:g}", x2=f"{x2:g}", y2=f"{y2:g}", class_=kind)


def _points(sizes: NDArray[np.float64], values: NDArray[np.float64], most: float, low: float) -> str:
    pairs = zip(sizes.tolist(), np.clip(values, low, 1).tolist(), strict=True)
    return " ".join(f"{_x(size, 0, most):g},{_y(value, low, 1):g}" for size, value in pairs)


def _x(value: float, low: float, high: float) -> float:
    return round(LEFT + (WIDTH - LEFT - RIGHT) * (value - low) / ((high - low) or 1), 1)


def _y(value: float, low: float, high: float) -> float:
    return round(HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * (value - low) / ((high - low) or 1), 1)
