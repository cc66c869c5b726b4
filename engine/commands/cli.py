"""Reads the arguments, runs the command, and turns every ending into an exit status and at most one line on stderr.

0 success, 1 failure, 2 bad usage, 130 cancelled with Ctrl-C.
"""

from __future__ import annotations

import argparse
import difflib
import importlib
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn, Protocol

from engine import VERSION
from engine.commands.console import Console
from engine.commands.names import COMMANDS, module_of
from engine.errors import InternalError, UsageError
from engine.job import CancelledError, failure_of
from engine.settings import limit_threads, num_threads, user_data_folder

CANCELLED_STATUS = 130

log = logging.getLogger("graft.commands")


class Command(Protocol):
    """What a command's module holds."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None: ...

    def run(self, arguments: argparse.Namespace, console: Console) -> None: ...


def run(arguments: Sequence[str]) -> int:
    """Runs one command and returns the exit status. Prints no traceback, ever."""
    try:
        return _run(arguments)
    except BrokenPipeError:
        # The reader of our output has gone (`| head`). Python would complain again while it closes stdout.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (KeyboardInterrupt, CancelledError):
        return _end("cancelled", CANCELLED_STATUS)
    except UsageError as err:
        return _end(str(err), 2)
    except Exception as err:  # noqa: BLE001 - the command line's exception hook: a bug becomes one line and a log entry
        error, details = failure_of(err)
        if isinstance(error, InternalError):
            return _end(f"{error.message} The details are in {_write_log(details)}.", 1)
        return _end(str(error), 1)


def _run(arguments: Sequence[str]) -> int:
    limit_threads(num_threads(has_window=False))
    name = arguments[0] if arguments else ""
    if name not in COMMANDS:
        _parse_general(arguments)
        return 0
    summary = COMMANDS[name]
    # Only the module of the command that was asked for: the libraries behind the others take seconds to load.
    command: Command = importlib.import_module(module_of(name))
    parser = _Parser(prog=f"graft {name}", description=f"{summary[0].upper()}{summary[1:]}.")
    command.add_arguments(parser)
    parsed = parser.parse_args(arguments[1:])
    command.run(parsed, Console(is_json=getattr(parsed, "json", False)))
    return 0


def _parse_general(arguments: Sequence[str]) -> None:
    """Handles --help, --version and names that are no command."""
    parser = _Parser(
        prog="graft",
        usage="graft [PROJECT | COMMAND ...]",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"graft {VERSION}")
    parser.add_argument("command", nargs="?", metavar="COMMAND", help=argparse.SUPPRESS)
    parser.add_argument("rest", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    name = parser.parse_args(arguments).command
    close = difflib.get_close_matches(name or "", COMMANDS, n=1)
    meant = f"Did you mean {close[0]}?" if close else "graft --help lists the commands."
    raise UsageError(f"{name} is neither a command nor a folder.", meant)


class _Parser(argparse.ArgumentParser):
    """Bad usage is one line on stderr, like every other failure."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message[0].upper()}{message[1:]}.", f"{self.prog} --help says how it is used.")


def _end(text: str, status: int) -> int:
    print(f"graft: {' '.join(text.split())}", file=sys.stderr, flush=True)
    return status


def _write_log(details: str) -> Path:
    """Appends the traceback of a bug to the user's log and returns its place."""
    path = user_data_folder() / "logs" / "graft.log"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as file:
            file.write(f"{details}\n")
    except OSError as err:
        log.warning("The log cannot be written: %s", err)
    return path


DESCRIPTION = """\
Label a few images, get an honestly measured classifier, take it anywhere.

  graft                 opens the window
  graft PROJECT         opens the window with a project
  graft COMMAND ...     runs one step; graft COMMAND --help says more

commands:
""" + "\n".join(f"  {name:<13s} {summary}" for name, summary in COMMANDS.items())
