"""Records what the workload writes, with strace, as a list of events in their order.

The recording is the truth about what the program asked of the system: which bytes into which file, what was synced and
when, and between which of these a step was acknowledged.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
OLDER = REPOSITORY / "tests" / "engine" / "store" / "data" / "version_2"
_CALLS = (
    "openat,open,creat,write,pwrite64,ftruncate,truncate,lseek,fsync,fdatasync,rename,renameat,renameat2,unlink,unlinkat,"
    "close,mkdir,mkdirat,writev,pwritev,pwritev2,sendfile,copy_file_range,fallocate,link,linkat,sync"
)
_LINE = re.compile(r"^(\d+)\s+(\w+)\((.*)\)\s+= (-?\d+)")
_UNFINISHED = re.compile(r"^(\d+)\s+(.*) <unfinished \.\.\.>$")
_RESUMED = re.compile(r"^(\d+)\s+<\.\.\. \w+ resumed>(.*)$")
_HANDLE = re.compile(r"^(\d+)<([^>]*)>")
_TEXT = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened: create, write, truncate, sync, rename, unlink, mkdir, or say (a line of ours)."""

    kind: str
    path: str
    data: bytes = b""
    offset: int = 0
    target: str = ""


def can_record() -> bool:
    """Tells whether strace is there and may look at a process."""
    if shutil.which("strace") is None:
        return False
    return (
        subprocess.run(["strace", "-qq", "-o", "/dev/null", "true"], check=False, capture_output=True).returncode == 0
    )


def record(folder: Path) -> list[Event]:
    """Runs the workload in an empty folder and returns what it wrote, paths relative to the folder."""
    shutil.copytree(OLDER, folder / "older")
    trace = folder.with_name(folder.name + ".trace")
    workload = [sys.executable, str(Path(__file__).with_name("workload.py")), str(folder)]
    subprocess.run(
        ["strace", "-f", "-y", "-qq", "-xx", "-s", "100000000", "-e", f"trace={_CALLS}", "-o", str(trace), *workload],
        check=True,
        capture_output=True,
        cwd=REPOSITORY,
    )
    try:
        return _Parser(str(folder)).events(trace)
    finally:
        trace.unlink()


class _Parser:
    """Turns strace's lines into events of one folder."""

    def __init__(self, folder: str) -> None:
        self._prefix = folder + "/"
        self._folder = folder
        self._places: dict[int, int] = {}
        self._appends: set[int] = set()
        self._sizes: dict[str, int] = {}
        self._found: list[Event] = []

    def events(self, trace: Path) -> list[Event]:
        begun: dict[str, str] = {}
        with open(trace, encoding="ascii") as lines:
            for line in lines:
                line = line.rstrip("\n")
                if match := _UNFINISHED.match(line):
                    begun[match[1]] = line[: -len(" <unfinished ...>")]
                    continue
                if match := _RESUMED.match(line):
                    line = begun.pop(match[1]) + match[2]
                if (match := _LINE.match(line)) and int(match[4]) >= 0:
                    self._take(match[2], match[3], int(match[4]))
        return self._found

    def _take(self, call: str, arguments: str, result: int) -> None:
        texts = [bytes.fromhex(text.replace("\\x", "")) for text in _TEXT.findall(arguments)]
        handle = _HANDLE.match(arguments)
        number = int(handle[1]) if handle else -1
        path = self._inside(bytes.fromhex(handle[2].replace("\\x", "")).decode("utf-8", "replace")) if handle else None
        if call == "write" and number == 1:
            self._found.append(Event("say", texts[0].decode().strip()))
        elif call in ("open", "openat", "creat"):
            self._open(arguments, texts[0].decode(), result)
        elif call in ("mkdir", "mkdirat", "unlink", "unlinkat", "rename", "renameat", "renameat2"):
            self._name(call, [self._inside(text.decode()) for text in texts])
        elif path is None:
            return
        elif call == "lseek":
            self._places[number] = result
        elif call in ("write", "pwrite64"):
            at_end = call == "write" and number in self._appends
            if call == "pwrite64":
                place = int(arguments.rpartition(",")[2])
            else:
                place = self._sizes.get(path, 0) if at_end else self._places.get(number, 0)
                self._places[number] = place + result
            self._sizes[path] = max(self._sizes.get(path, 0), place + result)
            self._found.append(Event("write", path, texts[0][:result], place))
        elif call == "ftruncate":
            size = int(arguments.rpartition(",")[2])
            self._sizes[path] = size
            self._found.append(Event("truncate", path, offset=size))
        elif call in ("fsync", "fdatasync"):
            self._found.append(Event("sync", path))
        elif call != "close":
            raise ValueError(f"no way to replay {call}({arguments[:200]})")

    def _open(self, arguments: str, name: str, number: int) -> None:
        path = self._inside(name)
        self._places[number] = 0
        (self._appends.add if "O_APPEND" in arguments else self._appends.discard)(number)
        if path is not None and "O_CREAT" in arguments:
            self._found.append(Event("create", path))
        if path is not None and "O_TRUNC" in arguments:
            self._sizes[path] = 0
            self._found.append(Event("truncate", path, offset=0))

    def _name(self, call: str, paths: list[str | None]) -> None:
        first = paths[0]
        if first is None:
            return
        if call.startswith("rename"):
            target = paths[1]
            assert target is not None
            self._sizes[target] = self._sizes.pop(first, 0)
            self._found.append(Event("rename", first, target=target))
        else:
            if not call.startswith("mkdir"):
                self._sizes.pop(first, None)
            self._found.append(Event("mkdir" if call.startswith("mkdir") else "unlink", first))

    def _inside(self, path: str) -> str | None:
        if path == self._folder:
            return ""
        return path[len(self._prefix) :] if path.startswith(self._prefix) else None
