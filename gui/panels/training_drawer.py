"""The expert drawer above the model bar: how much of the network is trained, for how long, and how that goes."""

from __future__ import annotations

import math

import numpy as np
from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QImage, QIntValidator, QKeyEvent, QShowEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from engine.events import EpochEnded
from engine.language import tr, trn
from engine.nn.augmentation import MIRRORED, NO_VARIANTS, STRONG, VARIED
from engine.nn.training_plan import AUTO, FULL, HEAD, ONLY_THE_HEAD, PARTIAL
from gui import wording
from gui.activities import TRAIN
from gui.session import Session
from gui.training_choice import AUTO_DEVICE, BUDGETS_S, MAX_SEED, PROCESSOR
from gui.variant_preview import NUM_PICTURES, VariantPreview
from gui.widgets.buttons import button
from gui.widgets.card_button import CardButton
from gui.widgets.curve_plot import CurvePlot, Curves
from gui.widgets.picture_strip import PictureStrip
from gui.widgets.text import ElidedLabel, text_label

DEPTH_CARDS = {
    HEAD: (tr("Head"), tr("The last step only. Right for most projects.")),
    AUTO: (tr("Auto"), tr("Measures if more pays, else the head.")),
    PARTIAL: (tr("Partial"), tr("The upper half too: 15 images a class.")),
    FULL: (tr("Full"), tr("All of it: for many images and much time.")),
}
AUGMENTATION_NAMES = {
    NO_VARIANTS: tr("The images as they are"),
    MIRRORED: tr("Mirror images too"),
    VARIED: tr("Cut and recoloured too"),
    STRONG: tr("Strongly changed too"),
}
_DEVICE_TIP = tr(
    "What computes while the network is trained. Auto takes what Preferences say: usually a graphics card, where there "
    "is one"
)
_AUGMENTATION_TIPS = tr(
    "Mirror images help unless left and right matter, as with letters. Cut and recoloured "
    "variants help with few images, where colour and place do not tell the classes apart."
)


class TrainingDrawer(QWidget):
    """Shows and changes `session.training`; draws the rounds of a training of the network as they end."""

    closed = Signal()

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._part = ("", "")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setProperty("role", "bottombar")
        self.setAccessibleName(tr("Training settings"))
        row = QHBoxLayout(self)
        row.setContentsMargins(16, 12, 16, 12)
        row.setSpacing(24)
        left = QVBoxLayout()
        left.setSpacing(10)
        left.addLayout(self._make_title())
        left.addLayout(self._make_depths())
        left.addLayout(self._make_options())
        left.addLayout(self._make_variants())
        row.addLayout(left, 3)
        right = QVBoxLayout()
        right.setSpacing(4)
        self.curves_title = ElidedLabel(tr("How the training goes"), "dim")
        self.plot = CurvePlot()
        right.addWidget(self.curves_title)
        right.addWidget(self.plot, 1)
        row.addLayout(right, 1)
        session.training.changed.connect(self._show_settings)
        session.mode_changed.connect(self._show_settings)
        session.rows_changed.connect(lambda _rows: self._show_accepted())
        session.backbones.changed.connect(self._on_backbone_changed)
        session.work.changed.connect(self._show_expected)
        session.bridge.epoch_ended.connect(self._on_epoch_ended)
        self._preview = VariantPreview(session)
        self._preview.pictures_changed.connect(self._show_pictures)
        self._show_settings()
        self.hide()

    # ---- made once

    def _make_title(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.addWidget(text_label(tr("How much is trained"), "heading"))
        row.addWidget(ElidedLabel(tr("Figures come from images held out, whatever you choose."), "dim"), 1)
        self.close_button = button(tr("Close"), "chip", tooltip=tr("Close the training settings (Esc)"))
        self.close_button.clicked.connect(self.toggle)
        row.addWidget(self.close_button)
        return row

    def _make_depths(self) -> QGridLayout:
        grid = QGridLayout()
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(4)
        self.cards: dict[str, CardButton] = {}
        self.expected: dict[str, QLabel] = {}
        for column, (depth, (title, text)) in enumerate(DEPTH_CARDS.items()):
            card = CardButton("", title, text)
            card.setCheckable(True)
            card.setAutoExclusive(True)
            card.setToolTip(text)
            card.clicked.connect(lambda _checked, depth=depth: self._session.training.choose(depth=depth))
            self.cards[depth] = card
            self.expected[depth] = text_label(role="dim")
            self.expected[depth].setIndent(17)
            self.expected[depth].setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
            grid.addWidget(card, 0, column)
            grid.addWidget(self.expected[depth], 1, column)
            grid.setColumnStretch(column, 1)
        return grid

    def _make_options(self) -> QHBoxLayout:
        self.budget = QComboBox()
        for seconds in BUDGETS_S:
            self.budget.addItem(tr("1 min") if seconds == 60 else wording.duration(seconds), seconds)
        self.budget.activated.connect(
            lambda index: self._session.training.choose(time_budget_s=float(self.budget.itemData(index)))
        )
        self.device = QComboBox()
        self.device.activated.connect(self._on_device_chosen)
        self.balanced = QCheckBox(tr("Classes count alike"))
        self.balanced.setToolTip(
            tr(
                "A rare class weighs as much as a frequent one. Without it rare classes are found less "
                "often, and the share of right ones may be higher."
            )
        )
        self.balanced.clicked.connect(lambda on: self._session.training.choose(is_class_balanced=on))
        self.seed = QLineEdit()
        self.seed.setValidator(QIntValidator(0, MAX_SEED, self.seed))
        self.seed.setFixedWidth(64)
        self.seed.editingFinished.connect(lambda: self._session.training.choose(seed=int(self.seed.text())))
        row = QHBoxLayout()
        row.setSpacing(8)
        for title, field, tip in (
            (tr("Time"), self.budget, tr("About how long a training of the network may take; the head takes a second")),
            (tr("Device"), self.device, _DEVICE_TIP),
            (
                tr("Seed"),
                self.seed,
                tr("Decides what is held out together, and all chance: the same seed, the same model"),
            ),
        ):
            _add_field(row, title, field, tip)
        row.addWidget(self.balanced)
        row.addStretch(1)
        return row

    def _make_variants(self) -> QHBoxLayout:
        self.augmentation = QComboBox()
        for name, words in AUGMENTATION_NAMES.items():
            self.augmentation.addItem(words, name)
        self.augmentation.activated.connect(
            lambda index: self._session.training.choose(augmentation=str(self.augmentation.itemData(index)))
        )
        self.strip = PictureStrip(NUM_PICTURES)
        self.strip.setAccessibleName(tr("Preview"))
        self.strip.setToolTip(tr("What that makes of one of your images. Each must still be recognisable as its class"))
        row = QHBoxLayout()
        row.setSpacing(8)
        _add_field(row, tr("Learns from"), self.augmentation, _AUGMENTATION_TIPS)
        row.addWidget(self.strip)
        self.without_accepted = QCheckBox()
        self.without_accepted.setToolTip(
            tr(
                "Labels that are suggestions which you accepted are neither learned from nor measured on "
                "then. Otherwise those that you looked at are both; those that you accepted without a look "
                "are only learned from."
            )
        )
        self.without_accepted.clicked.connect(lambda on: self._session.training.choose(with_accepted=not on))
        row.addWidget(self.without_accepted)
        row.addStretch(1)
        return row

    # ---- what is shown

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._on_backbone_changed()
        self._show_accepted()
        self.cards[self._session.training.settings.depth].setFocus(Qt.FocusReason.OtherFocusReason)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.toggle()
        else:
            super().keyPressEvent(event)

    def toggle(self) -> None:
        """Opens or closes the drawer."""
        if self.isVisible():
            self.hide()
            self.closed.emit()
        else:
            self.show()

    def _show_settings(self) -> None:
        settings = self._session.training.settings
        self.cards[settings.depth].setChecked(True)
        has_several = self._session.has_several_classes
        for depth in (PARTIAL, FULL):
            self.cards[depth].setEnabled(not has_several)
            self.cards[depth].setToolTip(ONLY_THE_HEAD if has_several else DEPTH_CARDS[depth][1])
        self.balanced.setEnabled(not has_several)
        self.budget.setCurrentIndex(self.budget.findData(settings.time_budget_s))
        self.augmentation.setCurrentIndex(self.augmentation.findData(settings.augmentation))
        self.balanced.setChecked(settings.is_class_balanced)
        self.seed.setText(str(settings.seed))
        self._show_accepted()
        is_deep = settings.depth != HEAD
        self.budget.setEnabled(is_deep)
        self.augmentation.setEnabled(is_deep)
        self.strip.setEnabled(is_deep)
        self._show_devices()
        self._show_expected()
        if self.isVisible() and is_deep:
            self._preview.ask()

    def _show_accepted(self) -> None:
        if not self.isVisible():
            return
        count = int(np.count_nonzero(self._session.columns.accepted))
        leaves_out = not self._session.training.settings.with_accepted
        self.without_accepted.setText(
            tr("Leave out {count:,} accepted", count=count) if count else tr("Leave out accepted")
        )
        self.without_accepted.setAccessibleName(
            trn("Leave out {number:,} accepted suggestion", "Leave out {number:,} accepted suggestions", count)
        )
        self.without_accepted.setChecked(leaves_out)
        self.without_accepted.setEnabled(count > 0 or leaves_out)

    def _show_devices(self) -> None:
        training = self._session.training
        names = {AUTO_DEVICE: tr("Auto"), PROCESSOR: tr("Processor"), **training.gpus}
        if training.settings.device not in names:  # chosen on another machine, or not looked for yet
            names[training.settings.device] = training.settings.device
        shown = {self.device.itemData(index): self.device.itemText(index) for index in range(self.device.count())}
        if shown != names:
            self.device.clear()
            for device, name in names.items():
                self.device.addItem(name, device)
        self.device.setCurrentIndex(self.device.findData(training.settings.device))
        self.device.setEnabled(training.settings.depth != HEAD)

    def _on_device_chosen(self, index: int) -> None:
        self._session.training.choose(device=str(self.device.itemData(index)))
        self._on_backbone_changed()

    def _show_pictures(self, pictures: list[QImage]) -> None:
        self.strip.set_pictures(pictures)
        number = len(pictures)
        what = tr("{number} variants of one of your images", number=number) if pictures else tr("No preview yet")
        self.strip.setAccessibleDescription(what)

    def _show_expected(self) -> None:
        if self.isVisible():
            for depth, label in self.expected.items():
                words = self._session.training.expected(depth)
                label.setText(words)
                label.setToolTip(words)
                self.cards[depth].setAccessibleDescription(f"{DEPTH_CARDS[depth][1]} {words}")

    def _on_backbone_changed(self) -> None:
        # Not beside a training: the measurement would slow it down, and be wrong.
        if self.isVisible():
            if not self._session.work.is_running(TRAIN):
                self._session.training.measure()
            self._show_expected()
            if self._session.training.settings.depth != HEAD:
                self._preview.ask()

    # ---- curves

    def _on_epoch_ended(self, event: EpochEnded) -> None:
        if (event.depth, event.part) != self._part:
            self._part = (event.depth, event.part)
            self.plot.curves = Curves(event.num_epochs)
            what = tr("on all images") if event.part == "all" else tr("without part {part}", part=event.part)
            self.curves_title.setText(f"{DEPTH_CARDS[event.depth][0]}, {what}")
        curves = self.plot.curves
        curves.loss.append((event.epoch, event.loss))
        if math.isfinite(event.accuracy):
            curves.validation_loss.append((event.epoch, event.validation_loss))
            curves.accuracy.append((event.epoch, event.accuracy))
        self.plot.show_curves(curves)


def _add_field(row: QHBoxLayout, title: str, field: QWidget, tip: str) -> None:
    """Puts a named field at the end of a row."""
    field.setToolTip(tip)
    field.setAccessibleName(title)
    row.addWidget(text_label(title, "dim"))
    row.addWidget(field)
    row.addSpacing(8)
