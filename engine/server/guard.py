"""Who may speak to the server: programs on this computer that know the token, and no page in a browser.

A page of any web site can send requests to 127.0.0.1, and by rebinding a name of its own to that address it could even
read the answers; so the Host header must be ours, a request that a page sent is refused, and CORS is never allowed.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

OPEN_PATHS: Final = frozenset({"/health", "/openapi.json"})
"""What can be asked without the token: it says nothing about the model or the images."""
_SAFE_HEADERS: Final = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'",
    "cross-origin-resource-policy": "same-origin",
    "x-content-type-options": "nosniff",
}


class Guard:
    """Lets requests through to `app` that may be answered, and answers the others."""

    def __init__(self, app: ASGIApp, token: str, hosts: Iterable[str]) -> None:
        self._app, self._token = app, token.encode()
        self._hosts = frozenset(host.lower() for host in hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        refusal = self._refusal(scope["path"], Headers(scope=scope))

        async def send_safely(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(_SAFE_HEADERS)
                if message["status"] >= 400:
                    headers["connection"] = "close"  # The rest of what was sent is not read.
            await send(message)

        await (refusal or self._app)(scope, receive, send_safely)

    def _refusal(self, path: str, headers: Headers) -> JSONResponse | None:
        hosts = headers.getlist("host")
        if len(hosts) != 1 or hosts[0].lower() not in self._hosts:
            return failure(421, "wrong_host", "This server answers only to its own address on this computer.")
        site = headers.get("sec-fetch-site", "none")
        if "origin" in headers or site not in ("none", "same-origin"):
            return failure(403, "from_a_page", "Pages in a browser may not use this server.")
        if path in OPEN_PATHS:
            return None
        kind, _, given = headers.get("authorization", "").partition(" ")
        # Compared in constant time, so that the time taken tells nothing of how much was right.
        is_right = hmac.compare_digest(given.strip().encode("utf-8", "replace"), self._token)
        if kind.lower() != "bearer" or not is_right:
            refusal = failure(401, "wrong_token", "Send the token that was shown when the server was started.")
            refusal.headers["www-authenticate"] = "Bearer"
            return refusal
        return None


def failure(status: int, code: str, message: str) -> JSONResponse:
    """Returns the answer to a request that cannot be served, in the one form that all of them have."""
    return JSONResponse({"error": {"code": code, "message": message}}, status)
