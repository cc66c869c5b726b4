"""What README and the guide list is what the program has: commands, formats, keys, pages, screenshots."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

from engine.commands.names import COMMANDS
from engine.exporters.registry import FORMATS
from gui.action_table import ACTIONS
from gui.main_window import MENUS
from gui.panels.workspace_keys import WORKSPACE_KEYS

KEY = re.compile(r"(?:Ctrl|Alt|Shift)\+[A-Za-z0-9+]+|F\d+")
MENU_PATH = re.compile(r"(\w+) › ([^*.,;:()]+)")
NOT_IN_THE_TABLE = {"Model": ["Call images unknown"], "View": ["Theme"], "Review": ["Overview", "Mistakes", "Versions"]}
PAGES = ["start", "labelling", "training", "review", "use", "exports", "safety", "questions", "benchmarks"]
GERMAN_KEYS = {"Strg": "Ctrl", "Umschalt": "Shift", "Eingabe": "Enter", "Leertaste": "Space", "+Ende": "+End"}


def readme(repository: Path) -> str:
    return (repository / "README.md").read_text(encoding="utf-8")


def guide(repository: Path) -> dict[str, str]:
    return {file.name: file.read_text(encoding="utf-8") for file in (repository / "resources" / "help").glob("*.md")}


def table_names(text: str, heading: str) -> list[str]:
    """Returns what stands in code marks in the first column of the first table below a heading."""
    section = text.split(heading, 1)[1]
    return re.findall(r"^\| `([^`]+)` \|", section.split("\n\n## ")[0].split("\n## ")[0], re.MULTILINE)


def test_the_command_block_has_exactly_the_commands_there_are(repository: Path) -> None:
    block = readme(repository).split("## Command line", 1)[1].split("```")[1]
    assert set(re.findall(r"^graft ([a-z-]+)", block, re.MULTILINE)) == set(COMMANDS)


def test_the_table_of_formats_has_exactly_the_formats_there_are(repository: Path) -> None:
    assert table_names(readme(repository), "## What an export holds") == list(FORMATS)
    assert table_names(guide(repository)["exports.md"], "# Take it elsewhere") == list(FORMATS)


@pytest.fixture(scope="module")
def german(repository: Path) -> dict[str, str]:
    """What stands in the German window instead of an English text, without the marks of keys and dialogs."""
    with (repository / "resources" / "languages" / "de.po").open("rb") as file:
        return {plain(each.id): plain(each.string) for each in read_po(file) if isinstance(each.id, str) and each.id}


def plain(text: object) -> str:
    return str(text).replace("&", "").removesuffix("…")


@pytest.mark.parametrize("page", ["README.md", *PAGES])
def test_every_menu_entry_that_a_text_names_is_there(repository: Path, page: str) -> None:
    text = readme(repository) if page == "README.md" else guide(repository)[f"{page}.md"]
    assert unknown_paths(text, {}) == []


@pytest.mark.parametrize("page", PAGES)
def test_every_menu_entry_that_the_german_guide_names_is_there(
    repository: Path, page: str, german: dict[str, str]
) -> None:
    text = (repository / "resources" / "help" / "de" / f"{page}.md").read_text(encoding="utf-8")
    assert unknown_paths(text, german) == []


def unknown_paths(text: str, translated: dict[str, str]) -> list[tuple[str, str]]:
    """Returns the "Menu › Entry" of a text that the window does not have."""
    entries = {plain(title): [spec.text for spec in ACTIONS if spec.menu == menu] for menu, title in MENUS.items()}
    for menu, more in NOT_IN_THE_TABLE.items():
        entries[menu] = entries.get(menu, []) + more
    known = {
        translated.get(menu, menu): [translated.get(plain(name), plain(name)).partition(" (")[0] for name in names]
        for menu, names in entries.items()
    }
    paths = MENU_PATH.findall(" ".join(text.split()))
    return [(menu, entry) for menu, entry in paths if not any(entry.startswith(name) for name in known.get(menu, []))]


@pytest.mark.parametrize("page", PAGES)
def test_the_german_guide_has_what_the_english_has(repository: Path, page: str) -> None:
    english = (repository / "resources" / "help" / f"{page}.md").read_text(encoding="utf-8")
    german = (repository / "resources" / "help" / "de" / f"{page}.md").read_text(encoding="utf-8")
    for pattern in (r"^#+ ", r"^\|", r"^(?:-|\d+\.) ", r"\]\((\w+\.md)\)", r"`([^`]+)`"):
        there, here = (re.findall(pattern, text, re.MULTILINE) for text in (english, german))
        assert len(here) == len(there), pattern
    for name, key in GERMAN_KEYS.items():
        german = german.replace(name, key)
    assert sorted(KEY.findall(german)) == sorted(KEY.findall(english))


@pytest.mark.parametrize("source", ["README.md", "labelling.md", "use.md", "start.md", "training.md", "exports.md"])
def test_every_key_that_a_text_names_is_one_that_does_something(repository: Path, source: str) -> None:
    text = readme(repository) if source == "README.md" else guide(repository)[source]
    listed = " ".join(f"{spec.shortcut} " for spec in ACTIONS)
    listed += " ".join(f"{spec.shown} {' '.join(spec.keys)}" for spec in WORKSPACE_KEYS)
    known = {_same(key) for key in KEY.findall(listed)} | {"F2"}
    named = {_same(key) for key in KEY.findall(text)}
    assert named <= known


def _same(key: str) -> str:
    return key.replace("Return", "Enter").rstrip("+").lower()


def test_every_picture_that_the_readme_shows_is_there_and_none_lies_about(repository: Path) -> None:
    shown = set(re.findall(r"\]\((resources/screenshots/[^)]+)\)", readme(repository)))
    there = {f"resources/screenshots/{file.name}" for file in (repository / "resources" / "screenshots").iterdir()}
    assert shown == there


def test_every_variable_that_users_are_told_of_is_read_by_the_program(repository: Path) -> None:
    told = set(re.findall(r"GRAFT_[A-Z_]+", readme(repository)))
    source = "".join(file.read_text(encoding="utf-8") for folder in ("engine", "gui", "tests") for file in
                     (repository / folder).rglob("*.py"))  # fmt: skip
    assert all(name in source for name in told)
