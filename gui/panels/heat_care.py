"""Where the model looks, in the Label workspace: connects the heat maps with the single image and the details."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

if TYPE_CHECKING:
    from gui.panels.label_workspace import LabelWorkspace


class HeatCare(QObject):
    """A class pressed in the details is looked for in the picture; the details say which one is."""

    def __init__(self, workspace: LabelWorkspace) -> None:
        super().__init__(workspace)
        self._workspace = workspace
        self._maps = workspace.heat_maps
        workspace.details.class_pressed.connect(self._look_for_class)
        self._maps.changed.connect(self._show_looked_at)
        workspace.session.current_changed.connect(lambda _image_id: self._show_looked_at())

    def toggle(self) -> None:
        """Shows where the model looks, or no longer; from the grid, the current image is shown alone for that."""
        workspace, maps = self._workspace, self._maps
        if maps.why_not:
            workspace.say(maps.why_not)
        elif workspace.is_viewing:
            maps.toggle()
        else:
            workspace.open_viewer()
            if not maps.is_on:
                maps.toggle()

    def _look_for_class(self, class_id: int) -> None:
        self._workspace.pages.close()
        self._workspace.open_viewer()
        self._maps.choose_class(class_id)

    def _show_looked_at(self) -> None:
        workspace, maps = self._workspace, self._maps
        image_id = workspace.session.current_image_id or 0
        is_seen = maps.is_on and workspace.is_viewing
        workspace.details.show_looked_at(maps.class_for(image_id) if is_seen else 0)
