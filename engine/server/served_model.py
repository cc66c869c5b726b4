"""The model that is served: picture files in memory to predictions, one forward pass at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from engine import VERSION
from engine.domain import LabelMode
from engine.errors import ImageError
from engine.images.decode import decode_bytes
from engine.images.files import open_image
from engine.server.limits import ServerLimits
from engine.settings import num_threads
from engine.tasks.classify_files import block_predictions, model_name, prediction_document
from engine.tasks.predict import RunPlace, open_classifier

if TYPE_CHECKING:
    from engine.importers.model import ExportedModel

_SMALLER: Final = "Make a smaller copy of it."

Picture = tuple[str, bytes]
"""What the caller calls it, and the content of its file."""


class ServedModel:
    """A loaded model. `answer` is for the event loop; decoding and computing happen in threads of its own."""

    def __init__(self, place: RunPlace | ExportedModel, limits: ServerLimits) -> None:
        """Loads the model; raises what `open_classifier` raises."""
        from engine.nn.classifier import ClassifiedBlock

        self._block = ClassifiedBlock
        self._classifier = open_classifier(place)
        self._limits = limits
        self._name = model_name(place)
        self._decoders = ThreadPoolExecutor(num_threads(has_window=False), thread_name_prefix="serve-decode")
        self._asking = ThreadPoolExecutor(1, thread_name_prefix="serve-ask")

    def warm_up(self) -> None:
        """Asks once, so that the first caller need not wait for what is made on first use."""
        self._asking.submit(self._classifier.ask, np.zeros((32, 32, 3), np.uint8)).result()

    def facts(self) -> dict[str, Any]:
        """Returns the document of GET /model."""
        classifier = self._classifier
        has_several = classifier.mode is LabelMode.SEVERAL
        thresholds = classifier.thresholds.tolist() if has_several and classifier.thresholds is not None else None
        return {
            "program": "Graft",
            "version": VERSION,
            "model": self._name,
            "classes": list(classifier.class_names),
            "mode": classifier.mode.value,
            "thresholds": thresholds,
            "unknown_threshold": classifier.unknown_threshold,
        }

    async def answer(self, pictures: Sequence[Picture]) -> dict[str, Any]:
        """Returns the document of POST /predict: `predictions` and `failed`, each in the order of the pictures."""
        loop = asyncio.get_running_loop()
        predictions: list[dict[str, Any]] = []
        failed: list[dict[str, str]] = []
        for name, data in pictures:
            try:
                pixels = await loop.run_in_executor(self._decoders, self._decode, data)
            except ImageError as err:
                failed.append({"image": name, "reason": str(err)})
            else:
                predictions.append(await loop.run_in_executor(self._asking, self._ask, name, pixels))
        return {"predictions": predictions, "failed": failed}

    def close(self) -> None:
        """Ends its threads."""
        self._decoders.shutdown(wait=True, cancel_futures=True)
        self._asking.shutdown(wait=True, cancel_futures=True)
        self._classifier.close()

    def _decode(self, data: bytes) -> NDArray[np.uint8]:
        """Raises ImageError for what is no picture, or too large a one; its size is looked at before its pixels."""
        if len(data) > self._limits.image_bytes:
            raise ImageError(f"The file has more than {self._limits.image_bytes >> 20} MB.", _SMALLER)
        if not data:
            raise ImageError("The file is empty.")
        width, height = open_image(data).size
        if width * height > self._limits.pixels:
            raise ImageError(f"The image has more than {self._limits.pixels // 1_000_000} million pixels.", _SMALLER)
        return decode_bytes(data)

    def _ask(self, name: str, pixels: NDArray[np.uint8]) -> dict[str, Any]:
        classifier = self._classifier
        probabilities, score = classifier.ask(pixels)
        block = self._block([0], probabilities[None], np.array([score], np.float32), [], [])
        (prediction,) = block_predictions(classifier, block, [name], [name])
        return prediction_document(prediction, classifier.class_names, classifier.mode)
