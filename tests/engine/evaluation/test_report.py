"""The page of the report: no name becomes markup, everything is on it, and it is well formed."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from engine.evaluation.html import Html, element, filled, joined, table
from engine.evaluation.learning_curve import CurvePoint, LearningForecast
from engine.evaluation.metrics import measure
from engine.evaluation.reliability import ReliabilityBin
from engine.evaluation.report import Figure, ReportData, WorstImage, render

TEMPLATE = Path(__file__).parents[3] / "resources" / "report" / "report.html"
HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</style></title>${body}&amp;",
    "ok' onload='x",
]
VOID = {"meta", "img", "br"}


class Checker(HTMLParser):
    """Notes elements and attributes, and that every element is closed in its place."""

    def __init__(self) -> None:
        super().__init__()
        self.stack: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []

    def handle_starttag(self, tag, attrs) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.stack.append(tag)

    def handle_startendtag(self, tag, attrs) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag) -> None:
        assert self.stack
        assert self.stack.pop() == tag

    def handle_data(self, data) -> None:
        self.text.append(data)


def read(page: str) -> Checker:
    checker = Checker()
    checker.feed(page)
    checker.close()
    assert checker.stack == []
    return checker


@pytest.fixture
def data() -> ReportData:
    rng = np.random.default_rng(0)
    targets = rng.integers(0, 4, 80)
    probabilities = np.full((80, 4), 0.1, np.float32)
    probabilities[np.arange(80), np.where(rng.random(80) < 0.8, targets, rng.integers(0, 4, 80))] = 0.7
    metrics = measure(probabilities, targets)
    forecast = LearningForecast(
        run_id=1,
        points=[CurvePoint(20, 0.7, (0.6, 0.8)), CurvePoint(80, 0.8, (0.7, 0.9))],
        sizes=np.array([20.0, 80, 160]),
        curve=np.array([0.7, 0.8, 0.85]),
        band=np.array([[0.6, 0.8], [0.7, 0.9], [0.7, 0.95]]),
        num_next=20,
        next_gain=0.02,
        next_interval=(0.0, 0.04),
        classes=[],
        sentence=f"20 more of {HOSTILE[0]} should help.",
    )
    return ReportData(
        title=f"Project {HOSTILE[0]}",
        summary="Tells 4 classes apart.",
        written_on="Written on 2026-11-21 at 12:00.",
        method=f"5-fold, by folder {HOSTILE[1]}",
        figures=[Figure("Accuracy", "80.0 %", "70.1 to 88.0 %", "of 80 images")],
        checks=[f"Held out by {HOSTILE[2]}"],
        warnings=[f"Accuracy follows {HOSTILE[3]}"],
        work_saved="",
        class_names=HOSTILE,
        per_class=metrics.per_class,
        confusion=metrics.confusion,
        reliability=[ReliabilityBin(0.6, 0.7, 0.65, 0.7, (0.5, 0.8), np.arange(10))],
        forecast=forecast,
        forecast_note="",
        worst=[WorstImage(f"a/{HOSTILE[1]}.jpg", HOSTILE[0], HOSTILE[1], 0.7, b"\xff\xd8jpeg"),
               WorstImage("gone.jpg", HOSTILE[2], HOSTILE[3], 0.6, b"")],
        num_wrong=12,
        facts=[("Settings", [("Note", HOSTILE[0])])],
        limits=["Only for pictures like these."],
    )  # fmt: skip


@pytest.fixture
def page(data: ReportData) -> str:
    return render(data, TEMPLATE.read_text(encoding="utf-8"))


def test_hostile_names_are_text_and_nothing_else(page: str) -> None:
    checker = read(page)
    assert {name for name, _ in checker.elements}.isdisjoint({"script", "iframe", "object", "link", "form"})
    assert not [key for _, attributes in checker.elements for key in attributes if key.startswith("on")]
    sources = [attributes["src"] for name, attributes in checker.elements if "src" in attributes]
    assert len(sources) == 1
    assert str(sources[0]).startswith("data:image/jpeg;base64,")
    text = "".join(checker.text)
    for name in HOSTILE:
        assert name in text


def test_it_asks_for_nothing_from_outside(page: str) -> None:
    assert not re.search(r"https?://|@import|url\(", page)
    assert "default-src 'none'" in page


def test_pictures_tables_and_plots_can_be_read_aloud(page: str) -> None:
    checker = read(page)
    elements = checker.elements
    assert all(attributes.get("alt") for name, attributes in elements if name == "img")
    assert all(
        attributes.get("aria-label") and attributes.get("role") == "img"
        for name, attributes in elements
        if name == "svg"
    )
    assert all(attributes.get("scope") in ("row", "col") for name, attributes in elements if name == "th")
    tables = [name for name, _ in elements].count("table")
    assert tables == [name for name, _ in elements].count("caption") >= 4
    assert next(attributes for name, attributes in elements if name == "html").get("lang") == "en"


def test_every_part_is_there(page: str) -> None:
    for heading in ("How good it is", "Honest check", "Class by class", "What is taken for what", "worst mistakes",
                    "Does confidence mean", "What would more labels", "Limits", "Settings"):  # fmt: skip
        assert heading in page
    assert page.count("<svg") == 2
    assert "The image cannot be read." in page


def test_the_same_data_give_the_same_bytes_and_the_date_has_a_line_of_its_own(data: ReportData) -> None:
    template = TEMPLATE.read_text(encoding="utf-8")
    first, second = render(data, template), render(replace(data, written_on="Written later."), template)
    assert first == render(data, template)
    differing = [pair for pair in zip(first.splitlines(), second.splitlines(), strict=True) if pair[0] != pair[1]]
    assert differing == [('<p class="date">Written on 2026-11-21 at 12:00.</p>', '<p class="date">Written later.</p>')]


def test_many_classes_are_listed_by_their_mistakes_alone(data: ReportData) -> None:
    names = [f"class {at}" for at in range(100)]
    confusion = np.diag(np.full(100, 5))
    confusion[3, 7] = 2
    metrics = measure(np.eye(100, dtype=np.float32), np.arange(100))
    large = replace(data, class_names=names, confusion=confusion, per_class=metrics.per_class, worst=[])
    page = render(large, TEMPLATE.read_text(encoding="utf-8"))
    assert 'class="matrix"' not in page
    assert "class 7" in page
    read(page)


def test_only_markup_made_here_stays_markup() -> None:
    assert element("b", "<i>", Html("<br/>")) == "<b>&lt;i&gt;<br/></b>"
    assert element("a", title='"x"', hidden=None) == '<a title="&quot;x&quot;"></a>'
    assert joined(["<", 3]) == "&lt;3"
    assert "&lt;td&gt;" in table("t", ["a"], [["<td>"]])


def test_a_sentence_with_fields_is_text_and_so_are_the_names_in_it() -> None:
    said = filled("{given} & {predicted}", given=element("b", HOSTILE[0]), predicted="{given} <i>")
    assert said == "<b>&lt;script&gt;alert(1)&lt;/script&gt;</b> &amp; {given} &lt;i&gt;"


def test_the_page_says_which_language_it_is_in(data: ReportData, monkeypatch: pytest.MonkeyPatch) -> None:
    assert '<html lang="en">' in render(data, TEMPLATE.read_text(encoding="utf-8"))
    monkeypatch.setattr("engine.evaluation.report.current", lambda: "de")
    assert '<html lang="de">' in render(data, TEMPLATE.read_text(encoding="utf-8"))
