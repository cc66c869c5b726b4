"""The two environments of the build: a minimal one that is packed, and one with tools that are not."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import urllib.request
from pathlib import Path

from environment import SetupError, dependencies, environment_python

PYINSTALLER = "pyinstaller==6.22.3"
TOOLS = ("cyclonedx-bom==7.5.0", "zstandard==0.25.0")
CPU_INDEX = "https://download.pytorch.org/whl/cpu"
"""On Linux and Windows the CPU builds of torch lie here; the package index itself has the large CUDA build."""


def ensure_packed_environment(work: Path, has_cuda: bool) -> Path:
    """Makes the environment that is packed, and returns its interpreter: our dependencies and PyInstaller only."""
    options = ["--extra-index-url", CPU_INDEX] if not has_cuda and sys.platform != "darwin" and _is_reachable() else []
    folder = work / ("environment-cuda" if has_cuda else "environment")
    return _ensure(folder, [*dependencies(with_tests=False), PYINSTALLER], options)


def ensure_tools(work: Path) -> Path:
    """Makes the environment of the tools that write the SBOM and the archive, and returns its interpreter."""
    return _ensure(work / "tools", list(TOOLS), [])


def size_of(folder: Path) -> int:
    """Returns the bytes of all files of a folder, links not followed."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


def _is_reachable() -> bool:
    """Where that index cannot be reached, pip takes what other sources hold, after minutes of retries: ask first."""
    try:
        with urllib.request.urlopen(f"{CPU_INDEX}/torch/", timeout=10):
            return True
    except OSError:
        return False


def _ensure(folder: Path, requirements: list[str], options: list[str]) -> Path:
    python = environment_python(folder)
    stamp = folder / "graft-package.json"
    wanted = hashlib.sha256("\n".join(requirements).encode()).hexdigest()
    if python.exists() and stamp.is_file() and json.loads(stamp.read_text())["requirements"] == wanted:
        return python
    base = getattr(sys, "_base_executable", None) or sys.executable
    run([base, "-m", "venv", "--clear", str(folder)], "make an environment for the package")
    install = [str(python), "-m", "pip", "install", "--disable-pip-version-check", "--no-input", "-qq"]
    run([*install, *options, *requirements], "install what goes into the package")
    stamp.write_text(json.dumps({"requirements": wanted}), encoding="utf-8")
    return python


def run(command: list[str], purpose: str, **options: object) -> None:
    """Runs a command whose words go to stderr.

    Raises:
        SetupError: it failed.
    """
    done = subprocess.run(command, stdout=sys.stderr, stdin=subprocess.DEVNULL, check=False, **options)  # type: ignore[call-overload]
    if done.returncode != 0:
        raise SetupError(
            f"Could not {purpose}: {Path(command[0]).name} ended with {done.returncode}; its words stand above."
        )
