"""Class colours that stay readable on the panels of both themes."""

from __future__ import annotations

from functools import lru_cache

from PySide6.QtGui import QColor

from gui.theme import theme

DARK_TEXT = "#15181c"
LIGHT_TEXT = "#ffffff"


def text_on(color: str) -> QColor:
    """Returns the text colour for a filled chip."""
    return QColor(DARK_TEXT if luminance(QColor(color)) > 0.22 else LIGHT_TEXT)


def as_text(color: str) -> QColor:
    """Returns the class colour, made light or dark enough to be read as text on a card."""
    return _as_text(color, theme().is_dark)


def over(color: str, below: str, amount: float) -> QColor:
    """Returns `color` laid over `below` with an opacity of `amount` (0..1)."""
    top, base = QColor(color), QColor(below)
    mixed = [
        round(a * amount + b * (1 - amount))
        for a, b in ((top.red(), base.red()), (top.green(), base.green()), (top.blue(), base.blue()))
    ]
    return QColor(*mixed)


def luminance(color: QColor) -> float:
    """Returns the relative luminance of WCAG 2, 0..1."""

    def linear(value: float) -> float:
        return value / 12.92 if value <= 0.04045 else float(((value + 0.055) / 1.055) ** 2.4)

    return 0.2126 * linear(color.redF()) + 0.7152 * linear(color.greenF()) + 0.0722 * linear(color.blueF())


@lru_cache(maxsize=512)
def _as_text(color: str, is_dark: bool) -> QColor:
    made = QColor(color)
    # 4.5:1 on the card: luminance of at least 0.27 on dark cards, at most 0.18 on white ones.
    for _ in range(24):
        value = luminance(made)
        if (is_dark and value >= 0.27) or (not is_dark and value <= 0.18):
            break
        made = made.lighter(112) if is_dark else made.darker(110)
        if is_dark and made.value() > 250:
            made = QColor.fromHsv(made.hsvHue(), max(0, made.hsvSaturation() - 20), 255)
    return made
