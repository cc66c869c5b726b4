"""The part of the Model menu that says how strange an image must look to be called unknown."""

from __future__ import annotations

from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QMenu, QWidget

from engine.domain import FALSE_ALARM_RATES
from engine.language import tr
from gui.session import Session
from gui.theme import icon

_HOW_OFTEN = {0.01: tr("Seldom"), 0.05: tr("As a rule"), 0.1: tr("Often")}


class UnknownMenu(QMenu):
    """Offers the false-alarm rates of a project, the one in force ticked."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(tr("Call images &unknown"), parent)
        self._session = session
        self.setIcon(icon("unknown"))
        self.setToolTipsVisible(True)
        group = QActionGroup(self)
        self.rates: dict[float, QAction] = {}
        for rate in FALSE_ALARM_RATES:
            percent = f"{100 * rate:.0f} %"
            action = self.addAction(
                tr("{how_often}: {percent} of known images are, too", how_often=_HOW_OFTEN[rate], percent=percent)
            )
            action.setToolTip(
                tr(
                    "An image that looks stranger than {others:.0f} % of those of your classes is called unknown. "
                    "{percent} of images that do show a class are called so by mistake.",
                    others=100 * (1 - rate),
                    percent=percent,
                )
            )
            action.setCheckable(True)
            action.triggered.connect(lambda _on=False, rate=rate: session.set_false_alarm_rate(rate))
            group.addAction(action)
            self.rates[rate] = action
        self.aboutToShow.connect(self.refresh)
        session.project_opened.connect(self.refresh)
        session.project_closed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Ticks the rate in force."""
        session = self._session
        self.setEnabled(session.project is not None and not session.is_read_only)
        for rate, action in self.rates.items():
            action.setChecked(abs(1 - session.columns.unknown_threshold - rate) < 1e-6)
