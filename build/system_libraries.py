"""What a window needs from the system beside Python packages, on Linux: Qt's libraries, and a display for the tests.

On Debian and Ubuntu, as root, it is installed; elsewhere the exact command (or the list of what is missing) is printed.
"""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from pathlib import Path

from environment import ENVIRONMENT, read_stamp, which, write_stamp

# Debian package -> the library in it that Qt opens.
QT_LIBRARIES = {
    "libegl1": "libEGL.so.1",
    "libgl1": "libGL.so.1",
    "libxkbcommon-x11-0": "libxkbcommon-x11.so.0",
    "libxcb-cursor0": "libxcb-cursor.so.0",
    "libxcb-icccm4": "libxcb-icccm.so.4",
    "libxcb-image0": "libxcb-image.so.0",
    "libxcb-keysyms1": "libxcb-keysyms.so.1",
    "libxcb-randr0": "libxcb-randr.so.0",
    "libxcb-render-util0": "libxcb-render-util.so.0",
    "libxcb-shape0": "libxcb-shape.so.0",
    "libxcb-xkb1": "libxcb-xkb.so.1",
    "libdbus-1-3": "libdbus-1.so.3",
    "libfontconfig1": "libfontconfig.so.1",
}
FONT_PACKAGE = "fonts-dejavu-core"
FONT_FOLDERS = ("/usr/share/fonts", "/usr/local/share/fonts")
# Debian package -> a program in it. For tests that drive a real window.
WINDOW_TEST_PROGRAMS = {"xvfb": "Xvfb", "openbox": "openbox", "xdotool": "xdotool", "imagemagick": "import"}


def missing_packages(with_tests: bool) -> list[str]:
    """Returns the Debian names of what is not here; empty on systems where Qt brings everything itself."""
    if not sys.platform.startswith("linux"):
        return []
    missing = [package for package, library in QT_LIBRARIES.items() if not _can_load(library)]
    if not any(path.is_dir() and any(path.iterdir()) for path in map(Path, FONT_FOLDERS)):
        missing.append(FONT_PACKAGE)
    if with_tests:
        missing += [package for package, program in WINDOW_TEST_PROGRAMS.items() if not which(program)]
    return missing


def ensure_system_libraries(with_tests: bool, has_window: bool) -> None:
    """Installs what is missing where that is possible, else says how to. Never fails: a command line needs none of it.

    A check that found everything is remembered. So is a failed attempt, until a window or the tests need the libraries.
    """
    key = "system_test" if with_tests else "system"
    known = read_stamp().get(key)
    if known == "complete" or (known == "incomplete" and not (has_window or with_tests)):
        return
    missing = missing_packages(with_tests)
    if missing and can_apt_install():
        print(f"graft set-up: installing system packages: {' '.join(missing)}", file=sys.stderr, flush=True)
        apt_install(missing)
        missing = missing_packages(with_tests)
    if missing:
        print(f"graft set-up: the window needs system packages that are missing. {_how_to(missing)}", file=sys.stderr)
    if stamp := read_stamp():
        write_stamp(ENVIRONMENT, {**stamp, key: "incomplete" if missing else "complete"})


def can_apt_install() -> bool:
    """Returns whether this is root on Debian, Ubuntu or one of their relatives."""
    return sys.platform.startswith("linux") and os.geteuid() == 0 and which("apt-get")


def apt_command(packages: list[str]) -> str:
    """Returns the command that a user can copy."""
    return f"sudo apt-get install -y {' '.join(packages)}"


def apt_install(packages: list[str]) -> bool:
    """Installs with apt-get, after refreshing its lists if they are too old. Returns whether that succeeded."""
    install = ["apt-get", "install", "-y", "-q", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=300", *packages]
    if _run_apt(install):
        return True
    return _run_apt(["apt-get", "update", "-q"]) and _run_apt(install)


def _run_apt(command: list[str]) -> bool:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    done = subprocess.run(
        command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        last = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:]
        print(f"graft set-up: {' '.join(command[:2])} failed: {' '.join(last)}", file=sys.stderr)
    return done.returncode == 0


def _how_to(missing: list[str]) -> str:
    if which("apt-get"):
        return f"Install them with: {apt_command(missing)}"
    libraries = [QT_LIBRARIES.get(package) or WINDOW_TEST_PROGRAMS.get(package) or package for package in missing]
    return f"Install the packages of your system that hold: {', '.join(libraries)}"


def _can_load(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True
