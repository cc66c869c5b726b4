"""`graft backbones`: lists the pretrained networks and where their weights are, and downloads them."""

from __future__ import annotations

import argparse

from engine.commands.arguments import add_json_argument
from engine.commands.console import Console, Document
from engine.errors import BackboneError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--download", metavar="KEY", help="download the weights of this one first; goes on where it stopped"
    )
    add_json_argument(parser)


def run(arguments: argparse.Namespace, console: Console) -> None:
    from engine.backbones import CATALOGUE
    from engine.weights import find_weights

    if arguments.download:
        from engine.tasks.download import DownloadWeights

        console.run(DownloadWeights(arguments.download))
    rows: list[Document] = []
    for key, spec in CATALOGUE.items():
        weights: str | None
        try:
            weights = str(find_weights(spec))
        except BackboneError:
            weights = None
        rows.append(
            {
                "backbone": key,
                "name": spec.display_name,
                "embedding_size": spec.embedding_size,
                "size_bytes": spec.size_bytes,
                "licence": spec.licence,
                "weights": weights,
            }
        )
    console.document({"backbones": rows})
    for row in rows:
        size = f"{row['size_bytes'] / 1e6:,.0f} MB"
        place = f"in {row['weights']}" if row["weights"] else "no weights here"
        console.say(f"{row['backbone']:<20s} {row['name']:<22s} {size:>7s}  {place}  ({row['licence']})")
