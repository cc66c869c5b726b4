"""Starts this very program once more for a piece of work that must not share an interpreter with us.

Not `multiprocessing`: the worker process, from which these are started too, is a daemon and may have no children there.
A frozen program has no `python -m` either, so the program itself is started, with `--helper` as its first argument.
"""

from __future__ import annotations

import importlib
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

FLAG: Final = "--helper"
MAKE_GRAPH: Final = "make-graph"
TRAINING_PEER: Final = "training-peer"
CONVERT_LITERT: Final = "convert-litert"
SERVE_MODEL: Final = "serve-model"
_MODULES: Final = {
    MAKE_GRAPH: "engine.nn.make_graph",
    TRAINING_PEER: "engine.nn.training_peer",
    CONVERT_LITERT: "engine.exporters.convert_litert",
    SERVE_MODEL: "engine.server.serve_for_window",
}


def start_helper(name: str, argument: str, has_input: bool = False) -> subprocess.Popen[bytes]:
    """Starts `main(argument)` of a helper's module in a process of its own; with `has_input`, `stdin` is a pipe."""
    return subprocess.Popen(
        helper_command(name, argument),
        stdin=subprocess.PIPE if has_input else subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def helper_command(name: str, argument: str) -> list[str]:
    """Returns the program and arguments that run a helper, for those who start processes in another way."""
    return [*_program(), FLAG, name, argument]


def run_helper(arguments: Sequence[str]) -> int:
    """What the other process does, called by `main.py` with what follows the flag; returns the exit status."""
    name, argument = arguments
    importlib.import_module(_MODULES[name]).main(argument)
    return 0


def _program() -> list[str]:
    if getattr(sys, "frozen", False):
        return [sys.executable]
    return [sys.executable, str(Path(__file__).resolve().parent.parent / "main.py")]
