"""What every backbone of the catalogue must do, tried with random weights: nothing is downloaded.

A new record is tested by being there. Networks that take seconds each are slow tests; the rest run always.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from engine.backbones import CATALOGUE, STARTER_KEY, BackboneSpec, spec
from engine.errors import BackboneError
from engine.nn import onnx_graph
from engine.nn.networks import EXPORTED_PREFIX, load_backbone
from engine.nn.onnx_graph import BACKBONE_INPUT, BACKBONE_OUTPUT
from engine.nn.preprocess_graph import Preprocessor
from engine.nn.preprocessing import default_preprocessing
from engine.weights import file_sha256, find_weights


def is_quick(record: BackboneSpec) -> bool:
    """Whether a test of it takes a second or two; shuffled channels need torch's own, slow exporter."""
    return record.gmacs < 0.5 and "shufflenet" not in record.key


EVERY = [
    pytest.param(record, id=key, marks=[] if is_quick(record) else [pytest.mark.slow])
    for key, record in CATALOGUE.items()
]
PUBLISHED = [each for each in EVERY if each.values[0].key != STARTER_KEY]  # type: ignore[union-attr]
Make = Callable[[BackboneSpec], nn.Module]


def picture_of(record: BackboneSpec, count: int = 1) -> torch.Tensor:
    side = record.input_size_px
    return torch.randn(count, 3, side, side, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("record", EVERY)
def test_it_gives_the_same_finite_embedding_alone_and_in_company(record: BackboneSpec, random_network: Make) -> None:
    network, pictures = random_network(record), picture_of(record, 2)
    together = network(pictures)
    assert together.shape == (2, record.embedding_size)
    assert torch.isfinite(together).all()
    assert (together[0] - together[1]).abs().max() > 0
    assert torch.equal(network(pictures), together)
    alone = network(pictures[1:])
    assert (alone[0] - together[1]).abs().max() <= 1e-3 * together.abs().max()


@pytest.mark.parametrize("record", EVERY)
def test_its_graph_computes_what_torch_computes(
    record: BackboneSpec, random_network: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = random_network(record)
    monkeypatch.setattr("engine.nn.networks.load_backbone", lambda *_: network)
    graph = onnx_graph._export(record, Path())  # compares on its own pictures, too

    pictures = picture_of(record, 3)
    session = onnx_graph.make_session(graph.SerializeToString(), num_threads=1)
    found = session.run([BACKBONE_OUTPUT], {BACKBONE_INPUT: pictures.numpy()})[0]
    expected = network(pictures).numpy()
    assert np.abs(found - expected).max() <= 1e-3 * np.abs(expected).max()


@pytest.mark.parametrize("record", PUBLISHED)
def test_weights_as_they_are_published_are_loaded_and_the_classifier_is_cut_off(
    record: BackboneSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.manual_seed(0)
    file = tmp_path / "published.pth"
    torch.save(published_network(record).state_dict(), file)
    file = file.rename(tmp_path / f"{record.model_name}-{file_sha256(file)[:8]}.pth")
    monkeypatch.setenv("GRAFT_WEIGHTS", str(tmp_path))

    assert find_weights(record) == file
    network = load_backbone(record, file)
    embedding = network(picture_of(record))
    assert embedding.shape == (1, record.embedding_size)
    assert torch.equal(load_backbone(record, file)(picture_of(record)), embedding)


@pytest.mark.parametrize("record", EVERY)
def test_weights_as_an_export_writes_them_are_loaded(
    record: BackboneSpec, random_network: Make, tmp_path: Path
) -> None:
    from safetensors.torch import save_file

    network = random_network(record)
    file = tmp_path / "model.safetensors"
    save_file({EXPORTED_PREFIX + name: value.contiguous() for name, value in network.state_dict().items()}, file)
    loaded = load_backbone(record, file)
    torch.testing.assert_close(loaded(picture_of(record)), network(picture_of(record)))


@pytest.mark.parametrize("record", EVERY)
def test_its_views_are_normalised_as_its_weights_expect(record: BackboneSpec) -> None:
    preprocessing = default_preprocessing(record)
    white = np.full((40, 60, 3), 255, np.uint8)
    views = Preprocessor(preprocessing)(white)
    assert views.shape == (preprocessing.num_views, 3, record.input_size_px, record.input_size_px)
    expected = (1 - np.array(record.mean)) / np.array(record.std)
    np.testing.assert_allclose(views, np.broadcast_to(expected[:, None, None], views.shape), atol=1e-4)


@pytest.mark.parametrize("record", PUBLISHED)
def test_missing_weights_are_a_sentence_that_says_how_to_get_them(record: BackboneSpec) -> None:
    with pytest.raises(BackboneError, match="not on this machine") as caught:
        find_weights(record)
    assert record.url in caught.value.hint
    assert f"{record.size_bytes / 1e6:.0f} MB" in caught.value.hint


@pytest.mark.parametrize("record", [each for each in PUBLISHED if "timm" in str(each.id) and not each.marks])
@pytest.mark.parametrize("content", [{}, {"weight": torch.zeros(3)}])
def test_weights_of_something_else_are_refused_by_timm_networks(
    record: BackboneSpec, content: dict[str, torch.Tensor], tmp_path: Path
) -> None:
    file = tmp_path / "other.pth"
    torch.save(content, file)
    with pytest.raises(BackboneError, match="does not hold the weights"):
        load_backbone(record, file)


@pytest.mark.parametrize("key", ["mobilenet_v2", "mobilenet_v3_small", "squeezenet1_1", STARTER_KEY])
def test_real_weights_tell_real_pictures_apart(key: str, shared_weights: Path, shared_data: Path) -> None:
    from engine.nn.embed import Embedder

    folder = shared_data / "steel_neu"
    paths = [path for kind in ("crazing", "patches") for path in sorted((folder / kind).iterdir())[:6]]
    with Embedder(spec(key), find_weights(spec(key)), num_threads=1) as embedder:
        (block,) = embedder.blocks(paths)
    different = block.features - block.features.mean(axis=0)  # what all pictures have in common says nothing
    different /= np.linalg.norm(different, axis=1, keepdims=True)
    likeness = different @ different.T
    within = (likeness[:6, :6].sum() + likeness[6:, 6:].sum() - 12) / 60
    assert within > likeness[:6, 6:].mean() + 0.05


def published_network(record: BackboneSpec) -> nn.Module:
    """Returns the network with its classifier, random weights, on the CPU."""
    if record.library == "timm":
        from engine.nn.timm_networks import size_arguments, timm

        made: nn.Module = timm.create_model(record.model_name, pretrained=False, **size_arguments(record))
        return made
    from engine.nn.torchvision_shim import import_torchvision

    extra = {"init_weights": False} if record.model_name == "inception_v3" else {}
    network: nn.Module = import_torchvision().models.get_model(record.model_name, weights=None, **extra)
    return network


@pytest.mark.slow
def test_weights_published_for_another_picture_size_are_resampled() -> None:
    from engine.nn.timm_networks import load_timm, timm

    record = spec("timm:vit_small_patch14_dinov2.lvd142m")
    published: nn.Module = timm.create_model(record.model_name, pretrained=False)
    assert published.pos_embed.shape[1] == (518 // 14) ** 2 + 1
    network = load_timm(record, published.state_dict()).eval()
    assert network.pos_embed.shape[1] == (224 // 14) ** 2 + 1
    assert network(picture_of(record)).shape == (1, record.embedding_size)
