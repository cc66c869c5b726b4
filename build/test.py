#!/usr/bin/env python3
"""Sets Graft up for its tests if need be, and runs every check: formatting, lint, types, import layers, tests.

usage: python3 build/test.py [--slow] [PYTEST ARGUMENTS]

All checks run even when an early one fails. The exit status is 0 when all passed; the last line is then pytest's own
summary. `--slow` adds the tests marked slow.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from environment import ROOT, SetupError, ensure_environment, require_python
from system_libraries import ensure_system_libraries

CHECKS = {
    "formatting": ["ruff", "format", "--check", "--quiet", "--diff", "."],
    "lint": ["ruff", "check", "--quiet", "."],
    "types": ["mypy"],
    "import layers": ["lint-imports"],
}


def main(arguments: list[str]) -> int:
    """Returns 0 when everything passed."""
    require_python()
    try:
        python = ensure_environment(with_tests=True)
        ensure_system_libraries(with_tests=True, has_window=True)
    except SetupError as err:
        print(f"graft: {err}", file=sys.stderr)
        return 1
    failed = [name for name, command in CHECKS.items() if not _passes(name, command, python)]
    is_slow_wanted = "--slow" in arguments
    selection = [] if is_slow_wanted else ["-m", "not slow"]
    rest = [argument for argument in arguments if argument != "--slow"]
    tests = subprocess.run([str(python), "-m", "pytest", *selection, *rest], cwd=ROOT, check=False)
    if tests.returncode != 0:
        failed.append("tests")
    if failed:
        print(f"FAILED: {', '.join(failed)}", flush=True)
        return 1
    return 0


def _passes(name: str, command: list[str], python: Path) -> bool:
    """Runs one checker; its output is shown only when it finds something."""
    started = time.perf_counter()
    program = python.with_name(command[0] + python.suffix)
    done = subprocess.run([str(program), *command[1:]], cwd=ROOT, capture_output=True, text=True, check=False)
    verdict = "ok" if done.returncode == 0 else "FAILED"
    print(f"{name}: {verdict} ({time.perf_counter() - started:.1f} s)", flush=True)
    if done.returncode != 0:
        print((done.stdout + done.stderr).strip(), flush=True)
    return done.returncode == 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
