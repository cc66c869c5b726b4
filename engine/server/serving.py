"""Runs the server: on 127.0.0.1 alone, until it is told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import signal
import socket
import sys
import threading
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from engine.errors import ServerError
from engine.language import tr
from engine.server.http_api import make_app
from engine.server.limits import ServerLimits
from engine.server.served_model import ServedModel

if TYPE_CHECKING:
    from engine.importers.model import ExportedModel
    from engine.tasks.predict import RunPlace

LOOPBACK: Final = "127.0.0.1"
SHORTEST_TOKEN: Final = 16


@dataclass(frozen=True, slots=True)
class ServerDoor:
    """Where the server is reached, and with what."""

    address: str
    token: str


def new_token() -> str:
    """Returns a token that nobody can guess."""
    return secrets.token_urlsafe(24)


def serve(
    place: RunPlace | ExportedModel,
    on_ready: Callable[[ServerDoor], None],
    port: int = 0,
    token: str = "",
    stop: threading.Event | None = None,
    limits: ServerLimits | None = None,
) -> None:
    """Serves a model until Ctrl+C, SIGTERM, or `stop` is set; what is being worked on then is answered first.

    Args:
        place: the model.
        on_ready: told where, once it answers.
        port: 0 = any that is free.
        token: an empty one is replaced by a new one.
        stop: set from another thread to end it.
        limits: how much callers may ask; None = the usual limits.

    Raises:
        ServerError: the port is taken, or the token is too short.
        AppError: the model cannot be loaded.
    """
    limits = limits or ServerLimits()
    token = token or new_token()
    if len(token) < SHORTEST_TOKEN:
        raise ServerError(
            tr("The token is shorter than {fewest} characters.", fewest=SHORTEST_TOKEN),
            tr("Take a longer one, or none."),
        )
    with _listener(port) as listener:
        port = listener.getsockname()[1]
        model = ServedModel(place, limits)
        try:
            model.warm_up()
            hosts = (f"{LOOPBACK}:{port}", f"localhost:{port}")
            config = uvicorn.Config(
                make_app(model, token, hosts, limits),
                http=_protocol(limits),
                ws="none",
                lifespan="off",
                loop="asyncio",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                limit_concurrency=limits.connections,
                timeout_keep_alive=limits.idle_s,
                timeout_graceful_shutdown=limits.stop_s,
                h11_max_incomplete_event_size=limits.head_bytes,
            )
            logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)  # A client's mistakes are the client's.
            door = ServerDoor(f"http://{hosts[0]}", token)
            server = _Server(config, stop or threading.Event(), lambda: on_ready(door))
            asyncio.run(server.serve(sockets=[listener]))
        finally:
            model.close()


class _Server(uvicorn.Server):
    """Says when it is ready, looks whether it is to stop, and takes a signal as the end and not as an error."""

    def __init__(self, config: uvicorn.Config, stop: threading.Event, on_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._stop, self._on_ready = stop, on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        self._on_ready()

    async def on_tick(self, counter: int) -> bool:
        """Called ten times a second."""
        return await super().on_tick(counter) or self._stop.is_set()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        """As uvicorn's, but the signal is not raised again after the server has ended well."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {each: signal.signal(each, self.handle_exit) for each in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for each, handler in before.items():
                signal.signal(each, handler)


def _protocol(limits: ServerLimits) -> type[H11Protocol]:
    """Returns uvicorn's protocol with a time limit for the head of a request, which it lacks."""

    class Impatient(H11Protocol):
        _deadline: asyncio.TimerHandle | None = None

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            self._expect_head()

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            if self._is_between_requests():
                self._expect_head()
            elif self._deadline is not None:
                self._deadline.cancel()
                self._deadline = None

        def connection_lost(self, exc: Exception | None) -> None:
            if self._deadline is not None:
                self._deadline.cancel()
            super().connection_lost(exc)

        def _is_between_requests(self) -> bool:
            return self.cycle is None or self.cycle.response_complete

        def _expect_head(self) -> None:
            if self._deadline is None:  # More bytes of the same head give it no more time.
                self._deadline = self.loop.call_later(limits.head_s, self._hang_up)

        def _hang_up(self) -> None:
            self._deadline = None
            if self._is_between_requests():
                self.transport.close()

    return Impatient


def _listener(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        if sys.platform != "win32":  # There it would let another program take the port over.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((LOOPBACK, port))
    except (OSError, OverflowError) as err:
        listener.close()
        reason = err.strerror if isinstance(err, OSError) else tr("there is no such port")
        raise ServerError(
            tr("Port {port} cannot be used: {reason}.", port=port, reason=reason),
            tr("Choose another, or none for any free one."),
        ) from err
    return listener
