"""Switches the local server on and off, and says where and with what other programs reach it."""

from __future__ import annotations

from PySide6.QtCore import QTimer
from PySide6.QtGui import QFontDatabase, QGuiApplication
from PySide6.QtWidgets import QGridLayout, QLineEdit, QPushButton, QWidget

from engine.language import tr
from gui.dialogs.frame import FramedDialog
from gui.local_server import LocalServer, ServerState
from gui.use_session import UseSession
from gui.widgets.buttons import button
from gui.widgets.text import set_role, text_label

SENTENCE = tr(
    "Other programs on this computer send pictures and get their classes. It is reached from this computer only, asks "
    "for the token, and is off again when this window closes."
)
NO_MODEL = tr("There is no model yet: train one, or use an exported one.")
COPIED_MS = 1500
_STATES = {
    ServerState.OFF: (tr("Off"), "dim"),
    ServerState.STARTING: (tr("Starting…"), "dim"),
    ServerState.ON: (tr("✓ On"), "success"),
    ServerState.STOPPING: (tr("Answering what is left…"), "dim"),
}


class LocalServerDialog(FramedDialog):
    """Stays in step with the server; closing it leaves the server as it is."""

    def __init__(self, server: LocalServer, use: UseSession, parent: QWidget | None = None) -> None:
        super().__init__(tr("Local server"), SENTENCE, parent)
        self.setMinimumWidth(600)
        self._server, self._use = server, use
        self.state_label = text_label(role="heading")
        self.state_label.setAccessibleName(tr("State of the server"))
        self.model_label = text_label(role="dim", wrap=True)
        self.body.addWidget(self.state_label)
        self.body.addWidget(self.model_label)
        self.body.addSpacing(8)
        self._grid = QGridLayout()
        self._grid.setHorizontalSpacing(12)
        self._grid.setVerticalSpacing(8)
        self._grid.setColumnStretch(1, 1)
        self.address_field = self._add_row(tr("Address"))
        self.token_field = self._add_row(tr("Token"))
        self.example_field = self._add_row(tr("Try it"))
        self.description_field = self._add_row(tr("Description"))
        self.description_field.setToolTip(tr("What it can be asked, for programs and programmers (OpenAPI)"))
        self.body.addLayout(self._grid)
        self.close_button = self.add_button(button(tr("Close")))
        self.close_button.clicked.connect(self.reject)
        self.other_button = self.add_button(button(tr("Serve the model in use")))
        self.other_button.clicked.connect(self._on_start)
        self.switch_button = self.add_button(button(tr("Start"), "primary"))
        self.switch_button.clicked.connect(self._on_switch)
        server.changed.connect(self._show)
        use.model_changed.connect(self._show)
        self._show()

    def _add_row(self, name: str) -> QLineEdit:
        field = QLineEdit()
        field.setReadOnly(True)
        field.setAccessibleName(name)
        field.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        field.setPlaceholderText(tr("while the server is on"))
        copy = button(tr("Copy"), "ghost", "copy", tr("Copy: {what}", what=name))
        copy.setAccessibleName(tr("Copy: {what}", what=name))
        copy.setAutoDefault(False)
        copy.clicked.connect(lambda: self._copy(field, copy))
        row = self._grid.rowCount()
        self._grid.addWidget(text_label(name, "dim"), row, 0)
        self._grid.addWidget(field, row, 1)
        self._grid.addWidget(copy, row, 2)
        field.textChanged.connect(lambda text: copy.setEnabled(bool(text)))
        copy.setEnabled(False)
        return field

    def _copy(self, field: QLineEdit, copy: QPushButton) -> None:
        QGuiApplication.clipboard().setText(field.text())
        copy.setText(tr("Copied"))
        QTimer.singleShot(COPIED_MS, copy, lambda: copy.setText(tr("Copy")))

    def _show(self) -> None:
        server, used = self._server, self._use.model
        text, role = _STATES[server.state]
        self.state_label.setText(text)
        set_role(self.state_label, role if role == "success" else "heading")
        is_on = server.state is ServerState.ON
        is_other = is_on and used is not None and used is not server.model
        shown = server.model or used
        if shown is None:
            self.model_label.setText(NO_MODEL)
        elif server.model is not None:
            self.model_label.setText(tr("Serves {model}  ·  {facts}", model=shown.title, facts=shown.facts))
        else:
            self.model_label.setText(tr("Would serve {model}  ·  {facts}", model=shown.title, facts=shown.facts))
        texts = {
            self.address_field: server.address,
            self.token_field: server.token if is_on else "",
            self.example_field: _example(server.address, server.token) if is_on else "",
            self.description_field: f"{server.address}/openapi.json" if is_on else "",
        }
        for field, value in texts.items():
            field.setText(value)
            field.setCursorPosition(0)
        self.other_button.setVisible(is_other)
        self.switch_button.setText(tr("Start") if server.state is ServerState.OFF else tr("Stop"))
        set_role(self.switch_button, "primary" if server.state is ServerState.OFF else "")
        can_start = server.state is ServerState.OFF and used is not None
        self.switch_button.setEnabled(can_start or server.state in (ServerState.STARTING, ServerState.ON))

    def _on_switch(self) -> None:
        if self._server.state is ServerState.OFF:
            self._on_start()
        else:
            self._server.stop()

    def _on_start(self) -> None:
        if self._use.model is not None:
            self._server.start(self._use.model)


def _example(address: str, token: str) -> str:
    return (
        f"curl -H 'Authorization: Bearer {token}' -H 'Content-Type: image/jpeg' --data-binary @picture.jpg "
        f"{address}/predict"
    )
