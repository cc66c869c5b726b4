"""The last layer of Starter, in closed form: it turns and scales the description of a picture into the embedding.

The description is the mean of the last layer and the spread of three layers (see `engine.nn.starter`). Each of the four
parts is scaled to the same total variance over the pool's pictures. Then, along the principal axes of all of them
together, each axis is divided by its variance to the power of 1/4, as is done with the teachers' features: plain
components drown what tells similar things apart, fully whitened ones are mostly noise. Only the pool's pictures are
looked at.

Letters: N pictures, C channels of the description, D embedding size.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from batches import WHITENING
from numpy.typing import NDArray
from torch import Tensor
from views import NUM_PLAIN_VIEWS, normalised

from engine.nn.starter import EMBEDDING_SIZE, PART_SIZES, StarterNetwork

# One view of plain crops and one of strange ones, every second picture of each.
VIEWS = (0, NUM_PLAIN_VIEWS)
_EACH_NTH = 2
_BATCH = 64


def trunk_of(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Returns the weights of the layers that were trained."""
    return {name: value for name, value in state.items() if name.startswith(("stem.", "blocks."))}


def set_embedding(network: StarterNetwork, work: Path, input_px: int) -> None:
    """Computes the weights of `network.embedding` from the views of the pool in `work`; the trunk must be filled."""
    described = np.concatenate([_described(network, work / f"v{view}_x.npy", input_px) for view in VIEWS])
    weight, scale = _whitening(described)
    convolution, norm = network.embedding
    half = torch.from_numpy(weight.astype(np.float16).astype(np.float32))
    convolution.load_state_dict({"weight": half[:, :, None, None]})
    centre = half @ torch.from_numpy(described.mean(0))
    norm.load_state_dict(
        {
            "weight": torch.from_numpy(scale),
            "bias": torch.zeros(EMBEDDING_SIZE),
            "running_mean": centre,
            "running_var": torch.ones(EMBEDDING_SIZE),
        },
        strict=False,
    )


def _whitening(described: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Returns directions (D, C) and the factor (D,) that each is multiplied by, for descriptions (N, C)."""
    variances = described.var(0, dtype=np.float64)
    ends = np.cumsum(PART_SIZES)
    totals = [variances[end - size : end].sum() for size, end in zip(PART_SIZES, ends, strict=True)]
    part_scale = np.repeat(1 / np.sqrt(totals), PART_SIZES)
    of_axis, axes = np.linalg.eigh(np.cov((described * part_scale).T))
    of_axis, axes = of_axis[::-1][:EMBEDDING_SIZE], axes[:, ::-1][:, :EMBEDDING_SIZE]
    factor = of_axis**-WHITENING / np.sqrt((of_axis ** (1 - 2 * WHITENING)).mean())
    return (axes.T * part_scale).astype(np.float32), factor.astype(np.float32)


def _described(network: StarterNetwork, view: Path, input_px: int) -> NDArray[np.float32]:
    """Returns the descriptions (N, C) of every second picture of a view."""
    pictures: NDArray[Any] = np.load(view, mmap_mode="r")[::_EACH_NTH]
    rows = []
    with torch.inference_mode():
        for start in range(0, len(pictures), _BATCH):
            batch = torch.from_numpy(normalised(list(pictures[start : start + _BATCH])))
            if batch.shape[-1] != input_px:
                batch = F.interpolate(batch, size=(input_px, input_px), mode="bilinear", antialias=True)
            rows.append(network.descriptor(batch).mean((2, 3)).numpy())
    return np.concatenate(rows)
