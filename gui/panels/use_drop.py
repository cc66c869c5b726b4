"""The middle of Use while its list is empty: drop pictures here, or choose, paste, open a model."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from engine.language import tr
from gui.theme import font, paint_icon
from gui.widgets.buttons import button
from gui.widgets.drop_frame import paint_drop_frame
from gui.widgets.text import text_label

ZONE_PX, MOST_WIDE_PX = 400, 620


class _Zone(QWidget):
    """The dashed frame with the icon."""

    def __init__(self) -> None:
        super().__init__()
        self.is_target = False
        self.has_model = False
        self.setMaximumSize(MOST_WIDE_PX, ZONE_PX)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        paint_drop_frame(painter, self.rect(), self.is_target, 14)
        top = QPointF(self.rect().center().x() - 28, max(24.0, self.height() / 2 - 130))
        name = "images" if self.has_model else "layers"
        paint_icon(painter, name, QRectF(top.x(), top.y(), 56, 56), "accent" if self.is_target else "text_faint")
        painter.end()


class UseDropPage(QWidget):
    """What is seen before there are files, with and without a model."""

    files_wanted = Signal()
    folder_wanted = Signal()
    model_wanted = Signal()
    label_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._zone = _Zone()
        self._title = text_label("", "title")
        self._text = text_label("", "dim", wrap=True)
        self._camera = text_label(
            tr(
                "A camera? Let it save into a folder and watch that, or export the model as a web page "
                "(Ctrl+E): it classifies what the camera of the computer sees."
            ),
            "faint",
            wrap=True,
        )
        for label in (self._title, self._text, self._camera):
            label.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        self._text.setFont(font(1.02))
        self.files_button = button(tr("Choose pictures…"), "primary", "image", tr("Files (Ctrl+P)"))
        self.folder_button = button(tr("Choose a folder…"), "", "folder", tr("All pictures in it and below"))
        self.model_button = button(
            tr("Use an exported model…"), "primary", "folder-open", tr("An ONNX or safetensors export")
        )
        self.label_button = button(tr("Go to Label"), "", "tag", "Alt+1")
        self.files_button.clicked.connect(self.files_wanted)
        self.folder_button.clicked.connect(self.folder_wanted)
        self.model_button.clicked.connect(self.model_wanted)
        self.label_button.clicked.connect(self.label_wanted)
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        buttons.addStretch(1)
        for each in (self.files_button, self.folder_button, self.model_button, self.label_button):
            buttons.addWidget(each)
        buttons.addStretch(1)
        inside = QVBoxLayout(self._zone)
        inside.setContentsMargins(32, 24, 32, 24)
        inside.setSpacing(8)
        inside.addStretch(5)
        inside.addSpacing(72)
        inside.addWidget(self._title)
        inside.addWidget(self._text)
        inside.addSpacing(16)
        inside.addLayout(buttons)
        inside.addSpacing(12)
        inside.addWidget(self._camera)
        inside.addStretch(4)
        row = QHBoxLayout()
        row.addStretch(1)
        row.addWidget(self._zone, 100)
        row.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(32, 24, 32, 24)
        layout.addStretch(2)
        layout.addLayout(row, 100)
        layout.addStretch(3)
        self.setAccessibleName(tr("Drop pictures here"))
        self.set_state(has_model=False, has_project=False, is_opening=False)

    @property
    def first_button(self) -> QPushButton:
        """What takes the keyboard."""
        return self.files_button if not self.files_button.isHidden() else self.model_button

    def press_focused(self) -> None:
        """Presses the button that has the keyboard."""
        focused = self.focusWidget()
        if isinstance(focused, QPushButton) and self.isAncestorOf(focused):
            focused.animateClick()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.press_focused()
        else:
            super().keyPressEvent(event)

    def set_state(self, has_model: bool, has_project: bool, is_opening: bool) -> None:
        """Says what can be done now."""
        self._zone.has_model = has_model
        for each in (self.files_button, self.folder_button):
            each.setVisible(has_model)
        self._camera.setVisible(has_model and not is_opening)
        self.model_button.setVisible(not has_model and not is_opening)
        self.label_button.setVisible(not has_model and has_project and not is_opening)
        if is_opening:
            self._title.setText(tr("Opening the model…"))
            self._text.setText(tr("It is loaded, and everything in it is checked first."))
        elif has_model:
            self._title.setText(tr("Drop pictures here"))
            self._text.setText(tr("Files or whole folders, or paste with Ctrl+V. They stay where they are."))
        elif has_project:
            self._title.setText(tr("There is no model yet"))
            self._text.setText(
                tr("Label some images of two classes and press Retrain, or use a model that was exported elsewhere.")
            )
        else:
            self._title.setText(tr("Use an exported model"))
            self._text.setText(
                tr(
                    "Drop the folder of an export here, or its .onnx or .safetensors file. Files of other "
                    "kinds can run programs when they are opened, so they are refused."
                )
            )
        self._zone.update()

    def set_is_target(self, on: bool) -> None:
        """Shows that something is held over the window."""
        self._zone.is_target = on
        self._zone.update()
