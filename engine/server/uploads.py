"""Reads pictures out of requests: a picture as body, a form with files, or JSON with base 64. Never a path or URL."""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
from collections.abc import AsyncGenerator
from typing import Any, Final

from python_multipart.multipart import parse_options_header
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect, Request

from engine.server.limits import ServerLimits
from engine.server.served_model import Picture

JSON_TYPE: Final = "application/json"
FORM_TYPE: Final = "multipart/form-data"
_LONGEST_NAME: Final = 200
_END_BYTES: Final = 512
"""The last line of a form is at most 70 characters, four dashes, and what may follow it."""


class RefusedError(Exception):
    """A request that cannot be served: HTTP status, a short code for programs, and a sentence."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(status, code, message)
        self.status, self.code, self.message = status, code, message


async def read_pictures(request: Request, limits: ServerLimits) -> list[Picture]:
    """Returns the pictures of a request, with the names that the caller gave them, else "1", "2"...

    Raises:
        RefusedError: too large, too slow, cut off, or not in one of the three forms.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    length = request.headers.get("content-length")
    if length is not None and int(length) > limits.body_bytes:  # h11 has made sure that it is a number.
        raise _too_large(limits)
    try:
        async with asyncio.timeout(limits.body_s):
            if kind == FORM_TYPE:
                pictures = await _from_form(request, limits)
            else:
                body = b"".join([part async for part in _limited(request, limits)])
                pictures = _from_json(body) if kind == JSON_TYPE else [("1", body)]
    except TimeoutError as err:
        raise RefusedError(408, "too_slow", f"The request did not arrive within {limits.body_s:.0f} s.") from err
    except ClientDisconnect as err:
        raise RefusedError(400, "cut_off", "The request was cut off.") from err
    if kind not in (FORM_TYPE, JSON_TYPE) and not kind.startswith("image/") and kind != "application/octet-stream":
        raise RefusedError(
            415, "wrong_type", f"Send a picture (image/...), a form with files ({FORM_TYPE}), or {JSON_TYPE}."
        )
    if not pictures:
        raise RefusedError(400, "no_image", "The request holds no picture.")
    if len(pictures) > limits.images:
        raise RefusedError(413, "too_many", f"Send at most {limits.images} pictures in one request.")
    return pictures


async def _limited(request: Request, limits: ServerLimits) -> AsyncGenerator[bytes]:
    """Yields the body as it comes, and ends with an error as soon as it is too long, whatever length it stated."""
    num_bytes = 0
    async for part in request.stream():
        num_bytes += len(part)
        if num_bytes > limits.body_bytes:
            raise _too_large(limits)
        yield part


async def _from_form(request: Request, limits: ServerLimits) -> list[Picture]:
    end = b""

    async def watched() -> AsyncGenerator[bytes]:
        nonlocal end
        async for part in _limited(request, limits):
            end = (end + part)[-_END_BYTES:]
            yield part

    parser = MultiPartParser(request.headers, watched(), max_files=limits.images, max_fields=16)
    try:
        form = await parser.parse()
    except MultiPartException as err:
        status, code = (413, "too_many") if "Too many" in err.message else (400, "bad_form")
        raise RefusedError(status, code, f"The form cannot be read ({err.message.rstrip('.')}).") from err
    # The parser leaves out what has no end, without a word; a caller must not take that for an answer to everything.
    boundary = parse_options_header(request.headers["content-type"])[1].get(b"boundary", b"")
    if b"--%b--" % boundary not in end:
        raise RefusedError(400, "bad_form", "The form has no end.")
    try:
        files = [value for _name, value in form.multi_items() if isinstance(value, UploadFile)]
        return [(_named(file.filename, index), await file.read()) for index, file in enumerate(files, 1)]
    finally:
        await form.close()


def _from_json(body: bytes) -> list[Picture]:
    """Reads {"images": [{"id": "a", "data": "<base 64>"}, ...]}."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as err:
        raise RefusedError(400, "bad_json", "The body is not JSON.") from err
    images = document.get("images") if isinstance(document, dict) else None
    if not isinstance(images, list):
        raise RefusedError(400, "bad_json", 'Send {"images": [{"id": "a", "data": "<base 64>"}]}.')
    return [_picture(entry, index) for index, entry in enumerate(images, 1)]


def _picture(entry: Any, index: int) -> Picture:
    if not isinstance(entry, dict) or not set(entry) <= {"id", "data"} or not isinstance(entry.get("data"), str):
        what = f'Picture {index} must have "data" (base 64) and may have "id"; paths and addresses are not read.'
        raise RefusedError(400, "bad_json", what)
    try:
        data = base64.b64decode(entry["data"], validate=True)
    except (binascii.Error, ValueError) as err:
        raise RefusedError(400, "bad_json", f"The data of picture {index} is not base 64.") from err
    name = entry.get("id")
    return _named(name if isinstance(name, str) else None, index), data


def _named(name: str | None, index: int) -> str:
    """A name is only given back, never looked up."""
    return name[:_LONGEST_NAME] if name else str(index)


def _too_large(limits: ServerLimits) -> RefusedError:
    return RefusedError(413, "too_large", f"The request has more than {limits.body_bytes >> 20} MB.")
