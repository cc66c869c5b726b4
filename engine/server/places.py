"""Which model another process is to serve, as JSON. Light: the window writes it, the server's process reads it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.tasks.predict import RunPlace

if TYPE_CHECKING:
    from engine.importers.model import ExportedModel


def place_document(place: RunPlace | ExportedModel) -> dict[str, Any]:
    """Returns what another process needs to open the same model, as a JSON document."""
    if isinstance(place, RunPlace):
        folders = {"run_folder": str(place.run_folder), "project_folder": str(place.project_folder)}
        return folders | {"unknown_threshold": place.unknown_threshold}
    return {"format": place.format, "file": str(place.file), "document": place.document and str(place.document)}


def place_from(document: dict[str, Any]) -> RunPlace | ExportedModel:
    """Returns what `place_document` was given."""
    from engine.importers.model import ExportedModel

    if "run_folder" in document:
        folders = Path(document["run_folder"]), Path(document["project_folder"])
        return RunPlace(*folders, float(document["unknown_threshold"]))
    described = document["document"]
    return ExportedModel(document["format"], Path(document["file"]), Path(described) if described else None)
