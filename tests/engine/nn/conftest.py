"""Networks with random weights, for tests that need every architecture and no download."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import nn

from engine.backbones import BackboneSpec
from engine.nn.networks import make_backbone

SMALL_TABLES = {
    "class_token",
    "cls_token",
    "pos_embedding",
    "pos_embed",
    "reg_token",
    "relative_position_bias_table",
    "in_proj_weight",
    "in_proj_bias",
    "logit_scale",
    "q_bias",
    "v_bias",
}
"""Parameters of transformers that are no layers."""


def make_random(record: BackboneSpec) -> nn.Module:
    """Returns a backbone with random weights and, so that folding is really tested, unusual batch norm statistics."""
    network = make_backbone(record)
    if any(parameter.is_meta for parameter in network.parameters()):
        network = network.to_empty(device="cpu")
        for name, buffer in network.named_buffers():
            if "index" in name or "table" in name:
                # Swin's tables are computed while it is made, which the meta device does not do.
                from engine.nn.torchvision_shim import import_torchvision

                made = import_torchvision().models.get_model(record.model_name, weights=None)
                buffer.copy_(made.get_buffer(name))
    generator = torch.Generator().manual_seed(0)
    for module in network.modules():
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            nn.init.kaiming_normal_(module.weight, generator=generator)
            if module.bias is not None:
                nn.init.normal_(module.bias, std=0.1, generator=generator)
        elif isinstance(module, nn.BatchNorm2d):
            assert module.running_mean is not None
            assert module.running_var is not None
            module.running_mean.normal_(0, 0.2, generator=generator)
            module.running_var.uniform_(0.5, 2, generator=generator)
            nn.init.uniform_(module.weight, 0.2, 0.6, generator=generator)
            nn.init.normal_(module.bias, std=0.2, generator=generator)
        elif isinstance(module, nn.LayerNorm) and module.weight is not None:
            nn.init.uniform_(module.weight, 0.5, 1.5, generator=generator)
            if module.bias is not None:
                nn.init.normal_(module.bias, std=0.2, generator=generator)
    for name, parameter in network.named_parameters():
        last = name.rpartition(".")[2]
        if last in {"layer_scale", "gamma"}:
            nn.init.constant_(parameter, 0.3)
        elif last in SMALL_TABLES:
            nn.init.normal_(parameter, std=0.1, generator=generator)
    if any(isinstance(module, nn.MultiheadAttention) for module in network.modules()):
        # With weights as wild as those above torch's own float32 is off by 3e-4 from float64 after twelve attentions.
        for parameter in network.parameters():
            if parameter.ndim > 1:
                nn.init.normal_(parameter, std=0.02, generator=generator)
    return network.eval().requires_grad_(False)


@pytest.fixture(scope="session")
def random_network() -> Callable[[BackboneSpec], nn.Module]:
    """Makes the architecture of a record with random weights."""
    return make_random
