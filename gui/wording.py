"""How numbers become words in the window. One place, so that they read alike everywhere."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.domain import Run


def count(number: int, singular: str, plural: str = "") -> str:
    """Returns e.g. "1 image", "2,000 images"."""
    return f"{number:,} {singular if number == 1 else plural or singular + 's'}"


def classes(number: int) -> str:
    return count(number, "class", "classes")


def percent(fraction: float, digits: int = 1) -> str:
    """Returns e.g. "96.1 %"."""
    return f"{100.0 * fraction:.{digits}f} %"


def interval(bounds: tuple[float, float]) -> str:
    """Returns e.g. "(93.8–97.6)"."""
    return f"({100.0 * bounds[0]:.1f}–{100.0 * bounds[1]:.1f})"


def run_title(run: Run) -> str:
    """Returns e.g. "Model 3 · 96.1 %"; where images may have several classes "Model 3 · average precision 87.6 %"."""
    average = run.validation.mean_average_precision
    figure = percent(run.validation.accuracy) if average is None else f"average precision {percent(average)}"
    return f"Model {run.id}  ·  {figure}"


def run_interval(run: Run) -> str:
    """Returns the interval of the figure in `run_title`, e.g. "(93.8–97.6)"."""
    return interval(run.validation.mean_average_precision_interval or run.validation.accuracy_interval)


def run_meaning(run: Run) -> str:
    """Returns what the figure in `run_title` is, in a sentence or two."""
    if run.validation.mean_average_precision is None:
        return "Share of images that the model got right when it had not seen them in training, with its 95 % interval"
    return (
        "How well the model puts images that have a class before those without it, as the mean over the classes, with "
        "its 95 % interval. Measured on confirmed images that it had not seen in training"
    )


def duration(seconds: float) -> str:
    """Returns e.g. "0.4 s", "12 s", "3 min", "1 h 20 min"."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def time_left(seconds: float) -> str:
    """Returns e.g. "8 s left"."""
    return f"{duration(max(1.0, round(seconds)))} left".replace(".0 s", " s")


def size(num_bytes: int) -> str:
    """Returns e.g. "14 MB"."""
    value = float(num_bytes)
    for unit in ("bytes", "kB", "MB"):
        if value < 1000.0:
            return f"{value:.0f} {unit}" if value >= 10 or unit == "bytes" else f"{value:.1f} {unit}"
        value /= 1000.0
    return f"{value:.1f} GB"


def moment(posix_s: float, now: float | None = None) -> str:
    """Returns e.g. "just now", "5 min ago", "yesterday", "2026-03-14"."""
    passed = (time.time() if now is None else now) - posix_s
    if passed < 60:
        return "just now"
    if passed < 3600:
        return f"{int(passed // 60)} min ago"
    if passed < 24 * 3600:
        return f"{int(passed // 3600)} h ago"
    if passed < 48 * 3600:
        return "yesterday"
    return time.strftime("%Y-%m-%d", time.localtime(posix_s))
