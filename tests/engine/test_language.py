"""Languages: texts by catalogue, numbers by their separators, and a table keeps the language it was made in."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine import language
from engine.language import count, decimal, tr, trc, trn

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "build"))

from babel.messages.catalog import Catalog
from translations import mo_bytes, texts_in


@pytest.fixture
def german(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A small catalogue of our own in place of the program's, and English again afterwards."""
    catalogue = Catalog(locale="de")
    catalogue.add("Add images", "Bilder hinzufügen")
    catalogue.add("{done:,} of {total:,} images, {share:.1f} %", "{share:.1f} %: {done:,} von {total:,} Bildern")
    catalogue.add("{name} has no images", "In {name} sind keine Bilder")
    catalogue.add(("image", "images"), ("Bild", "Bilder"))
    catalogue.add(("{number:,} image is left", "{number:,} images are left"), ("ein Bild", "noch {number:,} Bilder"))
    catalogue.add("Open", "Öffnen", context="verb")
    catalogue.add("Open", "Offen")
    (tmp_path / "de.mo").write_bytes(mo_bytes(catalogue))
    monkeypatch.setattr(language, "FOLDER", tmp_path)
    language.use("de")
    yield
    language.use("en")


@pytest.mark.usefixtures("german")
def test_texts_come_from_the_catalogue_with_their_values_in_its_order() -> None:
    assert tr("Add images") == "Bilder hinzufügen"
    assert tr("{done:,} of {total:,} images, {share:.1f} %", done=1000, total=2500, share=40.0) == (
        "40,0 %: 1.000 von 2.500 Bildern"
    )


@pytest.mark.usefixtures("german")
def test_a_text_without_a_translation_stays_english_and_its_numbers_do_not() -> None:
    assert tr("{number:,} more", number=12345) == "12.345 more"


@pytest.mark.usefixtures("german")
def test_names_that_go_into_a_text_are_not_touched() -> None:
    assert tr("{name} has no images", name="a,b.c {x}") == "In a,b.c {x} sind keine Bilder"


@pytest.mark.usefixtures("german")
def test_plural_and_context_choose_the_text() -> None:
    assert [count(number, "image") for number in (0, 1, 2000)] == ["0 Bilder", "1 Bild", "2.000 Bilder"]
    assert trn("{number:,} image is left", "{number:,} images are left", 1) == "ein Bild"
    assert trn("{number:,} image is left", "{number:,} images are left", 1200) == "noch 1.200 Bilder"
    assert (trc("verb", "Open"), tr("Open")) == ("Öffnen", "Offen")


@pytest.mark.usefixtures("german")
def test_processes_that_are_started_speak_the_same_language() -> None:
    assert os.environ[language.VARIABLE] == "de"
    said = subprocess.run(
        [sys.executable, "-c", "from engine import language; print(language.current())"],
        capture_output=True, text=True, check=True, cwd=Path(__file__).resolve().parents[2],
    ).stdout  # fmt: skip
    assert said.strip() == "de"


def test_english_is_what_stands_in_the_code() -> None:
    assert language.current() == "en"
    assert tr("{done:,} of {total:,}", done=1000, total=2500) == "1,000 of 2,500"
    assert decimal(0.5, ".2f") == "0.50"
    assert trn("{number:,} image is left", "{number:,} images are left", 1) == "1 image is left"


@pytest.mark.parametrize("name", ["fr", "", "../de", "DE"])
def test_a_language_that_is_not_spoken_is_english(name: str) -> None:
    language.use(name)
    assert language.current() == "en"


SOURCE = """
from engine.language import count, tr, trc, trn
from gui import wording
tr("one " "two", name=3)
trc("verb", "Open")
trn("{number} image", "{number} images", 3)
count(3, "class", "classes")
wording.count(3, "image")
"ab".count("b")
"""


def test_marked_texts_are_collected_with_plural_and_context() -> None:
    assert [(each.text, each.plural, each.context) for each in texts_in(SOURCE, "file.py")] == [
        ("one two", "", ""),
        ("Open", "", "verb"),
        ("{number} image", "{number} images", ""),
        ("class", "classes", ""),
        ("image", "images", ""),
    ]


@pytest.mark.parametrize("call", ["tr(text)", 'tr(f"{a} images")', 'tr("a" + b)', 'trn("image", plural, 3)'])
def test_what_cannot_be_collected_is_refused_with_its_place(call: str) -> None:
    with pytest.raises(ValueError, match=r"file\.py:2: what is translated must be a literal"):
        list(texts_in(f"from engine.language import tr, trn\n{call}\n", "file.py"))
