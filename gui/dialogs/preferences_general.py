"""How the window looks, which language it speaks, and what a key does besides giving a class."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QCheckBox, QComboBox

from engine import language
from engine.language import LANGUAGES, tr, trc
from gui.dialogs.preferences_page import PreferencesPage
from gui.languages import system_language
from gui.session import Session
from gui.widgets.segments import Segment, Segments

if TYPE_CHECKING:
    from gui.commands import Commands

THEMES = (
    Segment("system", trc("theme", "As the system"), tr("Dark or light, as the system is")),
    Segment("light", trc("theme", "Light")),
    Segment("dark", trc("theme", "Dark")),
)
NEXT_START = tr("Holds from the next start on.")


class GeneralPage(PreferencesPage):
    """Theme, language, labelling."""

    def __init__(self, session: Session, commands: Commands) -> None:
        super().__init__()
        self._session = session
        preferences = session.preferences
        self.add_heading(trc("appearance", "Look"))
        self.themes = Segments(tr("Theme"), THEMES)
        self.themes.set_current(preferences.theme)
        self.themes.chosen.connect(commands.use_theme)
        self.add_row(tr("Theme"), self.themes)
        self.languages = QComboBox()
        self.languages.addItem(tr("As the system ({language})", language=LANGUAGES[system_language()]), "system")
        for key, name in LANGUAGES.items():
            self.languages.addItem(name, key)
        self.languages.setCurrentIndex(max(0, self.languages.findData(preferences.language)))
        self.languages.activated.connect(self._on_language)
        self.add_row(tr("Language"), self.languages)
        self.language_note = self.add_note(NEXT_START)
        self._show_language()

        self.add_heading(tr("Labelling"))
        self.auto_advance = QCheckBox(tr("On to the next image after a label"))
        self.auto_advance.setChecked(session.has_auto_advance)
        self.auto_advance.toggled.connect(session.set_auto_advance)
        self.add_row(tr("After a key"), self.auto_advance)
        self.auto_retrain = QCheckBox(tr("Refit the model by itself a second after the last label"))
        self.auto_retrain.setChecked(session.auto_retrain.is_on)
        self.auto_retrain.toggled.connect(session.auto_retrain.set_on)
        self.add_row(tr("Model"), self.auto_retrain)
        self.add_stretch()

    def _on_language(self, at: int) -> None:
        self._session.preferences.set_language(str(self.languages.itemData(at)))
        self._show_language()

    def _show_language(self) -> None:
        wanted = self._session.preferences.language
        wanted = system_language() if wanted == "system" else wanted
        is_new = wanted != language.current()
        restart = tr("Close Graft and start it again: it speaks {language} then.", language=LANGUAGES[wanted])
        self.language_note.setText(restart if is_new else NEXT_START)
