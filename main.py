"""Graft's entry: no argument or a project = the window; a command = the command line."""

from __future__ import annotations

import gc
import multiprocessing
import os
import sys

# Reading a model file must never mean running what is in it (torch honours this variable above our own setting).
os.environ.pop("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", None)


def main() -> int:
    """Returns the exit status."""
    from engine.commands.names import is_command_line

    arguments = sys.argv[1:]
    if arguments[:1] == ["--helper"]:
        from engine.helper_process import run_helper

        return run_helper(arguments[1:])
    if is_command_line(arguments):
        from engine.commands.cli import run

        return run(arguments)
    gc.disable()  # the heap only grows while the window is made; gui.warm_up turns collections on again
    from gui.languages import choose_language

    choose_language()  # before what has texts is imported
    from gui.app import run_window  # Qt comes in here; torch stays in the worker process

    return run_window(arguments)


def _leave_programs_their_own_libraries() -> None:
    """A packed program is started with a path to its own libraries, which the browser or the file manager that it
    opens must not inherit."""
    if getattr(sys, "frozen", False) and "LD_LIBRARY_PATH" in os.environ:
        original = os.environ.pop("LD_LIBRARY_PATH_ORIG", None)
        del os.environ["LD_LIBRARY_PATH"]
        if original is not None:
            os.environ["LD_LIBRARY_PATH"] = original


if __name__ == "__main__":
    multiprocessing.freeze_support()  # first: in a frozen program the worker process starts here
    _leave_programs_their_own_libraries()
    sys.exit(main())
