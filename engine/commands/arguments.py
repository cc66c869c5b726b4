"""Arguments that several commands share."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_project_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("project", type=Path, metavar="PROJECT", help="a project's folder")


def add_model_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "model",
        type=Path,
        metavar="PROJECT|MODEL",
        help="a project's folder, or an exported model: the folder of an onnx or safetensors export, or its .onnx file",
    )


def add_group_argument(parser: argparse.ArgumentParser, more: str = "") -> None:
    parser.add_argument(
        "--group-by",
        type=_group_rule,
        metavar="RULE",
        help="images that are held out together when the model is measured. folder: those of one folder; a regular "
        "expression: those whose names give the same first group, or whole match; a CSV file: those with the same "
        f"group in its columns image,group{more}",
    )


def _group_rule(text: str) -> str:
    from engine.evaluation.groups import rule_error

    error = rule_error(text)
    if error:
        raise argparse.ArgumentTypeError(error)
    return text


def add_json_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print one JSON document and nothing else")
