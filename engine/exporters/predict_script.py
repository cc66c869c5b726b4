"""The parts of predict.py that all formats share, and how the program runs a predict.py that it has just written."""

from __future__ import annotations

import re
import runpy
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.domain import LabelMode
from engine.errors import ExportError
from engine.exporters.protocol import LABELS_NAME, PREDICT_NAME, ModelFacts, exact_numbers
from engine.language import tr
from engine.nn.run_model import RunModel

_SCRIPT = '''"""Tells the class of pictures: python predict.py PICTURE... (needs {needs})"""

import sys
from pathlib import Path

{imports}
FOLDER = Path(__file__).resolve().parent
CLASSES = (FOLDER / "{labels}").read_text(encoding="utf-8").rstrip("\\n").split("\\n")
{constants}{load}

{functions}

def predict(pixels):
    """Returns the probability of each class, in the order of {labels}, and how strange the picture is (0..1)."""
    {ask}


{show}'''

READ_PICTURE = '''def read_picture(file):
    """Returns the upright pixels of a picture file as uint8 (height, width, 3), transparent parts white."""
    with Image.open(file) as picture:
        picture = ImageOps.exif_transpose(picture)
        if "A" in picture.getbands() or "transparency" in picture.info:
            picture = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture.convert("RGBA"))
        return np.array(picture.convert("RGB"))
'''

_SHOW_ONE = """if __name__ == "__main__":
    for file in sys.argv[1:]:
        scores, unknown_score = predict(read_picture(file))
        best = int(scores.argmax())
        is_unknown = unknown_score >= UNKNOWN_THRESHOLD
        print(f"{file}\\t{'unknown' if is_unknown else CLASSES[best]}\\t{scores[best]:.4f}\\t{unknown_score:.3f}")
"""

_SHOW_SEVERAL = """if __name__ == "__main__":
    for file in sys.argv[1:]:
        scores, unknown_score = predict(read_picture(file))
        found = [CLASSES[at] for at in (-scores).argsort(kind="stable") if scores[at] >= THRESHOLDS[at]]
        is_unknown = unknown_score >= UNKNOWN_THRESHOLD
        print(f"{file}\\t{'unknown' if is_unknown else ', '.join(found) or '-'}\\t{unknown_score:.3f}")
"""


def constants_source(model: RunModel, facts: ModelFacts) -> str:
    """Returns Python source of what decides: thresholds of the classes, and from where on an image is unknown."""
    source = (
        f"UNKNOWN_THRESHOLD = {facts.unknown_threshold!r}  # {facts.false_alarm_rate:.0%} of known images reach it\n"
    )
    if model.thresholds is not None:
        source += f"THRESHOLDS = np.array({exact_numbers(model.thresholds)!r}, np.float32)\n"
    return source


def show_source(model: RunModel) -> str:
    """Returns Python source that prints what `predict` says of the pictures named on the command line."""
    return _SHOW_SEVERAL if model.mode is LabelMode.SEVERAL else _SHOW_ONE


def predict_source(
    model: RunModel, facts: ModelFacts, needs: Sequence[str], imports: str, load: str, ask: str, more: str = ""
) -> str:
    """Returns a whole predict.py for a format whose runtime takes the model as one file.

    Args:
        needs: the packages, as pip names.
        imports: the lines that import what is needed beside sys and Path: numpy as np, Image, ImageOps, the runtime.
        load: the lines that load the model from FOLDER.
        ask: the lines that return probabilities and unknown score of `pixels`, indented by four spaces but the first.
        more: further functions that `ask` needs.
    """
    return _SCRIPT.format(
        needs=", ".join(re.split(r"[<>=]", name)[0] for name in needs),
        imports=imports,
        labels=LABELS_NAME,
        constants=constants_source(model, facts),
        load=load,
        functions=READ_PICTURE + (f"\n\n{more}" if more else ""),
        ask=ask,
        show=show_source(model),
    )


@dataclass(frozen=True, slots=True)
class PredictScript:
    """An exported predict.py, running in this process: its two functions and its class names."""

    classes: list[str]
    read_picture: Callable[[Path], NDArray[np.uint8]]
    predict: Callable[[NDArray[np.uint8]], tuple[NDArray[np.float32], float]]


def load_predict_script(folder: Path) -> PredictScript:
    """Runs the predict.py in `folder` up to its definitions: the model is then loaded from disk, as a user would.

    Only for a folder that this program has just written.

    Raises:
        ExportError: the script or the model file that it loads does not run.
    """
    is_writing_bytecode = sys.dont_write_bytecode
    sys.dont_write_bytecode = True  # no __pycache__ in what the user gets
    try:
        names: dict[str, Any] = runpy.run_path(str(folder / PREDICT_NAME), run_name="exported_predict_script")
    except Exception as err:
        raise ExportError(
            tr(
                "The exported model cannot be loaded again ({reason}).",
                reason=f"{type(err).__name__}: {_first_line(err)}",
            ),
            tr("Nothing was kept. Please report this with the name of the backbone."),
        ) from err
    finally:
        sys.dont_write_bytecode = is_writing_bytecode
    return PredictScript(names["CLASSES"], names["read_picture"], names["predict"])


def _first_line(err: Exception) -> str:
    return (str(err).splitlines() or [""])[0][:200]
