"""Takes labels, classes, marks, notes, refusals of an open project back to what a backup holds, as one undoable step.

Images and versions of the model stay as they are: nothing that came since is lost, and a restore is itself a step of
the history. A database that is damaged or gone is another matter (`engine.store.restore`).
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar

from sqlite_utils import Database

from engine.domain import NO_CLASS, Change, LabelMode
from engine.errors import StoreError
from engine.language import tr
from engine.store import (
    annotation_log,
    backup,
    classes,
    connection,
    copying,
    image_notes,
    marks,
    meta,
    refusals,
    schema,
    steps,
)
from engine.store.failures import environment_errors
from engine.store.migrations import SCHEMA_VERSION

Value = TypeVar("Value")

KIND: Final = "restore"
_FIELDS: Final = ("name", "color", "key", "position", "deleted")
_PLACES: Final = "SELECT id, root_id, relative_path, content_hash FROM images"
Labels = dict[int, dict[int, str]]
"""Image id to the classes of the image, each with its source."""


@dataclass(frozen=True, slots=True)
class LabelState:
    """What a project says of its images at one moment. `places` has root, path and hash of the images spoken of."""

    project_id: str
    label_mode: LabelMode
    class_rows: dict[int, dict[str, Any]]
    labels: Labels
    marks: dict[int, int]
    notes: dict[int, str]
    places: dict[int, tuple[int, bytes, str]]
    refusals: dict[int, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class GoingBackPlan:
    """What going back would change, in images and names of classes."""

    num_labelled_then: int
    num_losing: int
    """Images that have a class now and had none then."""
    num_changing: int
    """Images that had another class."""
    num_regaining: int
    """Images that had a class then and have none now."""
    num_marks_and_notes: int
    """Refused suggestions are counted here, too."""
    num_images_gone: int
    """Images that the backup speaks of and the project does not know."""
    classes_going: tuple[str, ...]
    classes_coming: tuple[str, ...]
    num_classes_changing: int
    mode_changes: bool

    @property
    def changes_nothing(self) -> bool:
        images = self.num_losing + self.num_changing + self.num_regaining + self.num_marks_and_notes
        named = len(self.classes_going) + len(self.classes_coming) + self.num_classes_changing
        return not (images or named or self.mode_changes)


def read_backup(file: Path) -> LabelState:
    """Returns what a backup holds. It is copied and brought up to date for that; the file itself stays untouched.

    Raises:
        StoreError: it is damaged or from a newer program, or the disk for temporary files is full.
    """
    if not backup.is_good(file):
        raise StoreError(
            tr("The backup {file} is damaged.", file=file.name), tr("Nothing was changed. Choose another one.")
        )
    with environment_errors(file):
        folder = copying.make_temporary_folder()
        try:
            copy = folder / file.name
            shutil.copyfile(file, copy)
            db = connection.connect(copy, origin=file)
            try:
                if schema.version(db) < SCHEMA_VERSION:
                    schema.migrate(db)
                return read(db)
            finally:
                db.close()
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def read(db: Database) -> LabelState:
    """Returns what an open database says of its images now."""
    labels: Labels = {}
    for image_id, class_id, source in db.execute("SELECT image_id, class_id, source FROM image_classes"):
        labels.setdefault(image_id, {})[class_id] = source
    marks = dict(db.execute("SELECT image_id, marks FROM image_marks WHERE marks != 0").fetchall())
    notes = image_notes.all_notes(db)
    refused = refusals.all_refused(db)
    spoken_of = labels.keys() | marks.keys() | notes.keys() | refused.keys()
    return LabelState(
        project_id=meta.get(db, meta.PROJECT_ID) or "",
        label_mode=meta.label_mode(db),
        class_rows={
            row[0]: dict(zip(_FIELDS, row[1:], strict=True))
            for row in db.execute("SELECT id, name, color, key, position, deleted FROM classes")
        },
        labels=labels,
        marks=marks,
        notes=notes,
        places={row[0]: (row[1], row[2], row[3]) for row in db.execute(_PLACES) if row[0] in spoken_of},
        refusals=refused,
    )


def plan(db: Database, wanted: LabelState) -> GoingBackPlan:
    """Returns what `apply` would change now; writes nothing.

    Raises:
        StoreError: the backup is that of another project.
    """
    present, ids = read(db), _ids_here(db, wanted)
    then = _by_id_here(wanted.labels, ids)
    marked = _differing(present.marks, _by_id_here(wanted.marks, ids), 0)
    noted = _differing(present.notes, _by_id_here(wanted.notes, ids), "")
    refused = _differing(present.refusals, _by_id_here(wanted.refusals, ids), "")
    before, after = _names(present.class_rows), _names(wanted.class_rows)
    both = [class_id for class_id in wanted.class_rows if class_id in before and class_id in after]
    return GoingBackPlan(
        num_labelled_then=len(then),
        num_losing=len(present.labels.keys() - then.keys()),
        num_changing=sum(present.labels[each].keys() != then[each].keys() for each in present.labels.keys() & then),
        num_regaining=len(then.keys() - present.labels.keys()),
        num_marks_and_notes=len(marked.keys() | noted.keys() | refused.keys()),
        num_images_gone=len(wanted.places) - len(ids),
        classes_going=tuple(name for class_id, name in before.items() if class_id not in after),
        classes_coming=tuple(name for class_id, name in after.items() if class_id not in before),
        num_classes_changing=sum(present.class_rows[each] != wanted.class_rows[each] for each in both),
        mode_changes=wanted.label_mode is not present.label_mode,
    )


def apply(db: Database, wanted: LabelState, text: str) -> Change | None:
    """Makes labels, classes, marks and notes what they were, as one step called `text`; None where nothing differs.

    Raises:
        StoreError: the backup is that of another project.
    """
    if plan(db, wanted).changes_nothing:
        return None
    present, ids = read(db), _ids_here(db, wanted)
    step_id = steps.begin(db, KIND, text)
    rows = {class_id: row for class_id, row in wanted.class_rows.items() if present.class_rows.get(class_id) != row}
    for class_id, row in present.class_rows.items():
        if class_id not in wanted.class_rows and not row["deleted"]:
            rows[class_id] = {**row, "deleted": 1}
    classes.put_all(db, step_id, rows)
    then = _by_id_here(wanted.labels, ids)
    wishes = [(image_id, class_id, source) for image_id, kept in then.items() for class_id, source in kept.items()]
    wishes += [(image_id, NO_CLASS, "") for image_id in present.labels.keys() - then.keys()]
    if annotation_log.want(db, wishes):
        annotation_log.apply(db, step_id)
    mark_changes = _differing(present.marks, _by_id_here(wanted.marks, ids), 0)
    if mark_changes:
        marks.apply(db, step_id, mark_changes.items())
    image_notes.apply(db, step_id, _differing(present.notes, _by_id_here(wanted.notes, ids), "").items())
    # After the labels: those that come have settled what was refused of their images.
    refusals.apply(db, step_id, _differing(refusals.all_refused(db), _by_id_here(wanted.refusals, ids), "").items())
    if wanted.label_mode is not present.label_mode:
        meta.change(db, step_id, meta.LABEL_MODE, wanted.label_mode.value)
    return steps.finish(db, step_id)


def _ids_here(db: Database, wanted: LabelState) -> dict[int, int]:
    """Returns which image of the project each image of the backup is: the same place, or the same id and content.

    Raises:
        StoreError: the backup is that of another project.
    """
    if wanted.project_id != (meta.get(db, meta.PROJECT_ID) or ""):
        raise StoreError(
            tr("This backup is that of another project."), tr("Nothing was changed. Choose one of this project.")
        )
    by_id: dict[int, tuple[int, bytes, str]] = {}
    by_place: dict[tuple[int, bytes], int] = {}
    for image_id, root_id, path, content_hash in db.execute(_PLACES):
        by_id[image_id] = (root_id, path, content_hash)
        by_place[root_id, path] = image_id
    found: dict[int, int] = {}
    for image_id, (root_id, path, content_hash) in wanted.places.items():
        here = by_place.get((root_id, path))
        if here is None and content_hash and by_id.get(image_id, (0, b"", ""))[2] == content_hash:
            here = image_id  # moved or renamed since
        if here is not None:
            found[image_id] = here
    return found


def _by_id_here(values: Mapping[int, Value], ids: Mapping[int, int]) -> dict[int, Value]:
    return {ids[image_id]: value for image_id, value in values.items() if image_id in ids}


def _differing(present: Mapping[int, Value], wanted: Mapping[int, Value], nothing: Value) -> dict[int, Value]:
    """Returns the values to set, `nothing` for those that are to go."""
    changes = {image_id: value for image_id, value in wanted.items() if present.get(image_id, nothing) != value}
    return changes | dict.fromkeys(present.keys() - wanted.keys(), nothing)


def _names(rows: Mapping[int, Mapping[str, Any]]) -> dict[int, str]:
    return {class_id: str(row["name"]) for class_id, row in rows.items() if not row["deleted"]}
