"""What a user can do to labels and classes, each as one undoable step: work for the store thread."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
from sqlite_utils import Database

from engine.domain import NO_CLASS, Change, ImageClass, LabelMode, Mark, Source
from engine.errors import ProjectError
from engine.language import count, tr, trn
from engine.store import annotation_log, classes, image_notes, images, marks, meta, refusals, steps

MARK_WORDS = {Mark.SKIPPED: tr("skipped"), Mark.UNSURE: tr("unsure"), Mark.CONFIRMED: tr("confirmed")}
MAX_NOTE_LENGTH = 10_000


def label(db: Database, image_ids: Sequence[int], class_id: int, source: Source, stroke: str = "") -> Change:
    """Gives images a class: instead of the one they have, or besides those they have."""
    image_class = classes.get(db, class_id)
    num_changing = _want_labels(db, [(image_id, class_id, source.value) for image_id in image_ids])
    text = annotation_log.label_text(num_changing, image_class.name, annotation_log.display_name(db, image_ids))
    return _apply_wishes(db, _kind("label", stroke), text, num_changing)


def label_many(db: Database, pairs: Iterable[tuple[int, int]], source: Source, text: str) -> Change:
    """Gives each image its own class (NO_CLASS clears it), all as one step.

    With one class per image the last pair of an image counts; with several, they are added to those that are there.
    """
    return _apply_wishes(db, source.value, text, _want_pairs(db, pairs, source))


def accept(
    db: Database,
    image_ids: Sequence[int],
    refused_ids: Sequence[int],
    class_id: int,
    source: Source,
    run_id: int,
    text: str,
) -> Change:
    """Gives images the class that a run suggested, and notes of others that they are not of it, all as one step.

    Of `refused_ids` those that have a class are left out: what they are is known.
    """
    num_changing = _want_pairs(db, [(image_id, class_id) for image_id in image_ids], source)
    labelled = set(image_ids)
    refused = [image_id for image_id, _ in refusals.unlabelled(db, refused_ids) if image_id not in labelled]
    if num_changing == 0 and not refused:
        return _nothing(text)
    step_id = steps.begin(db, source.value, text)
    if num_changing:
        annotation_log.apply(db, step_id)
    refusals.add(db, step_id, refused, class_id, run_id)
    return steps.finish(db, step_id)


def _want_pairs(db: Database, pairs: Iterable[tuple[int, int]], source: Source) -> int:
    wishes = [(image_id, class_id, source.value) for image_id, class_id in pairs]
    for class_id in {class_id for _, class_id, _ in wishes} - {NO_CLASS}:
        classes.get(db, class_id)
    return _want_labels(db, wishes)


def label_and_confirm(
    db: Database, pairs: Iterable[tuple[int, int]], image_ids: Sequence[int], source: Source, text: str
) -> Change:
    """Gives images classes, as `label_many` does, and notes of all `image_ids` that their classes are complete now."""
    wishes = [(image_id, class_id, source.value) for image_id, class_id in pairs]
    for class_id in {class_id for _, class_id, _ in wishes}:
        classes.get(db, class_id)
    num_changing = _want_labels(db, wishes) if wishes else 0
    mark_wishes = marks.changed_by(db, image_ids, int(Mark.CONFIRMED), True)
    if num_changing == 0 and not mark_wishes:
        return _nothing(text)
    step_id = steps.begin(db, source.value, text)
    if num_changing:
        annotation_log.apply(db, step_id)
    marks.apply(db, step_id, mark_wishes)
    return steps.finish(db, step_id)


def remove_class(db: Database, image_ids: Sequence[int], class_id: int, stroke: str = "") -> Change:
    """Takes one class away from those images that have it."""
    image_class = classes.get(db, class_id)
    num_changing = annotation_log.want_without(db, image_ids, class_id)
    name = annotation_log.display_name(db, image_ids)
    text = (
        tr("remove {class_name} from {image}", class_name=image_class.name, image=name)
        if name
        else trn(
            "remove {class_name} from {number:,} image",
            "remove {class_name} from {number:,} images",
            num_changing,
            class_name=image_class.name,
        )
    )
    return _apply_wishes(db, _kind("remove", stroke), text, num_changing)


def clear(db: Database, image_ids: Sequence[int]) -> Change:
    """Takes all classes away from images; they are not confirmed any more then."""
    num_changing = annotation_log.want(db, ((image_id, NO_CLASS, "") for image_id in image_ids))
    mark_wishes = marks.changed_by(db, image_ids, int(Mark.CONFIRMED), False)
    if num_changing == 0 and not mark_wishes:
        return _nothing("clear")
    what = annotation_log.display_name(db, image_ids) or count(max(num_changing, len(mark_wishes)), "image")
    step_id = steps.begin(db, "clear", tr("clear {images}", images=what))
    annotation_log.apply(db, step_id)
    marks.apply(db, step_id, mark_wishes)
    return steps.finish(db, step_id)


def revert_image(db: Database, image_id: int, to_step_id: int) -> Change:
    """Gives an image the classes that it had right after a step (0 = before the first), as a new step."""
    before = annotation_log.classes_after(db, image_id, to_step_id)
    known = {image_class.id for image_class in classes.all_classes(db)}
    if any(class_id not in known for class_id, _ in before):
        raise ProjectError(
            tr("A class that the image had then does not exist any more."),
            tr("Undo until it is there again, or label anew."),
        )
    if len(before) > 1 and meta.label_mode(db) is LabelMode.ONE:
        raise ProjectError(
            tr("The image had several classes then, and this project allows one."),
            tr("Choose another moment, or label anew."),
        )
    wishes = [(image_id, class_id, source) for class_id, source in before] or [(image_id, NO_CLASS, "")]
    num_changing = annotation_log.want(db, wishes)
    name = annotation_log.display_name(db, [image_id])
    return _apply_wishes(db, "revert", tr("revert {image}", image=name), num_changing)


def mark(db: Database, image_ids: Sequence[int], which: Mark, on: bool) -> Change:
    """Sets or removes a mark of images."""
    wishes = marks.changed_by(db, image_ids, int(which), on)
    if not wishes:
        return _nothing("mark")
    what = annotation_log.display_name(db, image_ids) or count(len(wishes), "image")
    words = tr(" and ").join(word for flag, word in MARK_WORDS.items() if flag in which)
    text = (
        tr("mark {images} as {marks}", images=what, marks=words)
        if on
        else tr("mark {images} as not {marks}", images=what, marks=words)
    )
    step_id = steps.begin(db, "mark", text)
    marks.apply(db, step_id, wishes)
    return steps.finish(db, step_id)


def set_notes(db: Database, notes: Mapping[int, str], text: str = "") -> Change:
    """Puts notes on images, by image id; "" takes one away. `text` names the step when there are several."""
    wanted = {image_id: " ".join(note.split("\0")).strip() for image_id, note in notes.items()}
    if any(len(note) > MAX_NOTE_LENGTH for note in wanted.values()):
        raise ProjectError(
            tr("The note has more than {limit:,} characters.", limit=MAX_NOTE_LENGTH),
            tr("Make it shorter."),
        )
    names = {image_id: annotation_log.display_name(db, [image_id]) for image_id in wanted}
    if "" in names.values():
        raise ProjectError(tr("Some of these images are not in the project."), tr("Open the project again."))
    changing = {image_id: note for image_id, note in wanted.items() if image_notes.get(db, image_id) != note}
    if not changing:
        return _nothing("note")
    if len(changing) == 1:
        ((image_id, note),) = changing.items()
        name = names[image_id]
        text = tr("note on {image}", image=name) if note else tr("remove the note on {image}", image=name)
    text = text or trn("notes on {number:,} image", "notes on {number:,} images", len(changing))
    step_id = steps.begin(db, "note", text)
    image_notes.apply(db, step_id, changing.items())
    return steps.finish(db, step_id)


def set_label_mode(db: Database, mode: LabelMode) -> Change:
    """Lets images have one class, or several. Before there are images that is no step to undo."""
    if mode is meta.label_mode(db):
        return _nothing("classes per image")
    if mode is LabelMode.ONE and annotation_log.has_two_classes(db):
        raise ProjectError(
            tr("Some images have more than one class."),
            tr("Take the others away first; then the project can go back to one class per image."),
        )
    text = tr("allow several classes per image") if mode is LabelMode.SEVERAL else tr("one class per image")
    kind = "settings" if images.last_position(db) else steps.SET_UP
    step_id = steps.begin(db, kind, text)
    meta.change(db, step_id, meta.LABEL_MODE, mode.value)
    return steps.finish(db, step_id)


def split_class(db: Database, image_ids: Sequence[int], name: str) -> ImageClass:
    """Adds a class with these images, as one step; with one class per image they leave the one they had."""
    name = classes.checked_name(db, name)
    text = trn(
        "new class {name} with {number:,} image",
        "new class {name} with {number:,} images",
        len(set(image_ids)),
        name=name,
    )
    step_id = steps.begin(db, "classes", text)
    class_id = classes.insert(db, step_id, name, classes.next_color(db), classes.next_key(db, name))
    _want_labels(db, [(image_id, class_id, Source.HUMAN.value) for image_id in image_ids])
    annotation_log.apply(db, step_id)
    steps.finish(db, step_id)
    return classes.get(db, class_id)


def add_class(db: Database, name: str, color: str | None, key: str | None) -> ImageClass:
    """Adds a class after the others; colour and key are chosen when they are not given."""
    name = classes.checked_name(db, name)
    wanted_key = classes.checked_key(key) if key else None
    color, free_key = color or classes.next_color(db), classes.next_key(db, name)
    step_id = steps.begin(db, "classes", tr("add class {name}", name=name))
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
        db,
        tr("rename class {name} to {new_name}", name=old.name, new_name=name),
        lambda step_id: classes.change(db, step_id, class_id, name=name),
    )


def set_class_key(db: Database, class_id: int, key: str | None, swaps: bool = False) -> Change:
    """Gives a class a key, taking it from the class that has it; None takes its key away.

    With `swaps` the class that had the key gets the old key of the first.
    """
    old = classes.get(db, class_id)
    wanted = classes.checked_key(key) if key else None
    if wanted == old.key:
        return _nothing("set class key")

    def write(step_id: int) -> None:
        if wanted is not None:
            _free_key(db, step_id, wanted, class_id, old.key if swaps else None)
        classes.change(db, step_id, class_id, key=wanted)

    if wanted is None:
        text = tr("remove key of class {name}", name=old.name)
    elif wanted in classes.MOUSE_KEYS:
        text = tr("set {mouse_button} for class {name}", mouse_button=classes.MOUSE_KEYS[wanted], name=old.name)
    else:
        text = tr("set key {key} for class {name}", key=wanted.upper(), name=old.name)
    return _class_step(db, text, write)


def set_class_color(db: Database, class_id: int, color: str) -> Change:
    """Gives a class a colour, "#rrggbb"."""
    old = classes.get(db, class_id)
    if color == old.color:
        return _nothing("set class colour")
    return _class_step(
        db,
        tr("change colour of class {name}", name=old.name),
        lambda step_id: classes.change(db, step_id, class_id, color=color),
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

    return _class_step(db, tr("move class {name}", name=moved.name), write)


def delete_class(db: Database, class_id: int) -> Change:
    """Deletes a class; its images lose it."""
    old = classes.get(db, class_id)
    num_images = annotation_log.want_for_all_of(db, class_id, NO_CLASS)
    text = (
        tr("delete class {name} ({images})", name=old.name, images=count(num_images, "image"))
        if num_images
        else tr("delete class {name}", name=old.name)
    )

    def write(step_id: int) -> None:
        annotation_log.apply(db, step_id)
        classes.change(db, step_id, class_id, deleted=1)

    return _class_step(db, text, write)


def merge_class(db: Database, class_id: int, into_id: int) -> Change:
    """Gives all images of a class another class, and deletes the first."""
    old, into = classes.get(db, class_id), classes.get(db, into_id)
    if class_id == into_id:
        raise ProjectError(tr("A class cannot be merged with itself."), tr("Choose another class."))
    annotation_log.want_for_all_of(db, class_id, into_id)

    def write(step_id: int) -> None:
        annotation_log.apply(db, step_id)
        classes.change(db, step_id, class_id, deleted=1)

    return _class_step(db, tr("merge class {name} into {other}", name=old.name, other=into.name), write)


def _want_labels(db: Database, wishes: list[tuple[int, int, str]]) -> int:
    """Works out what labelling changes: a class takes the place of the present one, or joins those that are there."""
    if meta.label_mode(db) is LabelMode.ONE:
        last = {image_id: (image_id, class_id, source) for image_id, class_id, source in wishes}
        return annotation_log.want(db, last.values())
    if any(class_id == NO_CLASS for _, class_id, _ in wishes):
        raise ValueError("no class is no class that could be added to others")
    return annotation_log.want_also(db, wishes)


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


def _kind(kind: str, stroke: str) -> str:
    return f"{kind}{steps.STROKE_MARK}{stroke}" if stroke else kind


def _free_key(db: Database, step_id: int, key: str, own_id: int, new_key: str | None = None) -> None:
    for image_class in classes.all_classes(db):
        if image_class.key == key and image_class.id != own_id:
            classes.change(db, step_id, image_class.id, key=new_key)


def _nothing(text: str) -> Change:
    return Change(text, np.zeros(0, np.int64), np.zeros(0, np.int32), np.zeros(0, np.uint8))
