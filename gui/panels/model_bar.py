"""The bar at the bottom of the window: Retrain, the model that is active, and what the engine is doing."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from engine.domain import LabelMode, Mark
from engine.evaluation.representation import unlike_of
from engine.language import tr, trn
from engine.nn.training_plan import AUTO, FULL, HEAD, PARTIAL
from gui import wording
from gui.action_keys import changeable, checked, key_of, native
from gui.activities import TRAIN, Activity
from gui.session import Session
from gui.theme import font
from gui.widgets.buttons import button
from gui.widgets.chip import Chip
from gui.widgets.progress import SlimProgress
from gui.widgets.shortcut_button import ShortcutButton
from gui.widgets.text import ElidedLabel, LinkLabel, headline, set_role

HEIGHT_PX = 64
WIDE_PX, MAX_TITLE_PX = 1200, 240
CANCEL_TIP = tr("Stop what is going on (Ctrl+.)")
PAUSE_TIP = tr("Stop here (Ctrl+.). Resume goes on where it was, today or later; Discard throws it away")
DEPTH_NAMES = {HEAD: tr("Head"), AUTO: tr("Auto"), PARTIAL: tr("Partial"), FULL: tr("Full")}


class ModelBar(QWidget):
    """Shows the model and starts trainings."""

    retrain_asked = Signal()
    cancel_asked = Signal()
    details_asked = Signal()
    backbones_asked = Signal()
    training_asked = Signal()

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setProperty("role", "bottombar")
        self.setAccessibleName(tr("Model bar"))
        self._build()
        for signal in (
            session.project_opened,
            session.project_closed,
            session.guided_changed,
            session.columns_reset,
            session.rows_changed,
            session.classes_changed,
            session.run_changed,
            session.undo_changed,
            session.backbones.changed,
            session.training.changed,
        ):
            signal.connect(self._show_model)
        session.work.changed.connect(self._show_activity)
        session.auto_retrain.changed.connect(self._show_model)
        self._show_model()
        self._show_activity()

    def show_keys(self) -> None:
        """Shows the key that Retrain has now."""
        retrain = next(spec for spec in changeable() if spec.id == "retrain")
        self.retrain_button.set_shortcut(native(key_of(retrain, checked(self._session.preferences.keys))))

    def _build(self) -> None:
        self.retrain_button = ShortcutButton(tr("Retrain"), "")
        self.show_keys()
        self.retrain_button.clicked.connect(self.retrain_asked)
        self.title = LinkLabel()
        self.title.clicked.connect(self.details_asked)
        self.title.setFont(font(1.2, bold=True))
        self.interval = ElidedLabel(role="dim")
        self.facts = ElidedLabel(role="dim")
        self.backbone_button = Chip(tr("Backbone"), "layers")
        self.backbone_button.set_is_button(True)
        self.backbone_button.clicked.connect(self.backbones_asked)
        self.training_button = Chip(tr("Training"), "more")
        self.training_button.set_is_button(True)
        self.training_button.setToolTip(tr("How much of the network is trained, for how long (Ctrl+Shift+R)"))
        self.training_button.clicked.connect(self.training_asked)
        self.auto_box = QCheckBox(tr("Auto"))
        self.auto_box.setToolTip(
            tr(
                "Refit the model by itself after a pause in labelling, where that takes about a second.\n"
                "Suggestions follow your labels; a version that made itself gives way to the next"
            )
        )
        self.auto_box.setAccessibleName(tr("Retrain by itself after a pause in labelling"))
        self.auto_box.clicked.connect(self._session.auto_retrain.set_on)
        self.note = ElidedLabel(role="dim")
        self.note.setAlignment(Qt.AlignmentFlag.AlignRight)
        self.progress = SlimProgress()
        self.cancel_button = button(tr("Cancel"), "chip", tooltip=CANCEL_TIP)
        self.cancel_button.clicked.connect(self.cancel_asked)

        self._activity = QWidget()
        self._activity.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Preferred)
        column = QVBoxLayout(self._activity)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addStretch(1)
        column.addWidget(self.note)
        column.addWidget(self.progress)
        column.addStretch(1)

        row = self._row = QHBoxLayout(self)
        row.setContentsMargins(16, 8, 16, 8)
        row.setSpacing(12)
        row.addWidget(self.retrain_button)
        row.addWidget(self.auto_box)
        row.addSpacing(8)
        row.addLayout(headline(self.title, self.interval, self.facts), 1)
        row.addWidget(self._activity)
        row.addWidget(self.cancel_button)
        row.addWidget(self.training_button)
        row.addWidget(self.backbone_button)
        self.setFixedHeight(max(HEIGHT_PX, self.fontMetrics().height() * 3 + 22))

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._activity.setFixedWidth(max(180, min(340, self.width() // 5)))
        self._show_training()
        super().resizeEvent(event)

    def _fit(self) -> None:
        """Leaves out the backbone's name where the bar is too narrow for it beside what the engine is doing."""
        words_px = self.title.fontMetrics().horizontalAdvance(self.title.text())  # the hint knows the last minimum
        self.title.setMinimumWidth(min(words_px, MAX_TITLE_PX))
        self.backbone_button.set_short(False)
        self._row.invalidate()
        self._row.activate()  # also the layouts within it forget what they knew
        self.backbone_button.set_short(self._row.minimumSize().width() > self.width())

    # ---- the model

    def _show_model(self, *_: object) -> None:
        session = self._session
        run = session.run
        role = "dim"
        if run is not None:
            self.title.setText(wording.run_title(run))
            self.interval.setText(wording.run_interval(run))
            self.title.setToolTip(tr("{meaning}.\nA click opens Review (Alt+2)", meaning=wording.run_meaning(run)))
            facts = f"{wording.count(run.num_images, 'image')}, {wording.classes(len(run.class_names))}"
            if run.mode is LabelMode.SEVERAL:
                share = wording.percent(run.validation.accuracy, 0)
                facts += " · " + tr("{share} with exactly the right ones", share=share)
            since = session.facts.num_labels_since
            if since:
                facts += " · " + trn("{number:,} new label since", "{number:,} new labels since", since)
            gist = session.backbones.short_hint()
            self.facts.setText(f"{facts} · {gist}" if gist else facts)
            unlike = unlike_of(run.settings)
            if unlike is not None:
                self.facts.setText(unlike.short_words())
                role = "warning"
        else:
            self.title.setText(tr("No model yet"))
            self.interval.setText("")
            sentence, role = self._next_step()
            self.facts.setText(sentence)
        set_role(self.facts, role)
        self.title.set_is_link(run is not None)
        backbone = session.backbones.chosen
        self.backbone_button.set_look(
            backbone.display_name if backbone is not None else tr("Choose a backbone"),
            "layers",
            "text_dim" if backbone is not None or not session.backbones.is_known else "warning",
        )
        what = tr("The network that looks at the images: choose another one, or download one")
        hint = session.backbones.hint()
        self.backbone_button.setToolTip(f"{what}.\n{hint}" if hint else what)
        self.facts.setToolTip(f"{self.facts.text().removesuffix('.')}.\n{hint}" if hint else "")
        self.backbone_button.setVisible(session.project is not None)
        self.auto_box.setChecked(session.auto_retrain.is_on)
        self._show_training()
        self._show_retrain()

    def _show_training(self) -> None:
        """Names the depth where there is room for it."""
        name = DEPTH_NAMES[self._session.training.settings.depth]
        self.training_button.set_look(name if self.width() >= WIDE_PX else "", "sliders")
        self.training_button.setAccessibleName(tr("Training settings: {name}", name=name))
        self._fit()

    def _next_step(self) -> tuple[str, str]:
        """Returns what to do before there can be a model, and the role of that sentence."""
        session = self._session
        if session.backbones.is_known and session.backbones.chosen is None:
            return (
                tr(
                    "No network weights here yet: download a backbone, take a file, "
                    "or name their folder in GRAFT_WEIGHTS."
                ),
                "warning",
            )
        counts = session.class_counts()
        num_labelled, num_classes = len(session.columns) - int(counts[0]), int((counts[1:] > 0).sum())
        if num_classes < 2:
            return tr("Label some images of two classes or more, then press Retrain."), "dim"
        if session.has_several_classes and not (session.columns.marks & Mark.CONFIRMED).any():
            return tr("Confirm images that have all of their classes with Enter, then press Retrain."), "dim"
        if session.is_guided:  # the tour says when to press
            words = wording.classes(num_classes)
            return trn(
                "{number:,} image labelled in {classes}",
                "{number:,} images labelled in {classes}",
                num_labelled,
                classes=words,
            ), "dim"
        sentence = trn(
            "{number:,} image labelled in {classes}. Press Retrain.",
            "{number:,} images labelled in {classes}. Press Retrain.",
            num_labelled,
            classes=wording.classes(num_classes),
        )
        return sentence, "dim"

    # ---- the engine

    def _show_activity(self) -> None:
        activity = self._session.work.current()
        self._activity.setVisible(activity is not None)
        self.cancel_button.setVisible(activity is not None)
        if activity is not None:
            self.note.setText(describe(activity))
            self.progress.set_progress(activity.done, activity.total)
            self.cancel_button.setEnabled(not activity.is_cancelling)
            is_pause = activity.kind == TRAIN and self._session.work.can_pause
            self.cancel_button.setText(tr("Pause") if is_pause else tr("Cancel"))
            self.cancel_button.setAccessibleName(self.cancel_button.text())
            self.cancel_button.setToolTip(PAUSE_TIP if is_pause else CANCEL_TIP)
        self._fit()
        self._show_retrain()

    def _show_retrain(self) -> None:
        session = self._session
        reason = session.why_no_retrain()
        self.retrain_button.setEnabled(not reason)
        self.retrain_button.setToolTip(
            reason or tr("Train on the labels of this moment ({keys})", keys=self.retrain_button.shortcut_text)
        )


def describe(activity: Activity) -> str:
    """Returns one line about a job, e.g. "Looking at new images · 1,240 of 2,000 · 8 s left"."""
    if activity.is_cancelling:
        return tr("{title} · stopping", title=activity.title)
    parts = [activity.title]
    if activity.note:
        parts.append(activity.note)
    elif activity.total > 1:
        parts.append(tr("{done:,} of {total:,}", done=activity.done, total=activity.total))
    left = activity.seconds_left()
    if left is not None:
        parts.append(wording.time_left(left))
    return " · ".join(parts)
