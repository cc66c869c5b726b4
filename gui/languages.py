"""Takes the user's language before anything that has texts is imported, and gives Qt's own texts the same one."""

from __future__ import annotations

import os
from typing import Final

from PySide6.QtCore import QCoreApplication, QLibraryInfo, QLocale, QTranslator

from engine import language
from engine.settings import load_settings

KEY_NAMES: Final = {
    "en": {"Return": "Enter"},
    "de": {
        "Return": "Eingabe",
        "Enter": "Eingabe",
        "PgUp": "Bild auf",
        "PgDown": "Bild ab",
        "Press shortcut": "Taste drücken",  # what Qt has is longer than the field
    },
}
"""Keys as the program's texts and the keyboards call them, where Qt has another name."""


class KeyNames(QTranslator):
    """Names keys in menus and tips as the texts do; everything else is left to Qt's own translation."""

    def __init__(self, names: dict[str, str], parent: QCoreApplication) -> None:
        super().__init__(parent)
        self._names = names

    def isEmpty(self) -> bool:
        return False

    def translate(self, context: str, text: str, _disambiguation: str | None = None, _n: int = -1) -> str | None:
        return self._names.get(text) if context in ("QShortcut", "QKeySequenceEdit") else None


def choose_language() -> None:
    """Uses GRAFT_LANGUAGE, else what Preferences say, else the system's first language that there is."""
    wanted = os.environ.get(language.VARIABLE) or load_settings().language
    language.use(wanted if wanted in language.LANGUAGES else system_language())


def system_language() -> str:
    """Returns the first of the system's languages that the program speaks, or English."""
    spoken = (name.partition("-")[0] for name in QLocale.system().uiLanguages())
    return next((name for name in spoken if name in language.LANGUAGES), language.ENGLISH)


def translate_qt(app: QCoreApplication) -> None:
    """Has Qt's own texts ("Cancel", "Ctrl") and number fields in the language in use. Once, on a fresh application."""
    QLocale.setDefault(QLocale(language.current()))
    translator = QTranslator(app)
    folder = QLibraryInfo.path(QLibraryInfo.LibraryPath.TranslationsPath)
    if language.current() != language.ENGLISH and translator.load(f"qtbase_{language.current()}", folder):
        app.installTranslator(translator)
    app.installTranslator(KeyNames(KEY_NAMES[language.current()], app))  # asked first: it came last
