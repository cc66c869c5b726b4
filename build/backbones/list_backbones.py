"""Writes `resources/backbones/catalogue.json` from what torchvision and timm say of their weights.

Run it after a change of either version or of the names below (a minute, no network, no weights). Nothing about the
weights is typed by hand; tests/engine/test_backbones.py compares the file with the libraries.
"""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
sys.path.insert(0, str(Path(__file__).resolve().parent))

from list_timm import row_of
from spread_blocks import spread_blocks

from engine.backbones import BackboneSpec
from engine.backbones.catalogue import timm_record
from engine.nn.networks import embedding_size_of, make_backbone
from engine.nn.torchvision_shim import import_torchvision

CATALOGUE = ROOT / "resources" / "backbones" / "catalogue.json"
WORK = Path("/tmp/graft-timm")

# Always torchvision's first weights ("V1"): the later recipes (label smoothing, long schedules) raise ImageNet accuracy
# and lower how well a head on frozen features does (Kornblith et al. 2021, "Why do better loss functions lead to less
# transferable features?").
TORCHVISION = {
    "mobilenet_v2": "MobileNetV2",
    "mobilenet_v3_small": "MobileNetV3 small",
    "mobilenet_v3_large": "MobileNetV3 large",
    "squeezenet1_1": "SqueezeNet 1.1",
    "shufflenet_v2_x1_0": "ShuffleNetV2 1.0×",
    "efficientnet_b0": "EfficientNet B0",
    "efficientnet_b1": "EfficientNet B1",
    "efficientnet_b2": "EfficientNet B2",
    "efficientnet_b3": "EfficientNet B3",
    "efficientnet_b4": "EfficientNet B4",
    "efficientnet_v2_s": "EfficientNetV2 S",
    "resnet18": "ResNet-18",
    "resnet34": "ResNet-34",
    "resnet50": "ResNet-50",
    "resnet101": "ResNet-101",
    "regnet_y_400mf": "RegNetY 400MF",
    "regnet_y_800mf": "RegNetY 800MF",
    "regnet_y_1_6gf": "RegNetY 1.6GF",
    "regnet_y_3_2gf": "RegNetY 3.2GF",
    "densenet121": "DenseNet-121",
    "convnext_tiny": "ConvNeXt tiny",
    "convnext_small": "ConvNeXt small",
    "swin_t": "Swin tiny",
    "swin_v2_t": "Swin V2 tiny",
    "vit_b_16": "ViT B/16",
    "inception_v3": "Inception v3",
    "vgg16": "VGG-16",
}

# The last number is the picture's side where it is not the one of the weights: DINOv2 at its own 518 px takes six times
# as long, and its position embeddings are made for other sizes too.
TIMM: dict[str, tuple[str, int]] = {
    "legacy_xception.tf_in1k": ("Xception", 0),
    "xception41.tf_in1k": ("Xception 41", 0),
    "mobilenetv4_conv_small.e2400_r224_in1k": ("MobileNetV4 small", 0),
    "mobilenetv4_conv_medium.e500_r256_in1k": ("MobileNetV4 medium", 0),
    "mobilenetv4_hybrid_medium.ix_e550_r256_in1k": ("MobileNetV4 hybrid medium", 0),
    "convnextv2_nano.fcmae_ft_in22k_in1k": ("ConvNeXt V2 nano", 0),
    "vit_small_patch14_dinov2.lvd142m": ("DINOv2 small", 224),
    "vit_base_patch14_dinov2.lvd142m": ("DINOv2 base", 224),
    "vit_small_patch16_dinov3.lvd1689m": ("DINOv3 small", 0),
    "convnext_tiny.dinov3_lvd1689m": ("DINOv3 ConvNeXt tiny", 0),
    "eva02_tiny_patch14_224.mim_in22k": ("EVA-02 tiny", 0),
    "eva02_small_patch14_224.mim_in22k": ("EVA-02 small", 0),
    "vit_base_patch16_clip_224.openai": ("CLIP ViT B/16", 0),
}


def main() -> None:
    """Writes the file, one record a line, the small networks first."""
    records = [_torchvision_record(name, title) for name, title in TORCHVISION.items()]
    records += [_timm_record(name, title, side) for name, (title, side) in TIMM.items()]
    records.sort(key=lambda record: record.size_bytes)
    lines = ",\n".join(json.dumps(record.to_document(), ensure_ascii=False) for record in records)
    CATALOGUE.parent.mkdir(parents=True, exist_ok=True)
    CATALOGUE.write_text(f"[\n{lines}\n]\n", encoding="utf-8")
    print(f"{len(records)} networks in {CATALOGUE}")


def _torchvision_record(name: str, title: str) -> BackboneSpec:
    weights = import_torchvision().models.get_model_weights(name).IMAGENET1K_V1
    transforms = weights.transforms()
    # torchvision took the EfficientNets over from timm, and timm's are Apache-2.0.
    origin = "Apache-2.0 (timm)" if "_rwightman" in weights.url else "BSD-3-Clause (torchvision)"
    values: dict[str, Any] = {
        "input_size_px": transforms.crop_size[0],
        "mean": tuple(transforms.mean),
        "std": tuple(transforms.std),
        "interpolation": transforms.interpolation.value,
        "licence": f"{origin}, trained on ImageNet",
        "url": weights.url,
        "sha256_prefix": weights.url.rsplit("-", 1)[1].removesuffix(".pth"),
        "size_bytes": round(weights.meta["_file_size"] * 2**20),
        "gmacs": weights.meta["_ops"],
    }
    record = BackboneSpec(
        key=name, display_name=title, library="torchvision", model_name=name, embedding_size=0, **values
    )
    record = replace(record, embedding_size=embedding_size_of(record))
    return record.with_spreads(tuple(spread_blocks(make_backbone(record).to("meta"), record.input_size_px)))


def _timm_record(name: str, title: str, side_px: int) -> BackboneSpec:
    row = row_of(name, WORK, side_px)
    assert row is not None
    record = timm_record(name, list(row))
    stated = record.url.rsplit("-", 1)[-1].removesuffix(".pth")
    is_hash = len(stated) >= 8 and set(stated) <= set("0123456789abcdef")
    return replace(record, display_name=title, sha256_prefix=stated if is_hash else "")


if __name__ == "__main__":
    WORK.mkdir(exist_ok=True)
    main()
