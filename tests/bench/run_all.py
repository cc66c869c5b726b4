"""Runs the benchmarks one after the other and prints their rows of FIGURES.md.

Run it: `python tests/bench/run_all.py [--page FILE] [NAME ...]`, for instance `feel` (the rows of the window),
`engine`, or single names such as `grid viewer`. Each is a program of its own, so that none warms or fills the memory of
the next. The load of the machine stands above each; figures taken at a load above one or two are worth little. `--page`
writes what was printed as a Markdown page with date and machine too: `resources/help/benchmarks.md` is one.
"""

from __future__ import annotations

import argparse
import datetime as dt
import os
import platform
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

HERE = Path(__file__).resolve().parent
GROUPS = {
    "feel": ("window", "grid", "viewer", "store", "scan", "images", "jobs"),
    "engine": ("engine", "embedding", "depth", "backbones", "several"),
    "honesty": ("honesty", "unknown"),
    "assistance": ("expert", "strategies"),
    "export": ("exports",),
}
PACKAGES = ("torch", "onnxruntime", "numpy", "scikit-learn", "PySide6_Essentials")


def main(arguments: list[str]) -> int:
    """Returns how many benchmarks failed."""
    parser = argparse.ArgumentParser(description="Runs the benchmarks one after the other.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"groups ({', '.join(GROUPS)}) or single benchmarks")
    parser.add_argument("--page", type=Path, metavar="FILE", help="write what is printed as a Markdown page too")
    options = parser.parse_args(arguments)
    there = {file.stem.removeprefix("bench_"): file for file in sorted(HERE.glob("bench_*.py"))}
    wanted = [each for name in options.names or GROUPS for each in GROUPS.get(name, (name,))]
    unknown = [name for name in wanted if name not in there]
    if unknown:
        print(f"No benchmark {', '.join(unknown)}. There are: {', '.join((*GROUPS, *there))}.", file=sys.stderr)
        return 2
    failed, sections = [], []
    for name in wanted:
        load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
        print(f"\n=== {name}   load {load:.1f}", flush=True)
        text, is_good = _run(there[name])
        sections.append(f"## {name}\n\nLoad at its start: {load:.1f}.\n\n```\n{text.strip()}\n```\n")
        if not is_good:
            failed.append(name)
    if options.page is not None:
        options.page.write_text("\n".join([_page_head(), *sections]), encoding="utf-8")
    if failed:
        print(f"\nFailed: {', '.join(failed)}", file=sys.stderr)
    return len(failed)


def _run(file: Path) -> tuple[str, bool]:
    """Runs one benchmark, shows what it prints as it comes, and returns that and whether it ended well."""
    lines = []
    with subprocess.Popen([sys.executable, file], cwd=HERE.parents[1], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            print(line, end="", flush=True)
            lines.append(line)
    return "".join(lines), process.returncode == 0


def _page_head() -> str:
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    return f"""# Benchmarks

Measured on {dt.date.today().isoformat()}: {os.cpu_count()} cores ({platform.machine()}), {platform.system()},
Python {platform.python_version()}, {packages}. The pictures are five public sets of 500 to 3,000 pictures. `python
tests/bench/run_all.py --page FILE` makes this page for your machine; it needs the image sets that the developers share.
"""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
