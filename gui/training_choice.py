"""How the open project is trained when Retrain is pressed, and what that will take. Remembered for each project."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

from engine.jobs import Priority
from engine.language import tr
from engine.nn.augmentation import AUGMENTATIONS, MIRRORED, NO_VARIANTS, num_views
from engine.nn.training_plan import (
    AUTO,
    DEFAULT_BUDGET_S,
    DEPTHS,
    FULL,
    HEAD,
    PARTIAL,
    SCRATCH_FOLDER,
    Pace,
    choose_plan,
    least_seconds,
)
from gui import wording
from gui.activities import PACE, TRAIN

if TYPE_CHECKING:
    from engine.tasks.interrupted import Interrupted
    from gui.session import Session

BUDGETS_S = (60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0)
MAX_SEED = 9999
AUTO_DEVICE, PROCESSOR = "auto", "cpu"
_LOOKS = {"fast": 1, "balanced": 2, "best": 3}


@dataclass(frozen=True, slots=True)
class TrainingSettings:
    """The user's choice, in the words of `engine.tasks.train_snapshot.TrainSettings`, whose imports are heavier."""

    depth: str = HEAD
    time_budget_s: float = DEFAULT_BUDGET_S
    augmentation: str = MIRRORED
    device: str = AUTO_DEVICE
    is_class_balanced: bool = True
    seed: int = 0
    with_accepted: bool = True


class TrainingChoice(QObject):
    """Holds the settings and, once measured, the pace of this machine."""

    changed = Signal()
    """Settings or what they will take."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._session = session
        self.settings = TrainingSettings()
        self._paces: dict[tuple[str, str], dict[str, Pace]] = {}
        self._measured_key = ("", "")
        self.gpus: dict[str, str] = {}
        """Names of the GPUs that were found, by what they are asked for by; known once the pace was measured."""
        self.interrupted: Interrupted | None = None
        """A training of the network that was stopped, by the user or the end of the program, and can go on."""
        session.project_opened.connect(self._load)
        session.work.ended.connect(self._on_ended)

    def choose(self, **values: Any) -> None:
        """Changes some of the settings of the open project."""
        settings = replace(self.settings, **values)
        project = self._session.project
        if project is not None and settings != self.settings:
            self.settings = settings
            self._session.preferences.set_training(project.folder, asdict(settings))
            self.changed.emit()

    @property
    def device(self) -> str:
        """Where the network is trained: what this project asks for, else what Preferences say."""
        own = self.settings.device
        return self._session.preferences.device if own == AUTO_DEVICE else own

    def for_engine(self) -> dict[str, Any]:
        """Returns the settings as arguments of TrainSettings."""
        settings = self.settings
        return {
            "depth": settings.depth,
            "time_budget_s": settings.time_budget_s if settings.depth != HEAD else None,
            "augmentation": settings.augmentation,
            "device": settings.device,
            "is_class_balanced": settings.is_class_balanced,
            "seed": settings.seed,
            "with_accepted": settings.with_accepted,
        }

    def take_gpus(self, found: dict[str, str]) -> None:
        """Notes which GPUs there are: their names, by what they are asked for by."""
        if found != self.gpus:
            self.gpus = found
            self.changed.emit()

    # ---- what it will take

    def measure(self) -> None:
        """Measures the pace of the chosen backbone in the background, once; `changed` follows."""
        from engine.tasks.measure_pace import MeasurePace

        session, backbone = self._session, self._session.backbones.chosen
        if session.project is None or session.is_read_only or backbone is None or self._pace_of(FULL) is not None:
            return
        if not session.work.is_running(PACE):
            self._measured_key = (backbone.key, self.device)
            job = MeasurePace(session.project, backbone.key, self.device)
            session.work.submit(PACE, job, tr("Measuring how fast this machine trains"), Priority.NORMAL)

    def expected(self, depth: str) -> str:
        """Returns time and memory of a training with the present labels, e.g. "about 3 min · 800 MB"."""
        if depth == HEAD:
            return tr("about a second")
        if depth == AUTO:
            return tr("up to {duration}", duration=wording.duration(self.settings.time_budget_s))
        pace = self._pace_of(depth)
        if pace is None:
            return tr("measuring…") if self._session.work.is_running(PACE) else ""
        looks = _LOOKS.get(self._session.backbones.views_preset, _LOOKS["balanced"])
        num_images = int(self._session.class_counts()[1:].sum())
        views = num_views(looks, self.settings.augmentation if depth == PARTIAL else NO_VARIANTS)
        amounts = (max(num_images, 1), views, len(self._session.columns), looks)
        plan = choose_plan(pace, *amounts, self.settings.time_budget_s)
        if plan is None:
            return tr("too long: {duration} at least", duration=wording.duration(least_seconds(pace, *amounts)))
        time = tr("about {duration}", duration=wording.duration(plan.seconds))
        return f"{time} · {wording.size(plan.memory_bytes)}" if plan.memory_bytes else time

    def _pace_of(self, depth: str) -> Pace | None:
        backbone = self._session.backbones.chosen
        if backbone is None:
            return None
        return self._paces.get((backbone.key, self.device), {}).get(depth)

    def _on_ended(self, kind: str, end: object) -> None:
        result = getattr(end, "result", None)
        if kind == TRAIN:
            self._look_for_stopped()
        if kind == PACE:
            if isinstance(getattr(result, "paces", None), dict):
                self._paces[self._measured_key] = result.paces  # type: ignore[union-attr]
                self.gpus = result.gpus  # type: ignore[union-attr]
            self.changed.emit()

    def _load(self) -> None:
        project = self._session.project
        if project is not None:
            found = self._session.preferences.training(project.folder)
            self.settings = _checked(found)
            self._look_for_stopped()

    # ---- trainings that were stopped

    def resume(self) -> None:
        """Goes on with the training that was stopped, on the labels of when it was begun."""
        if self.interrupted is not None:
            self._session.work.resume_training(self.interrupted)

    def discard(self) -> None:
        """Throws away what the training that was stopped has done."""
        from engine.tasks.interrupted import discard_interrupted

        project = self._session.project
        if project is not None and not self._session.work.is_running(TRAIN):
            self._take_interrupted(None)
            self._session.read_in_background(lambda: discard_interrupted(project), lambda _: None)

    def _look_for_stopped(self) -> None:
        project = self._session.project
        if project is None or project.read_only:
            self._take_interrupted(None)
            return
        # Light at most times; the rest of what trains is not looked at before there is something to go on with.
        if not (project.cache_dir / SCRATCH_FOLDER).is_dir():
            self._take_interrupted(None)
            return

        def look() -> Interrupted | None:
            from engine.tasks.interrupted import find_interrupted

            return find_interrupted(project)

        self._session.read_in_background(look, self._take_interrupted)

    def _take_interrupted(self, found: Interrupted | None) -> None:
        self.interrupted = found
        self.changed.emit()


def _checked(found: dict[str, Any]) -> TrainingSettings:
    """Returns settings that were kept; what is damaged or out of range gets its default."""
    usual = TrainingSettings()
    depth, budget, augmentation = found.get("depth"), found.get("time_budget_s"), found.get("augmentation")
    seed, is_balanced, device = found.get("seed"), found.get("is_class_balanced"), found.get("device")
    with_accepted = found.get("with_accepted")
    return TrainingSettings(
        depth=depth if depth in DEPTHS else usual.depth,
        time_budget_s=budget if budget in BUDGETS_S else usual.time_budget_s,
        augmentation=augmentation if augmentation in AUGMENTATIONS else usual.augmentation,
        device=device if isinstance(device, str) and device else usual.device,
        is_class_balanced=is_balanced if isinstance(is_balanced, bool) else usual.is_class_balanced,
        seed=seed if isinstance(seed, int) and 0 <= seed <= MAX_SEED else usual.seed,
        with_accepted=with_accepted if isinstance(with_accepted, bool) else usual.with_accepted,
    )
