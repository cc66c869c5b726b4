"""Makes and renews `.venv`, the one environment that users, developers and tests share.

Plain standard library, so that any Python 3.11 or newer can run it on a machine that has nothing else. Everything it
says goes to stderr: stdout belongs to the program (`--json`).

What makes it safe to interrupt and to start twice: the stamp that calls the environment complete is taken away before
anything is changed and written, atomically, as the last thing; a lock lets one process at a time do the work.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENT = ROOT / ".venv"
OLDEST_PYTHON = (3, 11)

Stamp = dict[str, Any]


class SetupError(Exception):
    """Set-up cannot go on; the text is a sentence for the user."""


# ---------------------------------------------------------------------------------------------------- what is wanted


def require_python() -> None:
    """Ends the program with a sentence when this Python is too old."""
    if sys.version_info[:2] < OLDEST_PYTHON:
        wanted = ".".join(map(str, OLDEST_PYTHON))
        sys.exit(
            f"graft: Python {wanted} or newer is needed, this is {platform.python_version()}. Install a newer one."
        )


def dependencies(with_tests: bool, root: Path = ROOT) -> list[str]:
    """Returns the requirements listed in pyproject.toml."""
    import tomllib  # not at module top: older Pythons must reach require_python()

    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    listed: list[str] = list(project["dependencies"])
    if with_tests:
        listed += project["optional-dependencies"]["test"]
    return listed


def fingerprint(requirements: list[str]) -> str:
    """Returns what changes when an environment of these requirements has to be renewed."""
    python = f"{platform.python_implementation()} {sys.version_info[0]}.{sys.version_info[1]} {platform.machine()}"
    return hashlib.sha256("\n".join([python, *sorted(requirements)]).encode()).hexdigest()[:16]


# ------------------------------------------------------------------------------------------------- the environment


def environment_python(environment: Path = ENVIRONMENT) -> Path:
    """Returns where the environment's interpreter lies."""
    return environment / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def ensure_environment(with_tests: bool, root: Path = ROOT) -> Path:
    """Makes the environment complete if it is not, and returns its interpreter. With nothing to do it takes a few ms.

    Raises:
        SetupError: an environment cannot be made, or a dependency cannot be installed.
    """
    environment = root / ".venv"
    wanted = {"runtime": fingerprint(dependencies(False, root))}
    if with_tests:
        wanted["test"] = fingerprint(dependencies(True, root))
    if _is_complete(environment, wanted):
        return environment_python(environment)
    with _lock(root / ".work" / "setup.lock"):
        if not _is_complete(environment, wanted):  # another process may have done it while we waited
            started = time.perf_counter()
            write_stamp(environment, None)
            _make(environment)
            _install(environment, dependencies(with_tests, root))
            write_stamp(environment, dict(wanted))
            _say(f"the environment is ready ({time.perf_counter() - started:.0f} s)")
    return environment_python(environment)


def _is_complete(environment: Path, wanted: dict[str, str]) -> bool:
    stamp = read_stamp(environment)
    return environment_python(environment).exists() and all(stamp.get(key) == value for key, value in wanted.items())


def _make(environment: Path) -> None:
    """Leaves an environment with a working pip at `environment`, keeping the one that is there if it is sound."""
    if _is_sound(environment):
        return
    if environment.exists():
        _say(f"{environment} is incomplete or belongs to another Python: making it anew")
    else:
        _say(f"making an environment in {environment} (once; some minutes and about 2 GB)")
    _require_ensurepip()
    # The base interpreter: when this one lives in the environment, it must not take away the ground it stands on.
    base = getattr(sys, "_base_executable", None) or sys.executable
    if _run([base, "-m", "venv", "--clear", str(environment)]) != 0 or not _is_sound(environment):
        raise SetupError(f"Python could not make an environment in {environment}. Is the disk full or read-only?")


def _is_sound(environment: Path) -> bool:
    python = environment_python(environment)
    if not python.exists():
        return False
    question = "import sys, pip; print(sys.version_info[0], sys.version_info[1])"
    answer = subprocess.run([str(python), "-c", question], capture_output=True, text=True, check=False)
    return answer.returncode == 0 and answer.stdout.split() == [str(part) for part in sys.version_info[:2]]


def _require_ensurepip() -> None:
    """Debian and Ubuntu ship Python without the module that puts pip into an environment."""
    question = [getattr(sys, "_base_executable", None) or sys.executable, "-c", "import ensurepip"]
    if subprocess.run(question, capture_output=True, check=False).returncode == 0:
        return
    from system_libraries import apt_command, apt_install, can_apt_install

    package = f"python{sys.version_info[0]}.{sys.version_info[1]}-venv"
    if not (can_apt_install() and apt_install([package])):
        raise SetupError(f"This Python cannot make environments. Install the missing part: {apt_command([package])}")


def _install(environment: Path, requirements: list[str]) -> None:
    _say(f"installing {len(requirements)} packages and what they need")
    command = [
        str(environment_python(environment)),
        "-m",
        "pip",
        "install",
        "--disable-pip-version-check",
        "--no-input",
    ]
    command += ["--progress-bar", "on" if sys.stderr.isatty() else "off", *([] if sys.stderr.isatty() else ["-qq"])]
    if _run([*command, *requirements]) != 0:
        raise SetupError(
            "The packages could not be installed (pip's words stand above). "
            "Check the network and the free space on this disk, then run the same command again: it goes on from here."
        )


# ------------------------------------------------------------------------------------------------ stamp, lock, words


def read_stamp(environment: Path = ENVIRONMENT) -> Stamp:
    """Returns what the environment was made for; empty when it is not known to be complete."""
    try:
        stamp = json.loads((environment / "graft-setup.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return stamp if isinstance(stamp, dict) else {}


def write_stamp(environment: Path, stamp: Stamp | None) -> None:
    """Replaces the stamp atomically; None takes it away."""
    path = environment / "graft-setup.json"
    if stamp is None:
        path.unlink(missing_ok=True)
        return
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    temporary.write_text(json.dumps(stamp, indent=1), encoding="utf-8")
    temporary.replace(path)


@contextlib.contextmanager
def _lock(path: Path) -> Iterator[None]:
    """Lets one process at a time through; the system frees the lock when its holder dies."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+b") as file:
        if not _try_lock(file):
            _say("another set-up is running: waiting for it")
            while not _try_lock(file):
                time.sleep(0.5)
        yield


def _try_lock(file: Any) -> bool:
    try:
        if sys.platform == "win32":
            import msvcrt

            file.seek(0)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _run(command: list[str]) -> int:
    return subprocess.run(command, stdout=sys.stderr, stdin=subprocess.DEVNULL, check=False).returncode


def _say(text: str) -> None:
    print(f"graft set-up: {text}", file=sys.stderr, flush=True)


# ------------------------------------------------------------------------------------------------------- hand over


def hand_over(python: Path, arguments: list[str]) -> int:
    """Becomes `python arguments`, or where the system cannot do that, runs it and returns its exit status."""
    command = [str(python), *arguments]
    sys.stdout.flush()
    sys.stderr.flush()
    if os.name != "nt":
        os.execv(command[0], command)
    try:
        return subprocess.run(command, check=False).returncode
    except KeyboardInterrupt:
        return 130


def which(name: str) -> bool:
    """Returns whether a program of this name can be started."""
    return shutil.which(name) is not None
