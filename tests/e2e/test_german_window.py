"""A German at the real window: the sample by keys to a model, through menus with German names."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

KEYS_OF_CLASSES = 3
NUM_LABELS = 24


def test_the_sample_becomes_a_model_in_german(window: Any, tmp_path: Path) -> None:
    (tmp_path / "user" / "settings.json").write_text(json.dumps({"has_auto_retrain": False, "language": "de"}))

    window.start()
    window.click(window.wait_for_text("Beispiel"))
    window.wait_for_text("Noch kein Modell", timeout_s=60)
    window.wait_for_text("Alle Labels gespeichert")

    for number in range(NUM_LABELS):
        window.key(str(1 + number % KEYS_OF_CLASSES))
    window.key("ctrl+r")
    title = window.wait_for_text("Version 1", timeout_s=120)
    window.choose("Datei", "Modell exportieren")
    window.activate()
    window.wait_for_text("Was exportiert wird")
    window.click("Schließen")
    window.activate()
    assert re.fullmatch(r"Version 1\s+·\s+\d+,\d %", title)  # a decimal comma
    assert not [text for text in window.texts() if re.search(r"\b(?:Retrain|labelled|Images|Suggested)\b", text)]

    assert window.quit() == 0
