"""From decoded pixels to what a backbone takes: one definition for training, the program and every export.

It is a small ONNX graph: uint8 (H, W, 3) of any size -> antialiased resize to a square -> normalised float32. The
program runs it in ONNX Runtime; exports contain it. Within 1e-4 of torch's antialiased interpolate.
"""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime as ort
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from engine.nn.preprocessing import Preprocessing

DEFAULT_OPSET = 18
DEFAULT_IR_VERSION = 9
PIXELS_INPUT = "image"
VIEWS_OUTPUT = "views"


def preprocess_graph(
    preprocessing: Preprocessing, opset: int = DEFAULT_OPSET, ir_version: int = DEFAULT_IR_VERSION
) -> onnx.ModelProto:
    """Returns the graph: input "image" uint8 (height, width, 3), output "views" float32 (V, 3, S, S).

    `exclude_outside` makes ONNX Runtime renormalise the filter at the borders as torch and Pillow do; without it the
    border pixels are wrong by up to 0.3 standard deviations.
    """
    side = preprocessing.input_size_px
    mean = np.array(preprocessing.mean, np.float32).reshape(1, 3, 1, 1) * 255
    std = np.array(preprocessing.std, np.float32).reshape(1, 3, 1, 1) * 255
    constants = {
        "batch_axis": np.array([0], np.int64),
        "view_size": np.array([1, 3, side, side], np.int64),
        "pixel_mean": mean,
        "pixel_scale": 1 / std,
    }
    mode = "cubic" if preprocessing.interpolation == "bicubic" else "linear"
    plain = "plain_view" if preprocessing.has_mirror else VIEWS_OUTPUT
    nodes = [
        helper.make_node("Transpose", [PIXELS_INPUT], ["channels_first"], perm=[2, 0, 1]),
        helper.make_node("Unsqueeze", ["channels_first", "batch_axis"], ["one_image"]),
        helper.make_node("Cast", ["one_image"], ["pixels"], to=TensorProto.FLOAT),
        helper.make_node(
            "Resize",
            ["pixels", "", "", "view_size"],
            ["resized"],
            mode=mode,
            antialias=1,
            exclude_outside=1,
            cubic_coeff_a=-0.5,
            coordinate_transformation_mode="half_pixel",
        ),
        helper.make_node("Sub", ["resized", "pixel_mean"], ["centred"]),
        helper.make_node("Mul", ["centred", "pixel_scale"], [plain]),
    ]
    if preprocessing.has_mirror:
        constants |= {name: np.array([value], np.int64) for name, value in _MIRROR_SLICE.items()}
        nodes += [
            helper.make_node("Slice", [plain, *_MIRROR_SLICE], ["mirror_view"]),
            helper.make_node("Concat", [plain, "mirror_view"], [VIEWS_OUTPUT], axis=0),
        ]
    graph = helper.make_graph(
        nodes,
        "preprocess",
        [helper.make_tensor_value_info(PIXELS_INPUT, TensorProto.UINT8, ["height", "width", 3])],
        [helper.make_tensor_value_info(VIEWS_OUTPUT, TensorProto.FLOAT, [preprocessing.num_views, 3, side, side])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=ir_version)
    onnx.checker.check_model(model)
    return model


_MIRROR_SLICE = {"mirror_start": -1, "mirror_end": np.iinfo(np.int64).min, "mirror_axis": 3, "mirror_step": -1}


class Preprocessor:
    """Runs a preprocessing graph; one object may be used from many threads at once."""

    def __init__(self, preprocessing: Preprocessing) -> None:
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1  # The callers are several decode threads already.
        options.inter_op_num_threads = 1
        graph = preprocess_graph(preprocessing).SerializeToString()
        self._session = ort.InferenceSession(graph, options, providers=["CPUExecutionProvider"])

    def __call__(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Returns the views (V, 3, S, S) of one decoded image (H, W, 3)."""
        views: NDArray[np.float32] = self._session.run([VIEWS_OUTPUT], {PIXELS_INPUT: pixels})[0]
        return views
