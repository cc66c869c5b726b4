"""The bar at the top of the window: name, menus, project, and on the right how fast and how safe the work is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt, QTimer
from PySide6.QtGui import QIcon, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QMenuBar, QSizePolicy, QWidget

from engine.language import tr, trc, trn
from gui.save_states import NOT_SAVED, SAVED, SAVING
from gui.theme import ICONS, font
from gui.widgets.chip import Chip
from gui.widgets.segments import Segment, Segments
from gui.widgets.text import ElidedLabel

if TYPE_CHECKING:
    from gui.session import Session

HEIGHT_PX = 48
RATE_REFRESH_MS = 5000
CALM_MS = 250
NAME_PX = 48
"""So much of the project's name is always seen."""
LABEL, REVIEW, USE = "label", "review", "use"
WORKSPACES = (
    Segment(LABEL, trc("workspace", "Label"), tr("Give the images their classes (Alt+1)")),
    Segment(REVIEW, trc("workspace", "Review"), tr("What the model is worth, and where it is wrong (Alt+2)")),
    Segment(USE, trc("workspace", "Use"), tr("Ask the model about other pictures (Alt+3)")),
)


class TopBar(QWidget):
    """Holds the menu bar too, so that the window has one bar less. Painted before there is a session (`attach`)."""

    def __init__(self, menu_bar: QMenuBar, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session: Session | None = None
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setProperty("role", "topbar")
        self.setFixedHeight(HEIGHT_PX)
        mark = QLabel()
        mark.setPixmap(QIcon(str(ICONS / "graft.svg")).pixmap(QSize(22, 22), self.devicePixelRatio()))
        self._brand = QLabel("Graft")
        self._brand.setFont(font(1.2, bold=True))
        self.project_name = ElidedLabel(role="dim")
        self.project_name.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.switch = Segments(tr("Workspace"), WORKSPACES)
        self.switch.hide()
        self.rate_chip = Chip(icon="clock")
        self.rate_chip.setToolTip(tr("How fast you have been labelling over the last minutes"))
        self.rate_chip.hide()
        self.save_chip = Chip()
        self.save_chip.hide()
        self._has_rate = self._is_calm = False
        self._brief = ""
        """What the save chip says at least, in the narrowest window."""
        row = self._row = QHBoxLayout(self)
        row.setContentsMargins(16, 0, 16, 1)
        row.setSpacing(8)
        row.addWidget(mark)
        row.addWidget(self._brand)
        row.addSpacing(8)
        row.addWidget(menu_bar, 0, Qt.AlignmentFlag.AlignVCenter)
        row.addSpacing(8)
        row.addWidget(self.switch)
        row.addSpacing(8)
        row.addWidget(self.project_name, 1)
        row.addWidget(self.rate_chip)
        row.addWidget(self.save_chip)
        self._rate_timer = QTimer(self)
        self._rate_timer.setInterval(RATE_REFRESH_MS)
        self._rate_timer.timeout.connect(self._show_rate)
        self._calm_timer = QTimer(self)
        self._calm_timer.setSingleShot(True)
        self._calm_timer.setInterval(CALM_MS)
        self._calm_timer.timeout.connect(self._show_saving)

    def attach(self, session: Session) -> None:
        """Shows what a session says from now on."""
        self._session = session
        self.save_chip.clicked.connect(session.retry_saving)
        session.labelled.connect(self._on_labelled)
        session.save_state_changed.connect(self._on_save_state)
        for signal in (session.project_opened, session.project_closed, session.undo_changed):
            signal.connect(self._show_saving)
        session.project_opened.connect(self._show_project)
        session.project_closed.connect(self._show_project)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        """Leaves out the program's name, then words of the save chip, then the pace, until no menu is cut off."""
        for step in range(4):
            self._brand.setVisible(step < 1)
            self.save_chip.set_short(step > (1 if self._is_calm else 2) and not self._brief)
            if self._brief:
                self.save_chip.setText(self._brief if step > 1 else self.save_chip.accessibleName())
            self.rate_chip.setVisible(self._has_rate and step < 3)
            self._row.invalidate()
            if self._row.sizeHint().width() + NAME_PX <= self.width():
                break

    def _show_project(self) -> None:
        if self._session is None:
            return
        project = self._session.project
        self.project_name.setText(project.name if project is not None else "")
        self.switch.setVisible(project is not None)
        self._show_rate()

    def _on_labelled(self) -> None:
        self._rate_timer.start()
        self._show_rate()

    def _show_rate(self) -> None:
        rate = self._session.rate.images_per_hour() if self._session is not None else None
        self._has_rate = rate is not None
        if rate is not None:
            self.rate_chip.set_look(tr("{rate:,} images/h", rate=rate), "clock")
        else:
            self._rate_timer.stop()
        self._fit()

    def _on_save_state(self, state: str) -> None:
        # "Saving" is shown at once and "saved" a moment later, so that fast labelling does not make the chip flicker.
        if state == SAVED:
            self._calm_timer.start()
        else:
            self._calm_timer.stop()
            self._show_saving()

    def _show_saving(self, *_: object) -> None:
        session = self._session
        if session is None:
            return
        chip = self.save_chip
        chip.setVisible(session.project is not None)
        if self._calm_timer.isActive():
            return
        is_stuck = session.save_state == NOT_SAVED
        self._is_calm, self._brief = False, ""
        if session.is_read_only:
            chip.set_look(tr("Read-only"), "lock", "warning")
            chip.setToolTip(
                tr("This project is open for reading only, because another window holds it or the disk does")
            )
        elif is_stuck:
            words = trn(
                "{number:,} step not saved · Try again", "{number:,} steps not saved · Try again", session.num_unsaved
            )
            chip.set_look(words, "error", "danger")
            self._brief = trn("{number:,} not saved", "{number:,} not saved", session.num_unsaved)
            chip.setToolTip(tr("The disk did not take them. They are kept in order and tried again every few seconds."))
        elif session.save_state == SAVING:
            self._is_calm = True
            chip.set_look(tr("Saving…"), "save")
            chip.setToolTip(tr("The last labels are on their way to the disk"))
        elif session.facts.problem is not None:
            chip.set_look(tr("Saved, without a second copy"), "warning", "warning")
            chip.setToolTip(
                tr(
                    "Every label is on the disk, but the second copy of them is behind. {problem}",
                    problem=session.facts.problem,
                )
            )
        else:
            self._is_calm = True
            chip.set_look(tr("All labels saved"), "check", "text_dim")
            chip.setToolTip(tr("Every label is on the disk"))
        chip.set_is_button(is_stuck)
        self._fit()
