"""Finds the blocks of a convolutional network whose spread belongs into its embedding (see `engine.nn.spreads`).

One rule for every architecture: among the blocks whose output is a map, the last of each of the last three shapes. So
MobileNetV2 gives those with 320, 160 and 96 channels, a ResNet its last three stages. A block is a member of a sequence
of layers that does at least two convolutions; where there are none, every activation is one (VGG), or every part of the
network (Inception). Maps of more than LARGEST channels are left out: they would make embeddings several times as large.
Transformers have none: the outputs of their blocks are no maps of channels.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn

NUM_BLOCKS = 3
LARGEST = 1024
SMALLEST_SIDE = 3
_SEQUENCES = (nn.Sequential, nn.ModuleList, nn.ModuleDict)
_NO_MAPS = ("attention", "attn", "transformer", "mixer", "mlpblock")


def spread_blocks(network: nn.Module, side_px: int) -> list[tuple[str, int]]:
    """Returns name and channels of those blocks, in the order of the network; none where it has no maps.

    `network` lies on the meta device, so that this takes no arithmetic.
    """
    if any(word in type(module).__name__.lower() for module in network.modules() for word in _NO_MAPS):
        return []
    found: dict[tuple[int, ...], tuple[str, int]] = {}
    candidates = list(_blocks("", network))
    if not candidates:
        activations = [(name, each) for name, each in network.named_modules() if isinstance(each, nn.ReLU)]
        parts = [(name, each) for name, each in network.named_children() if _num_layers(each) > 1]
        candidates = activations or parts

    def note(name: str) -> Callable[[nn.Module, object, object], None]:
        def hook(_module: nn.Module, _inputs: object, output: object) -> None:
            if isinstance(output, Tensor) and output.ndim == 4 and output.shape[2] == output.shape[3]:
                shape = tuple(output.shape[1:])
                found.pop(shape, None)  # the last one of a shape counts, and stands at its place
                found[shape] = (name, shape[0])

        return hook

    hooks = [module.register_forward_hook(note(name)) for name, module in candidates]
    with torch.inference_mode():
        network.eval()(torch.empty(1, 3, side_px, side_px, device="meta"))
    for hook in hooks:
        hook.remove()
    fitting = [block for shape, block in found.items() if shape[0] <= LARGEST and shape[1] >= SMALLEST_SIDE]
    return fitting[-NUM_BLOCKS:]


def _blocks(prefix: str, module: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """Yields the outermost members of sequences with at least two convolutions or linear layers."""
    for name, child in module.named_children():
        path = f"{prefix}{name}"
        if isinstance(module, _SEQUENCES) and _num_layers(child) >= 2:
            yield path, child
        else:
            yield from _blocks(f"{path}.", child)


def _num_layers(module: nn.Module) -> int:
    return sum(isinstance(each, nn.Conv2d | nn.Linear) for each in module.modules())
