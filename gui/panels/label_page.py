"""What a page is that stands in the middle of the Label workspace in place of filter bar, grid and single image.

Palette, details and the line of keys stay around it. The workspace sends it the class keys and the keys named in
`key_handlers`; whatever else it listens to is its own. A new page is a subclass, and one line in `Pages`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtWidgets import QWidget

from engine.language import tr
from gui.widgets.hint_line import Hint


def finder_title(num_images: int) -> str:
    """Returns what stands over the type-ahead that labels so many images."""
    return tr("Label this image") if num_images == 1 else tr("Label {number:,} images", number=num_images)


class LabelPage(QWidget):
    """Shown by `Pages.open`. It tells the session which image is looked at (`set_current`, `set_selection`)."""

    has_details = True
    """Whether the details of the image that is looked at stand on the right of the page."""

    closed = Signal()
    """The user is done here and wants to see the images again."""
    hints_changed = Signal()
    """`hints()` says something else now."""
    way_back = ""
    """Says in the line of keys how to come back, when images of the page are looked at in the grid."""

    find_wanted = Signal()
    """The type-ahead is to be opened."""

    @property
    def pane(self) -> QWidget:
        """The widget of the page that has the keyboard."""
        return self

    def on_opened(self) -> None:
        """It is on the screen now."""

    def on_left(self) -> None:
        """It is no longer on the screen."""

    def on_classes_changed(self) -> None:
        """Classes came, went or look different."""

    def forget_pictures(self) -> None:
        """Other files are shown now: drops scaled pictures and asks for them anew."""

    def zoom_by(self, factor: float) -> None:
        """Makes the pictures larger or smaller."""

    def hints(self) -> tuple[Sequence[Hint], str]:
        """Returns which keys make sense now, and a message to stand before them, "" for none."""
        return (), ""

    # ---- labelling: what the class keys, the palette and the type-ahead act on

    def target_ids(self) -> NDArray[np.int64]:
        """Returns the images that a class key would label now."""
        return np.zeros(0, np.int64)

    def find_title(self) -> str:
        """Returns what stands over the type-ahead, "" when there is nothing to label."""
        count = len(self.target_ids())
        return finder_title(count) if count else ""

    def finder_place(self) -> QPoint | None:
        """Returns where the upper left corner of the type-ahead should be, in the page, None for its usual place."""
        return None

    def label(self, class_id: int) -> bool:
        """Gives `target_ids` a class; tells whether there was anything to label."""
        return False

    def label_new_class(self, name: str) -> None:
        """Makes a class and gives it to `target_ids` of this moment."""

    def key_handlers(self) -> Mapping[str, Callable[[], object]]:
        """Returns what keys of `workspace_keys` (by id) do here; those for images that it leaves out do nothing."""
        return {}

    def take_back(self) -> bool:
        """Takes back what was done last on the page and is no step of the labels; tells whether there was anything."""
        return False

    def focus_images(self) -> None:
        """Gives the keyboard to the pictures."""
        self.pane.setFocus(Qt.FocusReason.OtherFocusReason)
