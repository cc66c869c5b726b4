"""Fills an export folder: the model in its format, and around it what every format has in common."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from engine.exporters.card import model_card, read_me
from engine.exporters.parity import Parity, ParityImage, measure_parity, refuse_without_parity
from engine.exporters.predict_script import load_predict_script
from engine.exporters.program_answers import answers_of
from engine.exporters.protocol import (
    LABELS_NAME,
    MODEL_DOCUMENT_NAME,
    Exporter,
    ModelFacts,
    WriteContext,
    model_document,
)
from engine.exporters.quiet import quiet
from engine.exporters.registry import exporter, model_format
from engine.extras import activate, extra
from engine.job import JobContext
from engine.language import tr
from engine.nn.run_model import RunModel

CARD_NAME = "model_card.md"
PARITY_NAME = "parity.json"
READ_ME_NAME = "README.txt"


def write_package(
    format_name: str,
    model: RunModel,
    facts: ModelFacts,
    images: Sequence[ParityImage],
    folder: Path,
    write_context: WriteContext,
) -> Parity:
    """Writes a complete export into the empty `folder` and returns how it compares with the program on `images`.

    Raises:
        ExportError: the exported model does not predict what the program predicts; the caller removes the folder.
        ExtraError: what the format needs is not installed.
    """
    context = write_context.job
    needed = model_format(format_name).extra
    if needed:
        activate(extra(needed))
    format_exporter = exporter(format_name)
    context.progress(0, 0, tr("writing the model"))
    names = [" ".join(name.split()) for name in model.class_names]  # one line each, whatever a name holds
    _write(folder / LABELS_NAME, "".join(f"{name}\n" for name in names))
    with quiet():
        format_exporter.write(model, facts, folder, write_context)
    document = {
        "format": format_name,
        "model_file": format_exporter.model_file,
        "requirements": list(format_exporter.requirements(model.spec)),
        "input": format_exporter.input_document(model),
        **model_document(model, facts),
    }
    _write(folder / MODEL_DOCUMENT_NAME, _json(document))

    context.checkpoint()
    parity = _checked(format_exporter, model, images, folder, context)
    _write(folder / PARITY_NAME, _json(parity.document()))
    _write(folder / CARD_NAME, model_card(model, facts, format_exporter, parity))
    files = [file.name for file in folder.iterdir()]
    _write(folder / READ_ME_NAME, read_me(facts.project_name, format_exporter.requirements(model.spec), files))
    return parity


def _checked(
    format_exporter: Exporter, model: RunModel, images: Sequence[ParityImage], folder: Path, context: JobContext
) -> Parity:
    reason = format_exporter.unchecked_reason()
    if reason:
        return Parity.unchecked(format_exporter.runtime(), reason)
    context.progress(0, 0, tr("loading the model again"))
    script = load_predict_script(folder)
    program = answers_of(model)
    try:
        parity = measure_parity(
            script,
            program,
            images,
            format_exporter.runtime(),
            format_exporter.limits,
            context,
            model.thresholds,
        )
    finally:
        program.close()
    refuse_without_parity(parity, format_exporter.limits)
    return parity


def _json(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _write(file: Path, text: str) -> None:
    file.write_text(text, encoding="utf-8", newline="\n")
