#!/usr/bin/env python3
"""Packs Graft into a folder that runs where no Python is, with its licences and a list of what is in it.

usage: python3 build/package.py [--to FOLDER] [--cuda] [--deb] [--no-archive] [--check]

Everything is made under .work/package; what is finished lies in FOLDER (default .work/package/dist): the folder
`graft`, `graft-VERSION-SYSTEM.tar.zst` (a .zip on Windows), `sbom.json` and `files.txt`. `--cuda` packs the build of
torch for NVIDIA cards (several GB) instead of the one for the processor. `--deb` makes a package for Debian and Ubuntu
too. `--check` then lets the packed program do its whole job in a clean folder.

Linux is what this was run on. The parts for Windows and macOS are written from the documentation and were not run yet.
"""

from __future__ import annotations

import argparse
import datetime as dt
import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
import time
from pathlib import Path

from bundle.licences import system_licences
from bundle.linux import add_desktop_files, write_deb
from bundle.prune import STRIPPED
from bundle.toolbox import ensure_packed_environment, ensure_tools, run, size_of
from environment import ROOT, SetupError, require_python

WORK = ROOT / ".work" / "package"
SOURCE = WORK / "source"
BUNDLE = ROOT / "build" / "bundle"


def main(arguments: list[str]) -> int:
    """Returns the exit status."""
    require_python()
    parser = argparse.ArgumentParser(description="Packs Graft into a folder that runs where no Python is.")
    parser.add_argument("--to", type=Path, default=WORK / "dist", metavar="FOLDER", help="where the result goes")
    parser.add_argument("--cuda", action="store_true", help="pack the build of torch for NVIDIA cards")
    parser.add_argument("--deb", action="store_true", help="make a .deb too")
    parser.add_argument("--no-archive", action="store_true", help="leave the archive out")
    parser.add_argument("--check", action="store_true", help="let the packed program do its whole job")
    options = parser.parse_args(arguments)
    try:
        folder = make_folder(options.to.resolve(), options.cuda)
        print(f"folder: {folder}, {size_of(folder) / 1e6:.0f} MB", flush=True)
        if not options.no_archive:
            archive = make_archive(folder)
            print(f"archive: {archive}, {archive.stat().st_size / 1e6:.0f} MB", flush=True)
        if options.deb:
            deb = folder.parent / f"graft_{version()}_{platform.machine()}.deb"
            if not write_deb(folder, deb, version(), WORK):
                raise SetupError("A .deb needs dpkg-deb, which Debian and Ubuntu have.")
            print(f"deb: {deb}, {deb.stat().st_size / 1e6:.0f} MB", flush=True)
        if options.check:
            from bundle.check import check_folder

            check_folder(folder)
    except SetupError as err:
        print(f"graft: {err}", file=sys.stderr)
        return 1
    return 0


def make_folder(destination: Path, has_cuda: bool) -> Path:
    """Makes the folder `graft` in `destination` and returns it."""
    started = time.perf_counter()
    python, tools = ensure_packed_environment(WORK, has_cuda), ensure_tools(WORK)
    source = check_out()
    licences = WORK / "licences"
    shutil.rmtree(licences, ignore_errors=True)
    done = subprocess.run(
        [str(python), str(BUNDLE / "licences.py"), str(licences)], stdout=subprocess.PIPE, text=True, check=False
    )
    if done.returncode != 0:
        raise SetupError("The licences of what is shipped could not be collected; the reason stands above.")
    version_file = WORK / "version.json"
    version_file.write_text(json.dumps({"version": version(), "commit": git("rev-parse", "HEAD")}), encoding="utf-8")
    icon = WORK / {"win32": "graft.ico", "darwin": "graft.icns"}.get(sys.platform, "graft.png")
    run([str(python), str(BUNDLE / "icons.py"), str(source / "resources/icons/graft.svg"), str(icon)], "draw the icon")
    facts = {
        "version": version(),
        "version_file": str(version_file),
        "binaries_file": str(WORK / "binaries.txt"),
        "distributions": done.stdout.split(),
        "icon": None if sys.platform.startswith("linux") else str(icon),
        "version_resource": write_version_resource() if sys.platform == "win32" else None,
    }
    reproducible = {"PYTHONHASHSEED": "1", "SOURCE_DATE_EPOCH": str(epoch_s())}
    run(
        [
            str(python), "-m", "PyInstaller", "--noconfirm", "--log-level", "WARN",
            "--distpath", str(WORK / "made"), "--workpath", str(WORK / "pyinstaller"),
            str(source / "build/bundle/graft.spec"),
        ],
        "pack the program",
        env={**os.environ, **reproducible, "GRAFT_BUNDLE": json.dumps(facts)},
    )  # fmt: skip
    made = WORK / "made" / ("Graft.app" if sys.platform == "darwin" else "graft")
    system_licences(WORK / "binaries.txt", licences)
    shutil.copytree(licences, made / "Contents/Resources/licences" if sys.platform == "darwin" else made / "licences")
    strip_symbols(made)
    if sys.platform.startswith("linux"):
        date = dt.datetime.fromtimestamp(epoch_s(), dt.UTC).date().isoformat()
        add_desktop_files(made, icon, version(), date)
    folder = destination / made.name
    destination.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(folder, ignore_errors=True)
    shutil.move(made, folder)
    write_sbom(tools, python, destination / "sbom.json")
    write_file_list(folder, destination / "files.txt")
    print(f"packed in {time.perf_counter() - started:.0f} s", file=sys.stderr)
    return folder


def check_out() -> Path:
    """Returns a clean copy of the commit: what is packed can be named, and nothing that lies about gets in."""
    shutil.rmtree(SOURCE, ignore_errors=True)
    if git("status", "--porcelain"):
        print("graft: there are changes that are not committed; they are not packed", file=sys.stderr)
    run(["git", "clone", "--quiet", "--no-hardlinks", str(ROOT), str(SOURCE)], "take a copy of the commit")
    return SOURCE


def strip_symbols(folder: Path) -> None:
    """Takes debuggers' symbols out of the few large libraries that have them."""
    if not sys.platform.startswith("linux") or shutil.which("strip") is None:
        return
    inner = folder / "_internal"
    for path in inner.rglob("*.so*"):
        if path.is_file() and not path.is_symlink() and STRIPPED.search(path.relative_to(inner).as_posix()):
            run(["strip", "--strip-unneeded", str(path)], f"strip {path.name}")


def make_archive(folder: Path) -> Path:
    """Packs the folder beside it and returns the archive."""
    name = f"graft-{version()}-{platform.system().lower()}-{platform.machine().lower()}"
    if sys.platform == "win32":
        return Path(shutil.make_archive(str(folder.parent / name), "zip", folder.parent, folder.name))
    archive = folder.parent / f"{name}.tar.zst"
    tools = ensure_tools(WORK)
    run([str(tools), str(BUNDLE / "archive.py"), str(folder), str(archive), str(epoch_s())], "write the archive")
    return archive


def write_sbom(tools: Path, python: Path, file: Path) -> None:
    """Writes what is in the package as a CycloneDX document."""
    command = [str(tools), "-m", "cyclonedx_py", "environment", str(python), "--output-reproducible", "--of", "JSON"]
    run([*command, "-o", str(file)], "write the list of what is in the package (SBOM)")


def write_file_list(folder: Path, file: Path) -> None:
    """Writes path, size and hash of every file, sorted: two builds of a commit can be compared by it."""
    lines = []
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink():
            lines.append(f"{name} -> {os.readlink(path)}")
        elif path.is_file():
            lines.append(f"{name} {path.stat().st_size} {hashlib.sha256(path.read_bytes()).hexdigest()}")
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")


def write_version_resource() -> str:
    """Writes what Windows shows under "Details" of a program, and returns the file."""
    numbers = [int(part) for part in version().removeprefix("v").split("-")[0].split(".") if part.isdigit()]
    four = tuple([*numbers, 0, 0, 0, 0][:4])
    strings = {
        "ProductName": "Graft",
        "FileDescription": "Graft",
        "ProductVersion": version(),
        "LegalCopyright": "Apache-2.0",
    }
    rows = ", ".join(f"StringStruct({key!r}, {value!r})" for key, value in strings.items())
    file = WORK / "version_resource.txt"
    file.write_text(
        f"VSVersionInfo(ffi=FixedFileInfo(filevers={four}, prodvers={four}), kids=[StringFileInfo([StringTable("
        f"'040904B0', [{rows}])]), VarFileInfo([VarStruct('Translation', [1033, 1200])])])\n",
        encoding="utf-8",
    )
    return str(file)


def version() -> str:
    """Returns the version from git: the last tag and what came after it; without one our own number and the commit."""
    described = git("describe", "--tags", "--dirty")
    if described:
        return described
    import tomllib

    own = tomllib.loads((SOURCE / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    dirty = "-dirty" if git("status", "--porcelain", "--untracked-files=no") else ""
    return f"{own}+{git('rev-parse', '--short', 'HEAD') or 'unknown'}{dirty}"


def epoch_s() -> int:
    """Returns when the packed commit was made: the only time that the package knows."""
    return int(git("log", "-1", "--format=%ct") or 0)


def git(*arguments: str) -> str:
    """Returns what git says, empty when it cannot say anything."""
    if shutil.which("git") is None:
        return ""
    done = subprocess.run(
        ["git", *arguments], cwd=SOURCE if SOURCE.is_dir() else ROOT, capture_output=True, text=True, check=False
    )
    return done.stdout.strip() if done.returncode == 0 else ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
