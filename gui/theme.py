"""Colours, fonts, icons and the style sheet of the window, dark and light, following the system.

Painting code calls `theme()` at paint time and never keeps a colour, so that a change of the system's scheme reaches
everything with the next paint. All distances are multiples of 4 px, most of 8.
"""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from string import Template

from PySide6.QtCore import QByteArray, QObject, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFont, QGuiApplication, QIcon, QIconEngine, QPainter, QPalette, QPixmap
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QApplication

RESOURCES = Path(__file__).resolve().parent.parent / "resources"
ICONS = RESOURCES / "icons"


@dataclass(frozen=True, slots=True)
class Theme:
    """The colours of one scheme as "#rrggbb".

    window: behind the images; panel: side columns; bar: top and bottom; card: what lies on the window; field: where
    text is typed; control: buttons at rest; selected: the chosen row; track: empty part of sliders and progress.
    """

    is_dark: bool
    window: str
    panel: str
    bar: str
    card: str
    card_hover: str
    field: str
    control: str
    control_hover: str
    selected: str
    track: str
    border: str
    text: str
    text_dim: str
    text_faint: str
    accent: str
    accent_hover: str
    accent_text: str
    danger: str
    warning: str
    success: str

    def color(self, name: str) -> QColor:
        """Returns a colour by the name of its field."""
        return QColor(getattr(self, name))


DARK = Theme(
    is_dark=True,
    window="#1b1d21",
    panel="#202327",
    bar="#22252a",
    card="#25292e",
    card_hover="#2b3036",
    field="#1b1d21",
    control="#2d3238",
    control_hover="#383e46",
    selected="#2c3138",
    track="#343941",
    border="#30353b",
    text="#e8eaed",
    text_dim="#a2a9b3",
    text_faint="#868e99",
    accent="#4c9ffe",
    accent_hover="#6bb0ff",
    accent_text="#0c1d33",
    danger="#ee7a68",
    warning="#f2b134",
    success="#5fc27e",
)

LIGHT = Theme(
    is_dark=False,
    window="#eef0f3",
    panel="#f8f9fa",
    bar="#ffffff",
    card="#ffffff",
    card_hover="#f3f5f8",
    field="#ffffff",
    control="#e9ecf0",
    control_hover="#dde1e7",
    selected="#e3e8ef",
    track="#d5dae1",
    border="#d9dde3",
    text="#1d2127",
    text_dim="#525b67",
    text_faint="#6a7380",
    accent="#1c6fe0",
    accent_hover="#1660c7",
    accent_text="#ffffff",
    danger="#c63d2b",
    warning="#9a6700",
    success="#1f8a48",
)


class ThemeNotifier(QObject):
    """Tells those few widgets that keep pixmaps when the scheme is another one."""

    theme_changed = Signal()


_current = DARK
_choice = "system"


@lru_cache(maxsize=1)
def notifier() -> ThemeNotifier:
    """Returns the one notifier of the program."""
    return ThemeNotifier()


def theme() -> Theme:
    """Returns the colours in force now."""
    return _current


def apply(app: QApplication, choice: str = "system") -> None:
    """Dresses the application and keeps it in step with the system's scheme.

    Args:
        choice: "system", "dark" or "light". The environment variable GRAFT_THEME wins over it.
    """
    app.setStyle("Fusion")
    app.setFont(_base_font(app))
    app.setWindowIcon(QIcon(str(ICONS / "graft.svg")))
    hints = QGuiApplication.styleHints()
    hints.colorSchemeChanged.connect(lambda _scheme: set_choice(_choice))
    set_choice(choice)


def set_choice(choice: str) -> None:
    """Switches to the scheme "system", "dark" or "light" at once."""
    global _current, _choice
    _choice = choice
    app = QApplication.instance()
    if not isinstance(app, QApplication):
        return
    wanted = LIGHT if _wants_light(os.environ.get("GRAFT_THEME", "") or choice) else DARK
    if wanted is _current and app.styleSheet():
        return
    _current = wanted
    app.setPalette(_palette(wanted))
    app.setStyleSheet(style_sheet(wanted))
    notifier().theme_changed.emit()


def _wants_light(choice: str) -> bool:
    if choice in ("dark", "light"):
        return choice == "light"
    # Qt says Unknown where no desktop tells it; the program is made for looking at pictures, so dark is the default.
    return QGuiApplication.styleHints().colorScheme() == Qt.ColorScheme.Light


def _base_font(app: QApplication) -> QFont:
    """Returns the system's font, never smaller than 13 px at 96 dpi."""
    wanted = app.font()
    wanted.setPointSizeF(max(wanted.pointSizeF(), 9.75))
    wanted.setHintingPreference(QFont.HintingPreference.PreferVerticalHinting)
    return wanted


def font(scale: float = 1.0, *, bold: bool = False) -> QFont:
    """Returns the window's font, `scale` times its normal size. Small print is 0.85, headings 1.25 and more."""
    made = QFont(QApplication.font())
    made.setPointSizeF(made.pointSizeF() * scale)
    made.setBold(bold)
    return made


class SvgIconEngine(QIconEngine):
    """Draws one of our stroke icons in the colour of the moment, sharp at every scale."""

    def __init__(self, name: str, color: str) -> None:
        super().__init__()
        self._name = name
        self._color = color

    def clone(self) -> QIconEngine:
        return SvgIconEngine(self._name, self._color)

    def paint(self, painter: QPainter, rect: QRect, mode: QIcon.Mode, state: QIcon.State) -> None:
        paint_icon(painter, self._name, QRectF(rect), "text_faint" if mode == QIcon.Mode.Disabled else self._color)

    def pixmap(self, size: QSize, mode: QIcon.Mode, state: QIcon.State) -> QPixmap:
        made = QPixmap(size)
        made.fill(Qt.GlobalColor.transparent)
        painter = QPainter(made)
        self.paint(painter, QRect(0, 0, size.width(), size.height()), mode, state)
        painter.end()
        return made


def icon(name: str, color: str = "text_dim") -> QIcon:
    """Returns the icon `resources/icons/<name>.svg`; `color` is a field of Theme or "#rrggbb"."""
    return QIcon(SvgIconEngine(name, color))


def paint_icon(painter: QPainter, name: str, rect: QRectF, color: str = "text_dim") -> None:
    """Draws an icon with a painter. `color` is a field of Theme or "#rrggbb"."""
    value = color if color.startswith("#") else getattr(theme(), color)
    _renderer(name, value).render(painter, rect)


@lru_cache(maxsize=256)
def _renderer(name: str, color: str) -> QSvgRenderer:
    drawing = _drawing(name).replace(b"#000", color.encode("ascii"))
    return QSvgRenderer(QByteArray(drawing))


@lru_cache(maxsize=128)
def _drawing(name: str) -> bytes:
    return (ICONS / f"{name}.svg").read_bytes()


def _palette(colors: Theme) -> QPalette:
    palette = QPalette()
    roles = QPalette.ColorRole
    for role, name in (
        (roles.Window, "panel"),
        (roles.WindowText, "text"),
        (roles.Base, "window"),
        (roles.AlternateBase, "card"),
        (roles.Text, "text"),
        (roles.Button, "control"),
        (roles.ButtonText, "text"),
        (roles.BrightText, "danger"),
        (roles.ToolTipBase, "card"),
        (roles.ToolTipText, "text"),
        (roles.PlaceholderText, "text_faint"),
        (roles.Highlight, "accent"),
        (roles.HighlightedText, "accent_text"),
        (roles.Link, "accent"),
        (roles.LinkVisited, "accent"),
        (roles.Light, "card_hover"),
        (roles.Midlight, "card"),
        (roles.Mid, "border"),
        (roles.Dark, "window"),
        (roles.Accent, "accent"),
    ):
        palette.setColor(role, colors.color(name))
    for role in (roles.WindowText, roles.Text, roles.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, role, colors.color("text_faint"))
    return palette


def style_sheet(colors: Theme) -> str:
    """Returns the style sheet of the whole window in these colours."""
    values = {name: str(value) for name, value in asdict(colors).items()}
    values["icons"] = ICONS.as_posix()
    return Template((RESOURCES / "theme.qss").read_text(encoding="utf-8")).substitute(values)
