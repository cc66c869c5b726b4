"""The walls of the house that import-linter cannot see: what is loaded when, and what is named where."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

HEAVY = ("torch", "torchvision", "sklearn", "scipy", "onnx", "onnxruntime", "onnxscript")
WINDOW_MUST_NOT_NAME = ("torch", "torchvision", "sqlite3", "sqlite_utils", "onnx", "onnxruntime")


def modules_after(statement: str, repository: Path) -> set[str]:
    """Returns the names of all modules that are loaded after the statement, in a fresh interpreter."""
    code = f"{statement}; import sys; print('\\n'.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=repository, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


def sources(repository: Path, *packages: str) -> Iterator[tuple[Path, ast.Module]]:
    for package in packages:
        for path in sorted((repository / package).rglob("*.py")):
            yield path.relative_to(repository), ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def imported_names(tree: ast.AST) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            yield node.lineno, node.module


def test_importing_the_window_loads_no_network_library(repository: Path) -> None:
    loaded = modules_after("import gui.app", repository)
    assert "PySide6.QtWidgets" in loaded
    assert not loaded.intersection((*HEAVY, "numpy", "PIL"))  # 70 ms that the first paint would wait for


@pytest.mark.parametrize("command", ["--help", "train", "demo"])
def test_help_of_the_command_line_loads_neither_networks_nor_qt(repository: Path, command: str) -> None:
    arguments = [command] if command == "--help" else [command, "--help"]
    code = (
        "import sys\nfrom engine.commands.cli import run\n"
        f"try:\n    run({arguments!r})\nexcept SystemExit:\n    pass\n"
        "print('\\n'.join(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=repository, capture_output=True, text=True, check=True)
    loaded = set(done.stderr.split())
    assert "usage: graft" in done.stdout
    assert not loaded.intersection((*HEAVY, "numpy", "PIL", "PySide6", "sqlite_utils"))


def test_the_engine_loads_no_qt(repository: Path) -> None:
    loaded = modules_after("import engine.project, engine.jobs, engine.commands.cli", repository)
    assert not [name for name in loaded if name.startswith("PySide6")]


def test_torch_is_imported_at_module_top_only_in_engine_nn(repository: Path) -> None:
    wrong = [
        f"{path}:{node.lineno}"
        for path, tree in sources(repository, "engine", "gui")
        if path.parts[:2] != ("engine", "nn")
        for node in tree.body
        for _, name in imported_names(node)
        if isinstance(node, ast.Import | ast.ImportFrom) and name.split(".")[0] in ("torch", "torchvision")
    ]
    assert not wrong


def test_the_window_names_no_network_library_and_no_database(repository: Path) -> None:
    wrong = [
        f"{path}:{line} imports {name}"
        for path, tree in sources(repository, "gui")
        for line, name in imported_names(tree)
        if name.split(".")[0] in WINDOW_MUST_NOT_NAME
    ]
    assert not wrong


def test_events_are_never_pumped_by_hand(repository: Path) -> None:
    """`processEvents` lets any handler run in the middle of any other; long work is a job instead."""
    wrong = [
        f"{path}:{node.lineno}"
        for path, tree in sources(repository, "gui", "engine", "tests")
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr in ("processEvents", "qWait")
    ]
    assert not wrong


def test_pictures_are_never_decoded_by_qt(repository: Path) -> None:
    """Qt guesses the format by trying an SVG, which can wait for ever in a thread (see `gui.thumbnails`)."""
    wrong = [
        f"{path}:{node.lineno}"
        for path, tree in sources(repository, "gui")
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr in ("fromData", "loadFromData", "QImageReader")
    ]
    assert not wrong


def test_broad_except_stands_only_where_every_failure_must_be_told(repository: Path) -> None:
    """The job runner, its worker process, the store thread, and the two exception hooks (command line and window)."""
    allowed = {
        "engine/jobs.py",
        "engine/worker.py",
        "engine/store/store.py",
        "engine/commands/cli.py",
        "gui/error_view.py",
    }
    wrong = [
        f"{path.as_posix()}:{node.lineno}"
        for path, tree in sources(repository, "gui", "engine")
        for node in ast.walk(tree)
        if isinstance(node, ast.ExceptHandler) and _is_broad(node) and path.as_posix() not in allowed
    ]
    assert not wrong


def _is_broad(handler: ast.ExceptHandler) -> bool:
    """Broad: catches everything, and does not pass it on."""
    names = {"Exception", "BaseException"}
    caught = handler.type
    is_all = caught is None or (isinstance(caught, ast.Name) and caught.id in names)
    passes_on = any(isinstance(node, ast.Raise) for node in ast.walk(handler))
    return is_all and not passes_on
