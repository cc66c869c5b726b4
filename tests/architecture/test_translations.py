"""Every text of the window is marked for translation, and the catalogues hold exactly those texts, all translated."""

from __future__ import annotations

import ast
import re
import string
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message

from engine import language

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "build"))

from translations import FOLDER, LANGUAGES, marking_names, mo_bytes, po_bytes, strings, template_of, updated

ROOT = Path(__file__).resolve().parents[2]

WORDS = re.compile(r"[A-Za-z]{2,}[,.:;]? +[A-Za-z]{2,}")
STATEMENT = re.compile(r"\s*(SELECT|INSERT|UPDATE|DELETE|CREATE|PRAGMA|WITH|FROM|WHERE|AND|ORDER)\b")
FOR_PROGRAMMERS = {"ValueError", "TypeError", "RuntimeError", "AssertionError", "KeyError", "NotImplementedError"}
SHOWN_BY = {
    "QLabel", "QPushButton", "QCheckBox", "QToolButton", "QAction", "setText", "setToolTip", "setAccessibleName",
    "setPlaceholderText", "setWindowTitle", "setAccessibleDescription", "addItem", "addMenu", "text_label", "button",
    "show_notice",
}  # fmt: skip
"""Calls whose first argument the user reads, even a single word."""
NOT_OF_THE_WINDOW = (
    "engine/commands/",  # the command line is English
    "engine/tasks/evaluate.py",  # only the command line asks for it
    "engine/server/",  # answers to programs are English
    "engine/nn/fx_export.py",  # what a network has that no graph can hold, for programmers
    "engine/nn/symmetric_eigen.py",
)
KNOWN = {
    "Graft", "{} – Graft", "Theme", "first paint {} ms\n", "use details", "not saved", "Bild ab", "Bild auf",
    "Press shortcut", "Taste drücken",
    "Looks at",
    "curl -H 'Authorization: Bearer {}' -H 'Content-Type: image/jpeg' --data-binary @picture.jpg {}/predict",
}  # fmt: skip
"""Names, ids and what a program reads."""


def files_of(package: str) -> list[Path]:
    """Returns the modules of a package that have texts for the window."""
    return [file for file in sorted((ROOT / package).rglob("*.py")) if not name_of(file).startswith(NOT_OF_THE_WINDOW)]


def name_of(file: Path) -> str:
    return file.relative_to(ROOT).as_posix()


def messages(catalogue: Catalog) -> list[Message]:
    return [message for message in catalogue if message.id]


def originals(message: Message) -> list[str]:
    return list(message.id) if isinstance(message.id, (tuple, list)) else [str(message.id)]


def fields(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.fixture(scope="module")
def template() -> Catalog:
    return template_of(ROOT)


def catalogue_of(name: str, template: Catalog) -> Catalog:
    return updated(FOLDER / f"{name}.po", name, template)


def test_the_languages_that_are_offered_are_those_with_a_catalogue() -> None:
    assert set(language.LANGUAGES) - {language.ENGLISH} == set(LANGUAGES) == {file.stem for file in FOLDER.glob("*.po")}


@pytest.mark.parametrize("name", LANGUAGES)
def test_every_text_is_translated_and_none_is_left_over(name: str, template: Catalog) -> None:
    catalogue = catalogue_of(name, template)
    lacking = [originals(each)[0] for each in messages(catalogue) if each.fuzzy or not all(strings(each))]
    assert lacking == []
    assert po_bytes(catalogue) == (FOLDER / f"{name}.po").read_bytes(), "run build/translations.py"


@pytest.mark.parametrize("name", LANGUAGES)
def test_a_translation_has_the_values_of_its_text(name: str, template: Catalog) -> None:
    wrong = []
    for message in messages(catalogue_of(name, template)):
        texts = originals(message)
        known = set().union(*map(fields, texts)) | ({"number"} if len(texts) > 1 else set())
        for at, translated in enumerate(strings(message)):
            is_singular = len(texts) > 1 and at == 0  # "one image" needs no number
            named = fields(translated) if "{" in "".join(texts) else set()
            if not named <= known or (not is_singular and not fields(texts[-1]) <= named and "{" in texts[-1]):
                wrong.append((texts[0], translated))
    assert wrong == []


@pytest.mark.parametrize("name", LANGUAGES)
def test_the_compiled_catalogue_is_that_of_the_texts(name: str, template: Catalog) -> None:
    assert (FOLDER / f"{name}.mo").read_bytes() == mo_bytes(catalogue_of(name, template))


@pytest.mark.parametrize(
    "file", sorted((ROOT / "gui").rglob("*.py")), ids=lambda file: file.relative_to(ROOT).as_posix()
)
def test_no_text_of_the_window_is_left_unmarked(file: Path) -> None:
    assert [(line, text) for line, text in unmarked(file.read_text(encoding="utf-8")) if not is_known(text)] == []


@pytest.mark.parametrize("file", files_of("engine"), ids=name_of)
def test_no_error_of_the_engine_is_left_unmarked(file: Path) -> None:
    found = unmarked(file.read_text(encoding="utf-8"), only_errors=True)
    assert [(line, text) for line, text in found if not is_known(text)] == []


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ('x = "two words"', ["two words"]),
        ('x = f"{n} two words"', ["{} two words"]),
        ('label.setText("Word")', ["Word"]),
        ('from engine.language import tr\nlabel.setText(tr("Word"))', []),
        ('log.info("two words")', []),
        ('raise ValueError("two words")', []),
        ('"""Two words."""', []),
        ('db.execute("SELECT two words")', []),
    ],
)
def test_what_is_unmarked_is_found(source: str, expected: list[str]) -> None:
    assert [text for _, text in unmarked(source)] == expected


# ------------------------------------------------------------------------------------------------------- unmarked texts


def is_known(text: str) -> bool:
    """Returns whether a text is none that anybody reads in a language: style sheets, names of fonts and products."""
    return bool(re.search(r"[{};]\s*$|:\s*[#\d]|^Q[A-Z]\w+|^[\w-]+: [\w-]+$", text)) or text in KNOWN


def unmarked(source: str, *, only_errors: bool = False) -> Iterator[tuple[int, str]]:
    """Yields line and text of what a user might read and no function of `engine.language` gets."""
    tree = ast.parse(source)
    names = marking_names(tree) | ({"count"} if "wording" in source else set())
    parents = {child: parent for parent in ast.walk(tree) for child in ast.iter_child_nodes(parent)}
    for node in ast.walk(tree):
        if not isinstance(node, (ast.Constant, ast.JoinedStr)) or isinstance(
            parents.get(node), (ast.Expr, ast.JoinedStr)
        ):
            continue
        text = text_of(node)
        calls = list(calls_around(node, parents))
        parent = parents.get(node)
        is_first = isinstance(parent, ast.Call) and parent.args[:1] == [node]
        is_shown = is_first and calls[0] in SHOWN_BY and re.search("[A-Z][a-z]", text)
        if not (WORDS.search(text) or is_shown) or STATEMENT.match(text) or "log" in calls:
            continue
        if set(calls) & (names | FOR_PROGRAMMERS) or is_in_code_for_programmers(node, parents):
            continue
        if only_errors and not any(call.endswith("Error") or call == "progress" for call in calls):
            continue
        yield node.lineno, text


def text_of(node: ast.Constant | ast.JoinedStr) -> str:
    """Returns the text with {} for its values; "" for what is no text."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else ""
    return "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)


def calls_around(node: ast.AST, parents: dict[ast.AST, ast.AST]) -> Iterator[str]:
    """Yields the names of the calls that the node is an argument of, the closest first; "log" for all of a logger's."""
    child, parent = node, parents.get(node)
    while parent is not None and not isinstance(parent, (ast.FunctionDef, ast.ClassDef)):
        if isinstance(parent, ast.Call) and child is not parent.func:
            function = parent.func
            if isinstance(function, ast.Attribute):
                is_log = isinstance(function.value, ast.Name) and function.value.id == "log"
                yield "log" if is_log else function.attr
            elif isinstance(function, ast.Name):
                yield function.id
        child, parent = parent, parents.get(parent)


def is_in_code_for_programmers(node: ast.AST, parents: dict[ast.AST, ast.AST]) -> bool:
    """Returns whether it stands in an assertion or an annotation, or is the id of an enumeration's member."""
    child, parent = node, parents.get(node)
    owner = parents[parent] if isinstance(parent, ast.Assign) else None
    if isinstance(owner, ast.ClassDef) and "Enum" in {base.id for base in owner.bases if isinstance(base, ast.Name)}:
        return True
    while parent is not None:
        if isinstance(parent, ast.Assert) or (
            isinstance(parent, (ast.AnnAssign, ast.arg)) and child is parent.annotation
        ):
            return True
        child, parent = parent, parents.get(parent)
    return False
