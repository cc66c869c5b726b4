"""`graft backbones`: lists the pretrained networks and where their weights are, and downloads them."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from engine.commands.arguments import add_json_argument
from engine.commands.console import Console, Document
from engine.errors import BackboneError

if TYPE_CHECKING:
    from engine.backbones import BackboneSpec


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--download", metavar="KEY", help="download the weights of this one first; goes on where it stopped"
    )
    parser.add_argument(
        "--search", metavar="WORDS", help="list the networks of timm whose names hold these words instead"
    )
    add_json_argument(parser)


def run(arguments: argparse.Namespace, console: Console) -> None:
    from engine.backbones import CATALOGUE, TIMM_PREFIX, find_timm, spec

    if arguments.download:
        from engine.tasks.download import DownloadWeights

        console.run(DownloadWeights(arguments.download))
    records = list(CATALOGUE.values())
    if arguments.search is not None:
        records = [spec(TIMM_PREFIX + name) for name in find_timm(arguments.search)]
    elif arguments.download and arguments.download not in CATALOGUE:
        records.append(spec(arguments.download))
    rows = [_row(record) for record in records]
    console.document({"backbones": rows})
    for row in rows:
        size = f"{row['size_bytes'] / 1e6:,.0f} MB"
        place = f"in {row['weights']}" if row["weights"] else "no weights here"
        terms = "" if row["licence_kind"] == "free" else f"; {row['licence_kind']}"
        console.say(f"{row['backbone']:<46s} {size:>8s}  {row['speed']:<6s}  {place}  ({row['licence']}{terms})")
    if arguments.search is not None and not rows:
        console.say(f"timm has no pretrained network whose name holds “{arguments.search}”.")


def _row(record: BackboneSpec) -> Document:
    from engine.weights import find_weights

    weights: str | None
    try:
        weights = str(find_weights(record))
    except BackboneError:
        weights = None
    return {
        "backbone": record.key,
        "name": record.display_name,
        "embedding_size": record.embedding_size,
        "input_size_px": record.input_size_px,
        "size_bytes": record.size_bytes,
        "speed": str(record.speed_class),
        "licence": record.licence,
        "licence_kind": str(record.licence_kind),
        "weights": weights,
    }
