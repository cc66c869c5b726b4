"""How numbers become words in the window. One place, so that they read alike everywhere."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from engine.language import count as count
from engine.language import decimal, tr, trc

if TYPE_CHECKING:
    from engine.backbones import SpeedClass
    from engine.domain import Run
    from engine.evaluation.representation import Unlike


_SPEEDS = {"fast": tr("fast"), "medium": trc("speed", "medium"), "slow": tr("slow")}


def classes(number: int) -> str:
    return count(number, "class", "classes")


def percent(fraction: float, digits: int = 1) -> str:
    """Returns e.g. "96.1 %"."""
    return f"{decimal(100.0 * fraction, f'.{digits}f')} %"


def interval(bounds: tuple[float, float]) -> str:
    """Returns e.g. "(93.8–97.6)"."""
    return f"({decimal(100.0 * bounds[0], '.1f')}–{decimal(100.0 * bounds[1], '.1f')})"


def run_title(run: Run) -> str:
    """Returns e.g. "Version 3 · 96.1 %"; where images may have several classes "Version 3 · average precision 88 %"."""
    average = run.validation.mean_average_precision
    if average is None:
        if _unlike_of(run) is not None:
            return tr(
                "Version {id}  ·  {accuracy} of those labelled", id=run.id, accuracy=percent(run.validation.accuracy, 0)
            )
        return tr("Version {id}  ·  {accuracy}", id=run.id, accuracy=percent(run.validation.accuracy))
    return tr("Version {id}  ·  average precision {average}", id=run.id, average=percent(average))


def run_interval(run: Run) -> str:
    """Returns the interval of the figure in `run_title`, e.g. "(93.8–97.6)"."""
    if _unlike_of(run) is not None:
        return ""
    return interval(run.validation.mean_average_precision_interval or run.validation.accuracy_interval)


def run_meaning(run: Run) -> str:
    """Returns what the figure in `run_title` is, in a sentence or two."""
    unlike = _unlike_of(run)
    if unlike is not None:
        return tr(
            "Share of labelled images that the model got right when it had not seen them. {unlike}",
            unlike=unlike.words().removesuffix("."),
        )
    if run.validation.mean_average_precision is None:
        return tr(
            "Share of images that the model got right when it had not seen them in training, with its 95 % interval"
        )
    return tr(
        "How well the model puts images that have a class before those without it, as the mean over the classes, with "
        "its 95 % interval. Measured on confirmed images that it had not seen in training"
    )


def speed(kind: SpeedClass) -> str:
    """Returns "fast", "medium" or "slow"."""
    return _SPEEDS[kind.value]


def duration(seconds: float) -> str:
    """Returns e.g. "0.4 s", "12 s", "3 min", "1 h 20 min"."""
    if seconds < 9.95:
        return tr("{seconds:.1f} s", seconds=seconds)
    if seconds < 90:
        return tr("{seconds:.0f} s", seconds=seconds)
    minutes = round(seconds / 60)
    if minutes < 60:
        return tr("{minutes} min", minutes=minutes)
    return tr("{hours} h {minutes} min", hours=minutes // 60, minutes=minutes % 60)


def time_left(seconds: float) -> str:
    """Returns e.g. "8 s left"."""
    seconds = max(1.0, round(seconds))
    text = tr("{seconds:.0f} s", seconds=seconds) if seconds < 9.95 else duration(seconds)
    return tr("{duration} left", duration=text)


def size(num_bytes: int) -> str:
    """Returns e.g. "14 MB"."""
    if num_bytes < 1000:
        return tr("{number} bytes", number=num_bytes)
    value = num_bytes / 1000.0
    for unit in ("kB", "MB"):
        if value < 1000.0:
            return f"{decimal(value, '.0f' if value >= 10 else '.1f')} {unit}"
        value /= 1000.0
    return f"{decimal(value, '.1f')} GB"


def moment(posix_s: float, now: float | None = None) -> str:
    """Returns e.g. "just now", "5 min ago", "yesterday", "2026-03-14"."""
    passed = (time.time() if now is None else now) - posix_s
    if passed < 60:
        return tr("just now")
    if passed < 3600:
        return tr("{minutes} min ago", minutes=int(passed // 60))
    if passed < 24 * 3600:
        return tr("{hours} h ago", hours=int(passed // 3600))
    if passed < 48 * 3600:
        return tr("yesterday")
    return time.strftime(tr("%Y-%m-%d"), time.localtime(posix_s))


def day_and_time(posix_s: float) -> str:
    """Returns e.g. "2026-03-14 15:09", in local time."""
    return time.strftime(tr("%Y-%m-%d %H:%M"), time.localtime(posix_s))


def _unlike_of(run: Run) -> Unlike | None:
    """Not imported at the top: numpy comes with it, and the first paint goes without."""
    from engine.evaluation.representation import unlike_of

    return unlike_of(run.settings)
