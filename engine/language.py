"""The language of the texts that a user reads: GNU gettext catalogues, chosen once for a process and its children.

A text is marked where it stands, also in tables at module level: `tr("Add images")`. English is what stands there;
`resources/languages/de.mo` has the German. `build/translations.py` collects the marked texts, so what is given to the
four functions must be a literal: values go in by name, never by an f-string.
"""

from __future__ import annotations

import gettext
import numbers
import os
import string
from pathlib import Path
from typing import Any, Final

VARIABLE: Final = "GRAFT_LANGUAGE"
"""Names the language to a process of ours; the window sets it for those that it starts. Without it, English."""
ENGLISH: Final = "en"
LANGUAGES: Final = {ENGLISH: "English", "de": "Deutsch"}
FOLDER: Final = Path(__file__).resolve().parent.parent / "resources" / "languages"
_SEPARATORS: Final = str.maketrans(",.", ".,")


class _Formatter(string.Formatter):
    """As `str.format`, with the separators of numbers turned round: "1.234,5"."""

    def format_field(self, value: Any, format_spec: str) -> str:
        text: str = format(value, format_spec)
        return text.translate(_SEPARATORS) if format_spec and isinstance(value, numbers.Number) else text


_formatter: _Formatter | None = None
_catalogue = gettext.NullTranslations()
_current = ENGLISH


def use(language: str) -> None:
    """Takes a language, one of LANGUAGES, for this process and those that it starts; what is unknown means English.

    Before the modules with texts are imported: a table keeps the language that it was made in.
    """
    global _catalogue, _current, _formatter
    file = FOLDER / f"{language}.mo"
    if language in LANGUAGES and language != ENGLISH and file.is_file():
        with file.open("rb") as stream:
            _catalogue = gettext.GNUTranslations(stream)
        _current, _formatter = language, _Formatter()
    else:
        _catalogue, _current, _formatter = gettext.NullTranslations(), ENGLISH, None
    os.environ[VARIABLE] = _current


def current() -> str:
    """Returns the language in use, one of LANGUAGES."""
    return _current


def tr(text: str, /, **values: object) -> str:
    """Returns a text in the user's language, with the values in its fields: tr("{count:,} images", count=3)."""
    return _filled(_catalogue.gettext(text), values)


def trc(context: str, text: str, /, **values: object) -> str:
    """As `tr`, for a word that means different things in different places: trc("verb", "Open")."""
    return _filled(_catalogue.pgettext(context, text), values)


def trn(singular: str, plural: str, number: int, /, **values: object) -> str:
    """As `tr`, by number: trn("{number:,} image is left", "{number:,} images are left", 3)."""
    return _filled(_catalogue.ngettext(singular, plural, number), {"number": number, **values})


def count(number: int, singular: str, plural: str = "") -> str:
    """Returns e.g. "1 image", "2,000 images"; in a sentence whose case or verb depends on it, `trn` is right."""
    return f"{decimal(number, ',')} {_catalogue.ngettext(singular, plural or singular + 's', number)}"


def decimal(value: float, spec: str) -> str:
    """Returns a number as `format` does, with the separators of the language."""
    return format(value, spec) if _formatter is None else _formatter.format_field(value, spec)


def _filled(template: str, values: dict[str, object]) -> str:
    if not values:
        return template
    return template.format(**values) if _formatter is None else _formatter.vformat(template, (), values)


if os.environ.get(VARIABLE):
    use(os.environ[VARIABLE])
