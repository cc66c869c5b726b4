"""Choose the network that looks at the images; download one, or take a file for machines without a network."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QHBoxLayout, QScrollArea, QSizePolicy, QVBoxLayout, QWidget

from engine.backbones import CATALOGUE, STARTER_KEY, BackboneSpec, SpeedClass
from engine.events import JobCancelled, JobFailed
from gui import wording
from gui.backbone_choice import install_file
from gui.dialogs import ask
from gui.dialogs.frame import FramedDialog
from gui.engine_work import DOWNLOAD
from gui.error_view import ErrorView
from gui.session import Session
from gui.theme import font, paint_icon, theme
from gui.widgets.buttons import button
from gui.widgets.progress import SlimProgress
from gui.widgets.text import ElidedLabel, text_label

SPEEDS = {SpeedClass.FAST: "fast", SpeedClass.MEDIUM: "medium", SpeedClass.SLOW: "slow"}
ROW_PX = 56


class BackboneRow(QAbstractButton):
    """One backbone of the catalogue, to be chosen."""

    def __init__(self, spec: BackboneSpec, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.spec = spec
        self._is_available = False
        self._is_in_use = False
        self.setText(spec.display_name)
        self.setCheckable(True)
        self.setAutoExclusive(True)
        self.setAccessibleName(spec.display_name)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def set_state(self, is_available: bool, is_in_use: bool) -> None:
        """Shows whether the weights are on this machine, and whether the project uses it."""
        self._is_available, self._is_in_use = is_available, is_in_use
        self.setAccessibleDescription(f"{self.spec.licence}, {self._state()[0]}")
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(520, ROW_PX)

    def _state(self) -> tuple[str, str]:
        if self._is_in_use:
            return "in use", "accent"
        if self._is_available:
            return "on this machine", "success"
        if self.spec.key == STARTER_KEY:
            return "not part of this copy", "text_faint"
        return f"{wording.size(self.spec.size_bytes)} download", "text_faint"

    def paintEvent(self, event: QPaintEvent) -> None:
        colors = theme()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        frame = self.rect().adjusted(1, 1, -2, -3)
        painter.setPen(colors.color("accent" if self.isChecked() else "border"))
        painter.setBrush(colors.color("card_hover" if self.underMouse() or self.isChecked() else "card"))
        painter.drawRoundedRect(frame, 10, 10)
        paint_icon(
            painter, "check-circle" if self._is_available else "download", QRectF(16, 17, 20, 20), self._state()[1]
        )
        painter.setPen(colors.color("text"))
        painter.setFont(font(1.04, bold=True))
        align = int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft)
        painter.drawText(frame.adjusted(50, 8, -150, -26), align, self.text())
        painter.setPen(colors.color("text_faint"))
        painter.setFont(font(0.88))
        spec = self.spec
        facts = (
            f"{SPEEDS[spec.speed_class]} · {spec.input_size_px} px · {spec.embedding_size:,} features · {spec.licence}"
        )
        space = frame.adjusted(50, 28, -16, -6)
        painter.drawText(
            space, align, painter.fontMetrics().elidedText(facts, Qt.TextElideMode.ElideRight, space.width())
        )
        text, color = self._state()
        painter.setPen(colors.color(color))
        painter.drawText(
            frame.adjusted(0, 8, -16, -26), int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight), text
        )


class BackbonesDialog(FramedDialog):
    """The catalogue, those that are on this machine first."""

    def __init__(self, session: Session, errors: ErrorView, parent: QWidget | None = None) -> None:
        super().__init__(
            "Backbone",
            "The network that looks at the images. A larger one sees more and takes longer; "
            "another one means looking at all images once more.",
            parent,
        )
        self.resize(680, 600)
        self._session = session
        self._errors = errors
        self._rows = {key: BackboneRow(spec) for key, spec in CATALOGUE.items()}
        inner = QWidget()
        self._list = QVBoxLayout(inner)
        self._list.setContentsMargins(0, 0, 8, 0)
        self._list.setSpacing(4)
        for row in self._rows.values():
            row.toggled.connect(self._show_buttons)
            self._list.addWidget(row)
        self._list.addStretch(1)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setWidget(inner)
        self.body.addWidget(area, 1)
        self.body.addWidget(self._make_progress())
        self.problem = text_label(role="warning", wrap=True)
        self.problem.hide()
        self.body.addWidget(self.problem)
        self.file_button = self.add_button(
            button("Take a file…", "", "file", "Take weights that you brought on a stick or over another machine"),
            on_left=True,
        )
        self.file_button.clicked.connect(self._on_file)
        self.close_button = self.add_button(button("Close"))
        self.close_button.clicked.connect(self.reject)
        self.use_button = self.add_button(button("Use this one", "primary"))
        self.use_button.clicked.connect(self._on_use)
        session.backbones.changed.connect(self._show_rows)
        session.work.changed.connect(self._show_buttons)
        session.work.ended.connect(self._on_ended)
        session.backbones.look_up()
        self._show_rows()

    def _make_progress(self) -> QWidget:
        self._progress_line = QWidget()
        row = QHBoxLayout(self._progress_line)
        row.setContentsMargins(0, 8, 0, 0)
        row.setSpacing(12)
        self.note = ElidedLabel(role="dim")
        self.note.setFixedWidth(260)
        self.progress = SlimProgress()
        cancel = button("Cancel", "chip", tooltip="Stop the download; what is there already is kept")
        cancel.clicked.connect(lambda: self._session.work.cancel_kind(DOWNLOAD))
        row.addWidget(self.note)
        row.addWidget(self.progress, 1)
        row.addWidget(cancel)
        return self._progress_line

    def _checked(self) -> BackboneRow | None:
        return next((row for row in self._rows.values() if row.isChecked()), None)

    def _show_rows(self) -> None:
        backbones = self._session.backbones
        in_use = backbones.chosen.key if backbones.chosen is not None else ""
        shown = sorted(
            self._rows.values(), key=lambda row: (row.spec.key not in backbones.available, row.spec.size_bytes)
        )
        for place, row in enumerate(shown):
            row.set_state(row.spec.key in backbones.available, row.spec.key == in_use)
            row.setVisible(row.spec.key in backbones.available or bool(row.spec.url))
            self._list.removeWidget(row)
            self._list.insertWidget(place, row)
        if self._checked() is None and in_use:
            self._rows[in_use].setChecked(True)
        self._show_buttons()

    def _show_buttons(self, *_: object) -> None:
        row = self._checked()
        activity = self._session.work.of_kind(DOWNLOAD)
        self._progress_line.setVisible(activity is not None)
        if activity is not None:
            self.note.setText(f"{activity.title} · {activity.note}" if activity.note else activity.title)
            self.progress.set_progress(activity.done, activity.total)
        is_available = row is not None and row.spec.key in self._session.backbones.available
        self.use_button.setText(
            "Use this one" if is_available or row is None else f"Download {wording.size(row.spec.size_bytes)}"
        )
        is_offered = row is not None and (is_available or bool(row.spec.url))
        self.use_button.setEnabled(is_offered and activity is None)
        self.file_button.setEnabled(row is not None and row.spec.key != STARTER_KEY and activity is None)

    def _on_use(self) -> None:
        row = self._checked()
        if row is None:
            return
        self.problem.hide()
        if row.spec.key in self._session.backbones.available:
            self._session.backbones.choose(row.spec.key)
            self.accept()
        else:
            self._session.work.download(row.spec)

    def _on_file(self) -> None:
        row = self._checked()
        file = ask.ask_file(self, "Take weights", "Weights (*.pth *.safetensors);;All files (*)")
        if row is None or file is None:
            return
        self.problem.hide()
        self._session.read_in_background(
            lambda: install_file(row.spec, file), lambda _path: self._on_installed(row.spec), self._show_problem
        )

    def _on_installed(self, spec: BackboneSpec) -> None:
        self._session.backbones.choose(spec.key)

    def _on_ended(self, kind: str, end: object) -> None:
        if kind != DOWNLOAD:
            return
        if isinstance(end, JobFailed):
            self._show_problem(end.error)
        elif isinstance(end, JobCancelled):
            self.problem.hide()
        self._session.backbones.look_up()

    def _show_problem(self, error: BaseException) -> None:
        self.problem.setText(str(error))
        self.problem.show()
