"""The catalogue says what the installed torchvision and timm say of their weights."""

from __future__ import annotations

import sys

import pytest

from engine.backbones import CATALOGUE, STARTER_KEY, BackboneSpec, LicenceKind, SpeedClass, find_timm, spec
from engine.backbones.spec import licence_kind_of
from engine.errors import BackboneError

TORCHVISION = [record for record in CATALOGUE.values() if record.library == "torchvision"]
TIMM = [record for record in CATALOGUE.values() if record.library == "timm"]
LARGE_BYTES = 60e6


def by_size(records: list[BackboneSpec]) -> list[object]:
    """Parameters for each record; networks that take seconds to make are slow."""
    return [
        pytest.param(record, id=record.key, marks=[pytest.mark.slow] if record.size_bytes > LARGE_BYTES else [])
        for record in records
    ]


@pytest.mark.parametrize("record", TORCHVISION, ids=lambda record: record.key)
def test_record_agrees_with_torchvisions_own(record: BackboneSpec) -> None:
    from engine.nn.torchvision_shim import import_torchvision

    weights = import_torchvision().models.get_model_weights(record.model_name).IMAGENET1K_V1
    transforms = weights.transforms()

    assert record.url == weights.url
    assert record.url.endswith(f"-{record.sha256_prefix}.pth")
    assert len(record.sha256_prefix) >= 8
    assert transforms.crop_size == [record.input_size_px]
    assert transforms.interpolation.value == record.interpolation
    assert (tuple(transforms.mean), tuple(transforms.std)) == (record.mean, record.std)
    assert record.size_bytes == pytest.approx(weights.meta["_file_size"] * 2**20, rel=1e-3)
    assert record.gmacs == weights.meta["_ops"]


@pytest.mark.parametrize("record", TIMM, ids=lambda record: record.key)
def test_record_agrees_with_timms_own(record: BackboneSpec) -> None:
    from engine.nn.timm_networks import timm

    cfg = timm.get_pretrained_cfg(record.model_name)

    assert record.key == f"timm:{record.model_name}"
    assert record.licence == cfg.license
    assert record.mean == pytest.approx(cfg.mean, abs=1e-6)
    assert record.std == pytest.approx(cfg.std, abs=1e-6)
    assert record.interpolation == cfg.interpolation
    assert (
        cfg.hf_hub_id is None or record.url == f"https://huggingface.co/{cfg.hf_hub_id}/resolve/main/model.safetensors"
    )
    assert cfg.hf_hub_id is not None or record.url == cfg.url
    # DINOv2 is offered at a smaller size than its own, which takes a sixth of the time.
    assert record.input_size_px == (224 if "dinov2" in record.model_name else cfg.input_size[1])


def test_the_table_of_timm_is_of_the_installed_version_and_names_nearly_all_of_its_networks() -> None:
    import json

    from engine.backbones.catalogue import TIMM_FILE
    from engine.nn.timm_networks import timm

    table = json.loads(TIMM_FILE.read_text(encoding="utf-8"))
    assert table["timm"] == timm.__version__
    known = set(timm.list_pretrained())
    assert set(table["models"]) <= known
    assert len(table["models"]) > 0.9 * len(known)
    for name in list(table["models"])[::25]:
        licence, _, side, mean, *_ = table["models"][name]
        cfg = timm.get_pretrained_cfg(name)
        assert (licence, side) == (cfg.license or "unknown", cfg.input_size[1])
        assert mean == pytest.approx(cfg.mean, abs=1e-6)


@pytest.mark.parametrize("record", by_size(TORCHVISION + TIMM))
def test_network_gives_embeddings_of_the_size_in_its_record(record: BackboneSpec) -> None:
    from engine.nn.networks import embedding_size_of

    assert embedding_size_of(record) == record.embedding_size


def test_every_key_is_the_key_of_its_record() -> None:
    assert all(key == record.key for key, record in CATALOGUE.items())
    assert STARTER_KEY in CATALOGUE
    assert all(record.architecture_key == record.key for record in CATALOGUE.values())


def test_the_families_that_were_asked_for_are_there() -> None:
    names = " ".join(record.model_name for record in CATALOGUE.values())
    families = (
        "mobilenet_v2 mobilenet_v3_small mobilenet_v3_large efficientnet_b0 efficientnet_b4 efficientnet_v2_s resnet18 "
        "resnet34 resnet50 resnet101 convnext_tiny convnext_small regnet_y_400mf vgg16 inception_v3 squeezenet1_1 "
        "shufflenet swin_t swin_v2_t vit_b_16 densenet xception mobilenetv4 dinov2 dinov3 eva02"
    )
    for family in families.split():
        assert family in names, family


def test_a_record_survives_being_written_down() -> None:
    for record in CATALOGUE.values():
        assert BackboneSpec.from_document(record.to_document()) == record


# ------------------------------------------------------------------------------------------------ licence and speed


@pytest.mark.parametrize(
    ("licence", "kind"),
    [
        ("BSD-3-Clause (torchvision), trained on ImageNet", LicenceKind.FREE),
        ("apache-2.0", LicenceKind.FREE),
        ("mit", LicenceKind.FREE),
        ("cc-by-4.0", LicenceKind.FREE),
        ("cc-by-nc-4.0", LicenceKind.NON_COMMERCIAL),
        ("fair-noncommercial-research-license", LicenceKind.NON_COMMERCIAL),
        ("apple-amlr", LicenceKind.NON_COMMERCIAL),
        ("seer-license", LicenceKind.NON_COMMERCIAL),
        ("dinov3-license", LicenceKind.OWN_TERMS),
        ("unknown", LicenceKind.OWN_TERMS),
    ],
)
def test_what_a_licence_allows_is_read_from_its_name(licence: str, kind: LicenceKind) -> None:
    assert licence_kind_of(licence) == kind


def test_weights_that_are_not_free_are_marked() -> None:
    marked = {record.key: record.licence_kind for record in CATALOGUE.values() if record.licence_kind != "free"}
    assert marked["timm:convnextv2_nano.fcmae_ft_in22k_in1k"] == LicenceKind.NON_COMMERCIAL
    assert marked["timm:vit_small_patch16_dinov3.lvd1689m"] == LicenceKind.OWN_TERMS
    assert "mobilenet_v2" not in marked
    assert "timm:vit_small_patch14_dinov2.lvd142m" not in marked


def test_small_networks_are_fast_and_large_ones_slow() -> None:
    speeds = {key: spec(key).speed_class for key in ("mobilenet_v2", "resnet18", "resnet50", "vit_b_16")}
    assert list(speeds.values()) == [SpeedClass.FAST, SpeedClass.MEDIUM, SpeedClass.SLOW, SpeedClass.SLOW]


# ----------------------------------------------------------------------------------------------- any network of timm


def test_any_timm_network_is_found_by_its_name() -> None:
    full = spec("timm:resnet26d.bt_in1k")
    assert (full.library, full.model_name) == ("timm", "resnet26d.bt_in1k")
    assert full.without_spreads().embedding_size == 2048
    assert full.spreads[-1] == ("layer3.1", 1024)
    assert spec("timm:resnet26d") == full
    assert full.url == "https://huggingface.co/timm/resnet26d.bt_in1k/resolve/main/model.safetensors"


def test_names_are_found_by_their_parts() -> None:
    found = find_timm("dinov2 small")
    assert "vit_small_patch14_dinov2.lvd142m" in found
    assert all("dinov2" in name and "small" in name for name in found)
    assert find_timm("no such thing") == []
    assert find_timm("") == []


def test_a_timm_name_that_does_not_exist_names_the_close_ones() -> None:
    with pytest.raises(BackboneError) as caught:
        spec("timm:resnet26dd")
    assert "resnet26dd" in caught.value.message
    assert "timm:resnet26d" in caught.value.hint


def test_an_unknown_key_names_the_close_ones() -> None:
    with pytest.raises(BackboneError) as caught:
        spec("mobilnet_v2")

    assert "mobilnet_v2" in caught.value.message
    assert "mobilenet_v2" in caught.value.hint


def test_a_file_name_made_of_a_key_is_one_on_every_system() -> None:
    for record in (*CATALOGUE.values(), spec("timm:resnet26d.bt_in1k")):
        assert not set(record.file_stem) & set('<>:"/\\|?* ')


def test_the_catalogue_needs_no_torch() -> None:
    import subprocess

    code = "import sys, engine.backbones as b; b.find_timm('vit'); assert not {'torch', 'timm'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
