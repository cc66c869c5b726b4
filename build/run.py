#!/usr/bin/env python3
"""Sets Graft up if need be, and runs it.

usage: python3 build/run.py [ARGUMENTS]

ARGUMENTS are those of main.py (`python3 build/run.py --help`). Without any, the window opens; on a machine without a
display the demo runs instead. The exit status is that of the program.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from environment import ROOT, SetupError, ensure_environment, hand_over, require_python
from system_libraries import ensure_system_libraries


def has_display() -> bool:
    """Returns whether a window could be shown."""
    if not sys.platform.startswith("linux"):
        return True
    return any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"))


def main(arguments: list[str]) -> int:
    """Returns the program's exit status, or 1 when it could not be set up."""
    require_python()
    if not arguments and not has_display():
        print("graft: there is no display here, so this is the demo (--help lists the commands)", file=sys.stderr)
        arguments = ["demo"]
    try:
        python = ensure_environment(with_tests=False)
        is_window = not arguments or Path(arguments[0]).exists()
        ensure_system_libraries(with_tests=False, has_window=is_window)
    except SetupError as err:
        print(f"graft: {err}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("graft: set-up was interrupted; the same command goes on with it", file=sys.stderr)
        return 130
    return hand_over(python, [str(ROOT / "main.py"), *arguments])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
