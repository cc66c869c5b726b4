"""Versions of the model against a simple model of them: train, use, note, delete, take back, tidy up, and accidents.

After every action: which versions there are, which one is in use, their notes, and that the files of each are its own,
whole, and in their place. A version that another began with stays, and no number is ever given twice.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from engine.domain import Run, Validation
from engine.errors import ProjectError
from engine.project import Project

any_place = st.integers(0, 9)


@dataclass
class Version:
    """What the model remembers of one version."""

    run: Run
    origin: int
    note: str = ""


class RunsMachine(RuleBasedStateMachine):
    """Runs the real project beside the model."""

    def __init__(self) -> None:
        super().__init__()
        memory = Path("/dev/shm")
        self.folder = Path(tempfile.mkdtemp(prefix="graft-runs-", dir=memory if memory.is_dir() else None))
        self.num_folders = 0
        self.project = Project.create(self.folder / "0")
        self.versions: dict[int, Version] = {}
        self.deleted: dict[int, Version] = {}
        self.active = 0
        self.last_id = 0

    def teardown(self) -> None:
        self.project.close()
        shutil.rmtree(self.folder)

    @initialize(accuracies=st.lists(st.sampled_from([0.5, 0.8, 0.9]), min_size=3, max_size=5), origin=any_place)
    def begin_with_some_versions(self, accuracies: list[float], origin: int) -> None:
        for at, accuracy in enumerate(accuracies):
            self.train(accuracy, origin, begins_with_another=at == 2)

    # ---- what a user does

    @rule(accuracy=st.sampled_from([0.5, 0.8, 0.9]), place=any_place, begins_with_another=st.booleans())
    def train(self, accuracy: float, place: int, begins_with_another: bool) -> None:
        origin = self._pick(place) if begins_with_another else 0
        run_id = self.project.new_run_id()
        assert run_id == self.last_id + 1
        folder = self.project.models_dir / f"run-{run_id:04d}"
        folder.mkdir()
        (folder / "run.json").write_text(f'{{"id": {run_id}}}')
        (folder / "backbone.safetensors").write_bytes(b"x" * 100)
        features = self.project.cache_dir / "features"
        features.mkdir(exist_ok=True)
        (features / f"run_{run_id}-{run_id:012x}-views.f16").write_bytes(b"y" * 10)
        validation = Validation("out of fold", accuracy, (0.4, 0.95), accuracy, 0.3, 0.02)
        backbone = f"run:{origin}" if origin else "starter"
        run = Run(run_id, 1.0, backbone, f"{run_id:012x}9", "full", 0, folder.name, [1], ["ok"], 2, 0, validation,
                  {}, {}, False)  # fmt: skip
        stored = self.project.add_run(run)
        self.versions[run_id] = Version(stored, origin)
        self.active = self.last_id = run_id

    @rule(place=any_place)
    @precondition(lambda self: self.versions)
    def use(self, place: int) -> None:
        run_id = self._pick(place)
        assert self.project.activate_run(run_id).id == run_id
        self.active = run_id

    @rule(place=any_place, note=st.sampled_from(["", "mirrored", "Größe\n2"]))
    @precondition(lambda self: self.versions)
    def note(self, place: int, note: str) -> None:
        run_id = self._pick(place)
        self.project.set_run_note(run_id, note)
        self.versions[run_id].note = note

    @rule(place=any_place)
    @precondition(lambda self: self.versions)
    def delete(self, place: int) -> None:
        run_id = self._pick(place)
        if run_id == self.active or self._heirs(run_id):
            with pytest.raises(ProjectError):
                self.project.delete_run(run_id)
        else:
            self.project.delete_run(run_id)
            self.deleted[run_id] = self.versions.pop(run_id)

    @rule(place=any_place)
    @precondition(lambda self: self.deleted)
    def take_back(self, place: int) -> None:
        run_id = sorted(self.deleted)[place % len(self.deleted)]
        self.project.undelete_run(self.deleted[run_id].run)
        self.versions[run_id] = self.deleted.pop(run_id)

    @rule(num_newest=st.integers(0, 3))
    def tidy_up(self, num_newest: int) -> None:
        plan = self.project.plan_pruning(num_newest)
        newest = sorted(self.versions)[len(self.versions) - min(num_newest, len(self.versions)) :]
        best = max((v.run.validation.accuracy for v in self.versions.values()), default=0.0)
        kept = {max((i for i, v in self.versions.items() if v.run.validation.accuracy == best), default=0)}
        kept |= {self.active, *newest} | {i for i, v in self.versions.items() if v.note}
        while origins := {self.versions[i].origin for i in kept & set(self.versions)} - kept - {0}:
            kept |= origins
        assert set(plan.run_ids) == set(self.versions) - kept
        assert set(plan.reasons) == set(self.versions) & kept
        assert plan.size_bytes == sum(110 + len(f'{{"id": {i}}}') for i in plan.run_ids)
        for run in self.project.delete_runs(plan.run_ids):
            self.deleted[run.id] = self.versions.pop(run.id)

    @rule(nothing=st.none())
    def ask_for_what_is_not_there(self, nothing: None) -> None:
        for run_id in (0, self.last_id + 1, *self.deleted):
            with pytest.raises(ProjectError):
                self.project.activate_run(run_id)
            with pytest.raises(ProjectError):
                self.project.delete_run(run_id)
            with pytest.raises(ProjectError):
                self.project.set_run_note(run_id, "lost")

    # ---- accidents

    @rule(loses_database=st.booleans(), loses_backups=st.booleans())
    def close_and_open(self, loses_database: bool, loses_backups: bool) -> None:
        self.project.close()
        gone = dict(self.deleted)
        self.deleted.clear()
        if loses_database:
            (self.project.folder / "project.db").unlink()
            if loses_backups:
                shutil.rmtree(self.project.folder / "backups")
        open_it = Project.restore if loses_database else Project.open
        self.project = open_it(self.project.folder)
        for version in gone.values():
            with pytest.raises(ProjectError, match="gone"):
                self.project.undelete_run(version.run)
            assert not list((self.project.cache_dir / "features").glob(f"run_{version.run.id}-*"))

    @rule(place=any_place, is_half_deleted=st.booleans())
    def crash(self, place: int, is_half_deleted: bool) -> None:
        """Goes on with the files as they are, and perhaps with a folder moved whose deletion was never committed."""
        self.num_folders += 1
        copy = self.folder / str(self.num_folders)
        shutil.copytree(self.project.folder, copy)
        self.project.close()
        if is_half_deleted and self.versions:
            folder = self.versions[self._pick(place)].run.folder
            (copy / "models" / ".deleted").mkdir(exist_ok=True)
            os.replace(copy / "models" / folder, copy / "models" / ".deleted" / folder)
        self.project = Project.open(copy)
        self.deleted.clear()

    # ---- what must hold

    @invariant()
    def versions_are_those_of_the_model(self) -> None:
        found = self.project.runs()
        assert [run.id for run in found] == sorted(self.versions)
        assert {run.id: replace(run, is_active=True) for run in found} == {
            i: version.run for i, version in self.versions.items()
        }
        assert [run.id for run in found if run.is_active] == ([self.active] if self.active else [])
        active = self.project.active_run()
        assert (active.id if active else 0) == self.active
        assert self.project.run_notes() == {i: version.note for i, version in self.versions.items() if version.note}

    @invariant()
    def every_version_has_its_own_files_and_nothing_else_is_there(self) -> None:
        assert self.project.missing_runs() == []
        folders = {each.name for each in self.project.models_dir.iterdir() if each.name != ".deleted"}
        assert folders == {version.run.folder for version in self.versions.values()}
        for run_id, version in self.versions.items():
            folder = self.project.run_dir(version.run)
            assert (folder / "run.json").read_text() == f'{{"id": {run_id}}}'
            assert (folder / "backbone.safetensors").stat().st_size == 100
            assert list((self.project.cache_dir / "features").glob(f"run_{run_id}-*"))

    # ---- inside

    def _pick(self, place: int) -> int:
        return sorted(self.versions)[place % len(self.versions)] if self.versions else 0

    def _heirs(self, run_id: int) -> list[int]:
        return [i for i, version in self.versions.items() if version.origin == run_id]


TestRuns = RunsMachine.TestCase
TestRuns.settings = settings(
    max_examples=60, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck)
)
