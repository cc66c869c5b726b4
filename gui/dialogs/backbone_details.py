"""The right half of the dialog about backbones: what the chosen one brings, what it costs, and how to get it."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QScrollArea, QSizePolicy, QVBoxLayout, QWidget

from engine import speeds
from engine.backbones import STARTER_KEY, BackboneSpec, LicenceKind, SpeedClass
from engine.backbones.worth import what_it_brings
from engine.language import tr, trn
from engine.own_backbones import is_own
from engine.weights import WEIGHTS_VARIABLE
from gui import wording
from gui.theme import font
from gui.widgets.buttons import button
from gui.widgets.text import text_label

_SPEED_WORDS = {
    SpeedClass.FAST: tr("fast: about a hundred images a second on an ordinary computer"),
    SpeedClass.MEDIUM: tr("medium: about twenty images a second on an ordinary computer"),
    SpeedClass.SLOW: tr("slow: a few images a second on an ordinary computer, quick with a GPU"),
}
_LICENCE_WORDS = {
    LicenceKind.FREE: tr("Free to use, also at work."),
    LicenceKind.NON_COMMERCIAL: tr("Not for commercial use: a model made with it may not be used to earn money."),
    LicenceKind.OWN_TERMS: tr("Has terms of its own: read them before you use a model made with it."),
}


class BackboneDetails(QScrollArea):
    """Facts and buttons for one backbone."""

    download_asked = Signal()
    file_asked = Signal()
    delete_asked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.name = text_label(role="heading", wrap=True)
        self.name.setFont(font(1.25, bold=True))
        self.worth = text_label(wrap=True)
        self.place = text_label(role="dim", wrap=True)
        self.download_button = button(tr("Download"), "", "download", tr("Fetch the weights; goes on where it stopped"))
        self.download_button.clicked.connect(self.download_asked)
        self.file_button = button(
            tr("Take a file…"), "", "file", tr("Take weights that you brought from another machine")
        )
        self.file_button.clicked.connect(self.file_asked)
        self.delete_button = button(tr("Delete…"), "ghost", "trash", tr("Take the downloaded weights off this machine"))
        self.delete_button.clicked.connect(self.delete_asked)
        inner = QWidget()
        column = QVBoxLayout(inner)
        column.setContentsMargins(20, 4, 8, 4)
        column.setSpacing(10)
        column.addWidget(self.name)
        column.addWidget(self.worth)
        column.addSpacing(4)
        column.addLayout(self._make_facts())
        column.addSpacing(4)
        column.addWidget(self.place)
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        for each in (self.download_button, self.file_button, self.delete_button):
            buttons.addWidget(each)
        buttons.addStretch(1)
        column.addLayout(buttons)
        column.addStretch(1)
        self.setWidget(inner)

    def _make_facts(self) -> QGridLayout:
        grid = QGridLayout()
        grid.setHorizontalSpacing(16)
        grid.setVerticalSpacing(6)
        grid.setColumnStretch(1, 1)
        self._facts: dict[str, QLabel] = {}
        titles = {"Licence": tr("Licence"), "Speed": tr("Speed"), "Size": tr("Size"), "Looks at": tr("Looks at")}
        for row, (name, title) in enumerate(titles.items()):
            value = text_label(wrap=True)
            value.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Minimum)
            value.setAccessibleName(title)
            grid.addWidget(text_label(title, "dim"), row, 0, Qt.AlignmentFlag.AlignTop)
            grid.addWidget(value, row, 1)
            self._facts[name] = value
        return grid

    def show_backbone(self, record: BackboneSpec, is_available: bool, own_size_bytes: int, num_views: int) -> None:
        """Shows a backbone.

        Args:
            record: the backbone.
            is_available: whether its weights are on this machine.
            own_size_bytes: what lies in the user's own folder for it and could be deleted.
            num_views: how many looks an image is worth in this project, for the images in a second.
        """
        self.name.setText(record.display_name)
        self.worth.setText(what_it_brings(record))
        self._facts["Licence"].setText(f"{_LICENCE_WORDS[record.licence_kind]}\n{record.licence}")
        self._facts["Speed"].setText(_speed_words(record, num_views))
        self._facts["Size"].setText(wording.size(record.size_bytes))
        self._facts["Looks at"].setText(
            tr(
                "{side} × {side} pixels, gives {num_features:,} features",
                side=record.input_size_px,
                num_features=record.embedding_size,
            )
        )
        has_download = bool(record.url)
        self.place.setText(_place_words(record, is_available))
        self.download_button.setVisible(has_download and not is_available)
        self.download_button.setText(tr("Download {size}", size=wording.size(record.size_bytes)))
        self.file_button.setVisible(has_download and not is_available)
        self.delete_button.setVisible(own_size_bytes > 0)

    def set_is_busy(self, on: bool) -> None:
        """While a download is under way nothing else is begun."""
        for each in (self.download_button, self.file_button, self.delete_button):
            each.setEnabled(not on)


def _speed_words(record: BackboneSpec, num_views: int) -> str:
    measured = speeds.views_per_second().get(record.key)
    if not measured:
        return tr("{speed}. Not measured on this machine yet.", speed=_SPEED_WORDS[record.speed_class])
    return trn(
        "{speed}: up to {number:,} image a second on this machine.",
        "{speed}: up to {number:,} images a second on this machine.",
        round(measured / num_views),
        speed=wording.speed(record.speed_class),
    )


def _place_words(record: BackboneSpec, is_available: bool) -> str:
    if record.key == STARTER_KEY:
        return tr("Part of the program.") if is_available else tr("This copy of the program came without it.")
    if is_own(record.key):
        return tr("Lies in this project.") if is_available else tr("Its file is not where it was.")
    if is_available:
        return tr("Its weights are on this machine.")
    return tr(
        "Its weights are not on this machine. Download them, take the file from another machine, or name the folder "
        "that holds it in {variable}.",
        variable=WEIGHTS_VARIABLE,
    )
