"""What lies where and how large it is, and emptying the cache of the open project."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shiboken6 import isValid

from engine import speeds
from engine.language import tr, trn
from engine.settings import user_data_folder
from gui import wording
from gui.dialogs import ask
from gui.dialogs.preferences_page import PreferencesPage, beside, small_button
from gui.dialogs.views_choice import num_looks
from gui.folders import open_in_system
from gui.session import Session
from gui.thumbnails import Thumbnails
from gui.widgets.text import ElidedLabel, set_role

if TYPE_CHECKING:
    from engine.tasks.storage import Storage

OPEN = tr("Open folder")


class StoragePage(PreferencesPage):
    """The program's own folder; of the open project its models and its cache."""

    def __init__(self, session: Session, thumbnails: Thumbnails) -> None:
        super().__init__()
        self._session, self._thumbnails = session, thumbnails
        self._cache_bytes = 0
        self.add_heading(tr("The program"))
        self.user_folder = ElidedLabel("…")
        self.add_row(
            tr("Backbones, settings"),
            beside(self.user_folder, small_button(OPEN, lambda: open_in_system(user_data_folder()))),
        )
        self.user_place = self.add_note(str(user_data_folder()))
        self.add_heading(tr("The open project"))
        self.models, self.cache = ElidedLabel("…"), ElidedLabel("…")
        self.empty_button = small_button(
            tr("Empty…"), self._on_empty, tr("Deletes what can be computed again; asks before")
        )
        self.open_button = small_button(OPEN, self._open_project, tr("The folder of the open project"))
        project = session.project
        if project is None:
            self.add_note(tr("None is open. Each project keeps its models and its cache in a folder of its own."), "")
        else:
            self.add_row(tr("Models"), beside(self.models, self.open_button))
            self.add_row(tr("Cache"), beside(self.cache, self.empty_button))
            self.add_note(
                tr(
                    "Small pictures, embeddings, maps: all of it can be computed again. It lies in {folder}; the small "
                    "pictures take 2 GB at most.",
                    folder=str(project.cache_dir),
                )
            )
            self.empty_button.setEnabled(not project.read_only)
        self.news = self.add_note(role="warning")
        self.add_stretch()

    def begin(self) -> None:
        from engine.tasks.storage import measure_storage

        project = self._session.project
        self._session.read_in_background(lambda: measure_storage(project), self._show)

    def _show(self, storage: Storage) -> None:
        if not isValid(self):  # closed meanwhile
            return
        self._cache_bytes = storage.cache_bytes
        self.user_folder.setText(wording.size(storage.user_bytes))
        self.models.setText(wording.size(storage.models_bytes))
        self.cache.setText(wording.size(storage.cache_bytes))

    def _open_project(self) -> None:
        if self._session.project is not None:
            open_in_system(self._session.project.folder)

    # ---- the cache

    def cost(self) -> str:
        """Returns what an empty cache costs, as a sentence or two."""
        session = self._session
        number = len(session.columns)
        spec = session.backbones.chosen
        rate = speeds.views_per_second().get(spec.key, 0.0) if spec is not None else 0.0
        pictures = tr("Small pictures are made again as they are shown.")
        if rate <= 0:
            return (
                pictures
                + " "
                + trn(
                    "Before the next training {number:,} image is looked at again.",
                    "Before the next training {number:,} images are looked at again.",
                    number,
                )
            )
        seconds = number * num_looks(session.backbones.views_preset) / rate
        return (
            pictures
            + " "
            + trn(
                "Before the next training {number:,} image is looked at again: about {duration} on this machine.",
                "Before the next training {number:,} images are looked at again: about {duration} on this machine.",
                number,
                duration=wording.duration(seconds),
            )
        )

    def _on_empty(self) -> None:
        project = self._session.project
        if project is None or not self._may_empty():
            return
        kept = tr("Labels, versions of the model and backups stay.")
        frees = tr("This frees {size}.", size=wording.size(self._cache_bytes))
        choice = ask.ask_choice(
            self,
            tr("Empty the cache of “{project}”?", project=project.name),
            f"{frees} {kept}\n\n{self.cost()}",
            [tr("Empty it"), tr("Cancel")],
        )
        if choice != 0 or not self._may_empty():
            return
        from engine.tasks.storage import empty_cache

        self.empty_button.setEnabled(False)
        empty_thumbnails = self._thumbnails.empty_cache
        self._session.read_in_background(lambda: empty_cache(project, empty_thumbnails), self._on_emptied, self._failed)

    def _may_empty(self) -> bool:
        work = self._session.work
        if not work.is_busy:
            self._say("")
            return True
        activity = work.current()
        if activity is None:
            self._say(tr("Something is being computed just now. Try again in a moment."), "warning")
        else:
            self._say(
                tr(
                    "“{job}” is going on and uses the cache. Wait for its end, or cancel it; then empty the cache.",
                    job=activity.title,
                ),
                "warning",
            )
        return False

    def _on_emptied(self, freed: int) -> None:
        if isValid(self):
            self.empty_button.setEnabled(True)
            self._say(tr("{size} were freed.", size=wording.size(freed)), "success")
            self.begin()

    def _failed(self, error: BaseException) -> None:
        if isValid(self):
            self.empty_button.setEnabled(True)
            self.begin()
        self._session.error_raised.emit(error)

    def _say(self, text: str, role: str = "") -> None:
        self.news.setText(text)
        set_role(self.news, role)
