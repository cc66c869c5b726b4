"""Where the model looks, picture by picture: asked for one at a time in the worker, kept, and drawn as overlays."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Qt, QTimer, Signal
from PySide6.QtGui import QImage

from engine.domain import NO_CLASS
from engine.events import JobEnded, JobFailed, JobSucceeded
from engine.jobs import AnyJob, JobHandle, Priority
from engine.language import tr
from gui.engine_bridge import EngineBridge
from gui.session import Session
from gui.widgets.heat_colors import overlay_table

if TYPE_CHECKING:
    from engine.tasks.explain import Explanation
    from engine.tasks.explain_file import FileExplanation

MAX_KEPT = 512
OVERLAY_PX = 384
REST_MS = 40
"""Nothing is asked for while images are walked through faster than this."""
HALF = 128
OUTLINE, HALO = 0xFFF5F5F5, 0xB0000000
METHOD_WORDS = {
    "exact": tr("What each place adds to the class, exactly"),
    "gradient": tr("What each place adds to the class, estimated by the gradient"),
    "occlusion": tr("How much each place matters, found out by covering it"),
}

Key = tuple[int, int, int]
"""Model, image, class."""


class HeatMapKeeper(QObject):
    """On or off, for which class, and what has come so far. Who subclasses it says what is looked at and by whom."""

    changed = Signal()
    """On or off, another class, or something has come."""

    def __init__(self, bridge: EngineBridge, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._bridge = bridge
        self.is_on = False
        self._wanted_class = NO_CLASS
        self._wanted_image = 0
        self._kept: OrderedDict[Key, tuple[QImage, str]] = OrderedDict()
        self._failures: dict[Key, str] = {}
        self._asked: tuple[Key, JobHandle] | None = None
        self._rest = QTimer(self, singleShot=True, interval=REST_MS)
        self._rest.timeout.connect(self._ask)

    # ---- what a subclass says

    @property
    def why_not(self) -> str:
        """Why it cannot be switched on, empty when it can."""
        raise NotImplementedError

    def _model_key(self) -> int | None:
        """Returns a number that tells the model from others, None without one."""
        raise NotImplementedError

    def _likeliest(self, image_id: int) -> int:
        """Returns the class that the model predicts for an image, NO_CLASS where it has not looked at it."""
        raise NotImplementedError

    def _class_name(self, class_id: int) -> str | None:
        raise NotImplementedError

    def _job(self, key: Key) -> AnyJob | None:
        """Returns the job whose result has `heat` and `method`."""
        raise NotImplementedError

    # ---- for views

    def toggle(self) -> None:
        """Switches it on or off."""
        self.is_on = not self.is_on and not self.why_not
        self._failures.clear()  # asked for once more, it may succeed
        self._wanted_class = NO_CLASS
        self._wish()

    def choose_class(self, class_id: int) -> None:
        """Shows where a class is seen, switching it on for that; the same class again: where the predicted one is."""
        if self.why_not:
            return
        is_same = self.is_on and class_id == self._wanted_class
        self.is_on = True
        self._wanted_class = NO_CLASS if is_same else class_id
        self._wish()

    def class_for(self, image_id: int) -> int:
        """Returns the class that is looked for in an image: the chosen one, else the likeliest."""
        return self._wanted_class if self._wanted_class != NO_CLASS else self._likeliest(image_id)

    def look(self, image_id: int) -> tuple[QImage | None, str]:
        """Returns the overlay of an image and a word on it; asks for it when it is not there."""
        if not self.is_on or not image_id:
            return None, ""
        key = self._key(image_id)
        if key is None:
            return None, tr("The model has not looked at this image yet.")
        if key in self._kept:
            self._kept.move_to_end(key)
            overlay, method = self._kept[key]
            return overlay, self._words(key[2], overlay, method)
        if key in self._failures:
            return None, self._failures[key]
        if image_id != self._wanted_image:
            self._wanted_image = image_id
            self._rest.start()
        return None, tr("looking…")

    def method_words(self, image_id: int) -> str:
        """Returns how the overlay of an image was found, for a tooltip."""
        key = self._key(image_id)
        return METHOD_WORDS.get(self._kept[key][1], "") if key is not None and key in self._kept else ""

    # ---- inside

    def _words(self, class_id: int, overlay: QImage, method: str) -> str:
        name = self._class_name(class_id) or tr("this class")
        return (
            tr("Where it sees {name}", name=name)
            if not overlay.isNull()
            else tr("Nothing here speaks for {name}", name=name)
        )

    def _key(self, image_id: int) -> Key | None:
        model, class_id = self._model_key(), self.class_for(image_id)
        return (model, image_id, class_id) if model is not None and class_id != NO_CLASS else None

    def _wish(self) -> None:
        self._wanted_image = 0
        self.changed.emit()

    def _ask(self) -> None:
        key = self._key(self._wanted_image)
        if key is None or not self.is_on or key in self._kept:
            return
        if self._asked is not None:
            if self._asked[0] == key:
                return
            self._asked[1].cancel()
        job = self._job(key)
        if job is not None:
            handle = self._bridge.submit(job, Priority.INTERACTIVE, on_end=lambda end: self._on_end(key, end))
            self._asked = key, handle

    def _on_end(self, key: Key, end: JobEnded) -> None:
        if self._asked is not None and self._asked[0] == key:
            self._asked = None
        if isinstance(end, JobSucceeded):
            found: Explanation | FileExplanation = end.result  # type: ignore[assignment]
            self._kept[key] = overlay_of(found.heat), found.method
            while len(self._kept) > MAX_KEPT:
                self._kept.popitem(last=False)
        elif isinstance(end, JobFailed):
            self._failures[key] = end.error.message
        else:
            return
        self.changed.emit()

    def _on_current_changed(self) -> None:
        # Another image, another question: the class that was chosen is that of the image before.
        if self._wanted_class != NO_CLASS:
            self._wanted_class = NO_CLASS
            self._wish()

    def _on_model_changed(self) -> None:
        self._failures.clear()
        if self.why_not:
            self.is_on = False
        self._wish()

    def _forget(self) -> None:
        if self._asked is not None:
            self._asked[1].cancel()
            self._asked = None
        self._kept.clear()
        self._failures.clear()
        self.is_on = False
        self._wish()


class HeatMaps(HeatMapKeeper):
    """Those of the project's images, by its active run. One for the window."""

    def __init__(self, session: Session) -> None:
        super().__init__(session.bridge, session)
        self._session = session
        session.run_changed.connect(self._on_model_changed)
        session.project_closing.connect(self._forget)
        session.current_changed.connect(lambda _image_id: self._on_current_changed())

    @property
    def why_not(self) -> str:
        """Why it cannot be switched on, empty when it can."""
        return "" if self._session.run is not None else tr("There is no model yet: retrain first.")

    def _model_key(self) -> int | None:
        return self._session.run.id if self._session.run is not None else None

    def _likeliest(self, image_id: int) -> int:
        predictions = self._session.predictions(image_id)
        return predictions[0][0].id if predictions else NO_CLASS

    def _class_name(self, class_id: int) -> str | None:
        found = self._session.class_by_id(class_id)
        return found.name if found is not None else None

    def _job(self, key: Key) -> AnyJob | None:
        from engine.tasks.explain import ExplainImage

        project = self._session.project
        return ExplainImage(project, key[1], key[2], self._session.run) if project is not None else None


def overlay_of(heat: NDArray[np.float32]) -> QImage:
    """Returns heat (rows, columns) in 0..1 as a picture to lay over the image; a null picture where there is none.

    Colours grow lighter and less transparent with the heat; a line goes round what is at least half as strong as the
    strongest place, so that it can be read without colours.
    """
    if not heat.any():
        return QImage()
    values = np.ascontiguousarray(np.round(heat * 255), np.uint8)
    height, width = values.shape
    small = QImage(values.data, width, height, width, QImage.Format.Format_Grayscale8)
    scale = OVERLAY_PX / max(width, height)
    large = small.scaled(
        max(1, round(width * scale)), max(1, round(height * scale)), mode=Qt.TransformationMode.SmoothTransformation
    ).convertToFormat(QImage.Format.Format_Grayscale8)
    smooth = np.frombuffer(large.constBits(), np.uint8).reshape(large.height(), large.bytesPerLine())
    smooth = smooth[:, : large.width()]
    colors = overlay_table()[smooth]
    inside = smooth >= HALF
    edge = np.zeros_like(inside)
    edge[1:] |= inside[1:] != inside[:-1]
    edge[:, 1:] |= inside[:, 1:] != inside[:, :-1]
    edge[:-1] |= edge[1:]
    edge[:, :-1] |= edge[:, 1:]
    halo = edge.copy()  # dark beside light: the line is seen on any picture
    halo[1:] |= edge[:-1]
    halo[:-1] |= edge[1:]
    halo[:, 1:] |= edge[:, :-1]
    halo[:, :-1] |= edge[:, 1:]
    colors[halo] = HALO
    colors[edge] = OUTLINE
    made = np.ascontiguousarray(colors)
    image = QImage(
        made.data, made.shape[1], made.shape[0], 4 * made.shape[1], QImage.Format.Format_ARGB32_Premultiplied
    )
    return image.copy()
