"""The open project: what tasks, commands and the window's session use. Hides the store and where files lie.

Reading blocks for a few milliseconds and may be done from any thread except the store's own. Writing returns a future
that completes when the change is durable.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path

from engine.domain import (
    HistoryEntry,
    ImageClass,
    ImageColumns,
    ImageRecord,
    ImageRoot,
    ImageStatus,
    LabelMode,
    NewImage,
    Source,
    StepEntry,
)
from engine.errors import ProjectDamagedError, ProjectError, StoreError
from engine.language import tr
from engine.own_backbones import MODELS_FOLDER
from engine.project.honesty import HonestyChoices
from engine.project.labels import plain_ids
from engine.project.runs import CACHE_FOLDER, RunKeeping
from engine.store import (
    annotation_log,
    classes,
    columns,
    image_history,
    image_notes,
    images,
    meta,
    owner,
    restore,
    runs,
    steps,
)
from engine.store.failures import environment_errors
from engine.store.second_copies import BACKUPS_FOLDER
from engine.store.store import DATABASE_FILE, Store


class Project(HonestyChoices, RunKeeping):
    """An open project folder. Make it with `create` or `open`; close it, or use it in a `with` block."""

    @classmethod
    def create(cls, folder: Path, name: str | None = None) -> Project:
        """Makes a new project in a folder, which is made when it is not there, and opens it.

        Raises:
            ProjectError: there is a project already, or the folder cannot be one.
            StoreError: the disk is full, read-only, or failed.
        """
        folder = folder.absolute()
        if folder.exists() and not folder.is_dir():
            raise ProjectError(
                tr("{folder} is a file, not a folder.", folder=folder), tr("Choose a folder for the project.")
            )
        if (folder / DATABASE_FILE).exists():
            raise ProjectError(
                tr("There is a project in {folder} already.", folder=folder), tr("Open it, or choose another folder.")
            )
        if restore.can_restore(folder):
            raise ProjectError(
                tr("{folder} holds what is left of a project.", folder=folder),
                tr("Restore that project, or choose another folder."),
            )
        owner.refuse_network_folder(folder)
        with environment_errors(folder / DATABASE_FILE):
            folder.mkdir(parents=True, exist_ok=True)
        return cls(folder, Store.create(folder, name or folder.name or tr("Project")))

    @classmethod
    def open(cls, folder: Path, read_only: bool = False) -> Project:
        """Opens a project; with `read_only` a private copy, which works while another window has the project open.

        Raises:
            ProjectError: the folder holds no project, or lies on a network drive.
            ProjectInUseError: another window has it open.
            ProjectDamagedError: the database is damaged or gone, and can be restored.
            StoreError: the project is from a newer program, or the disk failed.
        """
        folder = folder.absolute()
        if not folder.exists():
            raise ProjectError(
                tr("There is no folder {folder}.", folder=folder), tr("Check the name, or make a new project.")
            )
        if not folder.is_dir():
            raise ProjectError(
                tr("{folder} is a file, not a project folder.", folder=folder), tr("Choose the folder of a project.")
            )
        if not (folder / DATABASE_FILE).exists():
            if restore.can_restore(folder):
                raise ProjectDamagedError(
                    tr("The database of the project in {folder} is gone.", folder=folder),
                    tr("Restore the project: every label comes back from its newest backup and its journal."),
                )
            raise ProjectError(
                tr("{folder} is not a Graft project.", folder=folder),
                tr("Choose the folder of a project, or make a new project."),
            )
        if not read_only:
            owner.refuse_network_folder(folder)
        return cls(folder, Store.open(folder, read_only))

    @classmethod
    def restore(cls, folder: Path) -> Project:
        """Brings a project back whose database is damaged or gone, from its newest good backup and its journal.

        The damaged database is kept in the backups folder.

        Raises:
            ProjectError: there is nothing to restore from.
            ProjectInUseError: a window has it open.
            StoreError: the disk is full, read-only, or failed.
        """
        folder = folder.absolute()
        if not folder.is_dir():
            raise ProjectError(tr("There is no folder {folder}.", folder=folder), tr("Check the name."))
        Store.refuse_open_here(folder)
        restore.restore(folder)
        return cls.open(folder)

    def __init__(self, folder: Path, store: Store) -> None:
        self.folder = folder
        self.store = store
        try:
            self.name = store.call(lambda db: meta.get(db, meta.NAME)) or folder.name
            if not store.read_only:
                with environment_errors(folder / DATABASE_FILE):
                    for name in (MODELS_FOLDER, CACHE_FOLDER, BACKUPS_FOLDER):
                        (folder / name).mkdir(exist_ok=True)
                self.settle_deleted_runs()
        except BaseException:
            store.close()
            raise

    def __enter__(self) -> Project:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def backups_dir(self) -> Path:
        """Folder of the backups."""
        return self.folder / BACKUPS_FOLDER

    def close(self) -> None:
        """Finishes all writes, makes a backup when something changed, and closes. Safe to call again.

        What was deleted of versions is gone for good then.
        """
        if not self.read_only:
            with suppress(StoreError):  # it is closed already, or the disk failed: nothing that closing should wait for
                self.purge_deleted_runs()
        self.store.close()

    # ---- reading

    def columns(self) -> ImageColumns:
        """Returns what the window filters and sorts, with the predictions of the active run."""
        found, run, into, palette, rate = self.store.call(
            lambda db: (
                columns.read(db),
                runs.active(db),
                classes.merged(db),
                classes.all_classes(db),
                meta.false_alarm_rate(db),
            )
        )
        found.unknown_threshold = 1 - rate
        suggested = self._suggestions_of(run, into)
        if suggested is not None:
            columns.add_predictions(found, suggested, [image_class.id for image_class in palette])
        return found

    def images(self, ids: Sequence[int] | None = None) -> list[ImageRecord]:
        """Returns images in the order of `ids` (those that exist), or all in filing order."""
        wanted = None if ids is None else plain_ids(ids)
        return self.store.call(lambda db: images.records(db, wanted))

    def images_of_root(self, root_id: int) -> dict[bytes, ImageRecord]:
        """Returns the images of an import folder by their path below it (`NewImage.relative_path`)."""
        return self.store.call(lambda db: images.records_of_root(db, root_id))

    def image_at(self, root_id: int, relative_path: bytes) -> int | None:
        """Returns the image at a place below an import folder (`NewImage.relative_path`), None where there is none."""
        return self.store.call(lambda db: images.id_at(db, root_id, relative_path))

    def classes(self) -> list[ImageClass]:
        """Returns the classes in palette order."""
        return self.store.call(classes.all_classes)

    def history(self, image_id: int) -> list[HistoryEntry]:
        """Returns what happened to one image, newest last."""
        return self.store.call(lambda db: image_history.history(db, int(image_id)))

    def note(self, image_id: int) -> str:
        """Returns the user's note on an image, "" when there is none."""
        return self.store.call(lambda db: image_notes.get(db, int(image_id)))

    def notes(self) -> dict[int, str]:
        """Returns the user's notes on images, by image id."""
        return self.store.call(image_notes.all_notes)

    @property
    def label_mode(self) -> LabelMode:
        """How many classes an image may have."""
        return self.store.call(meta.label_mode)

    def label_sources(self) -> dict[int, Source]:
        """Returns where the present class of each labelled image came from, by image id."""
        return self.store.call(annotation_log.sources)

    def last_step(self) -> int:
        """Returns the number of the newest step of the history; 0 when there is none."""
        return self.store.call(steps.last_id)

    def num_labels_since(self, step: int) -> int:
        """Returns how many images have another class now than right after that step."""
        return self.store.call(lambda db: annotation_log.num_changed_since(db, step))

    def steps(self, limit: int = 100) -> list[StepEntry]:
        """Returns the newest steps that can be undone or redone, newest first; a stroke of keys is one entry."""
        return self.store.call(lambda db: image_history.steps(db, limit))

    def can_undo(self) -> str | None:
        """Returns the text of the step that `undo` would take back, or None."""
        return self.store.call(steps.text_of_undo)

    def can_redo(self) -> str | None:
        """Returns the text of the step that `redo` would do again, or None."""
        return self.store.call(steps.text_of_redo)

    # ---- images (blocking; for jobs)

    def roots(self) -> list[ImageRoot]:
        """Returns the folders that images were imported from."""
        return self.store.call(images.all_roots)

    def add_root(self, path: Path) -> int:
        """Returns the id of an import folder, adding it when it is new."""
        return self._write(lambda db: images.add_root(db, path.absolute())).result()

    def single_file_roots(self) -> frozenset[int]:
        """Returns the folders that only single files were taken from: looking for new images passes them by."""
        return frozenset(json.loads(self.store.call(lambda db: meta.get(db, meta.SINGLE_FILE_ROOTS)) or "[]"))

    def set_single_file_root(self, root_id: int, on: bool) -> None:
        """Notes that only single files of a folder are wanted, or all of its images."""
        before = self.single_file_roots()
        wanted = before | {root_id} if on else before - {root_id}
        if wanted != before:
            text = json.dumps(sorted(wanted)) if wanted else None
            self._write(lambda db: meta.set_choice(db, meta.SINGLE_FILE_ROOTS, text)).result()

    def repoint_root(self, root_id: int, path: Path) -> None:
        """Notes that an import folder is somewhere else now (another drive letter); scan it again afterwards.

        Raises:
            ProjectError: there is no folder at that place, or it is in the project already.
        """
        path = path.absolute()
        if not path.is_dir():
            raise ProjectError(
                tr("There is no folder {folder}.", folder=path), tr("Choose the folder that the images are in now.")
            )
        self._write(lambda db: images.repoint_root(db, root_id, path)).result()

    def add_images(self, root_id: int, new_images: Sequence[NewImage]) -> list[int]:
        """Files new images after those that are there; returns their ids."""
        return self.start_adding_images(root_id, new_images).result()

    def start_adding_images(self, root_id: int, new_images: Sequence[NewImage]) -> Future[list[int]]:
        """As `add_images`, without waiting for it."""
        return self._write(lambda db: images.add(db, root_id, new_images))

    def update_images(self, changes: Iterable[tuple[int, NewImage]], root_id: int | None = None) -> None:
        """Replaces what is known of images, as (image id, facts); with `root_id` also the folder they are in now."""
        listed = list(changes)
        self._write(lambda db: images.update(db, listed, root_id)).result()

    def unread_images(self) -> list[int]:
        """Returns the images whose files were found and not read yet, in filing order."""
        return self.store.call(images.unread_ids)

    def fill_in_images(self, read: Iterable[tuple[int, NewImage]]) -> None:
        """Notes what files hold that were filed unread; images that were read or changed meanwhile stay as they are."""
        listed = list(read)
        self._write(lambda db: images.fill_in(db, listed)).result()

    def set_image_status(self, image_ids: Sequence[int], status: ImageStatus, reason: str = "") -> None:
        """Notes that images are missing, unreadable or there again."""
        ids = plain_ids(image_ids)
        self._write(lambda db: images.set_status(db, ids, status, reason)).result()

    # ---- views (blocking; for jobs)

    def views_preset(self) -> str | None:
        """Returns how many looks an image is worth, as the name of a preset, or None where nothing was chosen."""
        return self.store.call(lambda db: meta.get(db, meta.VIEWS))

    def set_views_preset(self, preset: str) -> None:
        """Chooses how many looks an image is worth; images are embedded anew at the next training."""
        self._write(lambda db: meta.put(db, meta.VIEWS, preset)).result()

    def false_alarm_rate(self) -> float:
        """Returns how many images of known classes may be called unknown, as a share."""
        return self.store.call(meta.false_alarm_rate)

    def set_false_alarm_rate(self, rate: float) -> Future[None]:
        """Chooses how many images of known classes may be called unknown, in 0..1."""
        return self._write(lambda db: meta.put(db, meta.FALSE_ALARM_RATE, repr(rate)))
