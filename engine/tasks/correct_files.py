"""CorrectFiles: picture files that were classified become labelled images of the project, with the class they have.

A file is taken where it lies. Inside a folder of the project it joins the images of that folder; elsewhere its folder
is noted as one that only single files are wanted of, so that looking for changed images does not bring in the rest.
Pictures without a place of their own (pasted, from a camera) are copied into the project's folder first.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Final

from engine.domain import ImageStatus, LabelMode, Source
from engine.errors import ImageError, ProjectError
from engine.files import atomic_write_bytes, disk_error
from engine.images.files import read_bytes
from engine.images.rows import new_image
from engine.images.scan import FoundFile, read_facts
from engine.job import Job, JobContext, Priority
from engine.language import tr, trn
from engine.project import Project

PICTURES_FOLDER: Final = "pictures"
"""Below the project's folder: pictures that came from the clipboard or a camera."""


@dataclass(frozen=True, slots=True)
class Correction:
    """A file and the classes that it has. `is_confirmed`: these are all of them, where images may have several."""

    path: Path
    class_ids: tuple[int, ...]
    is_confirmed: bool = False
    is_homeless: bool = False
    """It lies in a temporary folder: it is copied into the project."""


@dataclass(slots=True)
class CorrectReport:
    """`image_ids` by the path that was named. `num_added` were not in the project before. `failed`: path, reason."""

    image_ids: dict[Path, int] = field(default_factory=dict)
    num_added: int = 0
    failed: list[tuple[Path, str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class CorrectSnapshot:
    project: Project
    corrections: Sequence[Correction]
    source: Source


class CorrectFiles(Job[CorrectSnapshot, CorrectReport, CorrectReport]):
    """Brings files in and labels them, as one step of the undo history. It writes, so it runs in the engine thread."""

    title: ClassVar[str] = tr("Taking over corrections")
    priority = Priority.INTERACTIVE

    def __init__(self, project: Project, corrections: Sequence[Correction], source: Source = Source.HUMAN) -> None:
        self.project, self.corrections, self.source = project, corrections, source

    def prepare(self) -> CorrectSnapshot:
        """Raises:
        ProjectError: the project can only be read.
        """
        if self.project.read_only:
            raise ProjectError(
                tr("This project is open for reading only."), tr("Open it for writing to correct predictions.")
            )
        return CorrectSnapshot(self.project, self.corrections, self.source)

    @staticmethod
    def work(snapshot: CorrectSnapshot, context: JobContext) -> CorrectReport:
        report = CorrectReport()
        wanted: dict[int, Correction] = {}
        filing = _Filing(snapshot.project)
        for done, correction in enumerate(snapshot.corrections):
            context.checkpoint()
            context.progress(done, len(snapshot.corrections))
            try:
                image_id, is_new = filing.file(correction)
            except (ImageError, ProjectError) as err:
                report.failed.append((correction.path, str(err)))
                continue
            report.image_ids[correction.path] = image_id
            report.num_added += is_new
            wanted[image_id] = correction
        if wanted:
            _label(snapshot.project, wanted, snapshot.source)
        return report

    def finish(self, result: CorrectReport) -> CorrectReport:
        return result


class _Filing:
    """Finds or makes the image of a file."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._roots = {root.path: root.id for root in project.roots()}

    def file(self, correction: Correction) -> tuple[int, bool]:
        """Returns the image's id, and whether it is new.

        Raises:
            ImageError: the file is gone or no picture.
            DiskError: it cannot be copied into the project.
        """
        path = Path(os.path.abspath(correction.path))
        if correction.is_homeless:
            path = self._take_in(path)
        known = self._find(path)
        if known is not None:
            return known, False
        root = next((each for each in sorted(self._roots, key=_depth, reverse=True) if each in path.parents), None)
        is_single = root is None
        root = root or path.parent
        try:
            status = path.stat()
        except OSError as err:
            raise ImageError(
                tr("{name} is not there any more.", name=path.name), tr("Put it back, then try again.")
            ) from err
        relative = path.relative_to(root).as_posix()
        facts = read_facts(FoundFile(root, os.fspath(path), relative, status.st_size, status.st_mtime_ns))
        if facts.status is not ImageStatus.READABLE:
            raise ImageError(facts.reason or tr("{name} cannot be read.", name=path.name))
        if root not in self._roots:
            self._roots[root] = self._project.add_root(root)
            if is_single and root != self._project.folder / PICTURES_FOLDER:
                self._project.set_single_file_root(self._roots[root], True)
        return self._project.add_images(self._roots[root], [new_image(facts)])[0], True

    def _find(self, path: Path) -> int | None:
        for root, root_id in self._roots.items():
            if root in path.parents:
                place = os.fsencode(path.relative_to(root).as_posix())
                known = self._project.image_at(root_id, place)
                if known is not None:
                    return known
        return None

    def _take_in(self, path: Path) -> Path:
        """Copies a picture without a place of its own into the project, under a name that is free there."""
        folder = self._project.folder / PICTURES_FOLDER
        data = read_bytes(path)
        target, number = folder / path.name, 1
        try:
            folder.mkdir(exist_ok=True)
            while target.exists():
                if target.read_bytes() == data:
                    return target
                number += 1
                target = folder / f"{path.stem} ({number}){path.suffix}"
        except OSError as err:
            raise disk_error(err, target) from err
        atomic_write_bytes(target, data)
        return target


def _label(project: Project, wanted: Mapping[int, Correction], source: Source) -> None:
    """Gives all images their classes as one step."""
    what = trn("label a corrected prediction", "label {number:,} corrected predictions", len(wanted))
    pairs = [(image_id, class_id) for image_id, each in wanted.items() for class_id in each.class_ids]
    confirmed = [image_id for image_id, each in wanted.items() if each.is_confirmed]
    if project.label_mode is LabelMode.SEVERAL and confirmed:
        project.label_and_confirm(pairs, confirmed, source, what).result()
    elif pairs:
        project.label_many(pairs, source, what).result()


def _depth(folder: Path) -> int:
    return len(folder.parts)
