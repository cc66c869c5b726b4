"""One way to follow what a network computes, for making its graph and for cutting it in two."""

from __future__ import annotations

from typing import Final

from torch import fx, nn

TRACE_ERRORS: Final = (TypeError, ValueError, RuntimeError, AttributeError, fx.proxy.TraceError)
"""What `trace` raises for networks that decide by values as they go (as some of timm's do)."""


def trace(network: nn.Module) -> fx.GraphModule:
    """Returns the network as a graph of its layers, which it shares. Raises one of TRACE_ERRORS."""
    return fx.GraphModule(network, _Tracer().trace(network))


class _Tracer(fx.Tracer):
    """Keeps timm's batch norm with its activation in one piece: what it does inside depends on the input's shape.

    Layers that somebody listens to (see `engine.nn.spreads`) are followed inside, or nobody would be told.
    """

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        if m._forward_hooks:
            return False
        return isinstance(m, nn.BatchNorm2d) or super().is_leaf_module(m, module_qualified_name)
