"""Which language the window speaks, and that all of it speaks it. Each in a process of its own: it is chosen once."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ASK = """
from gui.languages import choose_language, translate_qt
choose_language()
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QApplication
app = QApplication([])
translate_qt(app)
from engine import language
from gui.action_table import ACTIONS
from gui.wording import percent
retrain = next(spec.text for spec in ACTIONS if spec.id == "retrain")
form = QKeySequence.SequenceFormat.NativeText
native = [QKeySequence(keys).toString(form) for keys in ("Ctrl+Shift+Del", "Ctrl+Return")]
print(language.current(), retrain, *native, percent(0.961), sep="|")
"""
NAMES = re.compile(
    r"Graft|Starter|MobileNetV2|ONNX|PyTorch|safetensors|OpenVINO|LiteRT|Core ML|CSV|Sample|English|Deutsch|Auto|System"
    r"|missing_hole|intact|scratched|root|TensorFlow Lite|torch(?:vision)?|onnxruntime|numpy|BSD-3-Clause"
    r"|trained on ImageNet|\.pt2|\+cpu|Linux-[^ ,]+|\b[0-9a-f]{12}\b|Leertaste|Rücktaste|Taste drücken"
    r"|/[\w./ -]*|[\w-]+\.(?:md|py|jpg|db)|\b(?:[kM]?B|px|ms|min|s|h|OK|Alt|Esc|Tab|F\d+)\b"
    r"|(?:Strg|Umschalt)(?:\+[A-Za-z0-9.,+-]+)?|http\S+|qt_\w+"
)
"""What is the same in every language."""
ROOT = Path(__file__).resolve().parents[2]


def environment(tmp_path: Path, **variables: str) -> dict[str, str]:
    """That of a fresh user whose system speaks what `variables` say."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("GRAFT_", "LC_", "LANG"))}
    return {**kept, "GRAFT_DATA": str(tmp_path), "PYTHONPATH": str(ROOT), "PYTHONUTF8": "1", **variables}


@pytest.mark.parametrize(
    ("variables", "settings", "expected"),
    [
        ({"LANG": "de_DE.UTF-8"}, {}, "de|Neu trainieren|Strg+Umschalt+Entf|Strg+Eingabe|96,1 %"),
        ({"LANG": "en_GB.UTF-8"}, {}, "en|Retrain|Ctrl+Shift+Del|Ctrl+Enter|96.1 %"),
        ({"LANG": "fr_FR.UTF-8"}, {}, "en|Retrain|Ctrl+Shift+Del|Ctrl+Enter|96.1 %"),
        ({"LANG": "de_AT.UTF-8"}, {"language": "en"}, "en|Retrain|Ctrl+Shift+Del|Ctrl+Enter|96.1 %"),
        ({"LANG": "C"}, {"language": "de"}, "de|Neu trainieren|Strg+Umschalt+Entf|Strg+Eingabe|96,1 %"),
        (
            {"LANG": "C", "GRAFT_LANGUAGE": "de"},
            {"language": "en"},
            "de|Neu trainieren|Strg+Umschalt+Entf|Strg+Eingabe|96,1 %",
        ),
        ({"LANG": "C"}, {"language": "klingon"}, "en|Retrain|Ctrl+Shift+Del|Ctrl+Enter|96.1 %"),
    ],
)
def test_the_window_speaks_what_was_chosen_else_what_the_system_speaks(
    tmp_path: Path, variables: dict[str, str], settings: dict[str, str], expected: str
) -> None:
    (tmp_path / "settings.json").write_text(json.dumps(settings))
    done = subprocess.run(
        [sys.executable, "-c", ASK], env=environment(tmp_path, **variables), capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == expected


@pytest.mark.slow
def test_every_text_on_every_screen_is_marked_for_translation(tmp_path: Path) -> None:
    unmarked = {(each["screen"], each["text"]) for each in walk(tmp_path, "pseudo") if not is_marked(each["text"])}
    assert sorted(unmarked - {("guide", title) for title in titles_of_the_guide()}) == []


@pytest.mark.slow
@pytest.mark.parametrize("size", ["1440x900", "1024x700"])
def test_german_fits_where_it_stands(tmp_path: Path, size: str) -> None:
    cut = [each for each in walk(tmp_path, "de", size) if each["cut"] > 1]
    assert cut == []


def walk(folder: Path, language: str, size: str = "1440x900") -> list[dict[str, Any]]:
    """Goes through all screens in one language and returns what stood there."""
    command = [sys.executable, str(Path(__file__).with_name("walk.py")), language, str(folder), "--size", size]
    done = subprocess.run(command, env=environment(folder, LANG="C"), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert len({each["screen"] for each in lines}) > 20
    return lines


def titles_of_the_guide() -> list[str]:
    """Its pages are files of their own in each language."""
    files = (ROOT / "resources" / "help" / "de").glob("*.md")
    return [each.read_text(encoding="utf-8").partition("\n")[0].lstrip("# ") for each in files]


def is_marked(text: str) -> bool:
    """Returns whether words stand in it only in brackets, but for names."""
    rest = re.sub(r"^⟦[^⟦⟧]*⟧ · .*", "", text)  # what a job says comes from a process that has no brackets
    rest = re.sub(r"⟦[^⟦⟧]*$", "", rest)  # a first line
    before = ""
    while rest != before:  # one text inside another
        before, rest = rest, re.sub(r"⟦[^⟦⟧]*⟧", "", rest)
    return not re.search(r"[A-Za-z]{2,}", NAMES.sub("", re.sub(r"<[^>]*>", "", rest)))
