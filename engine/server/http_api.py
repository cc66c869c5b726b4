"""The server's addresses: /health, /model, /predict, /openapi.json."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from engine.errors import AppError
from engine.server.guard import Guard, failure
from engine.server.limits import ServerLimits
from engine.server.openapi import openapi_document
from engine.server.served_model import ServedModel
from engine.server.uploads import RefusedError, read_pictures

log = logging.getLogger("graft.server")


def make_app(model: ServedModel, token: str, hosts: Iterable[str], limits: ServerLimits) -> Guard:
    """Returns the application, guarded. `hosts` are the values of Host that are ours."""
    api = _Api(model, limits)
    routes = [
        Route("/health", api.health, methods=["GET"]),
        Route("/openapi.json", api.openapi, methods=["GET"]),
        Route("/model", api.model, methods=["GET"]),
        Route("/predict", api.predict, methods=["POST"]),
    ]
    handlers = {HTTPException: _on_http_error, RefusedError: _on_refused, AppError: _on_app_error, Exception: _on_bug}
    return Guard(Starlette(routes=routes, exception_handlers=handlers), token, hosts)


class _Api:
    def __init__(self, model: ServedModel, limits: ServerLimits) -> None:
        self._model, self._limits = model, limits
        self._slots = asyncio.Semaphore(limits.slots)
        self._num_asked = 0

    async def health(self, _request: Request) -> Response:
        return JSONResponse({"status": "ready"})

    async def openapi(self, _request: Request) -> Response:
        return JSONResponse(openapi_document(self._limits))

    async def model(self, _request: Request) -> Response:
        return JSONResponse(self._model.facts())

    async def predict(self, request: Request) -> Response:
        async with self._slot():
            document = await self._model.answer(await read_pictures(request, self._limits))
        if not document["predictions"] and len(document["failed"]) == 1:
            raise RefusedError(422, "bad_image", document["failed"][0]["reason"])
        return JSONResponse(document)

    @asynccontextmanager
    async def _slot(self) -> AsyncGenerator[None]:
        """Waits for its turn, unread; not for ever, and not behind any number of others."""
        if self._num_asked >= self._limits.slots + self._limits.waiting:
            raise _busy()
        self._num_asked += 1
        try:
            try:
                async with asyncio.timeout(self._limits.wait_s):
                    await self._slots.acquire()
            except TimeoutError as err:
                raise _busy() from err
            try:
                yield
            finally:
                self._slots.release()
        finally:
            self._num_asked -= 1


def _busy() -> RefusedError:
    return RefusedError(503, "busy", "Too many requests at once; try again in a moment.")


async def _on_refused(_request: Request, err: Exception) -> Response:
    assert isinstance(err, RefusedError)
    answer = failure(err.status, err.code, err.message)
    if err.status == 503:
        answer.headers["retry-after"] = "1"
    return answer


async def _on_http_error(_request: Request, err: Exception) -> Response:
    assert isinstance(err, HTTPException)
    codes = {404: "not_found", 405: "wrong_method"}
    answer = failure(err.status_code, codes.get(err.status_code, "refused"), err.detail)
    answer.headers.update(err.headers or {})
    return answer


async def _on_app_error(_request: Request, err: Exception) -> Response:
    return failure(500, "model_failed", str(err))


async def _on_bug(_request: Request, err: Exception) -> Response:
    log.error("A request failed in an unexpected way.", exc_info=err)
    return failure(500, "internal", "Something went wrong inside Graft; its log has the details.")
