"""The architecture of Starter, the backbone that comes with the program.

A residual network of grouped 3x3 convolutions (the RegNet-X family), chosen by measurement: on two cores a draft of it
trained on twice as many pictures a second as a depthwise network with fewer multiplications (632 against 297 at 96 px).
At 128 px it embeds more than three times as fast as MobileNetV2 at 224 px. This module owns the layers and nothing
else: the weights lie in `resources/starter` and are read by `engine.nn.networks`; how they were made is in
`build/starter`.

Letters: B batch, H and W the picture, D embedding size, h and w the feature map (H / 32 and W / 32, rounded up).

Source: Radosavovic et al., "Designing Network Design Spaces" (2020). We differ in average pooling on the strided
shortcuts (He et al., "Bag of Tricks", 2019) and in a 1x1 convolution to D channels before the pool, so that the
embedding is the plain mean of the feature map and class activation maps are exact.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

STEM_CHANNELS = 24
STAGES = ((32, 1), (64, 2), (144, 6), (384, 4))
GROUP_CHANNELS = 16
EMBEDDING_SIZE = 768


def starter_network() -> nn.Module:
    """Returns Starter with random weights, in training mode."""
    return StarterNetwork()


class StarterNetwork(nn.Module):
    """Maps normalised pictures (B, 3, H, W) to embeddings (B, D)."""

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
        self.head = _convolution(channels, EMBEDDING_SIZE, kernel=1, is_activated=False)
        # Not a ReLU: under a distillation loss the units of this layer died, one half within 150,000 pictures.
        self.activation = nn.Hardswish()

    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False) -> Any:
        """Takes weights in any precision; the network always computes in the single one, also after an assignment."""
        single = {name: value.float() if value.is_floating_point() else value for name, value in state_dict.items()}
        return super().load_state_dict(single, strict, assign)

    def forward_features(self, pictures: Tensor) -> Tensor:
        """Returns the feature map (B, D, h, w); its mean over h and w is the embedding."""
        features: Tensor = self.activation(self.head(self.blocks(self.stem(pictures))))
        return features

    def forward(self, pictures: Tensor) -> Tensor:
        """Returns the embeddings (B, D)."""
        return self.forward_features(pictures).mean(dim=(2, 3))


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
