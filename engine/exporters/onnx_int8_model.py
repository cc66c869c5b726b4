"""ONNX with 8-bit weights and activations, set on the user's images: a quarter of the file, or refused.

Plain static quantisation can destroy a network without a word (36 of 40 decisions were wrong on EfficientNet-B0), so an
export is kept only when it decides as the program on at least 99 % of images that it was not set on.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import onnx

from engine.errors import ExportError, ImageError
from engine.exporters.onnx_model import OnnxExporter
from engine.exporters.onnx_parts import prepare, robust_layers
from engine.exporters.protocol import Limits, WriteContext
from engine.images.decode import decode_rgb
from engine.language import tr
from engine.nn.preprocess_graph import PIXELS_INPUT


class OnnxInt8Exporter(OnnxExporter):
    """As `OnnxExporter`, input and outputs included, with the backbone's layers in 8 bits, weights per channel."""

    limits = Limits(agreement=0.99, difference=None, unknown_difference=None)

    def reduced(self, graph: onnx.ModelProto, context: WriteContext) -> onnx.ModelProto:
        from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType, quantize_static

        prepare(graph)
        images = _Images(context)
        with tempfile.TemporaryDirectory(prefix="graft-int8-") as folder:
            source, target = Path(folder, "full.onnx"), Path(folder, "reduced.onnx")
            source.write_bytes(graph.SerializeToString())
            quantize_static(
                source,
                target,
                images,
                quant_format=QuantFormat.QDQ,
                per_channel=True,
                activation_type=QuantType.QUInt8,
                weight_type=QuantType.QUInt8,  # signed ones overflow in processors without VNNI
                nodes_to_quantize=robust_layers(graph),
                calibrate_method=CalibrationMethod.MinMax,
                extra_options={"CalibMovingAverage": True},
            )
            if not images.num_read:
                raise ExportError(
                    tr("None of the project's images can be read, so there is nothing to set the 8-bit numbers on."),
                    tr("Connect the drive that holds the images, then export again."),
                )
            context.job.progress(0, 0, tr("writing the model"))
            reduced: onnx.ModelProto = onnx.load(target)
        return reduced


class _Images:
    """Hands pictures to the calibration one after the other; those that cannot be read are left out."""

    def __init__(self, context: WriteContext) -> None:
        self._context = context
        self._paths: Iterator[tuple[int, Path]] = enumerate(context.calibration_images)
        self.num_read = 0

    def get_next(self) -> dict[str, Any] | None:
        total = len(self._context.calibration_images)
        for index, path in self._paths:
            self._context.job.checkpoint()
            note = tr("setting the numbers on {index} of {total} images", index=index + 1, total=total)
            self._context.job.progress(index, total, note)
            try:
                pixels = decode_rgb(path)
            except ImageError:
                continue
            self.num_read += 1
            return {PIXELS_INPUT: pixels}
        return None


EXPORTER = OnnxInt8Exporter()
