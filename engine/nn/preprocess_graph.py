"""From decoded pixels to what a backbone takes: one definition for training, the program and every export.

It is a small ONNX graph: uint8 (H, W, 3) of any size -> views (V, 3, S, S), resized with antialiasing and normalised.
The program runs it in ONNX Runtime; exports contain it. Within 1e-4 of torch's antialiased interpolate.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from engine.nn.preprocessing import CUT_EIGHTHS, MIRROR, WHOLE, Preprocessing

DEFAULT_OPSET = 18
DEFAULT_IR_VERSION = 9
PIXELS_INPUT = "image"
VIEWS_OUTPUT = "views"


def preprocess_graph(
    preprocessing: Preprocessing, opset: int = DEFAULT_OPSET, ir_version: int = DEFAULT_IR_VERSION
) -> onnx.ModelProto:
    """Returns the graph: input "image" uint8 (height, width, 3), output "views" float32 (V, 3, S, S)."""
    side = preprocessing.input_size_px
    writer = _Writer(preprocessing.interpolation)
    writer.constant("view_size", np.array([1, 3, side, side], np.int64))
    writer.constant("pixel_mean", np.array(preprocessing.mean, np.float32).reshape(1, 3, 1, 1) * 255)
    writer.constant("pixel_factor", 1 / (np.array(preprocessing.std, np.float32).reshape(1, 3, 1, 1) * 255))
    writer.add("Transpose", [PIXELS_INPUT], "channels_first", perm=[2, 0, 1])
    writer.constant("batch_axis", np.array([0], np.int64))
    writer.add("Unsqueeze", ["channels_first", "batch_axis"], "one_image")
    if {WHOLE, MIRROR} & set(preprocessing.views):
        writer.add("Cast", ["one_image"], "whole_pixels", to=TensorProto.FLOAT)
        writer.resize("whole_pixels", "whole_resized")
    if MIRROR in preprocessing.views:
        writer.mirror("whole_resized", "mirror_resized")
    for view in [name for name in CUT_EIGHTHS if name in preprocessing.views]:
        writer.cut_middle("one_image", view)
        writer.add("Cast", [f"{view}_square"], f"{view}_pixels", to=TensorProto.FLOAT)
        writer.resize(f"{view}_pixels", f"{view}_resized")
    writer.add("Concat", [f"{view}_resized" for view in preprocessing.views], "resized", axis=0)
    writer.add("Sub", ["resized", "pixel_mean"], "centred")
    writer.add("Mul", ["centred", "pixel_factor"], VIEWS_OUTPUT)
    graph = helper.make_graph(
        writer.nodes,
        "preprocess",
        [helper.make_tensor_value_info(PIXELS_INPUT, TensorProto.UINT8, ["height", "width", 3])],
        [helper.make_tensor_value_info(VIEWS_OUTPUT, TensorProto.FLOAT, [preprocessing.num_views, 3, side, side])],
        writer.constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=ir_version)
    onnx.checker.check_model(model)
    return model


class Preprocessor:
    """Runs a preprocessing graph; one object may be used from many threads at once."""

    def __init__(self, preprocessing: Preprocessing) -> None:
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1  # The callers are several decode threads already.
        options.inter_op_num_threads = 1
        # Shapes change with every picture: patterns remembered for each of them would only cost memory.
        options.enable_mem_pattern = False
        graph = preprocess_graph(preprocessing).SerializeToString()
        self._session = ort.InferenceSession(graph, options, providers=["CPUExecutionProvider"])

    def __call__(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Returns the views (V, 3, S, S) of one decoded image (H, W, 3)."""
        views: NDArray[np.float32] = self._session.run([VIEWS_OUTPUT], {PIXELS_INPUT: pixels})[0]
        return views


class _Writer:
    """Collects the nodes and constants of the graph."""

    def __init__(self, interpolation: str) -> None:
        self._mode = "cubic" if interpolation == "bicubic" else "linear"
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def add(self, kind: str, inputs: list[str], output: str, **attributes: Any) -> None:
        self.nodes.append(helper.make_node(kind, inputs, [output], **attributes))

    def constant(self, name: str, value: NDArray[Any]) -> None:
        self.constants.append(numpy_helper.from_array(value, name))

    def resize(self, source: str, output: str) -> None:
        """Resizes to the view size.

        `exclude_outside` makes ONNX Runtime renormalise the filter at the borders, as torch and Pillow do; without it
        the border pixels are wrong by up to 0.3 standard deviations.
        """
        self.add(
            "Resize",
            [source, "", "", "view_size"],
            output,
            mode=self._mode,
            antialias=1,
            exclude_outside=1,
            cubic_coeff_a=-0.5,
            coordinate_transformation_mode="half_pixel",
        )

    def mirror(self, source: str, output: str) -> None:
        """Exchanges left and right."""
        first, last = -1, np.iinfo(np.int64).min
        for name, value in (("start", first), ("end", last), ("axis", 3), ("step", -1)):
            self.constant(f"mirror_{name}", np.array([value], np.int64))
        self.add("Slice", [source, "mirror_start", "mirror_end", "mirror_axis", "mirror_step"], output)

    def cut_middle(self, source: str, view: str) -> None:
        """Cuts the square of a view out of the middle, in whole pixels (see Preprocessing)."""
        numbers = {"one": 1, "two": 2, "part": CUT_EIGHTHS[view], "eight": 8}
        for name, number in numbers.items():
            self.constant(f"{view}_{name}", np.array([number], np.int64))
        self.constant(f"{view}_axes", np.array([2, 3], np.int64))

        def add(kind: str, inputs: str, output: str, **attributes: Any) -> None:
            self.add(kind, [f"{view}_{name}" for name in inputs.split()], f"{view}_{output}", **attributes)

        self.add("Shape", [source], f"{view}_image_size", start=2, end=4)
        add("ReduceMin", "image_size", "shorter", keepdims=1)
        add("Mul", "shorter part", "times_part")
        add("Div", "times_part eight", "whole_part")
        add("Max", "whole_part one", "side")
        add("Sub", "image_size side", "margins")
        add("Div", "margins two", "corner")
        add("Add", "corner side", "opposite")
        self.add("Slice", [source, f"{view}_corner", f"{view}_opposite", f"{view}_axes"], f"{view}_square")
