"""`graft serve PROJECT|MODEL`: answers other programs on this computer until Ctrl+C."""

from __future__ import annotations

import argparse
import os
from typing import TYPE_CHECKING, Final

from engine.commands.arguments import add_json_argument, add_model_argument
from engine.commands.console import Console
from engine.commands.projects import open_project_or_model

if TYPE_CHECKING:
    from engine.server.serving import ServerDoor

TOKEN_VARIABLE: Final = "GRAFT_TOKEN"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.epilog = (
        f"The server is reached from this computer only, and asks for a token: a new one each time, unless "
        f"{TOKEN_VARIABLE} holds one of 16 characters or more."
    )
    add_model_argument(parser)
    parser.add_argument("--port", type=_port, default=0, metavar="N", help="default: any that is free")
    add_json_argument(parser)


def run(arguments: argparse.Namespace, console: Console) -> None:
    from engine.server.serving import serve
    from engine.tasks.predict import place_of

    with open_project_or_model(arguments.model) as model:
        place = place_of(model)  # The project is free again: it may be opened and worked on meanwhile.

    def on_ready(door: ServerDoor) -> None:
        console.document({"address": door.address, "token": door.token, "openapi": f"{door.address}/openapi.json"})
        console.say(f"Serving at {door.address}, for this computer only. Ctrl+C ends it.")
        console.say(f"Token: {door.token}")
        console.say("\nTry it:")
        console.say(
            f"  curl -H 'Authorization: Bearer {door.token}' -H 'Content-Type: image/jpeg' "
            f"--data-binary @picture.jpg {door.address}/predict"
        )
        console.say(f"\nWhat it can be asked: {door.address}/openapi.json")

    serve(place, on_ready, arguments.port, os.environ.get(TOKEN_VARIABLE, ""))
    console.say("Stopped.")


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port <= 65535:
        raise argparse.ArgumentTypeError("a port is a number from 0 to 65535")
    return port
