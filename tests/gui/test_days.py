"""Days as the user writes and reads them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QLocale

from gui.days import day_text, moved, read_day, span_text

LOCALES = {
    ("en", "en_GB"): "03/12/2024",
    ("en", "en_US"): "12/3/2024",
    ("en", "de_DE"): "2024-12-03",
    ("en", "C"): "2024-12-03",
    ("de", "de_AT"): "03.12.2024",
    ("de", "en_GB"): "03.12.2024",
    ("C", "C"): "2024-12-03",
}
"""What a day looks like by the language of the window and the system's locale."""


@pytest.fixture(params=LOCALES)
def locales(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, str]]:
    language, system = request.param
    before = QLocale()
    QLocale.setDefault(QLocale(language))
    monkeypatch.setattr("gui.days.system_locale", lambda: QLocale(system))
    yield language, system
    QLocale.setDefault(before)


def test_a_day_is_written_as_the_locale_does_and_read_again(locales: tuple[str, str]) -> None:
    day = date(2024, 12, 3)
    assert day_text(day) == LOCALES[locales]
    for is_last in (True, False):
        assert read_day(day_text(day), is_last) == day
        assert read_day("2024-12-03", is_last) == day


def test_months_and_years_stand_for_their_first_or_last_day(locales: tuple[str, str]) -> None:
    assert (read_day("2024", False), read_day("2024", True)) == (date(2024, 1, 1), date(2024, 12, 31))
    for text in ("2/2024", "02.2024", "2024-02"):
        assert (read_day(text, False), read_day(text, True)) == (date(2024, 2, 1), date(2024, 2, 29))


@pytest.mark.parametrize(
    "text",
    ["", "today", "31", "2/31", "31.2.2024", "0.1.2024", "2024-13", "0000", "1.2.3.2024", "12/9999x", "5 May 2024"],
)
def test_what_is_no_day_is_none(text: str) -> None:
    assert read_day(text, True) is None


@given(st.text(alphabet="0123456789./- ", max_size=12), st.booleans())
def test_no_text_breaks_the_reading(text: str, is_last: bool) -> None:
    day = read_day(text, is_last)
    assert day is None or read_day(day.isoformat(), is_last) == day


@given(st.dates(), st.integers(-40, 40), st.integers(-14, 14))
def test_steps_stay_in_the_calendar(day: date, num_days: int, num_months: int) -> None:
    assert moved(moved(day, 0, num_months), num_days) == moved(day, num_days, num_months) or abs(day.year - 5000) > 4990
    assert moved(day) == day


def test_a_step_of_a_month_ends_on_its_last_day_at_the_latest() -> None:
    assert moved(date(2024, 1, 31), num_months=1) == date(2024, 2, 29)
    assert moved(date(2024, 1, 1), num_months=-1) == date(2023, 12, 1)
    assert moved(date.max, num_days=1) == date.max


def test_spans_are_named_with_open_ends_and_a_day_alone_once(locales: tuple[str, str]) -> None:
    first, last = date(2024, 5, 17), date(2024, 6, 1)
    assert span_text(first, last) == f"{day_text(first)} – {day_text(last)}"
    assert span_text(first, first) == day_text(first)
    assert span_text(first, None) == f"From {day_text(first)}"
    assert span_text(None, last) == f"Until {day_text(last)}"
