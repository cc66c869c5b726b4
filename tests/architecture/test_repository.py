"""What a newcomer finds at the top of the repository is what README says."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from engine.commands.names import COMMANDS

TOP_LEVEL = {
    ".ci", ".github", ".gitignore", "CHANGELOG.md", "LICENSE", "README.md", "build", "engine", "gui", "main.py",
    "pyproject.toml", "resources", "tests",
}  # fmt: skip
MAX_FILE_LINES = 400


def git(repository: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=repository, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1):
        pytest.skip(f"this is no git checkout: {done.stderr.strip()}")
    return done.stdout


def test_top_level_holds_only_what_the_house_has(repository: Path) -> None:
    tracked = {line.split("/")[0] for line in git(repository, "ls-files").splitlines()}
    assert tracked <= TOP_LEVEL


@pytest.mark.parametrize("path", ["build/run.py", "build/test.py", "build/new_script.py", "build/starter/train.py"])
def test_the_set_up_folder_is_not_ignored_by_git(repository: Path, path: str) -> None:
    assert git(repository, "check-ignore", "--no-index", path) == ""


@pytest.mark.parametrize("path", [".venv/bin/python", ".mypy_cache/x", "engine/__pycache__/x.pyc"])
def test_what_tools_leave_behind_is_ignored_by_git(repository: Path, path: str) -> None:
    assert git(repository, "check-ignore", "--no-index", path) != ""


def test_main_is_short(repository: Path) -> None:
    assert len((repository / "main.py").read_text(encoding="utf-8").splitlines()) < 60


def test_the_worker_guard_comes_first_in_main(repository: Path) -> None:
    """A frozen program starts its worker processes through main.py; without the guard each opens another window."""
    body = (repository / "main.py").read_text(encoding="utf-8").split('if __name__ == "__main__":')[1]
    assert body.strip().splitlines()[0].startswith("multiprocessing.freeze_support()")


def test_no_module_is_too_long_to_read(repository: Path) -> None:
    paths = [path for package in ("engine", "gui", "build") for path in (repository / package).rglob("*.py")]
    long = {str(p.relative_to(repository)): n for p in paths if (n := p.read_bytes().count(b"\n")) > MAX_FILE_LINES}
    assert not long


def test_readme_names_both_set_up_commands_and_every_command(repository: Path) -> None:
    text = (repository / "README.md").read_text(encoding="utf-8")
    assert "python3 build/run.py" in text
    assert "python3 build/test.py" in text
    assert [name for name in COMMANDS if f"graft {name}" not in text] == []


def test_pictures_in_readme_exist(repository: Path) -> None:
    import re

    text = (repository / "README.md").read_text(encoding="utf-8")
    links = re.findall(r"\]\(([^)#:]+)\)", text) + re.findall(r'src="([^":]+)"', text)
    assert [link for link in links if not (repository / link).exists()] == []
