"""CheckProject: looks for damage in everything that a project consists of, and says what to do. Changes nothing.

The database is looked at in a private copy, so a check may run while a window has the project open.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from safetensors import SafetensorError, safe_open

from engine.domain import Run
from engine.errors import StoreError
from engine.job import Job, JobContext
from engine.language import count, tr, trn
from engine.nn.run_model import HEAD_FILE
from engine.own_backbones import RUN_FILE
from engine.project import Project
from engine.store import backup, checking, features, outbox
from engine.store.checking import JournalFacts, Rehearsal
from engine.store.failures import environment_errors
from engine.store.journal import JOURNAL_FILE
from engine.store.second_copies import BACKUPS_FOLDER
from engine.tasks.check_pictures import look_at_pictures
from engine.tasks.findings import Finding, Level, Part, first_of, good

_NUM_PARTS = 5


@dataclass(frozen=True, slots=True)
class CheckSnapshot:
    """The project's folder, and whether to read all pictures."""

    folder: Path
    reads_pictures: bool


class CheckProject(Job[CheckSnapshot, list[Finding], list[Finding]]):
    """Outcome: what was found, part by part; no finding that is WRONG means that all is well."""

    title: ClassVar[str] = tr("Checking the project")

    def __init__(self, folder: Path, reads_pictures: bool = False) -> None:
        self.folder, self.reads_pictures = folder, reads_pictures

    def prepare(self) -> CheckSnapshot:
        return CheckSnapshot(self.folder.absolute(), self.reads_pictures)

    @staticmethod
    def work(snapshot: CheckSnapshot, context: JobContext) -> list[Finding]:
        """Raises:
        ProjectError: the folder holds no project.
        StoreError: the disk failed.
        """
        return list(_check(snapshot, context))

    def finish(self, result: list[Finding]) -> list[Finding]:
        return result


def _check(snapshot: CheckSnapshot, context: JobContext) -> Iterator[Finding]:
    folder = snapshot.folder
    context.progress(0, _NUM_PARTS, tr("database"))
    try:
        project = Project.open(folder, read_only=True)
    except StoreError as err:
        yield Finding(Part.DATABASE, Level.WRONG, err.message, err.hint)
        _, of_backups = _look_at_backups(folder, 0, context)
        yield from _of_journal_alone(folder)
        yield from of_backups
        return
    with project:
        try:
            yield from _look_into(project, snapshot, context)
        except StoreError as err:  # damage that only showed when it was read
            yield Finding(Part.DATABASE, Level.WRONG, err.message, err.hint)


def _look_into(project: Project, snapshot: CheckSnapshot, context: JobContext) -> Iterator[Finding]:
    yield from _look_at_database(project)
    context.progress(1, _NUM_PARTS, tr("backups"))
    last_seq = project.store.call(outbox.last_seq)
    good_backups, of_backups = _look_at_backups(snapshot.folder, last_seq, context)
    context.progress(2, _NUM_PARTS, tr("journal"))
    yield from _look_at_journal(project, snapshot.folder, last_seq, good_backups)
    yield from of_backups
    context.progress(3, _NUM_PARTS, tr("models"))
    yield from _look_at_models(project, context)
    yield from _look_at_cache(project)
    yield from look_at_pictures(project, snapshot.reads_pictures, context)


# ---- database, journal and backups


def _look_at_database(project: Project) -> Iterator[Finding]:
    broken = project.store.call(checking.integrity)
    restore = tr("Close the project, keep a copy of its folder, then restore it: graft restore.")
    if broken:
        text = tr("The database is damaged: {reasons}.", reasons="; ".join(broken))
        yield Finding(Part.DATABASE, Level.WRONG, text, restore)
    num_unlike = project.store.call(checking.num_unlike_history)
    if num_unlike:
        text = trn(
            "{number:,} picture has other labels than its history says.",
            "{number:,} pictures have other labels than their history says.",
            num_unlike,
        )
        yield Finding(Part.DATABASE, Level.WRONG, text, restore)
    if not broken and not num_unlike:
        labels = count(len(project.label_sources()), "labelled picture")
        steps = count(project.last_step(), "step")
        yield good(Part.DATABASE, tr("sound: {labels}, {steps} of history", labels=labels, steps=steps))


def _look_at_journal(project: Project, folder: Path, last_seq: int, good_backups: list[Path]) -> Iterator[Finding]:
    with environment_errors(folder / JOURNAL_FILE):
        facts = checking.look_at_journal(folder / JOURNAL_FILE)
        source = next(iter(good_backups), None)
        rehearsal = project.store.call(lambda db: checking.rehearse_restore(folder, db, source))
    if facts is None:
        yield Finding(
            Part.JOURNAL,
            Level.WRONG,
            tr("The journal {file} is not there.", file=JOURNAL_FILE),
            tr("Open the project once: it is written anew from the database."),
        )
    else:
        yield from _of_facts(facts, last_seq, source)
    yield from _of_rehearsal(rehearsal)


def _of_facts(facts: JournalFacts, last_seq: int, source: Path | None) -> Iterator[Finding]:
    if facts.hole_at:
        is_covered = source is not None and checking.seq_of_backup(source) >= facts.hole_at
        yield Finding(
            Part.JOURNAL,
            Level.NOTE if is_covered else Level.WRONG,
            trn(
                "Lines of the journal are missing ({number:,} is damaged).",
                "Lines of the journal are missing ({number:,} are damaged).",
                facts.num_damaged,
            ),
            tr("The newest backup holds what they said.")
            if is_covered
            else tr("Make a backup now, which holds what they said: graft backup."),
        )
    if facts.last_seq < last_seq:
        behind = trn(
            "The journal is {number:,} change behind the database.",
            "The journal is {number:,} changes behind the database.",
            last_seq - facts.last_seq,
        )
        yield Finding(Part.JOURNAL, Level.NOTE, behind, tr("It catches up when the project is opened."))
    elif facts.last_seq > last_seq:
        ahead = trn(
            "The journal is {number:,} change ahead of the database.",
            "The journal is {number:,} changes ahead of the database.",
            facts.last_seq - last_seq,
        )
        yield Finding(Part.JOURNAL, Level.NOTE, ahead, tr("The database catches up when the project is opened."))
    if not facts.hole_at and facts.last_seq == last_seq:
        lines = count(facts.num_lines, "line")
        yield good(Part.JOURNAL, tr("complete and up to date: {lines}", lines=lines))


def _of_rehearsal(rehearsal: Rehearsal) -> Iterator[Finding]:
    if not rehearsal.num_differing and not rehearsal.classes_differ:
        yield good(Part.JOURNAL, tr("rehearsed: a restore would bring every label back"))
        return
    text = (
        trn(
            "A restore would bring back something else for {number:,} picture.",
            "A restore would bring back something else for {number:,} pictures.",
            rehearsal.num_differing,
        )
        if rehearsal.num_differing
        else tr("A restore would bring back other classes.")
    )
    yield Finding(Part.JOURNAL, Level.WRONG, text, tr("Make a backup now, while the database is good: graft backup."))


def _of_journal_alone(folder: Path) -> Iterator[Finding]:
    """What can be said of a journal without a database to compare it with."""
    with environment_errors(folder / JOURNAL_FILE):
        facts = checking.look_at_journal(folder / JOURNAL_FILE)
    if facts is None:
        text = tr("The journal {file} is not there.", file=JOURNAL_FILE)
        yield Finding(Part.JOURNAL, Level.WRONG, text, tr("A restore can use the backups alone."))
    elif facts.hole_at:
        text = tr("Lines of the journal are missing.")
        yield Finding(Part.JOURNAL, Level.NOTE, text, tr("A restore uses the newest good backup and what comes after."))
    else:
        yield good(Part.JOURNAL, tr("complete: {lines}", lines=count(facts.num_lines, "line")))


def _look_at_backups(folder: Path, last_seq: int, context: JobContext) -> tuple[list[Path], list[Finding]]:
    """Returns the good backups, newest first, and what to say of all."""
    place = folder / BACKUPS_FOLDER
    with environment_errors(place):
        updates = sorted(place.glob("before-update-from-*.db"), reverse=True) if place.is_dir() else []
        listed = [*backup.newest_first(place), *updates]
    good_ones: list[Path] = []
    for file in listed:
        context.checkpoint()
        if backup.is_good(file):
            good_ones.append(file)
    damaged = [file.name for file in listed if file not in good_ones]
    found: list[Finding] = []
    if damaged:
        text = trn(
            "{number:,} backup is damaged: {names}.",
            "{number:,} backups are damaged: {names}.",
            len(damaged),
            names=first_of(damaged),
        )
        hint = tr("Make a new one (graft backup), then delete those; check the disk.")
        found.append(Finding(Part.BACKUPS, Level.WRONG, text, hint))
    if not good_ones:
        hint = tr("Make one: graft backup.") if last_seq else tr("The journal is what a restore can use.")
        found.append(Finding(Part.BACKUPS, Level.WRONG, tr("There is no good backup."), hint))
    elif not damaged:
        found.append(good(Part.BACKUPS, tr("{backups}, all good", backups=count(len(good_ones), "backup"))))
    return good_ones, found


# ---- versions of the model, and the cache


def _look_at_models(project: Project, context: JobContext) -> Iterator[Finding]:
    listed, num_good = project.runs(), 0
    for run in listed:
        context.checkpoint()
        problem = project.problem_of_run(run)
        bad = [] if problem is not None else _bad_files(project.run_dir(run))
        if problem is not None:
            yield Finding(Part.MODELS, Level.WRONG, problem.message, problem.hint)
        elif bad:
            yield Finding(
                Part.MODELS,
                Level.WRONG,
                tr("Version {version} of the model has damaged files: {names}.", version=run.id, names=first_of(bad)),
                tr("Put its folder back from a copy of the project, use another version, or retrain."),
            )
        else:
            num_good += 1
        yield from _of_predictions(project, run)
    if num_good == len(listed):
        yield good(
            Part.MODELS,
            tr("{versions}, all files there", versions=count(num_good, "version")) if listed else tr("no version yet"),
        )


def _of_predictions(project: Project, run: Run) -> Iterator[Finding]:
    if run.is_active and project.problem_of_run(run) is None and project.predictions(run) is None:
        text = tr("Version {version} of the model has no predictions, so there are no suggestions.", version=run.id)
        yield Finding(Part.MODELS, Level.WRONG, text, tr("Retrain, or use another version."))


def _bad_files(folder: Path) -> list[str]:
    """Returns the names of those files of a run that are not whole."""
    files = [folder / RUN_FILE, folder / HEAD_FILE, *folder.glob("*.safetensors"), *folder.glob("*.npz")]
    return [file.name for file in dict.fromkeys(files) if not _is_whole(file)]


def _is_whole(file: Path) -> bool:
    try:
        if file.suffix == ".json":
            json.loads(file.read_text(encoding="utf-8"))
        elif file.suffix == ".npz":
            with zipfile.ZipFile(file) as archive:
                return archive.testzip() is None
        else:
            with safe_open(file, framework="numpy"):  # it compares the length of the file with its table of contents
                pass
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, SafetensorError):
        return False
    return True


def _look_at_cache(project: Project) -> Iterator[Finding]:
    num_lost = num_there = 0
    for kind, num_known in project.store.call(features.known_rows):
        num_rows = kind.file(project.cache_dir).num_rows()
        num_there += min(num_rows, num_known)
        num_lost += max(0, num_known - num_rows)
    if num_lost:
        text = trn(
            "{number:,} embedding is not in the cache any more.",
            "{number:,} embeddings are not in the cache any more.",
            num_lost,
        )
        yield Finding(Part.CACHE, Level.NOTE, text, tr("Nothing to do: they are computed again when they are needed."))
    else:
        yield good(Part.CACHE, tr("{embeddings}, all there", embeddings=count(num_there, "embedding")))
