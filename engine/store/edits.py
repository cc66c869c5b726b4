"""What a user can do to labels and classes, each as one undoable step: work for the store thread."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np
from sqlite_utils import Database

from engine.domain import NO_CLASS, Change, ImageClass, Mark, Source
from engine.errors import ProjectError
from engine.store import annotation_log, classes, marks, steps

MARK_WORDS = {Mark.SKIPPED: "skipped", Mark.UNSURE: "unsure"}


def label(db: Database, image_ids: Sequence[int], class_id: int, source: Source) -> Change:
    """Gives images a class."""
    image_class = classes.get(db, class_id)
    num_changing = annotation_log.want(db, ((image_id, class_id, source.value) for image_id in image_ids))
    text = annotation_log.label_text(num_changing, image_class.name, annotation_log.display_name(db, image_ids))
    return _apply_wishes(db, "label", text, num_changing)


def label_many(db: Database, pairs: Iterable[tuple[int, int]], source: Source, text: str) -> Change:
    """Gives each image its own class (NO_CLASS clears it), all as one step."""
    pairs = list(pairs)
    for class_id in {class_id for _, class_id in pairs} - {NO_CLASS}:
        classes.get(db, class_id)
    num_changing = annotation_log.want(db, ((image_id, class_id, source.value) for image_id, class_id in pairs))
    return _apply_wishes(db, source.value, text, num_changing)


def clear(db: Database, image_ids: Sequence[int]) -> Change:
    """Takes the class away from images."""
    num_changing = annotation_log.want(db, ((image_id, NO_CLASS, "") for image_id in image_ids))
    what = annotation_log.display_name(db, image_ids) if num_changing == 1 else ""
    return _apply_wishes(db, "clear", f"clear {what or _num_images(num_changing)}", num_changing)


def mark(db: Database, image_ids: Sequence[int], which: Mark, on: bool) -> Change:
    """Sets or removes a mark of images."""
    wishes = marks.changed_by(db, image_ids, int(which), on)
    if not wishes:
        return _nothing("mark")
    what = annotation_log.display_name(db, image_ids) or _num_images(len(wishes))
    words = " and ".join(word for flag, word in MARK_WORDS.items() if flag in which)
    step_id = steps.begin(db, "mark", f"mark {what} as {words}" if on else f"mark {what} as not {words}")
    marks.apply(db, step_id, wishes)
    return steps.finish(db, step_id)


def add_class(db: Database, name: str, color: str | None, key: str | None) -> ImageClass:
    """Adds a class after the others; colour and key are chosen when they are not given."""
    name = classes.checked_name(db, name)
    wanted_key = classes.checked_key(key) if key else None
    color, free_key = color or classes.next_color(db), classes.next_key(db, name)
    step_id = steps.begin(db, "classes", f"add class {name}")
    if wanted_key is not None:
        _free_key(db, step_id, wanted_key, 0)
    class_id = classes.insert(db, step_id, name, color, wanted_key or free_key)
    steps.finish(db, step_id)
    return classes.get(db, class_id)


def rename_class(db: Database, class_id: int, name: str) -> Change:
    """Gives a class another name; its images keep it."""
    old = classes.get(db, class_id)
    name = classes.checked_name(db, name, own_id=class_id)
    if name == old.name:
        return _nothing("rename class")
    return _class_step(
        db, f"rename class {old.name} to {name}", lambda step_id: classes.change(db, step_id, class_id, name=name)
    )


def set_class_key(db: Database, class_id: int, key: str | None) -> Change:
    """Gives a class a key, taking it from the class that has it; None takes its key away."""
    old = classes.get(db, class_id)
    wanted = classes.checked_key(key) if key else None
    if wanted == old.key:
        return _nothing("set class key")

    def write(step_id: int) -> None:
        if wanted is not None:
            _free_key(db, step_id, wanted, class_id)
        classes.change(db, step_id, class_id, key=wanted)

    text = f"set key {wanted.upper()} for class {old.name}" if wanted else f"remove key of class {old.name}"
    return _class_step(db, text, write)


def set_class_color(db: Database, class_id: int, color: str) -> Change:
    """Gives a class a colour, "#rrggbb"."""
    old = classes.get(db, class_id)
    if color == old.color:
        return _nothing("set class colour")
    return _class_step(
        db, f"change colour of class {old.name}", lambda step_id: classes.change(db, step_id, class_id, color=color)
    )


def move_class(db: Database, class_id: int, position: int) -> Change:
    """Moves a class in the palette; `position` counts from 0."""
    moved = classes.get(db, class_id)
    others = [image_class for image_class in classes.all_classes(db) if image_class.id != class_id]
    position = min(max(position, 0), len(others))
    order = [*others[:position], moved, *others[position:]]
    changed = [(place, one) for place, one in enumerate(order) if one.position != place]
    if not changed:
        return _nothing("move class")

    def write(step_id: int) -> None:
        for place, one in changed:
            classes.change(db, step_id, one.id, position=place)

    return _class_step(db, f"move class {moved.name}", write)


def delete_class(db: Database, class_id: int) -> Change:
    """Deletes a class; its images have no class then."""
    old = classes.get(db, class_id)
    num_images = annotation_log.want_for_all_of(db, class_id, NO_CLASS)
    text = f"delete class {old.name}" + (f" ({_num_images(num_images)})" if num_images else "")

    def write(step_id: int) -> None:
        annotation_log.apply(db, step_id)
        classes.change(db, step_id, class_id, deleted=1)

    return _class_step(db, text, write)


def merge_class(db: Database, class_id: int, into_id: int) -> Change:
    """Gives all images of a class another class, and deletes the first."""
    old, into = classes.get(db, class_id), classes.get(db, into_id)
    if class_id == into_id:
        raise ProjectError("A class cannot be merged with itself.", "Choose another class.")
    annotation_log.want_for_all_of(db, class_id, into_id)

    def write(step_id: int) -> None:
        annotation_log.apply(db, step_id)
        classes.change(db, step_id, class_id, deleted=1)

    return _class_step(db, f"merge class {old.name} into {into.name}", write)


def _apply_wishes(db: Database, kind: str, text: str, num_changing: int) -> Change:
    if num_changing == 0:
        return _nothing(text)
    step_id = steps.begin(db, kind, text)
    annotation_log.apply(db, step_id)
    return steps.finish(db, step_id)


def _class_step(db: Database, text: str, write: Callable[[int], None]) -> Change:
    step_id = steps.begin(db, "classes", text)
    write(step_id)
    return steps.finish(db, step_id)


def _free_key(db: Database, step_id: int, key: str, own_id: int) -> None:
    for image_class in classes.all_classes(db):
        if image_class.key == key and image_class.id != own_id:
            classes.change(db, step_id, image_class.id, key=None)


def _nothing(text: str) -> Change:
    return Change(text, np.zeros(0, np.int64), np.zeros(0, np.int32), np.zeros(0, np.uint8))


def _num_images(count: int) -> str:
    return "1 image" if count == 1 else f"{count:,} images"
