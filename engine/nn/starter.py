"""The architecture of Starter, the backbone that comes with the program.

A residual network of grouped 3x3 convolutions (the RegNet-X family), chosen by measurement: on two cores a draft of it
trained on twice as many pictures a second as a depthwise network with fewer multiplications (632 against 297 at 96 px).
At 128 px it embeds more than three times as fast as MobileNetV2 at 224 px. This module owns the layers and nothing
else: the weights lie in `resources/starter` and are read by `engine.nn.networks`; how they were made is in
`build/starter`.

The embedding is made of the mean of the last layer and of the spread over the picture of three layers, turned and
scaled by one linear map. The spread tells pictures apart that are unlike those that the network was trained on: with
the same weights it took the plain probe from .684 to .721.

Letters: B batch, H and W the picture, D embedding size, h and w the feature map (H / 32 and W / 32, rounded up).

Source: Radosavovic et al., "Designing Network Design Spaces" (2020). We differ in average pooling on the strided
shortcuts (He et al., "Bag of Tricks", 2019) and in how the embedding is made. It is the plain mean of a feature map, so
that class activation maps are exact.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

STEM_CHANNELS = 24
STAGES = ((32, 1), (64, 2), (144, 6), (384, 4))
GROUP_CHANNELS = 16
# The blocks whose spread is part of the embedding: the last of the third stage, two of the fourth.
SPREAD_BLOCKS = (8, 10, 12)
PART_SIZES = (384, 144, 384, 384)
"""Channels of the last layer's mean and of the three spreads, which together describe a picture."""

EMBEDDING_SIZE = 768
_SMALLEST_VARIANCE = 1e-6


def starter_network() -> StarterNetwork:
    """Returns Starter with random weights, in training mode."""
    return StarterNetwork()


class StarterTrunk(nn.Module):
    """The layers that learn: normalised pictures (B, 3, H, W) to the last layer's map (B, 384, h, w)."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = _convolution(3, STEM_CHANNELS, kernel=3, stride=2)
        blocks: list[nn.Module] = []
        channels = STEM_CHANNELS
        for stage_channels, num_blocks in STAGES:
            for index in range(num_blocks):
                blocks.append(_Block(channels, stage_channels, stride=2 if index == 0 else 1))
                channels = stage_channels
        self.blocks = nn.Sequential(*blocks)

    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False) -> Any:
        """Takes weights in any precision; the network always computes in the single one, also after an assignment."""
        single = {name: value.float() if value.is_floating_point() else value for name, value in state_dict.items()}
        return super().load_state_dict(single, strict, assign)

    def forward(self, pictures: Tensor) -> Tensor:
        """Returns the last layer's map."""
        last: Tensor = self.blocks(self.stem(pictures))
        return last


class StarterNetwork(StarterTrunk):
    """Maps normalised pictures (B, 3, H, W) to embeddings (B, D)."""

    def __init__(self) -> None:
        super().__init__()
        # ceil_mode rounds odd sizes as the strided convolutions do.
        self.halve = nn.AvgPool2d(2, ceil_mode=True, count_include_pad=False)
        self.embedding = _convolution(sum(PART_SIZES), EMBEDDING_SIZE, kernel=1, is_activated=False)

    def descriptor(self, pictures: Tensor) -> Tensor:
        """Returns (B, 1296, h, w): the last layer, and maps whose means are the spreads of the three layers."""
        x = self.stem(pictures)
        parts = []
        for index, block in enumerate(self.blocks):
            x = block(x)
            if index in SPREAD_BLOCKS:
                parts.append(self._spread(x, is_halved=index == SPREAD_BLOCKS[0]))
        return torch.cat([x, *parts], 1)

    def forward_features(self, pictures: Tensor) -> Tensor:
        """Returns the feature map (B, D, h, w); its mean over h and w is the embedding."""
        features: Tensor = self.embedding(self.descriptor(pictures))
        return features

    def forward(self, pictures: Tensor) -> Tensor:
        """Returns the embeddings (B, D)."""
        return self.forward_features(pictures).mean((2, 3))

    def _spread(self, x: Tensor, is_halved: bool) -> Tensor:
        """Returns each cell's share (B, C, h, w) of its channel's standard deviation: their mean is that deviation."""
        deviations = x - x.mean((2, 3), keepdim=True)
        squares = deviations * deviations
        if is_halved:
            squares = self.halve(squares)
        return squares / torch.sqrt(squares.mean((2, 3), keepdim=True) + _SMALLEST_VARIANCE)


class _Block(nn.Module):
    """1x1, grouped 3x3 and 1x1 convolution beside a shortcut."""

    def __init__(self, channels_in: int, channels: int, stride: int) -> None:
        super().__init__()
        last = _convolution(channels, channels, kernel=1, is_activated=False)
        # Starting from the identity keeps the first, steepest steps of training stable.
        nn.init.zeros_(last.get_parameter("1.weight"))
        self.branch = nn.Sequential(
            _convolution(channels_in, channels, kernel=1),
            _convolution(channels, channels, kernel=3, stride=stride, groups=channels // GROUP_CHANNELS),
            last,
        )
        self.shortcut: nn.Module = nn.Identity()
        if stride > 1:
            self.shortcut = nn.Sequential(
                # ceil_mode gives odd sizes the same rounding as the strided convolution beside it.
                nn.AvgPool2d(stride, ceil_mode=True, count_include_pad=False),
                _convolution(channels_in, channels, kernel=1, is_activated=False),
            )

    def forward(self, x: Tensor) -> Tensor:
        """Returns the block's output, never negative."""
        return torch.relu(self.branch(x) + self.shortcut(x))


def _convolution(
    channels_in: int, channels: int, kernel: int, stride: int = 1, groups: int = 1, is_activated: bool = True
) -> nn.Sequential:
    layers: list[nn.Module] = [
        nn.Conv2d(channels_in, channels, kernel, stride, kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(channels),
    ]
    if is_activated:
        layers.append(nn.ReLU(inplace=True))
    return nn.Sequential(*layers)
