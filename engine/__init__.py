"""Graft's engine: everything but the window. It never imports Qt, and torch only inside engine.nn."""

from typing import Final

VERSION: Final = "0.1.0"
"""The program's version, as in pyproject.toml."""
