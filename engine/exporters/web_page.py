"""A web page: an ONNX export, and beside it a page that runs the model in a browser, with no network and no server.

A browser gives a page that was opened as a file no other files, except scripts. So the model and ONNX Runtime Web lie
in scripts, compressed and as text; the page works by a double click and on any web server alike.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import shutil
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from engine.domain import LabelMode
from engine.errors import ExportError
from engine.exporters.onnx_model import OnnxExporter
from engine.exporters.protocol import ModelFacts, WriteContext, exact_numbers, model_document
from engine.language import tr
from engine.nn.onnx_graph import ask_classifier
from engine.nn.run_model import RunModel

RESOURCES: Final = Path(__file__).resolve().parents[2] / "resources" / "web"
PAGE_FOLDER: Final = "page"
_PAGE_FILES: Final = ("style.css", "icon.svg", "worker.js", "pictures.js", "cards.js", "app.js")
_RUNTIME_SCRIPT: Final = "ort.wasm.bundle.min.mjs"
_RUNTIME_WASM: Final = "ort-wasm-simd-threaded.wasm.gz"
_LICENCES: Final = ("LICENSE.txt", "ThirdPartyNotices.txt")
_PART_BYTES: Final = 8 << 20
"""Of compressed bytes in one script: a browser holds a script as one string, whose length is limited."""
_CHECK_WIDTH, _CHECK_HEIGHT = 128, 96
_CHECK_LIMIT: Final = 1e-3
"""How far a browser's probabilities for the test picture may be from the program's before the page warns of itself."""


class WebPageExporter(OnnxExporter):
    """The files of an ONNX export, index.html, and what the page needs in a folder of its own."""

    def notes(self, model: RunModel) -> tuple[str, ...]:
        on_use = tr(
            "Open `index.html` in a browser. Where that keeps the camera from a page that was opened as a file, "
            "`python3 serve.py` shows the page at an address of this computer."
        )
        on_opening = tr(
            "The check below ran the model in ONNX Runtime on the computer that made the export. The page itself runs "
            "ONNX Runtime Web, and compares its numbers for a test picture with the program's each time it is opened."
        )
        on_pictures = tr(
            "A browser decodes pictures itself: those with a colour profile may differ by a rounding step, and 16-bit "
            "pictures are read in 8 bits and not stretched."
        )
        return on_use, on_opening, on_pictures

    def write(self, model: RunModel, facts: ModelFacts, folder: Path, context: WriteContext) -> None:
        super().write(model, facts, folder, context)
        graph = (folder / self.model_file).read_bytes()
        page = folder / PAGE_FOLDER
        page.mkdir()
        try:
            for name in _PAGE_FILES:
                shutil.copyfile(RESOURCES / name, page / name)
            for name in _LICENCES:
                shutil.copyfile(RESOURCES / "runtime" / name, page / name)
            for name in ("index.html", "serve.py"):
                shutil.copyfile(RESOURCES / name, folder / name)
            script = gzip.compress((RESOURCES / "runtime" / _RUNTIME_SCRIPT).read_bytes(), mtime=0)
            wasm = (RESOURCES / "runtime" / _RUNTIME_WASM).read_bytes()
        except FileNotFoundError as err:
            raise ExportError(
                tr("{file} is missing.", file=err.filename), tr("Get the program's files again.")
            ) from err
        context.job.progress(0, 0, tr("writing the page"))
        parts = _write_parts(page, "script", script) + _write_parts(page, "wasm", wasm)
        context.job.checkpoint()
        # The weights are noise to a compressor: it takes off a tenth, so the quickest level will do.
        parts += _write_parts(page, "model", gzip.compress(graph, 1, mtime=0))
        document = page_document(model, facts, graph, parts)
        text = json.dumps(document, ensure_ascii=False, indent=1).replace("\u2028", "\\u2028")
        (page / "data.js").write_text(
            f'"use strict";\nvar graft = self.graft || (self.graft = {{}});\ngraft.data = {text};\n',
            encoding="utf-8",
            newline="\n",
        )


def page_document(model: RunModel, facts: ModelFacts, graph: bytes, parts: list[str]) -> dict[str, Any]:
    """Returns what the page knows of the model: what model.json says, its scripts, and the test picture's answer."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    probabilities, _score = ask_classifier(session, check_picture())
    described = model_document(model, facts)
    kept = ("classes", "mode", "unknown", "run", "validation", "backbone")
    return {
        **{name: described[name] for name in kept},
        "thresholds": described.get("thresholds", []) if model.mode is LabelMode.SEVERAL else [],
        "model_sha256": hashlib.sha256(graph).hexdigest(),
        "parts": parts,
        "check": {
            "width": _CHECK_WIDTH,
            "height": _CHECK_HEIGHT,
            "probabilities": exact_numbers(probabilities),
            "limit": _CHECK_LIMIT,
        },
    }


def check_picture() -> NDArray[np.uint8]:
    """Returns the test picture (96, 128, 3), of whole numbers so that worker.js makes the very same one."""
    y, x, channel = np.mgrid[0:_CHECK_HEIGHT, 0:_CHECK_WIDTH, 0:3]
    values = x * (3 + channel) + y * (5 - channel) + ((x * y) >> 4) * (channel + 1) + 40 * channel
    return np.asarray(values & 255, np.uint8)


def _write_parts(page: Path, name: str, data: bytes) -> list[str]:
    """Writes compressed bytes as scripts and returns their addresses, as the page sees them."""
    addresses = []
    for index, start in enumerate(range(0, len(data), _PART_BYTES)):
        text = base64.b64encode(data[start : start + _PART_BYTES]).decode()
        file = page / f"{name}-{index}.js"
        file.write_text(f'graft.part("{name}", {index}, "{text}");\n', encoding="ascii", newline="\n")
        addresses.append(f"{PAGE_FOLDER}/{file.name}")
    return addresses


EXPORTER = WebPageExporter()
