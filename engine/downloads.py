"""Downloads of weights: goes on where it stopped, and keeps nothing whose content is not what it should be."""

from __future__ import annotations

import os
import re
from http import HTTPStatus
from http.client import HTTPException, HTTPMessage
from pathlib import Path
from ssl import SSLError
from typing import IO
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from engine import syncing
from engine.backbones import BackboneSpec
from engine.errors import BackboneError
from engine.files import disk_error
from engine.job import JobContext
from engine.language import tr
from engine.weight_files import READ_BYTES, file_sha256, hash_file, user_weights_folder

_TIMEOUT_S = 30.0
_HASH_IN_NAME = 16
_SHA256 = re.compile(r'"?([0-9a-f]{64})"?')


def download_weights(spec: BackboneSpec, to: Path, context: JobContext) -> Path:
    """Downloads the weights of a backbone into the folder `to` and returns the file.

    What an earlier attempt left behind (`<name>.part`) is carried on with. The file gets its name only when its hash is
    right: the one in the catalogue, else the one that the server states for it.

    Raises:
        BackboneError: the backbone has no download, the network or the server failed, or the content is not what the
            catalogue says.
        DiskError: the file cannot be written.
        CancelledError: the user cancelled; the part is kept.
    """
    if not spec.url:
        raise BackboneError(
            tr("{backbone} has no download.", backbone=spec.display_name),
            tr("Take its file from where it was made."),
        )
    name = spec.url.rsplit("/", 1)[-1]
    file = to / name
    if spec.sha256_prefix and file.is_file() and file_sha256(file).startswith(spec.sha256_prefix):
        return file
    part = to / (f"{name}.part" if spec.sha256_prefix else f"{spec.model_name}{Path(name).suffix}.part")
    try:
        to.mkdir(parents=True, exist_ok=True)
        stated = _fetch(spec, part, context)
        digest = hash_file(part)
    except (HTTPException, URLError, SSLError, TimeoutError, ConnectionError) as err:
        raise _network_error(spec, err) from err
    except OSError as err:
        raise disk_error(err, part) from err
    if not digest.startswith(spec.sha256_prefix or stated):
        part.unlink()
        raise BackboneError(
            tr(
                "What came from {url} is not the file that it should be (its hash is wrong); it has been deleted.",
                url=spec.url,
            ),
            tr(
                "Try again; if it happens again, get the file elsewhere and put it into {folder} as {file}.",
                folder=to,
                file=f"{spec.model_name}-{(spec.sha256_prefix or stated)[:_HASH_IN_NAME]}{Path(name).suffix}",
            ),
        )
    if not spec.sha256_prefix:
        file = to / f"{spec.model_name}-{digest[:_HASH_IN_NAME]}{Path(name).suffix}"
    try:
        os.replace(part, file)
    except OSError as err:
        raise disk_error(err, file) from err
    return file


class _HashOnTheWay(HTTPRedirectHandler):
    """Notes the hash that a server states where it sends us on to the place of the content.

    Hugging Face answers the address of a large file with a redirection whose X-Linked-Etag is the file's SHA-256
    (huggingface_hub, `constants.HUGGINGFACE_HEADER_X_LINKED_ETAG`).
    """

    def __init__(self) -> None:
        self.stated = ""

    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> Request | None:
        self.note(headers)
        return super().redirect_request(req, fp, code, msg, headers, newurl)

    def note(self, headers: HTTPMessage) -> None:
        """Keeps the stated hash of an answer, if it has one."""
        found = _SHA256.fullmatch(headers.get("X-Linked-Etag", ""))
        self.stated = found[1] if found else self.stated


def _fetch(spec: BackboneSpec, part: Path, context: JobContext) -> str:
    """Appends to `part` until it is complete, asking for what is missing only; returns the hash the server states."""
    context.checkpoint()
    have = part.stat().st_size if part.exists() else 0
    request = Request(spec.url, headers={"User-Agent": "graft"} | ({"Range": f"bytes={have}-"} if have else {}))
    on_the_way = _HashOnTheWay()
    try:
        response = build_opener(on_the_way).open(request, timeout=_TIMEOUT_S)
    except HTTPError as err:
        if have and err.code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            return on_the_way.stated  # The part is complete already, or longer than the file; its hash will tell.
        raise
    with response:
        on_the_way.note(response.headers)
        if response.status != HTTPStatus.PARTIAL_CONTENT:
            have = 0  # This server starts from the beginning again.
        length = response.headers.get("Content-Length")
        total = have + int(length) if length else spec.size_bytes
        with open(part, "r+b" if have else "wb") as file:
            file.seek(have)
            while block := response.read(READ_BYTES):
                file.write(block)
                have += len(block)
                context.progress(
                    have,
                    total,
                    tr("{done:.1f} of {total:.1f} MB", done=have / 1e6, total=total / 1e6),
                )
                context.checkpoint()
            file.flush()
            syncing.sync_handle(file.fileno())
    if length and have < total:
        raise ConnectionError(tr("the connection ended early"))
    return on_the_way.stated


def _network_error(spec: BackboneSpec, err: Exception) -> BackboneError:
    host = urlsplit(spec.url).netloc
    if isinstance(err, HTTPError):
        return BackboneError(
            tr(
                "{host} answered “{code} {reason}” when asked for the weights of {backbone}.",
                host=host,
                code=err.code,
                reason=err.reason,
                backbone=spec.display_name,
            ),
            tr(
                "Try again later, or get the file elsewhere and put it into {folder}.",
                folder=user_weights_folder(),
            ),
        )
    reason = err.reason if isinstance(err, URLError) else err
    return BackboneError(
        tr(
            "The download of {backbone} from {host} stopped: {reason}.",
            backbone=spec.display_name,
            host=host,
            reason=reason,
        ),
        tr(
            "Check the network and try again; it goes on where it stopped. Without a network, copy the file {file} "
            "into {folder}.",
            file=spec.url.rsplit("/", 1)[-1],
            folder=user_weights_folder(),
        ),
    )
