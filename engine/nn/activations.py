"""Keeps what the lower part of a network makes of images, so that training the upper part need not compute it again."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from engine.errors import ImageError
from engine.images.decode import decode_rgb
from engine.nn.preprocess_graph import Preprocessor
from engine.nn.preprocessing import Preprocessing
from engine.nn.torchvision_shim import import_torchvision
from engine.nn.training_plan import NO_VARIANTS, NUM_VARIED_VIEWS, VARIED

_CHUNK: Final = 8


class ViewMaker:
    """Turns an image file into the normalised views (V, 3, S, S) to learn from; the deployed model's come first."""

    def __init__(self, preprocessing: Preprocessing, augmentation: str, seed: int) -> None:
        self._preprocessing, self._augmentation, self._seed = preprocessing, augmentation, seed
        self._preprocess = Preprocessor(preprocessing)
        if augmentation == VARIED:
            import_torchvision()
            from torchvision.transforms import v2

            side = preprocessing.input_size_px
            self._vary = v2.Compose(
                [
                    v2.RandomResizedCrop(side, scale=(0.5, 1.0), ratio=(0.8, 1.25), antialias=True),
                    v2.RandomHorizontalFlip(),
                    v2.ColorJitter(brightness=0.25, contrast=0.25, saturation=0.25),
                ]
            )

    def __call__(self, path: Path) -> NDArray[np.float32]:
        """Returns the views.

        Raises:
            ImageError: the image cannot be read.
        """
        pixels = decode_rgb(path)
        views = [self._preprocess(pixels)]
        if self._augmentation != NO_VARIANTS:
            views.append(views[0][..., ::-1])
        if self._augmentation == VARIED:
            views.append(self.varied(pixels, zlib.crc32(str(path).encode())))
        return np.concatenate(views)

    def varied(self, pixels: NDArray[np.uint8], number: int) -> NDArray[np.float32]:
        """Returns the random variants (NUM_VARIED_VIEWS, 3, S, S) of a picture; equal numbers give equal ones."""
        picture = torch.from_numpy(np.ascontiguousarray(pixels)).permute(2, 0, 1)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self._seed * 1_000_003 + number)
            variants: Tensor = torch.stack([self._vary(picture) for _ in range(NUM_VARIED_VIEWS)])
        mean = torch.tensor(self._preprocessing.mean).view(1, 3, 1, 1)
        std = torch.tensor(self._preprocessing.std).view(1, 3, 1, 1)
        found: NDArray[np.float32] = ((variants.float() / 255 - mean) / std).numpy()
        return found


def keep_activations(
    lower: nn.Module,
    make_views: ViewMaker,
    paths: Sequence[Path],
    kept: NDArray[np.float16],
    precision: torch.dtype,
    on_chunk: Callable[[int], None],
    num_threads: int = 1,
) -> list[int]:
    """Fills `kept` (N, V, *S) with the output of `lower` for every view; returns which images could not be read.

    `on_chunk` is called with the number of images done, between small chunks; what it raises ends the work.
    """
    failed: list[int] = []
    lower = lower.eval()
    lower.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    with ThreadPoolExecutor(max(1, num_threads), thread_name_prefix="decode") as pool, torch.inference_mode():
        for start, found in _chunks(pool, make_views, paths):
            good = [index for index, views in enumerate(found) if views is not None]
            failed += [start + index for index, views in enumerate(found) if views is None]
            arrays = [views for views in found if views is not None]
            if arrays:
                inputs = torch.from_numpy(np.concatenate(arrays)).contiguous(memory_format=torch.channels_last)
                with torch.autocast("cpu", precision, enabled=precision != torch.float32):
                    outputs: Tensor = lower(inputs)
                rows = outputs.float().numpy().astype(np.float16)
                kept[[start + index for index in good]] = rows.reshape(len(arrays), -1, *rows.shape[1:])
            on_chunk(min(start + _CHUNK, len(paths)))
    return failed


def _chunks(
    pool: ThreadPoolExecutor, make_views: ViewMaker, paths: Sequence[Path]
) -> Iterator[tuple[int, list[NDArray[np.float32] | None]]]:
    def attempt(path: Path) -> NDArray[np.float32] | None:
        try:
            return make_views(path)
        except ImageError:
            return None

    ahead = [pool.submit(attempt, path) for path in paths[:_CHUNK]]
    for start in range(0, len(paths), _CHUNK):
        present, ahead = ahead, [pool.submit(attempt, path) for path in paths[start + _CHUNK : start + 2 * _CHUNK]]
        yield start, [each.result() for each in present]
