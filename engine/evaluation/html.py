"""HTML written so that no name can become markup: every text is escaped unless it was made here."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

_VOID = frozenset({"img", "meta", "br", "rect", "line", "circle", "path", "polyline", "polygon"})


class Html(str):
    """Finished markup. Anything else that is a str is text."""

    __slots__ = ()


Piece = Html | str | int
"""What may stand inside an element: markup, or text and numbers, which are escaped."""


def element(name: str, *inside: Piece, **attributes: object) -> Html:
    """Returns an element. Attributes that are Python words end in an underscore; others have it for a hyphen.

    An attribute of None is left out.
    """
    given = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(str(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    if name in _VOID:
        return Html(f"<{name}{given}/>")
    return Html(f"<{name}{given}>{joined(inside)}</{name}>")


def joined(pieces: Iterable[Piece], between: str = "") -> Html:
    """Returns pieces one after the other, texts escaped."""
    return Html(between.join(each if isinstance(each, Html) else escape(str(each)) for each in pieces))


def filled(text: str, **pieces: Piece) -> Html:
    """Returns a text with fields, which is escaped, with pieces in its fields: filled("{name} was here", name=...)."""
    return Html(escape(text).format(**{name: joined([piece]) for name, piece in pieces.items()}))


def table(caption: str, head: Iterable[str], rows: Iterable[Iterable[Piece]], class_: str | None = None) -> Html:
    """Returns a table whose first column names its rows."""
    names = joined(element("th", each, scope="col") for each in head)
    lines = []
    for row in rows:
        first, *rest = row
        lines.append(element("tr", element("th", first, scope="row"), *[element("td", each) for each in rest]))
    return element(
        "table",
        element("caption", caption),
        element("thead", element("tr", names)),
        element("tbody", joined(lines, "\n")),
        class_=class_,
    )
