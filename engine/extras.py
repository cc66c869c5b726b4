"""Libraries that only some exports need, fetched when the user asks for them: which, how large, whether they are there.

They go into a folder of their own in the user's data, never into what the program itself runs on, so that nothing that
works can be broken by them. A folder appears when it is complete or not at all, and is used at the end of the search
path only. Their own dependencies are listed here in full and pinned; what the program has already is not fetched twice.
"""

from __future__ import annotations

import importlib.util
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

from engine.errors import ExtraError
from engine.files import PendingFolder, disk_error, size_of
from engine.job import JobContext
from engine.language import tr
from engine.settings import user_data_folder

_POLL_S: Final = 0.05
_LOOK_S: Final = 0.5
_END_S: Final = 2.0
_FULL_DISK: Final = ("No space left on device", "Disk quota exceeded", "not enough space on the disk")
_NO_NETWORK: Final = (
    "Failed to establish a new connection",
    "NameResolutionError",
    "Temporary failure in name resolution",
    "getaddrinfo failed",
    "Network is unreachable",
    "ConnectTimeoutError",
    "ReadTimeoutError",
    "Connection refused",
    "ProxyError",
    "SSLError",
)
_NOT_FOUND: Final = ("No matching distribution found", "Could not find a version that satisfies")


@dataclass(frozen=True, slots=True)
class Extra:
    """One set of libraries. Sizes in bytes, as on Linux; elsewhere about the same.

    `systems` are those of `platform.system()` for which it exists. `module` is what can be imported when it is there.
    """

    key: str
    title: str
    packages: tuple[str, ...]
    module: str
    download_bytes: int
    installed_bytes: int
    systems: tuple[str, ...] = ("Linux", "Darwin", "Windows")


EXTRAS: Final[dict[str, Extra]] = {
    each.key: each
    for each in (
        Extra("openvino", "OpenVINO", ("openvino==2026.4.1",), "openvino", 59_000_000, 180_000_000),
        Extra(
            "coreml",
            "Core ML Tools",
            ("coremltools==9.0", "attrs==26.1.0", "cattrs==26.2.1", "pyaml==26.7.0"),
            "coremltools",
            2_500_000,
            28_000_000,
            ("Linux", "Darwin"),
        ),
        Extra(
            "litert",
            "LiteRT Torch",
            (
                "litert-torch==0.10.0",
                "litert-converter==0.5.0",
                "ai-edge-litert==2.3.0",
                "ai-edge-quantizer==0.10.0",
                "absl-py==2.5.1",
                "backports.strenum==1.2.8",
                "immutabledict==4.3.1",
                "jax==0.10.2",
                "jaxlib==0.10.2",
                "lark==1.3.1",
                "multipledispatch==1.0.0",
                "opt_einsum==3.4.0",
                "torchao==0.18.0",
                "xdsl==0.28.0",
            ),
            "litert_torch",
            179_000_000,
            790_000_000,
            ("Linux", "Darwin"),
        ),
    )
}


def extra(key: str) -> Extra:
    """Returns an extra by its key.

    Raises:
        ExtraError: there is none of that name.
    """
    if key not in EXTRAS:
        raise ExtraError(
            tr("There is nothing called “{key}” to install.", key=key),
            tr("Choose one of: {keys}.", keys=", ".join(EXTRAS)),
        )
    return EXTRAS[key]


def extra_folder(wanted: Extra) -> Path:
    """Returns where an extra lies or would lie: another one for other versions of it, or of Python.

    GRAFT_EXTRAS names another place than the user's data, for instance one that several users share.
    """
    python = f"{platform.python_implementation()}-{sys.version_info[0]}.{sys.version_info[1]}-{platform.machine()}"
    fingerprint = sha256("\n".join((python, *wanted.packages)).encode()).hexdigest()[:8]
    place = os.environ.get("GRAFT_EXTRAS")
    return (Path(place) if place else user_data_folder() / "extras") / f"{wanted.key}-{fingerprint}"


def is_installed(wanted: Extra) -> bool:
    """Tells whether an extra can be used: fetched by us, or already part of what the program runs on."""
    return extra_folder(wanted).is_dir() or importlib.util.find_spec(wanted.module) is not None


def activate(wanted: Extra) -> None:
    """Makes an extra importable in this process, after everything else.

    Raises:
        ExtraError: it is not installed.
    """
    folder = extra_folder(wanted)
    if folder.is_dir():
        if str(folder) not in sys.path:
            sys.path.append(str(folder))
            importlib.invalidate_caches()
    elif importlib.util.find_spec(wanted.module) is None:
        raise not_installed(wanted)


def not_installed(wanted: Extra) -> ExtraError:
    """Returns the sentence for an extra that is needed and missing."""
    return ExtraError(
        tr("This format needs {title}, which is not installed.", title=wanted.title),
        why_not(wanted)
        or tr("Install it first: {sizes}. On the command line, add --install.", sizes=sizes_in_words(wanted)),
    )


def sizes_in_words(wanted: Extra) -> str:
    """Returns what an extra costs, e.g. "59 MB to download, 180 MB on the disk"."""
    return tr(
        "{download:.0f} MB to download, {installed:.0f} MB on the disk",
        download=wanted.download_bytes / 1e6,
        installed=wanted.installed_bytes / 1e6,
    )


def why_not(wanted: Extra) -> str:
    """Returns why an extra cannot be installed on this computer; an empty string when it can."""
    if platform.system() not in wanted.systems:
        return tr("There is no {title} for {system}.", title=wanted.title, system=platform.system())
    if getattr(sys, "frozen", False) or importlib.util.find_spec("pip") is None:
        return tr("This build of Graft cannot install further libraries; run Graft from its source to use this format.")
    return ""


def install(wanted: Extra, context: JobContext) -> Path:
    """Fetches an extra and returns its folder. What is already there is kept as it is.

    Raises:
        ExtraError: this computer cannot have it, the network failed, or pip refused.
        DiskError: no room, or no permission.
        CancelledError: the user cancelled; nothing is left behind.
    """
    if is_installed(wanted):
        return extra_folder(wanted)
    reason = why_not(wanted)
    if reason:
        raise ExtraError(tr("{title} cannot be installed here.", title=wanted.title), reason)
    pending = PendingFolder(extra_folder(wanted))
    downloads = Path(tempfile.mkdtemp(prefix=f".{pending.path.name}.", suffix=".tmp", dir=pending.path.parent))
    try:
        _run_pip(wanted, pending.work_path, downloads, context)
        pending.commit()
    except OSError as err:
        raise disk_error(err, pending.path) from err
    finally:
        pending.discard()
        shutil.rmtree(downloads, ignore_errors=True)
    return pending.path


def discard_unfinished(wanted: Extra) -> None:
    """Removes what an installation left behind whose process was killed."""
    folder = extra_folder(wanted)
    for left in folder.parent.glob(f".{folder.name}.*.tmp"):
        shutil.rmtree(left, ignore_errors=True)


def remove(wanted: Extra) -> None:
    """Takes an extra away. What uses it in a running process goes on until that process ends."""
    shutil.rmtree(extra_folder(wanted), ignore_errors=True)


def pip_command(packages: Sequence[str], target: Path) -> list[str]:
    """Returns the command that puts packages, alone, into a folder: only built ones, since building runs code."""
    options = ["--no-deps", "--only-binary", ":all:", "--no-compile", "--no-cache-dir", "--no-input"]
    quiet = ["--disable-pip-version-check", "--quiet", "--retries", "1", "--timeout", "20"]
    return [sys.executable, "-m", "pip", "install", *options, *quiet, "--target", str(target), *packages]


def _run_pip(wanted: Extra, target: Path, downloads: Path, context: JobContext) -> None:
    """Runs pip as a process that can be stopped at any moment, and tells its progress by the bytes that have come."""
    words = downloads / "pip.txt"
    total = wanted.download_bytes + wanted.installed_bytes
    started = time.monotonic()
    next_look = 0.0
    with words.open("wb") as log:
        pip = subprocess.Popen(
            pip_command(wanted.packages, target),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=os.environ | {"TMPDIR": str(downloads), "TEMP": str(downloads), "TMP": str(downloads)},
        )
        try:
            while pip.poll() is None:
                context.checkpoint()
                if time.monotonic() >= next_look:
                    done = min(size_of(downloads) + size_of(target), total)
                    context.progress(done, total, tr("installing {title}", title=wanted.title))
                    next_look = time.monotonic() + _LOOK_S
                time.sleep(_POLL_S)
        finally:
            _end(pip)
    if pip.returncode != 0:
        raise _error_of(wanted, words.read_text(encoding="utf-8", errors="replace"), time.monotonic() - started)


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(_END_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _error_of(wanted: Extra, words: str, seconds: float) -> ExtraError:
    if any(sign in words for sign in _FULL_DISK):
        return ExtraError(
            tr("There is not enough room on the disk for {title}.", title=wanted.title),
            tr(
                "It needs {sizes}, in {folder}. Nothing was changed.",
                sizes=sizes_in_words(wanted),
                folder=user_data_folder(),
            ),
        )
    if any(sign in words for sign in _NO_NETWORK):
        return ExtraError(
            tr(
                "{title} could not be fetched: the package index cannot be reached from this computer.",
                title=wanted.title,
            ),
            tr("Connect to the internet once, then try again; nothing was changed."),
        )
    if any(sign in words for sign in _NOT_FOUND):
        python = f"Python {sys.version_info[0]}.{sys.version_info[1]}"
        return ExtraError(
            tr(
                "There is no {title} for {python} on {system} ({processor}).",
                title=wanted.title,
                python=python,
                system=platform.system(),
                processor=platform.machine(),
            ),
            tr("Choose another format; nothing was changed."),
        )
    lines = [line for line in words.splitlines() if line.strip() and not line.startswith("WARNING")]
    reason = (
        lines[-1].removeprefix("ERROR: ")[:300]
        if lines
        else tr("it ended after {seconds:.0f} s without a word", seconds=seconds)
    )
    return ExtraError(
        tr("{title} could not be installed: {reason}", title=wanted.title, reason=reason),
        tr("Nothing was changed; try again later."),
    )
