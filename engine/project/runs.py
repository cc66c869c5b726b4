"""The versions of the model: which there are, which one is in use, their notes, their files, and what is deleted.

A deleted version's folder lies in `models/.deleted` until the project is closed, so that a deletion can be taken back.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Collection, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from engine import syncing
from engine.domain import Predictions, Run
from engine.errors import ProjectError
from engine.files import disk_error
from engine.language import tr, trn
from engine.own_backbones import MODELS_FOLDER, RUN_FILE, has_own_network
from engine.project.labels import LabelWriting
from engine.project.pruning import PrunePlan, heirs_of, reasons_to_keep
from engine.store import classes, predictions, runs
from engine.store.features import FEATURES_FOLDER, HASH_IN_NAME
from engine.store.store import Work

CACHE_FOLDER: Final = "cache"
DELETED_FOLDER: Final = ".deleted"


class RunKeeping(LabelWriting):
    """The part of `Project` that keeps the versions of the model. Everything blocks; for jobs."""

    folder: Path

    @property
    def models_dir(self) -> Path:
        """Folder of the runs' folders."""
        return self.folder / MODELS_FOLDER

    @property
    def cache_dir(self) -> Path:
        """Folder of what can be computed again; may be deleted at any time."""
        return self.folder / CACHE_FOLDER

    # ---- reading

    def new_run_id(self) -> int:
        """Returns an id that no run has had, for the name of its folder."""
        return self.store.call(runs.next_id)

    def runs(self) -> list[Run]:
        """Returns all runs, oldest first."""
        return self.store.call(runs.all_runs)

    def run(self, run_id: int) -> Run:
        """Returns one run.

        Raises:
            ProjectError: there is no such run.
        """
        return self.store.call(lambda db: runs.get(db, run_id))

    def active_run(self) -> Run | None:
        """Returns the run whose predictions are shown, or None."""
        return self.store.call(runs.active)

    def run_dir(self, run: Run) -> Path:
        """Returns the folder of a run's files."""
        return self.models_dir / run.folder

    def run_notes(self) -> dict[int, str]:
        """Returns the user's notes on runs, by run id."""
        return self.store.call(runs.notes)

    def run_size_bytes(self, run: Run) -> int:
        """Returns what a run takes on the disk: its folder, and the embeddings that only it can use."""
        files = [*_files_below(self.run_dir(run)), *self._own_features(self.run_dir(run), run)]
        return sum(_size_of(file) for file in files)

    def problem_of_run(self, run: Run) -> ProjectError | None:
        """Returns what to say of a run whose files are not in the project, as after a restore; None when they are."""
        if (self.run_dir(run) / RUN_FILE).is_file():
            return None
        return ProjectError(
            tr(
                "The files of version {version} of the model are not in the project ({folder}).",
                version=run.id,
                folder=self.run_dir(run),
            ),
            tr("Put the folder back from a copy of the project, use another version, or retrain."),
        )

    def missing_runs(self) -> list[Run]:
        """Returns the runs whose files are not in the project."""
        return [run for run in self.runs() if self.problem_of_run(run) is not None]

    def predictions(self, run: Run | None = None) -> Predictions | None:
        """Returns what a run predicts (the active one unless another is named), or None."""
        return self._predictions_of(run or self.active_run())

    def suggestions(self) -> Predictions | None:
        """Returns what the active run says now: classes that were merged since speak for the class they went into."""
        return self._suggestions_of(*self.store.call(lambda db: (runs.active(db), classes.merged(db))))

    # ---- changing

    def add_run(self, run: Run) -> Run:
        """Records a run and makes it the active one; an id of 0 is replaced by a new one.

        A run that was made by itself gives way to it. Its files stay until the next one does: somebody may be reading.
        """
        before = self.active_run()
        stored = self._write(lambda db: runs.add(db, run)).result()
        if before is not None and all(kept.id != before.id for kept in self.runs()):
            self.remove_superseded({before.folder})
        return stored

    def activate_run(self, run_id: int) -> Run:
        """Makes a run the active one: its predictions and figures are shown from now on.

        Raises:
            ProjectError: there is no such run, or its files are gone.
        """
        problem = self.problem_of_run(self.run(run_id))
        if problem is not None:
            raise problem
        return self._write(lambda db: runs.activate(db, run_id)).result()

    def set_run_note(self, run_id: int, note: str) -> None:
        """Notes something of the user's on a run; "" removes the note.

        Raises:
            ProjectError: there is no such run.
        """
        self._write(lambda db: runs.set_note(db, run_id, note)).result()

    def keep_run(self, run: Run, reason: str) -> None:
        """Keeps a run that made itself and would give way to the next; `reason` becomes its note."""
        if not self.read_only and self.store.call(lambda db: runs.is_passing(db, run)):
            self.set_run_note(run.id, reason)

    def delete_run(self, run_id: int) -> None:
        """Deletes a version; `undelete_run` brings it back until the project is closed.

        Raises:
            ProjectError: it is in use, another version was trained from its network, or it does not exist.
            DiskError: its files cannot be moved; nothing has changed.
        """
        run = self.run(run_id)
        if run.is_active:
            # Said before anything is moved; the store says it too, whoever was quicker.
            raise ProjectError(
                tr("Version {version} of the model is in use.", version=run_id),
                tr("Use another version first, then delete this one."),
            )
        heirs = heirs_of(run, self.runs())
        if heirs:
            raise ProjectError(
                trn(
                    "Version {version} cannot be deleted: version {heirs} began with its network.",
                    "Version {version} cannot be deleted: versions {heirs} began with its network.",
                    len(heirs),
                    version=run_id,
                    heirs=_numbers(heirs),
                ),
                trn(
                    "Delete version {heirs} first, or keep both.",
                    "Delete versions {heirs} first, or keep both.",
                    len(heirs),
                    heirs=_numbers(heirs),
                ),
            )
        self._move(self.run_dir(run), self._deleted_dir(run), lambda db: runs.set_deleted(db, run_id, True))

    def delete_runs(self, run_ids: Sequence[int]) -> list[Run]:
        """As `delete_run` for several, those first that began with another of them; returns what was deleted.

        Raises:
            ProjectError, DiskError: one of them cannot be deleted. The newer ones are deleted by then.
        """
        doomed = [self.run(run_id) for run_id in sorted(run_ids, reverse=True)]
        for run in doomed:
            self.delete_run(run.id)
        return doomed

    def undelete_run(self, run: Run) -> None:
        """Brings a version back that was deleted since the project was opened.

        Raises:
            ProjectError: its files are gone for good.
            DiskError: its files cannot be moved; nothing has changed.
        """
        if not self._deleted_dir(run).is_dir():
            raise ProjectError(
                tr("The files of version {version} are gone.", version=run.id),
                tr("A deletion can be taken back until the project is closed."),
            )
        self._move(self._deleted_dir(run), self.run_dir(run), lambda db: runs.set_deleted(db, run.id, False))

    def plan_pruning(self, num_newest: int) -> PrunePlan:
        """Returns what a tidying would delete that keeps the newest so many, and all that `reasons_to_keep` names."""
        listed = self.runs()
        reasons = reasons_to_keep(listed, self.run_notes(), num_newest)
        doomed = [run for run in listed if run.id not in reasons]
        return PrunePlan([run.id for run in doomed], sum(self.run_size_bytes(run) for run in doomed), reasons)

    # ---- deleted files

    def settle_deleted_runs(self) -> None:
        """Puts back what a crash left in the folder of the deleted though it is not, and removes the rest."""
        trash = self.models_dir / DELETED_FOLDER
        if trash.is_dir():
            alive = {run.folder for run in self.runs()}
            with suppress(OSError):  # it stays where it is, and the version says that its files are missing
                for folder in list(trash.iterdir()):
                    if folder.name in alive and not (self.models_dir / folder.name).exists():
                        os.replace(folder, self.models_dir / folder.name)
        self.purge_deleted_runs()

    def purge_deleted_runs(self) -> None:
        """Removes the files of deleted runs for good, with the embeddings that only they could use.

        What cannot be removed is left for the next time.
        """
        self.remove_superseded()
        trash = self.models_dir / DELETED_FOLDER
        if not trash.is_dir():
            return
        listed, deleted = self.store.call(lambda db: (runs.all_runs(db), runs.deleted_runs(db)))
        alive, known = {run.folder for run in listed}, {run.folder: run for run in deleted}
        with suppress(OSError):
            for folder in list(trash.iterdir()):
                if folder.name in alive:
                    continue
                if folder.name in known:
                    for file in self._own_features(folder, known[folder.name]):
                        file.unlink(missing_ok=True)
                shutil.rmtree(folder, ignore_errors=True)
            trash.rmdir()

    def remove_superseded(self, spared: Collection[str] = ()) -> None:
        """Removes the folders of runs that made themselves and gave way to others, except those named."""
        alive = {run.folder for run in self.runs()} | set(spared)
        for file in self.models_dir.glob(f"*/{RUN_FILE}"):
            if file.parent.name not in alive and _was_automatic(file):
                shutil.rmtree(file.parent, ignore_errors=True)

    def _deleted_dir(self, run: Run) -> Path:
        return self.models_dir / DELETED_FOLDER / run.folder

    def _move(self, source: Path, target: Path, note: Work[None]) -> None:
        """Moves a run's folder and notes it in the store; after a failure both are as before."""
        if self.read_only:
            self._write(note)  # which refuses, before anything of the original is touched
        has_files = source.is_dir()
        if has_files:
            try:
                target.parent.mkdir(exist_ok=True)
                os.replace(source, target)
                syncing.sync_folder(self.models_dir)
            except OSError as err:
                raise disk_error(err, target) from err
        try:
            self._write(note).result()
        except BaseException:
            if has_files:
                os.replace(target, source)
            raise

    def _own_features(self, folder: Path, run: Run) -> list[Path]:
        """Returns the cache files of embeddings by the network that a run trained; no other run can use them."""
        if not has_own_network(folder):
            return []
        return list((self.cache_dir / FEATURES_FOLDER).glob(f"*-{run.weights_hash[:HASH_IN_NAME]}-*"))

    # ---- inside

    def _suggestions_of(self, run: Run | None, into: dict[int, int]) -> Predictions | None:
        found = self._predictions_of(run)
        return predictions.with_merged(found, into) if found is not None else None

    def _predictions_of(self, run: Run | None) -> Predictions | None:
        return predictions.read(self.run_dir(run)) if run else None


def _was_automatic(run_file: Path) -> bool:
    try:
        document = json.loads(run_file.read_text(encoding="utf-8"))
        return bool(document["settings"].get("is_automatic"))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False  # not one of ours, or not whole: left alone


def _numbers(listed: Sequence[Run]) -> str:
    numbers = [str(run.id) for run in listed]
    if len(numbers) == 1:
        return numbers[0]
    return tr("{listed} and {last}", listed=", ".join(numbers[:-1]), last=numbers[-1])


def _files_below(folder: Path) -> list[Path]:
    return [Path(parent, name) for parent, _, names in os.walk(folder) for name in names]


def _size_of(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:  # gone meanwhile
        return 0
