"""Resizing for runtimes whose own is another: the same pixels, in plain arithmetic and outside of the model."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnxruntime
import pytest
from PIL import Image

from engine.backbones import IMAGENET_MEAN, IMAGENET_STD
from engine.exporters.plain_resize import with_plain_resizes
from engine.exporters.prepared_views import input_document, prepared_views_source
from engine.nn.preprocess_graph import preprocess_graph
from engine.nn.preprocessing import VIEW_NAMES, Preprocessing

SIZES = ((1, 1), (2, 300), (97, 96), (333, 250), (64, 65), (1200, 64))
BOTH = pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
GREY_LEVEL = 1 / 255 / 0.225


@BOTH
def test_two_matrix_products_resize_as_the_program_does(interpolation: str) -> None:
    preprocessing = Preprocessing(96, IMAGENET_MEAN, IMAGENET_STD, interpolation, VIEW_NAMES)
    own = onnxruntime.InferenceSession(preprocess_graph(preprocessing).SerializeToString())
    plain_graph = with_plain_resizes(preprocess_graph(preprocessing))
    assert "Resize" not in {node.op_type for node in plain_graph.graph.node}
    plain = onnxruntime.InferenceSession(plain_graph.SerializeToString())
    chance = np.random.default_rng(0)
    for height, width in SIZES:
        pixels = chance.integers(0, 256, (height, width, 3), dtype=np.uint8)
        expected, got = own.run(None, {"image": pixels})[0], plain.run(None, {"image": pixels})[0]
        assert np.abs(expected - got).max() <= 0.02 * GREY_LEVEL


@BOTH
def test_pictures_prepared_outside_are_those_that_the_program_sees(interpolation: str) -> None:
    preprocessing = Preprocessing(96, (0.0, 0.0, 0.0), (1 / 255,) * 3, interpolation, VIEW_NAMES)
    own = onnxruntime.InferenceSession(preprocess_graph(preprocessing).SerializeToString())
    names: dict[str, Any] = {"np": np, "Image": Image}
    exec(prepared_views_source(preprocessing), names)  # noqa: S102 - our own source
    chance = np.random.default_rng(0)
    for height, width in SIZES:
        pixels = chance.integers(0, 256, (height, width, 3), dtype=np.uint8)
        views = names["views_of"](pixels)
        assert views.dtype == np.float32
        assert list(views.shape) == input_document(preprocessing)["shape"]
        np.testing.assert_allclose(views, own.run(None, {"image": pixels})[0], atol=0.02)
