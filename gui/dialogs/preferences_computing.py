"""What computes: the processor or a graphics card, and how many cores."""

from __future__ import annotations

import os

from PySide6.QtWidgets import QComboBox
from shiboken6 import isValid

from engine.events import JobEnded, JobSucceeded
from engine.language import tr
from engine.settings import AUTO_DEVICE, DEVICE_VARIABLE, num_usable_cores, usual_num_threads
from gui import wording
from gui.dialogs.preferences_general import NEXT_START
from gui.dialogs.preferences_page import PreferencesPage
from gui.session import Session
from gui.training_choice import PROCESSOR

NOTHING_FOUND = tr("No graphics card was found that this copy of Graft can use.")


class ComputingPage(PreferencesPage):
    """Graphics cards are looked for where torch may be loaded: in the worker process, when the section is shown."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._is_asked = False
        self.add_heading(tr("This machine"))
        self.devices = QComboBox()
        self.devices.setToolTip(
            tr("Looks at images, trains and predicts. The training settings of a project may choose another one")
        )
        self.devices.activated.connect(self._on_device)
        self.add_row(tr("Compute on"), self.devices)
        self.device_note = self.add_note()
        self.threads = self._threads_box()
        self.add_row(tr("Cores"), self.threads)
        self.add_note(NEXT_START)
        self.add_stretch()
        self._show_devices()

    def begin(self) -> None:
        from engine.nn.device import may_have_gpu

        if self._is_asked:
            return
        self._is_asked = True
        if not may_have_gpu():
            self.device_note.setText(NOTHING_FOUND)
            return
        from engine.tasks.find_devices import FindDevices

        self.device_note.setText(tr("Looking for graphics cards…"))
        self._session.bridge.submit(FindDevices(), on_end=self._take_devices)

    def _take_devices(self, end: JobEnded) -> None:
        if isinstance(end, JobSucceeded) and isinstance(end.result, dict):
            self._session.training.take_gpus(end.result)
        if isValid(self):  # not closed meanwhile
            self._show_devices()

    def _show_devices(self) -> None:
        wanted, found = self._session.preferences.device, self._session.training.gpus
        names = {AUTO_DEVICE: tr("Automatic: a graphics card, where there is one"), PROCESSOR: tr("Processor"), **found}
        if wanted not in names:
            names[wanted] = tr("{device} (not found here)", device=wanted)
        self.devices.clear()
        for device, name in names.items():
            self.devices.addItem(name, device)
        self.devices.setCurrentIndex(self.devices.findData(wanted))
        override = os.environ.get(DEVICE_VARIABLE, "")
        self.devices.setEnabled(not override)
        if override:
            note = tr("{variable} says {device}, which counts before this.", variable=DEVICE_VARIABLE, device=override)
        elif not self._is_asked:
            note = ""
        elif not found:
            note = NOTHING_FOUND
        elif wanted not in (AUTO_DEVICE, PROCESSOR, *found):
            note = tr("Until it is here again, the processor computes.")
        else:
            note = tr("Holds for what is begun from now on.")
        self.device_note.setText(note)

    def _on_device(self, at: int) -> None:
        self._session.preferences.set_device(str(self.devices.itemData(at)))
        self._session.training.changed.emit()  # the expected times are those of another device
        self._show_devices()

    def _threads_box(self) -> QComboBox:
        box = QComboBox()
        cores = num_usable_cores()
        box.addItem(
            tr(
                "As the machine has ({used} of {cores}; the window keeps one)",
                used=usual_num_threads(has_window=True),
                cores=cores,
            ),
            0,
        )
        for number in range(1, cores + 1):
            box.addItem(wording.count(number, "core"), number)
        box.setCurrentIndex(max(0, box.findData(self._session.preferences.num_threads)))
        box.setToolTip(tr("More cores compute faster; with all of them the window can become slow meanwhile"))
        box.currentIndexChanged.connect(lambda at: self._session.preferences.set_num_threads(int(box.itemData(at))))
        return box
