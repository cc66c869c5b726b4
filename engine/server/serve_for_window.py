"""The server as the window starts it: a helper process that ends when the window closes its input, or is gone."""

from __future__ import annotations

import json
import sys
import threading

from engine.errors import AppError
from engine.settings import limit_threads, num_threads


def main(argument: str) -> None:
    """Serves the model that `argument` describes, and prints one JSON line: {"address", "token"} or {"error"}.

    `argument`: JSON as `engine.server.places.place_document` makes it, and "port" and "token" if they matter.
    """
    limit_threads(num_threads(has_window=True))
    from engine.server.places import place_from
    from engine.server.serving import ServerDoor, serve

    stop = threading.Event()

    def wait_for_the_end() -> None:
        sys.stdin.buffer.read()
        stop.set()

    def say(document: dict[str, str]) -> None:
        print(json.dumps(document), flush=True)  # noqa: T201 (the window reads it)

    def on_ready(door: ServerDoor) -> None:
        say({"address": door.address, "token": door.token})

    threading.Thread(target=wait_for_the_end, name="serve-input", daemon=True).start()
    document = json.loads(argument)
    try:
        serve(place_from(document["model"]), on_ready, document.get("port", 0), document.get("token", ""), stop)
    except AppError as err:
        say({"error": str(err)})
