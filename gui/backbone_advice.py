"""The recommended backbone for a folder of images or the open project: asked off the GUI thread, told in a sentence."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from engine import speeds, weights
from engine.backbones import CATALOGUE, BackboneSpec
from engine.backbones.recommendation import Machine, Recommendation, recommend
from engine.errors import BackboneError
from engine.events import JobEnded, JobSucceeded
from engine.images.files import is_image_name
from engine.language import count, tr
from engine.settings import num_threads
from gui import wording
from gui.dialogs.views_choice import num_looks

if TYPE_CHECKING:
    from gui.session import Session

COUNTING_S: Final = 2.0
"""So long the images of a folder are counted; in a larger folder it is about more of them."""
EXAMPLE: Final = 1000


@dataclass(frozen=True, slots=True)
class Advice:
    """What is recommended, and what is used as long as nobody chooses; None where this machine has the weights of none.

    `is_usual`: it is used without being chosen.
    """

    recommendation: Recommendation
    usual: BackboneSpec | None
    is_at_least: bool = False
    """Whether there are more images than were counted."""

    @property
    def is_usual(self) -> bool:
        return self.usual is not None and self.usual.key == self.recommendation.spec.key

    def text(self) -> str:
        """Returns the advice with its reason."""
        found = self.recommendation
        name, better = found.spec.display_name, found.better
        images = count(found.num_images, "image")
        if self.is_at_least:
            images = tr("{images} and more", images=images)
        if better is not None and found.seconds is not None:
            text = tr(
                "Recommended on this machine: {name}, because it looks at {images} in about {duration}. {better} makes "
                "fewer mistakes, but takes about {longer}.",
                name=name,
                images=images,
                duration=wording.duration(found.seconds),
                better=better.display_name,
                longer=wording.duration(found.better_seconds),
            )
        elif found.seconds is None:
            text = tr(
                "Recommended on this machine: {name}, because it makes the fewest mistakes of those that we measured, "
                "and with the graphics card its time does not matter.",
                name=name,
            )
        else:
            text = tr(
                "Recommended on this machine: {name}, because it makes the fewest mistakes of those that we measured "
                "and looks at {images} in about {duration}.",
                name=name,
                images=images,
                duration=wording.duration(found.seconds),
            )
        if found.is_here:
            return text
        size = wording.size(found.spec.size_bytes)
        if self.usual is None:
            return f"{text} {tr('Its weights are not on this machine yet ({size} to download).', size=size)}"
        until = tr(
            "Its weights are not on this machine yet ({size} to download); until then {other} is used.",
            size=size,
            other=self.usual.display_name,
        )
        return f"{text} {until}"


def ask_advice(session: Session, images: Path | None, then: Callable[[Advice], None]) -> None:
    """Calls `then` with the advice for a folder of images, or for the open project; looks for graphics cards before."""
    from engine.nn.device import may_have_gpu

    if session.training.gpus or session.preferences.device == "cpu" or not may_have_gpu():
        _ask(session, images, then)
        return
    from engine.tasks.find_devices import FindDevices

    def take(end: JobEnded) -> None:
        if isinstance(end, JobSucceeded) and isinstance(end.result, dict):
            session.training.take_gpus(end.result)
        _ask(session, images, then)

    session.bridge.submit(FindDevices(), on_end=take)


def _ask(session: Session, images: Path | None, then: Callable[[Advice], None]) -> None:
    has_gpu = bool(session.training.gpus) and session.preferences.device != "cpu"
    known = None if images is not None else len(session.columns)
    project = session.project.folder if images is None and session.project is not None else None
    looks = num_looks(session.backbones.views_preset if images is None else "")
    session.read_in_background(lambda: _advice(images, known, project, looks, has_gpu), then)


def _advice(images: Path | None, known: int | None, project: Path | None, looks: int, has_gpu: bool) -> Advice:
    number, is_at_least = count_images(images) if images is not None else (known or 0, False)
    here = frozenset(key for key, record in CATALOGUE.items() if weights.has_weights(record, project))
    machine = Machine(num_threads(has_window=True), has_gpu, speeds.views_per_second())
    try:
        usual = CATALOGUE[weights.default_backbone(project)]
    except BackboneError:
        usual = None
    return Advice(recommend(here, number or EXAMPLE, looks, machine), usual, is_at_least)


def count_images(folder: Path, limit_s: float = COUNTING_S) -> tuple[int, bool]:
    """Returns how many images a folder and its sub-folders hold, and whether time was too short for all."""
    number, until = 0, time.monotonic() + limit_s
    for _parent, _folders, names in os.walk(folder):
        number += sum(is_image_name(name) for name in names)
        if time.monotonic() > until:
            return number, True
    return number, False
