"""Where the model looks in the files of Use; works for exported models, too."""

from __future__ import annotations

from engine.domain import NO_CLASS
from engine.jobs import AnyJob
from engine.language import tr
from gui.heat_maps import HeatMapKeeper, Key
from gui.use_files import State, UseFiles
from gui.use_model import UsedModel
from gui.use_session import UseSession


class UseHeatMaps(HeatMapKeeper):
    """One for the workspace. The id of an image is its row plus one; models are counted, for exports have no number."""

    def __init__(self, use: UseSession) -> None:
        super().__init__(use.bridge, use)
        self._use = use
        self._model: UsedModel | None = None
        self._files: UseFiles = use.files
        self._num_models = 0
        use.model_changed.connect(self._take_model)
        use.files_changed.connect(self._take_files)
        self._take_model()

    @property
    def why_not(self) -> str:
        """Why it cannot be switched on, empty when it can."""
        return "" if self._use.model is not None else tr("There is no model yet.")

    def look_at_another(self) -> None:
        """Another file is looked at: the class that was chosen is that of the one before."""
        self._on_current_changed()

    def _take_model(self) -> None:
        now, before = self._use.model, self._model
        self._model = now
        is_same = now is not None and before is not None and (now.place, now.run) == (before.place, before.run)
        if not is_same:
            self._num_models += 1
            self._on_model_changed()

    def _take_files(self) -> None:
        if self._files is not self._use.files:
            self._files = self._use.files
            was_on = self.is_on
            self._forget()  # the same ids mean other files now
            self.is_on = was_on and not self.why_not

    def _model_key(self) -> int | None:
        return self._num_models if self._model is not None else None

    def _likeliest(self, image_id: int) -> int:
        files, model, row = self._use.files, self._model, image_id - 1
        if model is None or not 0 <= row < len(files) or files.states[row] != State.DONE:
            return NO_CLASS
        return model.classes[int(files.probabilities[row].argmax())].id

    def _class_name(self, class_id: int) -> str | None:
        found = self._model.class_by_id(class_id) if self._model is not None else None
        return found.name if found is not None else None

    def _job(self, key: Key) -> AnyJob | None:
        from engine.tasks.explain_file import ExplainFile

        model, row = self._model, key[1] - 1
        if model is None or not 0 <= row < len(self._use.files):
            return None
        at = next((at for at, item in enumerate(model.classes) if item.id == key[2]), -1)
        return ExplainFile(model.source, self._use.files.paths[row], at, model.run) if at >= 0 else None
