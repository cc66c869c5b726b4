"""A server under test: a small real model behind it, and ways to ask it well and badly."""

from __future__ import annotations

import http.client
import json
import socket
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from engine.server.limits import ServerLimits
from engine.server.serving import ServerDoor, serve
from engine.tasks.predict import RunPlace

CLASSES = ("crazing", "patches", "scratches")
FIELD = b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\nb\r\n'
LIMITS = ServerLimits(
    body_bytes=2 << 20, image_bytes=1 << 20, images=4, pixels=1_000_000, slots=2, waiting=3, body_s=1.5, head_s=1.0
)


@dataclass(frozen=True)
class Served:
    """A server that is running, and what it serves."""

    door: ServerDoor
    place: RunPlace
    pictures: list[Path]
    expected: list[dict[str, Any]]

    @property
    def port(self) -> int:
        return int(self.door.address.rpartition(":")[2])

    def ask(
        self, method: str, path: str, body: bytes | None = None, kind: str = "image/jpeg", **headers: str
    ) -> tuple[int, dict[str, Any], http.client.HTTPResponse]:
        """Sends one request with the token, and returns status, document and answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        sent = {"Authorization": f"Bearer {self.door.token}", "Content-Type": kind}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        try:
            connection.request(method, path, body, {name: value for name, value in sent.items() if value})
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read()), answer
        finally:
            connection.close()

    def refused(self, status: int, code: str, *args: Any, **headers: str) -> str:
        """Sends a request that is to be refused, and returns the sentence."""
        found, document, _answer = self.ask(*args, **headers)
        assert (found, document["error"]["code"]) == (status, code), document
        message: str = document["error"]["message"]
        return message

    def raw(self, data: bytes, timeout: float = 10) -> bytes:
        """Sends bytes as they are, and returns all that comes until the server hangs up."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=timeout) as link:
            link.sendall(data)
            return b"".join(iter(lambda: link.recv(65536), b""))


class Running:
    """A server in a thread of its own, stopped at the end."""

    def __init__(self, place: RunPlace, limits: ServerLimits, **options: Any) -> None:
        self._ready: list[ServerDoor] = []
        self._told, self._stop = threading.Event(), threading.Event()

        def on_ready(door: ServerDoor) -> None:
            self._ready.append(door)
            self._told.set()

        self._thread = threading.Thread(
            target=serve, args=(place, on_ready), kwargs={"stop": self._stop, "limits": limits, **options}
        )

    def __enter__(self) -> ServerDoor:
        self._thread.start()
        assert self._told.wait(60)
        return self._ready[0]

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(30)
        assert not self._thread.is_alive()


def form(*files: tuple[str, bytes]) -> tuple[bytes, str]:
    """Returns a form with files and its content type."""
    parts = [
        f'--frontier\r\nContent-Disposition: form-data; name="image"; filename="{name}"\r\n\r\n'.encode()
        + data
        + b"\r\n"
        for name, data in files
    ]
    return b"".join(parts) + b"--frontier--\r\n", "multipart/form-data; boundary=frontier"


def same(found: dict[str, Any], expected: dict[str, Any]) -> bool:
    numbers = [list(each["probabilities"].values()) for each in (found, expected)]
    alike = np.abs(np.subtract(*numbers)).max() <= 1e-5
    alike = alike and abs(found["unknown_score"] - expected["unknown_score"]) <= 1e-4
    return bool(alike and found["class"] == expected["class"] and found["unknown"] == expected["unknown"])
