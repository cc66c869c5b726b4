"""Push buttons in the roles of the style sheet."""

from __future__ import annotations

from PySide6.QtCore import QSize
from PySide6.QtWidgets import QPushButton

from gui.theme import icon


def button(text: str, role: str = "", icon_name: str = "", tooltip: str = "") -> QPushButton:
    """Returns a push button. Roles: "primary", "ghost", "chip", "link", ""."""
    made = QPushButton(text)
    if role:
        made.setProperty("role", role)
    if icon_name:
        made.setIcon(icon(icon_name, "accent_text" if role == "primary" else "text_dim"))
        made.setIconSize(QSize(16, 16))
    if tooltip:
        made.setToolTip(tooltip)
    made.setAccessibleName(text.replace("…", ""))
    return made
