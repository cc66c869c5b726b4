"""Days as the user writes and reads them: in the order and with the signs of the system, or else of the language."""

from __future__ import annotations

import re
from datetime import date, timedelta

from PySide6.QtCore import QDate, QLocale

from engine.language import tr

CENTURY = 2000
ISO_FORMAT = "yyyy-MM-dd"


def system_locale() -> QLocale:
    """Returns the locale of the desktop, whatever language the window has."""
    return QLocale.system()


def day_format() -> str:
    """Returns how Qt is to write a day: the locale's short form, with all four digits of the year."""
    system, own = system_locale(), QLocale()
    if own.language() == QLocale.Language.C:
        return ISO_FORMAT
    if system.language() == own.language():
        own = system  # English as it is written where the user is
    elif own.language() == QLocale.Language.English:
        return ISO_FORMAT  # Qt would take the American order, which most users of an English window would misread
    return re.sub("y+", "yyyy", own.dateFormat(QLocale.FormatType.ShortFormat))


def day_text(day: date) -> str:
    """Returns e.g. "17/05/2024", "17.05.2024" or "5/17/2024"."""
    return QLocale().toString(QDate(day.year, day.month, day.day), day_format())


def span_text(first: date | None, last: date | None) -> str:
    """Returns e.g. "01/05/2024 – 17/05/2024", or with an open end "From 01/05/2024"; one of them is there."""
    if first is None or last is None:
        if first is not None:
            return tr("From {day}", day=day_text(first))
        return tr("Until {day}", day=day_text(last)) if last is not None else ""
    return day_text(first) if first == last else f"{day_text(first)} – {day_text(last)}"


def read_day(text: str, is_last: bool) -> date | None:
    """Returns the day that a text means, or None: "17/05/2024", "17.5.24", "2024-05-17", also "5/2024" and "2024".

    Args:
        is_last: whether a month or a year stands for its last day rather than its first.
    """
    numbers = re.findall(r"\d+", text)
    if not 1 <= len(numbers) <= 3 or re.search(r"[^\d./\-\s]", text):
        return None
    if len(numbers) == 3:
        order = "yMd" if len(numbers[0]) == 4 else _order()
        day, month, year = (numbers[order.index(part)] for part in "dMy")
    else:
        year = max(numbers, key=len)
        if len(year) != 4:
            return None
        rest = [number for number in numbers if number is not year]
        day, month = "", rest[0] if rest else ""
    number = int(year) + (CENTURY if len(year) == 2 else 0)
    try:
        if day:
            return date(number, int(month), int(day))
        first = date(number, int(month or 1), 1)
        return _last_of(first, has_month=bool(month)) if is_last else first
    except (ValueError, OverflowError):
        return None


def moved(day: date, num_days: int = 0, num_months: int = 0) -> date:
    """Returns the day so many days and months later; the 31st becomes the last day of a shorter month."""
    years, month = divmod(12 * day.year + day.month - 1 + num_months, 12)
    try:
        first = date(years, month + 1, 1)
        return min(first + timedelta(day.day - 1), _last_of(first, has_month=True)) + timedelta(num_days)
    except (ValueError, OverflowError):  # before the first or after the last year that there is
        return day


def _order() -> str:
    """Returns "dMy", "Mdy" or "yMd"."""
    return "".join(dict.fromkeys(letter for letter in day_format() if letter in "dMy"))


def _last_of(first: date, has_month: bool) -> date:
    """Returns the last day of the month, or of the year."""
    following = (first + timedelta(31)).replace(day=1) if has_month else date(first.year + 1, 1, 1)
    return following - timedelta(1)
