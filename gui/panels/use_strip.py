"""The strip at the top of Use: which model is used, how good it was measured to be, and how to use another one."""

from __future__ import annotations

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QMenu, QWidget

from engine.language import tr
from gui.session import Session
from gui.theme import font, icon
from gui.use_session import UseSession
from gui.widgets.buttons import button
from gui.widgets.text import ElidedLabel, headline

HEIGHT_PX = 60


class UseStrip(QWidget):
    """Says which model is used."""

    open_wanted = Signal()
    """An exported model is to be chosen."""
    leave_wanted = Signal()
    """Back to the page that greets (only without a project)."""

    def __init__(self, session: Session, use: UseSession, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._use = use
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setProperty("role", "panel")
        self.setFixedHeight(HEIGHT_PX)
        self.setAccessibleName(tr("The model that is used"))
        self.title = ElidedLabel()
        self.title.setFont(font(1.15, bold=True))
        self.interval = ElidedLabel(role="dim")
        self.facts = ElidedLabel(role="dim")
        self.newer_button = button("", "chip", "retrain", tr("Classify everything in the list again with this version"))
        self.newer_button.clicked.connect(use.use_project_model)
        self.model_button = button(
            tr("Another model…"), "chip", "layers", tr("Use the project's model or an exported one")
        )
        self.model_button.clicked.connect(self._open_menu)
        self.leave_button = button(tr("Back"), "chip", "chevron-left", tr("Back to the start page (Ctrl+W)"))
        self.leave_button.clicked.connect(self.leave_wanted)
        row = QHBoxLayout(self)
        row.setContentsMargins(16, 6, 12, 6)
        row.setSpacing(8)
        row.addWidget(self.leave_button)
        row.addLayout(headline(self.title, self.interval, self.facts), 1)
        row.addWidget(self.newer_button)
        row.addWidget(self.model_button)
        use.model_changed.connect(self.refresh)
        session.project_opened.connect(self.refresh)
        session.project_closed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Shows the model again."""
        use, model = self._use, self._use.model
        newer = use.newer_run
        self.leave_button.setVisible(self._session.project is None)
        self.newer_button.setVisible(newer is not None)
        if newer is not None:
            self.newer_button.setText(tr("Use version {id}", id=newer.id))
            self.newer_button.setAccessibleName(tr("Use version {id}", id=newer.id))
        self.interval.setVisible(model is not None)
        if model is None:
            self.title.setText(tr("Opening the model…") if use.is_opening_model else tr("No model yet"))
            has_project = self._session.project is not None
            hint = tr("Retrain in Label, or use an exported model.") if has_project else tr("Use an exported model.")
            self.facts.setText("" if use.is_opening_model else hint)
            return
        self.title.setText(model.title)
        self.title.setAccessibleDescription(model.meaning)
        self.interval.setText(model.interval)
        self.facts.setText(tr("Opening another model…") if use.is_opening_model else model.facts)
        for label in (self.interval, self.facts):
            label.setAccessibleDescription(model.meaning)
        self.setToolTip(f"{model.meaning}\n{model.place}")

    def _open_menu(self) -> None:
        menu = self.make_menu()
        menu.popup(self.model_button.mapToGlobal(QPoint(0, self.model_button.height() + 2)))

    def make_menu(self) -> QMenu:
        """Returns the menu of models."""
        session, model = self._session, self._use.model
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        run = session.run
        if session.project is not None:
            text = (
                tr("Version {id} of this project's model", id=run.id)
                if run is not None
                else tr("This project has no model yet")
            )
            own = menu.addAction(icon("layers"), text, self._use.use_project_model)
            own.setEnabled(run is not None)
            own.setCheckable(True)
            own.setChecked(model is not None and model.run is not None and run is not None and model.run.id == run.id)
            menu.addSeparator()
        menu.addAction(icon("folder-open"), tr("Open an exported model…"), self.open_wanted.emit)
        return menu
