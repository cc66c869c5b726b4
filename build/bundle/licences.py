"""Collects the licence texts of everything that is shipped. `main` is run inside the environment that is packed.

usage: licences.py OUT_FOLDER      (writes a folder per package, and an overview in Markdown)
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from importlib.metadata import Distribution, distributions
from pathlib import Path

NOT_SHIPPED = frozenset(
    {"pip", "setuptools", "wheel", "pyinstaller", "pyinstaller-hooks-contrib", "altgraph", "packaging"}
)
"""What makes the package and is not in it. PyInstaller's starter program is: its licence allows any use of it."""
LICENCE_NAME = re.compile(r"licen[cs]e|copying|notice|authors", re.IGNORECASE)
COPYLEFT = re.compile(r"\b(A?GPL)", re.IGNORECASE)


def collect_licences(folder: Path) -> list[str]:
    """Writes the licences and returns the names of the packages, sorted.

    Raises:
        SystemExit: a package is under a licence that we do not ship.
    """
    rows = []
    for each in sorted(distributions(), key=lambda found: found.metadata["Name"].lower()):
        name = each.metadata["Name"]
        if name.lower() in NOT_SHIPPED:
            continue
        licence = licence_of(each)
        if COPYLEFT.search(licence) and "LGPL" not in licence.upper() and "EXCEPTION" not in licence.upper():
            sys.exit(f"{name} is under {licence}: it cannot be shipped")
        texts = _write_texts(each, folder / name)
        rows.append((name, each.version, licence, ", ".join(texts) or "no text in the package"))
    lines = [
        "# What is in this package, and under which licences",
        "",
        "| package | version | licence | texts |",
        "|---|---|---|---|",
    ]
    lines += [f"| {' | '.join(row)} |" for row in rows]
    lines += [
        "",
        f"Python {sys.version.split()[0]} is under the PSF licence: https://docs.python.org/3/license.html",
        "",
    ]
    (folder / "README.md").write_text("\n".join(lines), encoding="utf-8")
    return [row[0] for row in rows]


def system_licences(binaries: Path, folder: Path) -> None:
    """Adds the licences of libraries that came from the system (Debian and Ubuntu know whose each file is).

    `binaries` names the files that were packed, one per line.
    """
    files = [line for line in binaries.read_text().splitlines() if line.startswith(("/usr/lib", "/lib"))]
    if not files or shutil.which("dpkg") is None:
        return
    asked = sorted({name for file in files for name in (file, os.path.realpath(file), file.removeprefix("/usr"))})
    answer = subprocess.run(["dpkg", "-S", *asked], capture_output=True, text=True, check=False).stdout
    packages = sorted({line.split(":", 1)[0] for line in answer.splitlines() if ": " in line})
    for package in packages:
        text = Path("/usr/share/doc") / package / "copyright"
        if text.is_file():
            (folder / "system").mkdir(exist_ok=True)
            shutil.copy(text, folder / "system" / f"{package}.txt")


def licence_of(distribution: Distribution) -> str:
    """Returns the licence as its package states it, in one line."""
    facts = distribution.metadata
    stated = facts["License-Expression"] or ""  # None where a package does not state it
    if not stated:
        classifiers = facts.get_all("Classifier") or []
        stated = "; ".join(entry.split("::")[-1].strip() for entry in classifiers if "License ::" in entry)
    if not stated:
        stated = (facts["License"] or "not stated").strip().splitlines()[0]
    return stated[:80].replace("|", "/")


def _write_texts(distribution: Distribution, folder: Path) -> list[str]:
    written = []
    for file in distribution.files or []:
        if LICENCE_NAME.search(file.name) and ".dist-info" in str(file) and not file.name.endswith((".py", ".pyc")):
            text = Path(str(file.locate())).read_bytes()
            folder.mkdir(parents=True, exist_ok=True)
            target = folder / str(file).split(".dist-info/", 1)[1].replace("/", "_").replace("\\", "_")
            target.write_bytes(text)
            written.append(target.name)
    return sorted(written)


if __name__ == "__main__":
    out = Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    print("\n".join(collect_licences(out)))
