"""Which backbone the open project uses, and which ones are on this machine. Looked up off the GUI thread."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from engine import weights
from engine.backbones import CATALOGUE, BackboneSpec
from engine.backbones.worth import better_backbone_hint, better_backbone_words
from engine.errors import BackboneError
from engine.files import atomic_write_bytes, disk_error
from engine.language import tr
from gui import wording

if TYPE_CHECKING:
    from engine.project import Project
    from gui.session import Session


BALANCED = "balanced"
"""What a project without a choice uses (`engine.nn.preprocessing.Preset`, which this process does not load)."""


@dataclass(frozen=True, slots=True)
class _Found:
    available: frozenset[str]
    others: list[BackboneSpec]
    chosen: BackboneSpec | None
    views_preset: str


class BackboneChoice(QObject):
    """The chosen backbone: the user's choice for this project, else that of its model, else the best one available."""

    changed = Signal()
    """What is chosen, what is here, or how many looks an image is worth."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._session = session
        self.chosen: BackboneSpec | None = None
        self.available: frozenset[str] = frozenset()
        self.others: list[BackboneSpec] = []
        """Backbones on this machine that are not in the catalogue: the user's own, and networks of timm's by name."""
        self.views_preset = BALANCED
        self._num_asked = 0
        self.is_known = False
        """Whether the look-up is done; until then nobody should say that weights are missing."""
        session.project_opened.connect(self.look_up)
        session.project_closed.connect(self._forget)

    def choose(self, key: str) -> None:
        """Uses a backbone for this project from now on."""
        project = self._session.project
        if project is not None:
            self._session.preferences.set_backbone(project.folder, key)
            self.look_up()

    def set_views_preset(self, preset: str) -> None:
        """Chooses how many looks an image is worth in this project."""
        project = self._session.project
        if project is not None and preset != self.views_preset:
            self.views_preset = preset
            self._num_asked += 1
            self._session.read_in_background(lambda: project.set_views_preset(preset), lambda _none: self.look_up())

    def hint(self) -> str:
        """Returns what a better backbone would bring and how to get it, empty while the built-in one is not in use."""
        return better_backbone_hint(self.chosen.key, self.available) if self.chosen is not None else ""

    def short_hint(self) -> str:
        """Returns the gist of `hint`, for a bar."""
        return better_backbone_words(self.chosen.key) if self.chosen is not None else ""

    def look_up(self) -> None:
        """Looks again which weights are on this machine; `changed` follows."""
        session = self._session
        if session.project is None:
            return
        project = session.project
        folder = project.folder
        wanted = session.preferences.backbone(folder) or (session.run.backbone if session.run is not None else None)
        self._num_asked += 1
        asked = self._num_asked
        session.read_in_background(lambda: _look_up(project, wanted), lambda found: self._take(found, asked))

    def _take(self, found: _Found, asked: int) -> None:
        if asked != self._num_asked:
            return  # looked up before the user chose something else
        self.available, self.others = found.available, found.others
        self.chosen, self.views_preset = found.chosen, found.views_preset
        self.is_known = True
        self.changed.emit()

    def _forget(self) -> None:
        self.chosen, self.is_known = None, False
        self.changed.emit()


def install_file(spec: BackboneSpec, file: Path) -> Path:
    """Copies a weights file that the user brought into the user's folder and returns the copy. Blocks.

    Raises:
        BackboneError: it cannot be read, it is no weights file or that of another backbone, or its name states a hash
            that its content does not have.
        DiskError: the copy cannot be written.
    """
    digest = weights.file_sha256(file)
    stated = re.search(r"-([0-9a-f]{8,64})$", file.stem)
    if stated is not None and not digest.startswith(stated[1]):
        raise BackboneError(
            tr("{file} is damaged: its content does not have the hash that its name states.", file=file.name),
            tr("Copy the file again, or take another one."),
        )
    other = next((each for each in CATALOGUE.values() if _is_file_of(each, file, digest)), spec)
    if other is not spec:
        raise BackboneError(
            tr(
                "{file} holds the weights of {other}, not of {wanted}.",
                file=file.name,
                other=other.display_name,
                wanted=spec.display_name,
            ),
            tr("Choose {backbone} in the list, or take another file.", backbone=other.display_name),
        )
    if not _looks_like_weights(file):
        raise BackboneError(
            tr("{file} is not a file of weights.", file=file.name),
            tr("Take the .pth or .safetensors file of {backbone}.", backbone=spec.display_name),
        )
    suffix = ".safetensors" if file.suffix == ".safetensors" else ".pth"
    target = weights.user_weights_folder() / f"{spec.model_name}-{digest[:8]}{suffix}"
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        content = file.read_bytes()
    except OSError as error:
        raise disk_error(error, target) from error
    atomic_write_bytes(target, content)
    return target


def depends_on(session: Session, spec: BackboneSpec) -> str:
    """Returns what would be missing without a backbone's weights, in this project and elsewhere."""
    again = tr("They can be downloaded again ({size}).", size=wording.size(spec.size_bytes)) if spec.url else ""
    if session.run is not None and session.run.backbone == spec.key:
        first = tr(
            "The model of this project was made with it and cannot look at new images until the weights are back."
        )
    elif session.backbones.chosen is not None and session.backbones.chosen.key == spec.key:
        first = tr("This project uses it; another backbone takes its place.")
    else:
        first = tr("The open project does not use it.")
    others = tr("Models of other projects that were made with it need it too.")
    return f"{first} {others} {again}".strip()


def _is_file_of(spec: BackboneSpec, file: Path, digest: str) -> bool:
    """Tells whether content or name say that a file belongs to a backbone."""
    has_its_content = bool(spec.sha256_prefix) and digest.startswith(spec.sha256_prefix)
    return has_its_content or file.stem.rpartition("-")[0] == spec.model_name


def _looks_like_weights(file: Path) -> bool:
    """Tells whether a file begins as PyTorch's (a zip archive, formerly a pickle) or safetensors' files do."""
    with file.open("rb") as stream:
        start = stream.read(9)
    is_safetensors = len(start) == 9 and int.from_bytes(start[:8], "little") < file.stat().st_size and start[8:] == b"{"
    return start.startswith((b"PK\x03\x04", b"\x80\x02")) or is_safetensors


def _look_up(project: Project, wanted: str | None) -> _Found:
    folder = project.folder
    others = weights.other_backbones(folder)
    here = frozenset(key for key, spec in CATALOGUE.items() if weights.has_weights(spec, folder))
    here |= frozenset(spec.key for spec in others if weights.has_weights(spec, folder))
    preset = project.views_preset() or BALANCED
    chosen: BackboneSpec | None = None
    try:
        key = wanted if wanted is not None and wanted in here else weights.default_backbone(folder)
        chosen = weights.find_backbone(key, folder)
    except BackboneError:
        pass  # nothing on this machine can be used; the window says so
    return _Found(here, others, chosen, preset)
