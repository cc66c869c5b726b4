"""What a question about the program needs: versions, machine, where things lie. No name of a project or picture."""

from __future__ import annotations

import json
import os
import platform
import shutil
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

from engine import VERSION
from engine.settings import num_threads, num_usable_cores, user_data_folder

PACKAGES: Final = (
    "torch", "torchvision", "timm", "onnxruntime", "onnx", "numpy", "scipy", "scikit-learn", "pillow",
    "PySide6_Essentials",
)  # fmt: skip
_VERSION_FILE: Final = Path(__file__).resolve().parents[2] / "resources" / "version.json"


def program_version() -> str:
    """Returns the version with the commit where the program was packed from one, e.g. "0.1.0+1d46bc7"."""
    try:
        stated = json.loads(_VERSION_FILE.read_text(encoding="utf-8"))["version"]
    except (OSError, ValueError, KeyError, TypeError):
        return VERSION
    return stated if isinstance(stated, str) else VERSION


def diagnostics(has_window: bool = True) -> dict[str, str]:
    """Returns name and value of each fact, in the order to show them in; quick, since nothing heavy is imported."""
    facts = {
        "Graft": program_version() + (" (packed)" if getattr(sys, "frozen", False) else ""),
        "System": platform.platform(),
        "Processor": f"{platform.machine()}, {num_usable_cores()} cores, {num_threads(has_window)} used for computing",
        "Python": platform.python_version(),
    }
    for name in PACKAGES:
        try:
            facts[name] = version(name)
        except PackageNotFoundError:
            facts[name] = "not there"
    folder = user_data_folder()
    facts["User folder"] = str(folder)
    try:
        facts["Free on its disk"] = f"{shutil.disk_usage(_existing(folder)).free / 1e9:.1f} GB"
    except OSError as err:
        facts["Free on its disk"] = f"cannot be told ({err.strerror})"
    changed = sorted(name for name in os.environ if name.startswith("GRAFT_"))
    facts["Variables"] = ", ".join(f"{name}={os.environ[name]}" for name in changed) or "none"
    return facts


def _existing(folder: Path) -> Path:
    """Returns the folder, or the nearest one above it that is there."""
    return next((each for each in (folder, *folder.parents) if each.exists()), folder)
