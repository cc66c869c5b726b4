"""How much may be asked of the server. Nothing that a client sends is read, kept or waited for without a limit."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ServerLimits:
    """`slots` requests are worked on at once; `waiting` more may wait for one, their bodies unread."""

    body_bytes: int = 64 << 20
    image_bytes: int = 32 << 20
    images: int = 64
    pixels: int = 40_000_000
    slots: int = 4
    waiting: int = 60
    connections: int = 512
    wait_s: float = 60.0
    body_s: float = 30.0
    head_s: float = 10.0
    """For the head of a request, from the first byte or the opening of the connection on."""
    head_bytes: int = 16 << 10
    idle_s: int = 5
    """How long a connection is kept between two requests."""
    stop_s: int = 10
    """How long requests that are being worked on may take when the server is stopped."""
