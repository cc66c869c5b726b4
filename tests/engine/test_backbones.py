"""The catalogue says what the installed torchvision says."""

from __future__ import annotations

import pytest

from engine.backbones import CATALOGUE, STARTER_KEY, BackboneSpec, spec
from engine.errors import BackboneError

TORCHVISION = [record for record in CATALOGUE.values() if record.library == "torchvision"]


@pytest.mark.parametrize("record", TORCHVISION, ids=lambda record: record.key)
def test_record_agrees_with_torchvisions_own(record: BackboneSpec) -> None:
    from engine.nn.torchvision_shim import import_torchvision

    weights = import_torchvision().models.get_model_weights(record.model_name).IMAGENET1K_V1
    transforms = weights.transforms()

    assert record.url == weights.url
    assert record.url.endswith(f"-{record.sha256_prefix}.pth")
    assert transforms.crop_size == [record.input_size_px]
    assert transforms.interpolation.value == record.interpolation
    assert (tuple(transforms.mean), tuple(transforms.std)) == (record.mean, record.std)
    assert record.size_bytes == pytest.approx(weights.meta["_file_size"] * 2**20, rel=1e-3)


@pytest.mark.parametrize("record", TORCHVISION, ids=lambda record: record.key)
def test_network_gives_embeddings_of_the_size_in_its_record(record: BackboneSpec) -> None:
    from engine.nn.networks import embedding_size_of

    assert embedding_size_of(record) == record.embedding_size


def test_every_key_is_the_key_of_its_record() -> None:
    assert all(key == record.key for key, record in CATALOGUE.items())
    assert STARTER_KEY in CATALOGUE


def test_an_unknown_key_names_the_close_ones() -> None:
    with pytest.raises(BackboneError) as caught:
        spec("mobilnet_v2")

    assert "mobilnet_v2" in caught.value.message
    assert "mobilenet_v2" in caught.value.hint
