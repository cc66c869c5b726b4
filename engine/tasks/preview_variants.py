"""PreviewVariants: what a preset of variants makes of one image, so that one can see whether it is still that class."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from engine.backbones import IMAGENET_MEAN, IMAGENET_STD
from engine.errors import ProjectError
from engine.job import Job, JobContext, Priority
from engine.language import tr
from engine.nn.augmentation import PRESETS
from engine.project import Project

NUM_PREVIEWS = 6
PREVIEW_SIDE_PX = 160


@dataclass(frozen=True, slots=True)
class PreviewSnapshot:
    path: Path
    augmentation: str
    seed: int


class PreviewVariants(Job[PreviewSnapshot, NDArray[np.uint8], NDArray[np.uint8]]):
    """Outcome: pictures uint8 (NUM_PREVIEWS, S, S, 3) as the preset gives them to the network; S = PREVIEW_SIDE_PX."""

    title: ClassVar[str] = tr("Making a preview")
    in_worker: ClassVar[bool] = True
    priority = Priority.INTERACTIVE

    def __init__(self, project: Project, image_id: int, augmentation: str, seed: int) -> None:
        self.project, self.image_id, self.augmentation, self.seed = project, image_id, augmentation, seed

    def prepare(self) -> PreviewSnapshot:
        images = self.project.images([self.image_id])
        if not images:
            raise ProjectError(tr("The image of the preview is gone."), tr("Open the training settings again."))
        return PreviewSnapshot(images[0].path, self.augmentation, self.seed)

    @staticmethod
    def work(snapshot: PreviewSnapshot, context: JobContext) -> NDArray[np.uint8]:
        # torch's variants, which only the worker has.
        from engine.images.decode import decode_rgb
        from engine.nn.preprocessing import WHOLE, Preprocessing
        from engine.nn.variants import ViewMaker

        preprocessing = Preprocessing(PREVIEW_SIDE_PX, IMAGENET_MEAN, IMAGENET_STD, "bilinear", (WHOLE,))
        maker = ViewMaker(preprocessing, snapshot.augmentation, snapshot.seed)
        if PRESETS[snapshot.augmentation].num_variants:
            pixels = decode_rgb(snapshot.path)
            context.checkpoint()
            varied = maker.variants(pixels, 0, NUM_PREVIEWS)
            return np.ascontiguousarray(varied.permute(0, 2, 3, 1).numpy())
        views = maker(snapshot.path)  # the image, and where the preset has it its mirror image
        pixels = (views * np.reshape(IMAGENET_STD, (3, 1, 1)) + np.reshape(IMAGENET_MEAN, (3, 1, 1))) * 255
        pictures = np.rint(pixels.clip(0, 255)).astype(np.uint8).transpose(0, 2, 3, 1)
        return np.ascontiguousarray(np.resize(pictures, (NUM_PREVIEWS, *pictures.shape[1:])))

    def finish(self, result: NDArray[np.uint8]) -> NDArray[np.uint8]:
        return result
