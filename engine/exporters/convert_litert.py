"""The helper process that turns a run into a .tflite file; see `litert_model`, which starts it."""

from __future__ import annotations

import json
from pathlib import Path


def main(argument: str) -> None:
    """Converts the run named in a JSON document. What goes wrong is written into its `reason_file`."""
    wanted = json.loads(argument)
    try:
        _convert(Path(wanted["run_folder"]), Path(wanted["project_folder"]), Path(wanted["file"]))
    except BaseException as err:
        # Whatever the libraries raise: this process does nothing else, and the one that waits tells the reason.
        text = (str(err).splitlines() or [""])[0][:200]
        Path(wanted["reason_file"]).write_text(f"{type(err).__name__}: {text}", encoding="utf-8")
        raise


def _convert(run_folder: Path, project_folder: Path, file: Path) -> None:
    from engine.extras import activate, extra
    from engine.nn.run_model import load_run_model

    activate(extra("litert"))
    import litert_torch
    import torch

    from engine.nn.torch_classifier import NamedAnswers

    model = load_run_model(run_folder, project_folder)
    side = model.preprocessing.input_size_px
    example = torch.zeros(model.preprocessing.num_views, 3, side, side)
    edge = litert_torch.signature("predict", NamedAnswers(model).eval(), sample_kwargs={"views": example}).convert()
    edge.export(str(file))
