"""What a user does to labels and classes: each call is one undoable step, and returns a future of what it changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future
from typing import TypeVar

from engine.domain import Change, ImageClass, LabelMode, Mark, Source
from engine.errors import ProjectError
from engine.language import tr
from engine.store import edits, steps
from engine.store.store import Store, Work

T = TypeVar("T")


class LabelWriting:
    """The part of `Project` that changes labels and classes."""

    name: str
    store: Store

    @property
    def read_only(self) -> bool:
        """Whether this is a private copy that cannot be changed."""
        return self.store.read_only

    def label(
        self, image_ids: Sequence[int], class_id: int, source: Source = Source.HUMAN, stroke: str = ""
    ) -> Future[Change]:
        """Gives images a class, as one step: instead of the one they have, or besides those (see `label_mode`).

        Steps one after the other with the same `stroke` (any text) are undone and redone together.
        """
        ids = plain_ids(image_ids)
        return self._write(lambda db: edits.label(db, ids, int(class_id), source, stroke))

    def label_many(self, pairs: Iterable[tuple[int, int]], source: Source, text: str) -> Future[Change]:
        """Gives each image its own class, as (image id, class id), all as one step called `text`; see `label`."""
        plain = [(int(image_id), int(class_id)) for image_id, class_id in pairs]
        return self._write(lambda db: edits.label_many(db, plain, source, text))

    def accept(
        self,
        image_ids: Sequence[int],
        class_id: int,
        source: Source,
        text: str,
        refused_ids: Sequence[int] = (),
        run_id: int = 0,
    ) -> Future[Change]:
        """Gives images the class that a run suggested, and notes that `refused_ids` are not of it, as one step."""
        ids, refused = plain_ids(image_ids), plain_ids(refused_ids)
        return self._write(lambda db: edits.accept(db, ids, refused, int(class_id), source, int(run_id), text))

    def label_and_confirm(
        self, pairs: Iterable[tuple[int, int]], image_ids: Sequence[int], source: Source, text: str
    ) -> Future[Change]:
        """Adds classes to images, as (image id, class id), and confirms all `image_ids`, as one step called `text`."""
        plain = [(int(image_id), int(class_id)) for image_id, class_id in pairs]
        ids = plain_ids(image_ids)
        return self._write(lambda db: edits.label_and_confirm(db, plain, ids, source, text))

    def remove_class(self, image_ids: Sequence[int], class_id: int, stroke: str = "") -> Future[Change]:
        """Takes one class away from those images that have it, as one step."""
        ids = plain_ids(image_ids)
        return self._write(lambda db: edits.remove_class(db, ids, int(class_id), stroke))

    def clear(self, image_ids: Sequence[int]) -> Future[Change]:
        """Takes all classes away from images, and the mark CONFIRMED, as one step."""
        ids = plain_ids(image_ids)
        return self._write(lambda db: edits.clear(db, ids))

    def revert_image(self, image_id: int, step_id: int) -> Future[Change]:
        """Gives an image the classes that it had right after a step of its history (0 = before all), as a new step."""
        return self._write(lambda db: edits.revert_image(db, int(image_id), step_id))

    def set_note(self, image_id: int, text: str) -> Future[Change]:
        """Puts a note on an image, as one step; "" takes it away."""
        return self._write(lambda db: edits.set_notes(db, {int(image_id): text}))

    def set_notes(self, notes: Mapping[int, str], text: str) -> Future[Change]:
        """Puts notes on images, by image id, all as one step called `text`."""
        plain = {int(image_id): note for image_id, note in notes.items()}
        return self._write(lambda db: edits.set_notes(db, plain, text))

    def set_label_mode(self, mode: LabelMode) -> Future[Change]:
        """Lets images have one class, or several, as one step. Refused while an image has more than one."""
        return self._write(lambda db: edits.set_label_mode(db, mode))

    def mark(self, image_ids: Sequence[int], mark: Mark, on: bool) -> Future[Change]:
        """Sets or removes a mark of images, as one step."""
        ids = plain_ids(image_ids)
        return self._write(lambda db: edits.mark(db, ids, mark, on))

    def undo(self) -> Future[Change | None]:
        """Takes the newest step back; None when there is nothing to undo."""
        return self._write(steps.undo)

    def redo(self) -> Future[Change | None]:
        """Does the step again that was undone last; None when there is nothing to redo."""
        return self._write(steps.redo)

    # ---- classes

    def add_class(self, name: str, color: str | None = None, key: str | None = None) -> Future[ImageClass]:
        """Adds a class; a colour and a free key are chosen when they are not given."""
        return self._write(lambda db: edits.add_class(db, name, color, key))

    def split_class(self, image_ids: Sequence[int], name: str) -> Future[ImageClass]:
        """Adds a class with these images, as one step; with one class per image they leave the one they had."""
        ids = plain_ids(image_ids)
        return self._write(lambda db: edits.split_class(db, ids, name))

    def rename_class(self, class_id: int, name: str) -> Future[Change]:
        """Gives a class another name."""
        return self._write(lambda db: edits.rename_class(db, class_id, name))

    def set_class_key(self, class_id: int, key: str | None, swaps: bool = False) -> Future[Change]:
        """Gives a class a key; the one that had it gets none, or with `swaps` the old key. None takes a key away."""
        return self._write(lambda db: edits.set_class_key(db, class_id, key, swaps))

    def set_class_color(self, class_id: int, color: str) -> Future[Change]:
        """Gives a class a colour, "#rrggbb"."""
        return self._write(lambda db: edits.set_class_color(db, class_id, color))

    def move_class(self, class_id: int, position: int) -> Future[Change]:
        """Moves a class to a place in the palette, counted from 0."""
        return self._write(lambda db: edits.move_class(db, class_id, position))

    def merge_class(self, class_id: int, into_id: int) -> Future[Change]:
        """Gives all images of a class another class, and deletes the first."""
        return self._write(lambda db: edits.merge_class(db, class_id, into_id))

    def delete_class(self, class_id: int) -> Future[Change]:
        """Deletes a class; its images lose it."""
        return self._write(lambda db: edits.delete_class(db, class_id))

    def _write(self, work: Work[T]) -> Future[T]:
        if self.read_only:
            raise ProjectError(
                tr("{name} is open as a read-only copy.", name=self.name),
                tr("Open the project itself to change something."),
            )
        return self.store.submit(work)


def plain_ids(ids: Sequence[int]) -> list[int]:
    """Returns ids as Python's own integers: numpy's are not taken by the database."""
    return [int(image_id) for image_id in ids]
