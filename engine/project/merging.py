"""Takes over what another project says of the same pictures: a colleague's labels, or those of a copy."""

from __future__ import annotations

from pathlib import Path

from sqlite_utils import Database

from engine.domain import Change
from engine.errors import ProjectError
from engine.language import tr
from engine.project.project import Project
from engine.store import merging
from engine.store.merging import MergePlan as MergePlan


def merge_project(
    project: Project, other: Path, prefers_other: bool = False, is_dry: bool = False
) -> tuple[MergePlan, Change | None]:
    """Brings classes, marks and notes of another project's pictures into this one, as one step. Blocks.

    Pictures are the same when their content is, wherever they lie. Where both projects say something else, this one's
    counts unless `prefers_other`. Labels keep where they came from (by hand, a suggestion, imported), and the step
    names who gave them. The other project is opened as a read-only copy and stays as it is.

    Returns:
        What was done, or with `is_dry` would be done, and the change; None where nothing changed.

    Raises:
        ProjectError: it is this project, there is none, or this one is open as a read-only copy.
        StoreError: the other one is damaged or from a newer program, or the disk failed; nothing has changed.
    """
    if project.read_only:
        raise ProjectError(
            tr("{name} is open as a read-only copy.", name=project.name),
            tr("Open the project itself to change something."),
        )
    if other.resolve() == project.folder.resolve():
        raise ProjectError(
            tr("A project cannot be merged with itself."), tr("Choose the folder of another project, or of a copy.")
        )
    with Project.open(other, read_only=True) as opened:
        theirs = opened.store.call(merging.read)

    def work(db: Database) -> tuple[MergePlan, Change | None]:
        wanted = merging.plan(db, theirs, prefers_other)
        return wanted, None if is_dry else merging.apply(db, theirs, wanted)

    return project.store.call(work)
