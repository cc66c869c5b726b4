"""The open project: what tasks, commands and the window's session use. Hides the store and where files lie."""

from engine.project.project import CACHE_FOLDER, MODELS_FOLDER, Project

__all__ = ["CACHE_FOLDER", "MODELS_FOLDER", "Project"]
