#!/usr/bin/env python3
"""Collects the texts that are marked in the code into the catalogue of each language, and compiles the catalogues.

usage: .venv/bin/python build/translations.py

A text that is new stands in `resources/languages/de.po` with an empty translation afterwards: fill it in (by hand or
with Poedit) and run this again. One that changed is marked "fuzzy" with the old translation; one that went is removed.
"""

from __future__ import annotations

import ast
import io
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from environment import ROOT

LANGUAGES = ("de",)
FOLDER = ROOT / "resources" / "languages"
ALWAYS = datetime(2026, 1, 1, tzinfo=UTC)
"""The same texts are the same file, whenever it is written."""
FUNCTIONS = ("tr", "trc", "trn", "count")


class MarkedText(NamedTuple):
    """One text to translate; `plural` and `context` are "" where it has none."""

    text: str
    plural: str
    context: str
    file: str
    line: int


def main() -> int:
    """Renews all catalogues and says how much each lacks; returns 1 when one lacks something."""
    template = template_of(ROOT)
    num_lacking = 0
    for language in LANGUAGES:
        catalogue = updated(FOLDER / f"{language}.po", language, template)
        (FOLDER / f"{language}.po").write_bytes(po_bytes(catalogue))
        (FOLDER / f"{language}.mo").write_bytes(mo_bytes(catalogue))
        lacking = [message for message in catalogue if message.id and (message.fuzzy or not all(strings(message)))]
        print(f"{language}: {len(catalogue):,} texts, {len(lacking):,} without a translation")
        num_lacking += len(lacking)
    return 1 if num_lacking else 0


def updated(file: Path, language: str, template: Catalog) -> Catalog:
    """Returns the catalogue in a file with the texts of the template: no more, no fewer."""
    catalogue = read_po(io.BytesIO(file.read_bytes()), locale=language) if file.is_file() else Catalog(locale=language)
    catalogue.update(template, update_header_comment=False)
    catalogue.obsolete.clear()
    catalogue.project, catalogue.version = template.project, template.version
    catalogue.creation_date = catalogue.revision_date = ALWAYS
    return catalogue


def template_of(root: Path) -> Catalog:
    """Returns all marked texts of the program as a catalogue without translations."""
    template = Catalog(project="Graft", version="1", charset="utf-8")
    for each in marked_texts(root):
        text = (each.text, each.plural) if each.plural else each.text
        template.add(text, locations=[(each.file, 0)], context=each.context or None)
    return template


def marked_texts(root: Path) -> Iterator[MarkedText]:
    """Yields what is given to the functions of `engine.language`.

    Raises:
        ValueError: it is no literal, so nobody could translate it; the text names the place.
    """
    for file in sorted([*root.glob("engine/**/*.py"), *root.glob("gui/**/*.py")]):
        name = file.relative_to(root).as_posix()
        if name != "engine/language.py":
            yield from texts_in(file.read_text(encoding="utf-8"), name)


def texts_in(source: str, name: str) -> Iterator[MarkedText]:
    """Yields the marked texts of one file, in its order."""
    tree = ast.parse(source)
    names = marking_names(tree)
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and is_marking(node, names)]
    for call in sorted(calls, key=lambda call: (call.lineno, call.col_offset)):
        function = function_name(call)
        first = 1 if function == "count" else 0
        num_texts = {"tr": 1, "trc": 2, "trn": 2}.get(function, len(call.args) - first)
        texts = [literal(argument, name) for argument in call.args[first : first + num_texts]]
        if function == "tr":
            yield MarkedText(texts[0], "", "", name, call.lineno)
        elif function == "trc":
            yield MarkedText(texts[1], "", texts[0], name, call.lineno)
        else:
            plural = texts[1] if len(texts) > 1 else f"{texts[0]}s"
            yield MarkedText(texts[0], plural, "", name, call.lineno)


def marking_names(tree: ast.Module) -> set[str]:
    """Returns which of the functions of `engine.language` a file has imported."""
    imports = (node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module == "engine.language")
    return {alias.name for node in imports for alias in node.names} & set(FUNCTIONS)


def is_marking(call: ast.Call, names: set[str]) -> bool:
    """Returns whether a call marks a text: tr(...), wording.count(...)."""
    function = call.func
    if isinstance(function, ast.Attribute):
        return function.attr == "count" and isinstance(function.value, ast.Name) and function.value.id == "wording"
    return isinstance(function, ast.Name) and function.id in names


def function_name(call: ast.Call) -> str:
    """Returns "tr", "trc", "trn" or "count" for a call that marks a text."""
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def literal(node: ast.expr, name: str) -> str:
    """Returns the string that stands there."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    raise ValueError(f"{name}:{node.lineno}: what is translated must be a literal, this is {ast.unparse(node)}")


def strings(message: object) -> list[str]:
    """Returns a message's translations: one, or one for each plural form."""
    string = getattr(message, "string", "")
    return list(string) if isinstance(string, (tuple, list)) else [string]


def po_bytes(catalogue: Catalog) -> bytes:
    """Returns a catalogue as its file for people, without what changes by itself (dates, line numbers)."""
    target = io.BytesIO()
    write_po(target, catalogue, width=120, include_lineno=False, omit_header=False, sort_by_file=True)
    lines = target.getvalue().decode().splitlines(keepends=True)
    return "".join(line for line in lines if not line.startswith(('"POT-Creation', '"PO-Revision'))).encode()


def mo_bytes(catalogue: Catalog) -> bytes:
    """Returns a catalogue as the program reads it; what is not translated is left out, so English shows there."""
    target = io.BytesIO()
    write_mo(target, catalogue)
    return target.getvalue()


if __name__ == "__main__":
    sys.exit(main())
