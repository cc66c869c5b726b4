"""The Python source that does without this program what `engine.nn` does: for exports that people run in PyTorch.

It must make the same network as `engine.nn.networks` and the same views as `engine.nn.preprocess_graph`; tests compare
them for every backbone of the catalogue and every view.
"""

from __future__ import annotations

import inspect

from engine.backbones import BackboneSpec
from engine.nn.preprocessing import CUT_EIGHTHS, MIRROR, WHOLE, Preprocessing

_TORCHVISION_FIRST = """try:
    from torchvision.models import get_model
except RuntimeError:  # some CPU builds lack the compiled operators, which no classifier needs
    operators = torch.library.Library("torchvision", "DEF")
    for name in ("nms", "qnms"):
        operators.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
        del sys.modules[name]
    from torchvision.models import get_model
"""

_TORCHVISION = '''{spreads}

def build_network():
    """Returns the backbone, which turns pictures (B, 3, {side}, {side}) into embeddings (B, {size})."""
    network = get_model("{model_name}", weights=None{extra})
{cut}    return {made}
'''

_TIMM = '''import timm
{spreads}

def build_network():
    """Returns the backbone, which turns pictures (B, 3, {side}, {side}) into embeddings (B, {size})."""
    network = timm.create_model("{model_name}", pretrained=False, num_classes=0{extra})
    return {made}
'''

_VIEWS = '''def views_of(pixels):
    """Returns what the network sees of a picture: one or several views (V, 3, {side}, {side}), normalised."""
    picture = torch.from_numpy(pixels).permute(2, 0, 1)[None].float()
    height, width = pixels.shape[:2]

    def middle(eighths):
        square = max(1, min(height, width) * eighths // 8)
        top, left = (height - square) // 2, (width - square) // 2
        return picture[:, :, top : top + square, left : left + square]

    parts = {parts}
    views = [F.interpolate(part, ({side}, {side}), mode="{interpolation}", antialias=True) for part in parts]
    mean = 255 * torch.tensor({mean}).view(1, 3, 1, 1)
    std = 255 * torch.tensor({std}).view(1, 3, 1, 1)
    return (torch.cat(views) - mean) / std
'''

_PARTS = {
    WHOLE: "picture",
    MIRROR: "picture.flip(3)",
    **{view: f"middle({eighths})" for view, eighths in CUT_EIGHTHS.items()},
}

_CUTS: dict[str, tuple[str, ...]] = {
    "mobilenet": ("network.classifier = torch.nn.Identity()",),
    "efficientnet": ("network.classifier = torch.nn.Identity()",),
    "squeezenet": ("network.classifier = torch.nn.AdaptiveAvgPool2d(1)",),
    "resnet": ("network.fc = torch.nn.Identity()",),
    "regnet": ("network.fc = torch.nn.Identity()",),
    "inception": ("network.fc = torch.nn.Identity()",),
    "shufflenet": ("network.fc = torch.nn.Identity()",),
    "densenet": ("network.classifier = torch.nn.Identity()",),
    "convnext": ("network.classifier[2] = torch.nn.Identity()",),
    "swin": ("network.head = torch.nn.Identity()",),
    "vit": ("network.heads = torch.nn.Identity()",),
    "vgg": ("network.avgpool = torch.nn.AdaptiveAvgPool2d(1)", "network.classifier = torch.nn.Identity()"),
}


def network_source(spec: BackboneSpec) -> str:
    """Returns Python source that defines `build_network()`; `torch` and `sys` are imported already."""
    if spec.library == "graft":
        from engine.nn import starter

        return f"{_body_of(inspect.getsource(starter))}\n\nbuild_network = starter_network\n"
    if spec.library == "timm":
        from engine.nn.timm_networks import size_arguments

        sizes = "".join(f", {name}={value}" for name, value in size_arguments(spec).items())
        return _TORCHVISION_FIRST + _TIMM.format(extra=sizes, **_shared_parts(spec))
    cut = next(lines for family, lines in _CUTS.items() if spec.model_name.startswith(family))
    extra = ", transform_input=True, init_weights=False" if spec.model_name == "inception_v3" else ""
    return _TORCHVISION_FIRST + _TORCHVISION.format(
        extra=extra, cut="".join(f"    {line}\n" for line in cut), **_shared_parts(spec)
    )


def _shared_parts(spec: BackboneSpec) -> dict[str, object]:
    names = [name for name, _channels in spec.spreads]
    return {
        "model_name": spec.model_name,
        "side": spec.input_size_px,
        "size": spec.embedding_size,
        "spreads": f"\n\n{_spreads_source()}" if names else "",
        "made": f"SpreadNetwork(network, {names})" if names else "network",
    }


def _spreads_source() -> str:
    from engine.nn import spread_constants, spreads

    constants = [(name, value) for name, value in vars(spread_constants).items() if name.isupper()]
    imported = f"from engine.nn.spread_constants import {', '.join(sorted(name for name, _value in constants))}\n"
    source = _body_of(inspect.getsource(spreads))
    assert imported in source
    return source.replace(imported, "\n".join(f"{name} = {value}" for name, value in constants) + "\n") + "\n"


def views_source(preprocessing: Preprocessing) -> str:
    """Returns Python source that defines `views_of(pixels)`; `torch` and `F` are imported already."""
    return _VIEWS.format(
        side=preprocessing.input_size_px,
        parts=f"[{', '.join(_PARTS[view] for view in preprocessing.views)}]",
        interpolation=preprocessing.interpolation,
        mean=list(preprocessing.mean),
        std=list(preprocessing.std),
    )


def _body_of(source: str) -> str:
    """Returns a module without what may only stand at the beginning of a file: docstring and future imports."""
    return source.split('"""', 2)[2].replace("from __future__ import annotations\n", "").strip()
