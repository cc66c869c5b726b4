"""Runs the benchmarks one after the other and prints their rows of FIGURES.md.

Run it: `python tests/bench/run_all.py [NAME ...]`, for instance `feel` (the rows of the window), `engine`, or single
names such as `grid viewer`. Each is a program of its own, so that none warms or fills the memory of the next. The load
of the machine stands above each; figures taken at a load above one or two are worth little.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
GROUPS = {
    "feel": ("window", "grid", "viewer", "store", "scan", "images", "jobs"),
    "engine": ("engine", "embedding", "depth", "backbones", "several"),
    "honesty": ("honesty", "unknown"),
}


def main(names: list[str]) -> int:
    """Returns how many benchmarks failed."""
    there = {file.stem.removeprefix("bench_"): file for file in sorted(HERE.glob("bench_*.py"))}
    wanted = [each for name in names or GROUPS for each in GROUPS.get(name, (name,)) if each in there or each == name]
    unknown = [name for name in wanted if name not in there]
    if unknown:
        print(f"No benchmark {', '.join(unknown)}. There are: {', '.join((*GROUPS, *there))}.", file=sys.stderr)
        return 2
    failed = []
    for name in wanted:
        print(f"\n=== {name}   load {os.getloadavg()[0]:.1f}", flush=True)
        if subprocess.run([sys.executable, there[name]], cwd=HERE.parents[1], check=False).returncode:
            failed.append(name)
    if failed:
        print(f"\nFailed: {', '.join(failed)}", file=sys.stderr)
    return len(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
