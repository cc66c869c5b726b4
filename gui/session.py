"""What the user does to the open project: label, undo, arrange classes, bring images in, retrain.

Panels read the attributes, react to the signals and change things only through these methods. A change of labels is
seen in the columns at once, the store follows (`gui.saving`), and `save_state_changed` tells when it is durable.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from engine.domain import NO_CLASS, Change, ImageClass, LabelMode, Mark, Predictions, Source, class_ids_of
from engine.domain import has_class as bits_have_class
from engine.errors import ProjectError
from engine.language import tr, trn
from engine.project import Project
from engine.tasks.relocate import relocate_root
from gui import label_effects
from gui.assistance import Assistance
from gui.auto_retrain import AutoRetrain
from gui.backbone_choice import BackboneChoice
from gui.block_records import Page, PageWrite
from gui.blocks import Blocks
from gui.changed_predictions import ChangedPredictions
from gui.columns import RowIndex, count_bits, has_open_suggestion
from gui.comparing import Comparing
from gui.duplicates import Duplicates
from gui.engine_bridge import EngineBridge
from gui.engine_work import EngineWork
from gui.exports import Exports
from gui.labelling_rate import LabellingRate
from gui.models.image_states import suggested_ids
from gui.models.picked_images import PickedImages
from gui.open_project import READ_ONLY, Ids, as_array
from gui.picture_quality import PictureQuality
from gui.preferences import Preferences
from gui.project_session import ProjectSession
from gui.saving import Write
from gui.stacks import ImageStacks
from gui.training_choice import TrainingChoice


class Session(ProjectSession):
    """The one model behind the window."""

    auto_advance_changed = Signal()
    labelled = Signal()
    """Images got a class just now (for the rate in the top bar)."""
    images_wanted = Signal(object)
    """PickedImages that the Label workspace is to show (see `show_images`)."""

    def __init__(
        self, bridge: EngineBridge, parent: QObject | None = None, preferences: Preferences | None = None
    ) -> None:
        super().__init__(bridge, parent)
        self.preferences = preferences or Preferences()
        self.rate = LabellingRate()
        self.backbones = BackboneChoice(self)
        self.work = EngineWork(self)
        self.exports = Exports(self)
        self.training = TrainingChoice(self)
        self.auto_retrain = AutoRetrain(self)
        self.comparing = Comparing(self)
        self.stacks = ImageStacks(self)
        self.blocks = Blocks(self)
        self.changes = ChangedPredictions(self)
        self.quality = PictureQuality(self)
        self.assistance = Assistance(self)
        self.duplicates = Duplicates(self)
        self._predictions: Predictions | None = None
        self._prediction_rows = RowIndex(np.zeros(0, np.int64))
        self.run_changed.connect(self._read_predictions)

    def close_project(self) -> None:
        if self.project is not None:
            self._closing_after = self.work.cancel_all()
            self.rate.clear()
        super().close_project()

    @property
    def has_auto_advance(self) -> bool:
        """Whether a label goes on to the next image."""
        return self.preferences.has_auto_advance

    def set_auto_advance(self, on: bool) -> None:
        self.preferences.set_auto_advance(on)
        self.auto_advance_changed.emit()

    # ---- images

    def show_images(self, image_ids: Ids, title: str) -> None:
        """Shows exactly these images in the Label workspace, in this order; the title stands on the filter's chip."""
        self.images_wanted.emit(PickedImages(title, as_array(image_ids)))

    def add_folder(self, folder: Path, classes_from_folders: bool = False) -> None:
        """Brings a folder's images in, where they are; `work.scan_ended` or `error_raised` follows."""
        self.work.add_folder(folder, classes_from_folders)

    def relocate_root(self, root_id: int, folder: Path, then: Callable[[], None]) -> None:
        """Takes the images of an import folder from where it is now; `then` or `error_raised` follows."""
        project = self.project
        if project is not None:
            ids = self.columns.image_ids[self.columns.root_ids == root_id].tolist()
            self.read_in_background(lambda: relocate_root(project, root_id, folder, ids), lambda _place: then())

    def rescan(self) -> None:
        """Looks for new, changed, moved and missing files in all folders of the project."""
        self.work.rescan()

    # ---- labels

    def label(self, image_ids: Ids, class_id: int, source: Source = Source.HUMAN, stroke: str = "") -> None:
        """Gives images a class, one undo step; where images have several, it is added to the others.

        What has the same `stroke` (any text) is undone together.
        """
        ids = as_array(image_ids)
        given = np.full(len(ids), class_id, np.int32)
        is_accepted = source in (Source.SUGGESTION, Source.UNSEEN)
        self._give(ids, given, lambda project: project.label(ids.tolist(), class_id, source, stroke), is_accepted)

    def remove_class(self, image_ids: Ids, class_id: int, stroke: str = "") -> None:
        """Takes one class of several away."""
        ids = as_array(image_ids)
        effect = label_effects.remove(ids, class_id, lambda: [each.id for each in self.classes])
        self._write(effect, lambda project: project.remove_class(ids.tolist(), class_id, stroke))

    def clear(self, image_ids: Ids) -> None:
        """Takes all classes away."""
        ids = as_array(image_ids)
        self._write(label_effects.clear(ids), lambda project: project.clear(ids.tolist()))

    def accept_suggestions(self, image_ids: Ids, source: Source = Source.SUGGESTION) -> None:
        """Makes the model's suggestion the class of those images that have one, one undo step.

        What looks like none of the classes has none. Where images have several classes, they get all that are
        suggested, and are confirmed: a suggestion says that there are no others. The source is UNSEEN where nobody
        looked at each of them: those are never measured on.
        """
        if self.suggests_whole_sets:
            self._accept_sets(image_ids, source)
            return
        rows = self.rows_of(image_ids)
        rows = rows[suggested_ids(self.columns, rows) != NO_CLASS]
        ids, suggested = self.columns.image_ids[rows], self.columns.predicted_ids[rows].copy()
        pairs = list(zip(ids.tolist(), suggested.tolist(), strict=True))
        text = trn("accept a suggestion", "accept {number:,} suggestions", len(pairs))
        self._give(ids, suggested, lambda project: project.label_many(pairs, source, text), accepted=True)

    def accept_page(self, ids: Ids, refused: Ids, page: Page, source: Source) -> None:
        """Accepts that images are of the class of a page of blocks, and that others of it are not; one undo step."""
        write = PageWrite(page, as_array(ids), as_array(refused), source)
        item, num_images = self.class_by_id(page.class_id), len(write.image_ids)
        if item and self._write(write.effect, lambda project: write.start(project, item.name)) and num_images:
            self._count_work(num_images)

    @property
    def suggests_whole_sets(self) -> bool:
        """Whether a suggestion names all classes of an image (not where the model knows one class per image only)."""
        return self.has_several_classes and (self.run is None or self.run.mode is LabelMode.SEVERAL)

    def _accept_sets(self, image_ids: Ids, source: Source) -> None:
        columns, rows = self.columns, self.rows_of(image_ids)
        rows = rows[has_open_suggestion(columns, rows)]
        if not len(rows):
            return
        missing = columns.predicted_bits[rows] & ~columns.class_bits[rows]
        of_class = [columns.image_ids[rows[bits_have_class(missing, each.id)]] for each in reversed(self.classes)]
        given = np.repeat([each.id for each in reversed(self.classes)], [len(ids) for ids in of_class]).astype(np.int32)
        pair_ids, ids = np.concatenate([*of_class, np.zeros(0, np.int64)]), columns.image_ids[rows]
        pairs = list(zip(pair_ids.tolist(), given.tolist(), strict=True))
        several = tr("accept the suggestions for {num_images:,} images", num_images=len(ids))
        text = several if len(ids) != 1 else tr("accept a suggestion")
        effect = label_effects.give_and_confirm(pair_ids, given, ids)
        confirmed = ids.tolist()
        if self._write(effect, lambda project: project.label_and_confirm(pairs, confirmed, source, text)):
            self._count_work(len(ids))

    def mark(self, image_ids: Ids, mark: Mark, on: bool) -> None:
        """Sets or takes away a mark (skipped, unsure, confirmed)."""
        ids = as_array(image_ids)
        is_written = self._write(
            label_effects.mark(ids, mark, on), lambda project: project.mark(ids.tolist(), mark, on)
        )
        if is_written and on and mark is Mark.CONFIRMED:
            self._count_work(len(ids))

    def set_note(self, image_id: int, text: str) -> None:
        """Writes a note on an image; "" takes it away."""
        ids = np.array([image_id], np.int64)
        effect = label_effects.note(ids, bool(text.strip()))
        self._write(effect, lambda project: project.set_note(image_id, text))

    def revert_image(self, image_id: int, step_id: int) -> None:
        """Gives an image the classes again that it had after a step of its history, as a new step."""
        self._write(None, lambda project: project.revert_image(image_id, step_id))

    def undo(self) -> None:
        """Takes the last step back, also one from before a restart."""
        self._write(None, lambda project: project.undo())

    def redo(self) -> None:
        """Does again what was undone last."""
        self._write(None, lambda project: project.redo())

    @property
    def can_undo(self) -> bool:
        return self.facts.undo_text is not None or self.num_unsaved > 0 or bool(self.stacks.undo_text)

    @property
    def can_redo(self) -> bool:
        return self.facts.redo_text is not None

    # ---- classes

    def add_class(self, name: str, on_added: Callable[[ImageClass], None] | None = None) -> None:
        """Adds a class; `on_added` gets it as soon as it is saved (to label with it at once)."""

        def added(made: ImageClass) -> None:
            self._take_new_class(made)
            if on_added is not None:
                on_added(made)

        self._write(None, lambda project: project.add_class(name), added)

    def split_class(self, image_ids: Ids, name: str) -> None:
        """Makes a class of images: a new class that they alone have, one undo step."""
        ids = as_array(image_ids)

        def split(made: ImageClass) -> None:
            self._take_new_class(made)
            self._show_saved(label_effects.give(ids, np.full(len(ids), made.id, np.int32)))
            if self._reloading:
                self.reload()  # once more: it may have begun before this

        self._write(None, lambda project: project.split_class(ids.tolist(), name), split)

    def rename_class(self, class_id: int, name: str) -> None:
        self._change_classes(lambda project: project.rename_class(class_id, name))

    def merge_class(self, class_id: int, into_id: int) -> None:
        """Gives all images of a class another class and deletes the first, one undo step."""
        self._change_classes(lambda project: project.merge_class(class_id, into_id))

    def delete_class(self, class_id: int) -> None:
        """Deletes a class; its images have none afterwards. Undo brings both back."""
        self._change_classes(lambda project: project.delete_class(class_id))

    def set_class_key(self, class_id: int, key: str | None, swaps: bool = False) -> None:
        """Gives a class a key; the class that had it has none then, or with `swaps` the old key of the first."""
        self._change_classes(lambda project: project.set_class_key(class_id, key, swaps))

    def set_class_color(self, class_id: int, color: str) -> None:
        self._change_classes(lambda project: project.set_class_color(class_id, color))

    def move_class(self, class_id: int, position: int) -> None:
        self._change_classes(lambda project: project.move_class(class_id, position))

    def set_label_mode(self, mode: LabelMode) -> None:
        """Says whether images have one class or several; refused while that would take classes away."""
        self._change_classes(lambda project: project.set_label_mode(mode))

    # ---- model

    def class_counts(self) -> NDArray[np.int64]:
        """Returns how many images have each class id; index NO_CLASS counts those without a class."""
        if not self.has_several_classes:
            return np.bincount(self.columns.class_ids, minlength=1)
        counts = count_bits(self.columns.class_bits)
        counts[NO_CLASS] = np.count_nonzero(self.columns.class_ids == NO_CLASS)
        return counts

    def why_no_retrain(self) -> str:
        """Returns the sentence that says why Retrain cannot be pressed, empty when it can."""
        if self.project is None:
            return tr("Open a project first.")
        if self.is_read_only:
            return READ_ONLY
        if self.work.is_running("train"):
            return tr("A training is under way.")
        if not self._has_two_classes():
            return tr("Label some images of two classes or more first.")
        if self.has_several_classes and not (self.columns.marks & Mark.CONFIRMED).any():
            return tr("Confirm some images that have all of their classes first (Enter).")
        if self.backbones.is_known and self.backbones.chosen is None:
            return tr("There is no backbone on this machine yet. Choose one in the corner on the right.")
        return ""

    def _has_two_classes(self) -> bool:
        columns = self.columns
        if columns.class_bits.shape[1]:
            return len(class_ids_of(np.bitwise_or.reduce(columns.class_bits, axis=0).tolist())) > 1
        # Asked with every key: five times as fast as counting all classes.
        last = int(columns.class_ids.max(initial=NO_CLASS))
        return bool(((columns.class_ids != NO_CLASS) & (columns.class_ids != last)).any())

    def retrain(self) -> None:
        """Trains on the labels of this moment, as soon as all of them are saved; `run_changed` follows."""
        self.work.retrain()

    def cancel_job(self) -> None:
        """Cancels what the engine is doing for this project."""
        self.work.cancel()

    def set_false_alarm_rate(self, rate: float) -> None:
        """Chooses how many images of known classes may be called unknown, as a share."""
        self._write(label_effects.call_unknown(1 - rate), lambda project: project.set_false_alarm_rate(rate))

    def predictions(self, image_id: int) -> list[tuple[ImageClass, float]]:
        """Returns the active run's calibrated probabilities for an image, highest first; empty when there are none."""
        found = self._predictions
        row = self._prediction_rows.row(image_id)
        if found is None or row < 0:
            return []
        named = {each.id: each for each in self.classes}
        pairs = zip(found.class_ids.tolist(), found.probabilities[row].tolist(), strict=True)
        known = [(named[class_id], float(share)) for class_id, share in pairs if class_id in named]
        return sorted(known, key=lambda pair: -pair[1])

    def thresholds(self) -> dict[int, float]:
        """Returns from which probability on each class is suggested, where images may have several; else nothing."""
        found = self._predictions
        if found is None or found.thresholds is None or not self.has_several_classes:
            return {}
        return dict(zip(found.class_ids.tolist(), found.thresholds.tolist(), strict=True))

    def refresh_predictions(self) -> None:
        """Reads suggestions and probabilities anew; the same run may know more images now."""
        if self.run is not None:
            self.reload()
            self._read_predictions()

    def _read_predictions(self) -> None:
        project = self.project
        if self.run is None:
            self._take_predictions(None)
        if project is not None and self.run is not None:
            self.read_in_background(project.suggestions, self._take_predictions)

    def _take_predictions(self, found: Predictions | None) -> None:
        self._predictions = found
        self._prediction_rows = RowIndex(found.image_ids if found is not None else np.zeros(0, np.int64))
        self.current_changed.emit(self.current_image_id or 0)

    # ---- writing

    def _give(
        self, ids: Ids, class_ids: NDArray[np.int32], start: Callable[[Project], Future[Any]], accepted: bool = False
    ) -> None:
        ids = as_array(ids)
        if not len(ids):
            return
        if self._write(label_effects.give(ids, class_ids, accepted), start) and not self.has_several_classes:
            self._count_work(len(ids))

    def _take_new_class(self, made: ImageClass) -> None:
        if self.class_by_id(made.id) is None:
            self.classes = [*self.classes, made]
            self.classes_changed.emit()
        self._facts_timer.start()

    def _count_work(self, num_images: int) -> None:
        self.rate.add(num_images)
        self.labelled.emit()

    def _change_classes(self, start: Callable[[Project], Future[Any]]) -> None:
        def changed(answer: object) -> None:
            if isinstance(answer, Change):
                self._note_saved(answer)
            self._read_classes()
            self._facts_timer.start()

        self._write(None, start, changed)

    def _write(
        self,
        effect: label_effects.Effect | None,
        start: Callable[[Project], Future[Any]],
        on_saved: Callable[[Any], None] | None = None,
    ) -> bool:
        project = self.project
        if project is None:
            return False
        if project.read_only:
            self.error_raised.emit(ProjectError(READ_ONLY, tr("Close it elsewhere and open it again to label.")))
            return False
        if effect is not None:
            rows = effect(self.columns, self._index)
            if len(rows):
                self.rows_changed.emit(rows)
        self._saves.push(Write(lambda: start(project), effect or label_effects.nothing, on_saved or self._note_saved))
        return True
