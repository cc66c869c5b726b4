"""Keeps what the lower part of a network makes of images, so that training the upper part need not compute it again."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from engine.errors import ImageError
from engine.nn.device import DeviceFailedError, Place, autocast, ready_to_send, send

_CHUNK: Final = 8


def keep_activations(
    lower: nn.Module | None,
    make_views: Callable[[Path], NDArray[np.float32]],
    paths: Sequence[Path],
    kept: NDArray[np.float16],
    place: Place,
    on_chunk: Callable[[int], None],
    num_threads: int = 1,
) -> list[int]:
    """Fills `kept` (N, V, *S) with the output of `lower` (None = the views themselves) for every view.

    `make_views` gives the views (V, 3, S, S) of an image or raises ImageError. `on_chunk` is called with the number of
    images done, between small chunks; what it raises ends the work.

    Returns:
        Which images could not be read.
    """
    failed: list[int] = []
    compute = _Lower(lower, place)
    with ThreadPoolExecutor(max(1, num_threads), thread_name_prefix="decode") as pool:
        for start, found in _chunks(pool, make_views, paths):
            good = [index for index, views in enumerate(found) if views is not None]
            failed += [start + index for index, views in enumerate(found) if views is None]
            arrays = [views for views in found if views is not None]
            if arrays:
                rows = compute(np.concatenate(arrays))
                kept[[start + index for index in good]] = rows.reshape(len(arrays), -1, *rows.shape[1:])
            on_chunk(min(start + _CHUNK, len(paths)))
    return failed


class _Lower:
    """The part that stays, on the place where it is computed: as many views at a time as there is room for."""

    def __init__(self, lower: nn.Module | None, place: Place) -> None:
        self._original, self._place = lower, place
        self._network: nn.Module | None = None
        self._where = ""

    def __call__(self, views: NDArray[np.float32]) -> NDArray[np.float16]:
        if self._original is None:
            return views.astype(np.float16)
        rows: list[NDArray[np.float16]] = []
        done = 0
        while done < len(views):
            part = views[done : done + self._place.portion]
            try:
                rows.append(self._compute(torch.from_numpy(part)))
            except (RuntimeError, MemoryError) as err:
                try:
                    self._place.make_room(err, len(part))
                except DeviceFailedError:
                    pass  # the processor is the place now
                continue
            done += len(part)
        return np.concatenate(rows)

    def _compute(self, views: Tensor) -> NDArray[np.float16]:
        place = self._place
        if self._network is None or self._where != place.device.torch_name:
            assert self._original is not None
            # A copy: its layers are those of the network, which stays in main memory.
            self._network = copy.deepcopy(self._original).eval()
            self._network.to(place.device.torch_name, memory_format=torch.channels_last)  # type: ignore[call-overload]
            self._where = place.device.torch_name
        with torch.inference_mode(), autocast(place.device, place.precision):
            inputs = send(ready_to_send(views, place.device), place.device)
            outputs: Tensor = self._network(inputs.contiguous(memory_format=torch.channels_last))
            found: NDArray[np.float16] = outputs.float().cpu().numpy().astype(np.float16)
        return found


def _chunks(
    pool: ThreadPoolExecutor, make_views: Callable[[Path], NDArray[np.float32]], paths: Sequence[Path]
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
