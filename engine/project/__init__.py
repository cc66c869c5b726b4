"""The open project: what tasks, commands and the window's session use. Hides the store and where files lie."""

from engine.project.project import Project

__all__ = ["Project"]
