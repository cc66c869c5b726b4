"""The catalogue of backbones: a torch-free record for each network that Graft can use.

Adding a backbone is adding a record here; `engine.nn.networks` knows how to cut the classifier off each family.
"""

from __future__ import annotations

import difflib
import json
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from engine.errors import BackboneError

STARTER_KEY = "starter"
STARTER_FOLDER = Path(__file__).resolve().parent.parent / "resources" / "starter"
STARTER_SETTINGS = STARTER_FOLDER / "settings.json"
_DOWNLOADS = "https://download.pytorch.org/models/"
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


class SpeedClass(StrEnum):
    """How long an image takes on two processor cores: well under 10 ms, about 20 ms, more."""

    FAST = "fast"
    MEDIUM = "medium"
    SLOW = "slow"


@dataclass(frozen=True, slots=True)
class BackboneSpec:
    """A network without its classifier, and the weights that go with it.

    The network takes RGB images of `input_size_px` squared, scaled to 0..1, less `mean`, divided by `std`, and gives
    one embedding of `embedding_size`. `library` is "torchvision" or "graft" (built in). `sha256_prefix` begins the
    SHA-256 of the file at `url`; both are empty for what is built in. `size_bytes` is the download, within 0.1 %.
    """

    key: str
    display_name: str
    library: str
    model_name: str
    embedding_size: int
    input_size_px: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    interpolation: str
    licence: str
    url: str
    sha256_prefix: str
    size_bytes: int
    speed_class: SpeedClass


def _imagenet(
    name: str,
    display_name: str,
    embedding_size: int,
    input_size_px: int,
    sha256_prefix: str,
    size_bytes: int,
    speed_class: SpeedClass,
    interpolation: str = "bilinear",
    file_stem: str = "",
    licence: str = "BSD-3-Clause (torchvision), trained on ImageNet",
) -> BackboneSpec:
    return BackboneSpec(
        key=name,
        display_name=display_name,
        library="torchvision",
        model_name=name,
        embedding_size=embedding_size,
        input_size_px=input_size_px,
        mean=IMAGENET_MEAN,
        std=IMAGENET_STD,
        interpolation=interpolation,
        licence=licence,
        url=f"{_DOWNLOADS}{file_stem or name}-{sha256_prefix}.pth",
        sha256_prefix=sha256_prefix,
        size_bytes=size_bytes,
        speed_class=speed_class,
    )


def _timm(
    name: str, display_name: str, size: int, input_size_px: int, sha256_prefix: str, size_bytes: int, speed: SpeedClass
) -> BackboneSpec:
    """The EfficientNets: weights that torchvision took over from timm, trained with bicubic resizing."""
    stem, licence = f"{name}_rwightman", "Apache-2.0 (timm), trained on ImageNet"
    return _imagenet(
        name, display_name, size, input_size_px, sha256_prefix, size_bytes, speed, "bicubic", stem, licence
    )


_FAST, _MEDIUM, _SLOW = SpeedClass.FAST, SpeedClass.MEDIUM, SpeedClass.SLOW

# Always torchvision's first weights ("V1"): the later recipes (label smoothing, long schedules) raise ImageNet accuracy
# and lower how well a head on frozen features does (Kornblith et al. 2021, "Why do better loss functions lead to less
# transferable features?").
_RECORDS = (
    _imagenet("mobilenet_v2", "MobileNetV2", 1280, 224, "b0353104", 14_213_448, _FAST),
    _imagenet("mobilenet_v3_small", "MobileNetV3 small", 576, 224, "047dcff4", 10_306_454, _FAST),
    _imagenet("mobilenet_v3_large", "MobileNetV3 large", 960, 224, "8738ca79", 22_139_634, _FAST),
    _imagenet("squeezenet1_1", "SqueezeNet 1.1", 512, 224, "b8a52dc0", 4_958_716, _FAST),
    _timm("efficientnet_b0", "EfficientNet B0", 1280, 224, "7f5810bc", 21_444_428, _FAST),
    _timm("efficientnet_b1", "EfficientNet B1", 1280, 240, "bac287d4", 31_597_789, _FAST),
    _timm("efficientnet_b2", "EfficientNet B2", 1408, 288, "c35c1473", 36_882_612, _MEDIUM),
    _timm("efficientnet_b3", "EfficientNet B3", 1536, 300, "b3899882", 49_476_010, _MEDIUM),
    _timm("efficientnet_b4", "EfficientNet B4", 1792, 380, "23ab8bcd", 78_107_378, _SLOW),
    _imagenet("efficientnet_v2_s", "EfficientNetV2 S", 1280, 384, "dd5fe13b", 86_721_430, _SLOW),
    _imagenet("resnet18", "ResNet-18", 512, 224, "f37072fd", 46_830_453, _MEDIUM),
    _imagenet("resnet34", "ResNet-34", 512, 224, "b627a593", 87_320_166, _SLOW),
    _imagenet("resnet50", "ResNet-50", 2048, 224, "0676ba61", 102_530_810, _SLOW),
    _imagenet("regnet_y_400mf", "RegNetY 400MF", 440, 224, "c65dace8", 17_622_368, _FAST),
    _imagenet("regnet_y_800mf", "RegNetY 800MF", 784, 224, "1b27b58c", 25_977_422, _MEDIUM),
    _imagenet("regnet_y_1_6gf", "RegNetY 1.6GF", 888, 224, "b11a554e", 45_248_152, _MEDIUM),
    _imagenet("regnet_y_3_2gf", "RegNetY 3.2GF", 1512, 224, "b5a9779c", 78_189_167, _MEDIUM),
    _imagenet("convnext_tiny", "ConvNeXt tiny", 768, 224, "983f1562", 114_419_565, _SLOW),
    _imagenet("convnext_small", "ConvNeXt small", 768, 224, "0c510722", 201_015_165, _SLOW),
    _imagenet("swin_t", "Swin tiny", 768, 224, "704ceda3", 113_445_437, _SLOW, interpolation="bicubic"),
    _imagenet("vit_b_16", "ViT B/16", 768, 224, "c867db91", 346_328_924, _SLOW),
    _imagenet(
        "inception_v3", "Inception v3", 2048, 299, "0cc3c7bd", 108_950_192, _SLOW, file_stem="inception_v3_google"
    ),
    _imagenet("vgg16", "VGG-16", 512, 224, "397923af", 553_434_218, _SLOW),
)


def _starter() -> BackboneSpec:
    """The built-in backbone. Its settings are read at import: a file of a few lines that lies beside the program."""
    settings: dict[str, Any] = {}
    if STARTER_SETTINGS.is_file():
        settings = json.loads(STARTER_SETTINGS.read_text(encoding="utf-8"))
    return BackboneSpec(
        key=STARTER_KEY,
        display_name="Starter (built in)",
        library="graft",
        model_name="starter",
        embedding_size=int(settings.get("embedding_size", 512)),
        input_size_px=int(settings.get("input_size_px", 160)),
        mean=tuple(settings.get("mean", IMAGENET_MEAN)),
        std=tuple(settings.get("std", IMAGENET_STD)),
        interpolation=str(settings.get("interpolation", "bilinear")),
        licence=str(settings.get("licence", "Apache-2.0 (Graft)")),
        url="",
        sha256_prefix="",
        size_bytes=int(settings.get("size_bytes", 0)),
        speed_class=_FAST,
    )


CATALOGUE: dict[str, BackboneSpec] = {record.key: record for record in (_starter(), *_RECORDS)}


def spec(key: str) -> BackboneSpec:
    """Returns the record of a backbone.

    Raises:
        BackboneError: there is none of that name; the hint lists the closest ones.
    """
    try:
        return CATALOGUE[key]
    except KeyError:
        close = difflib.get_close_matches(key.lower(), CATALOGUE, n=3, cutoff=0.5) or list(CATALOGUE)
        raise BackboneError(f"There is no backbone called “{key}”.", f"Choose one of: {', '.join(close)}.") from None
