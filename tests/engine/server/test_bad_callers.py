"""The local server holds against callers that are wrong, rude, slow or many."""

from __future__ import annotations

import io
import json
import socket
import struct
import time
import zlib
from concurrent.futures import ThreadPoolExecutor

import pytest
from PIL import Image

from tests.engine.server.served import FIELD, Served, form, same


def bomb() -> bytes:
    """A PNG of a few kilobytes that would fill 7.5 GB."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", 50_000, 50_000, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(bytes(100_000)))
        + chunk(b"IEND", b"")
    )


def large_picture() -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (1200, 900)).save(file, "PNG")
    return file.getvalue()


@pytest.mark.parametrize(
    ("data", "part"),
    [
        (b"", "empty"),
        (b"no picture", "not an image"),
        (b"\xff\xd8\xff\xe0 damaged", ""),
        (bomb(), "million pixels"),
        (large_picture(), "million pixels"),
        (b"\xff\xd8" + bytes(1 << 20), "MB"),
    ],
)
def test_a_bad_picture_is_a_sentence_alone_and_fails_alone_among_others(served: Served, data: bytes, part: str) -> None:
    assert part in served.refused(422, "bad_image", "POST", "/predict", data)
    body, kind = form(("good.jpg", served.pictures[0].read_bytes()), ("bad.jpg", data))
    status, document, _ = served.ask("POST", "/predict", body, kind)
    assert (status, [each["image"] for each in document["failed"]]) == (200, ["bad.jpg"])
    assert same(document["predictions"][0], served.expected[0])


def test_what_is_too_large_or_too_many_is_refused(served: Served) -> None:
    served.refused(413, "too_large", "POST", "/predict", b"", Content_Length=str(10**12))
    files = [(f"{index}.jpg", b"x") for index in range(5)]
    served.refused(413, "too_many", "POST", "/predict", *form(*files))
    document = json.dumps({"images": [{"data": ""}] * 5}).encode()
    served.refused(413, "too_many", "POST", "/predict", document, "application/json")


def test_a_body_that_never_ends_is_cut_off_at_the_limit(served: Served) -> None:
    head = (
        f"POST /predict HTTP/1.1\r\nHost: 127.0.0.1:{served.port}\r\nAuthorization: Bearer {served.door.token}\r\n"
        "Content-Type: image/jpeg\r\nTransfer-Encoding: chunked\r\n\r\n"
    ).encode()
    with socket.create_connection(("127.0.0.1", served.port), timeout=10) as link:
        link.sendall(head)
        sent = 0
        try:
            while sent < 50 << 20:
                link.sendall(b"10000\r\n" + bytes(65536) + b"\r\n")
                sent += 65536
            answer = link.recv(1000)
        except OSError:  # Hung up on, with the answer perhaps lost on the way.
            answer = b" 413 "
    assert b" 413 " in answer
    assert sent < 50 << 20


@pytest.mark.parametrize(
    ("kind", "body", "status", "code"),
    [
        ("text/plain", b"x", 415, "wrong_type"),
        ("", b"x", 415, "wrong_type"),
        ("application/json", b"{", 400, "bad_json"),
        ("application/json", b"[" * 100_000, 400, "bad_json"),
        ("application/json", b"[]", 400, "bad_json"),
        ("application/json", b'{"images": []}', 400, "no_image"),
        ("application/json", b'{"images": [{"url": "http://127.0.0.1/x.jpg"}]}', 400, "bad_json"),
        ("application/json", b'{"images": [{"path": "/etc/passwd"}]}', 400, "bad_json"),
        ("application/json", b'{"images": [{"data": "/etc/passwd!"}]}', 400, "bad_json"),
        ("application/json", b'{"images": [{"data": "eA==", "path": "/etc/passwd"}]}', 400, "bad_json"),
        ("multipart/form-data", b"--x--", 400, "bad_form"),
        ("multipart/form-data; boundary=x", b"", 400, "bad_form"),
        ("multipart/form-data; boundary=x", b"--x--", 400, "no_image"),
        ("multipart/form-data; boundary=x", b"--x\r\nnonsense", 400, "bad_form"),
        ("multipart/form-data; boundary=x", FIELD + b"--x--", 400, "no_image"),
        ("multipart/form-data; boundary=x", FIELD, 400, "bad_form"),
    ],
)  # fmt: skip
def test_a_malformed_request_is_a_sentence(served: Served, kind: str, body: bytes, status: int, code: str) -> None:
    assert served.refused(status, code, "POST", "/predict", body, kind)


def test_other_addresses_and_methods_are_refused(served: Served) -> None:
    served.refused(404, "not_found", "GET", "/../../etc/passwd")
    served.refused(404, "not_found", "GET", "/predict/x")
    served.refused(405, "wrong_method", "GET", "/predict")
    served.refused(405, "wrong_method", "DELETE", "/model")


@pytest.mark.parametrize(
    "data",
    [
        b"\x00\x01\x02\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /health HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
        b"GET /health HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\n\r\n",
    ],
)
def test_what_is_no_http_is_hung_up_on(served: Served, data: bytes) -> None:
    answer = served.raw(data)
    assert answer == b"" or answer.split(b" ")[1] in (b"400", b"421", b"431")
    assert served.ask("GET", "/health")[0] == 200


def test_a_form_that_was_cut_off_is_not_answered_in_part(served: Served) -> None:
    body, kind = form(*((str(index), file.read_bytes()) for index, file in enumerate(served.pictures[:2])))
    for length in (len(body) - 20, len(body) // 2 + 4000, len(body) // 2):
        served.refused(400, "bad_form", "POST", "/predict", body[:length], kind)


def test_a_request_that_is_cut_off_leaves_the_server_well(served: Served) -> None:
    head = f"POST /predict HTTP/1.1\r\nHost: 127.0.0.1:{served.port}\r\nAuthorization: Bearer {served.door.token}\r\n"
    for _ in range(10):
        with socket.create_connection(("127.0.0.1", served.port), timeout=10) as link:
            link.sendall(f"{head}Content-Type: image/jpeg\r\nContent-Length: 5000\r\n\r\nhalf".encode())
    until = time.monotonic() + 5
    # For a moment the places of those who have gone may still be taken.
    while (status := served.ask("POST", "/predict", served.pictures[0].read_bytes())[0]) == 503:
        assert time.monotonic() < until
    assert status == 200


# --------------------------------------------------------------------------------------------------- slow and many


def test_a_client_that_dawdles_is_hung_up_on(served: Served) -> None:
    head = f"POST /predict HTTP/1.1\r\nHost: 127.0.0.1:{served.port}\r\nAuthorization: Bearer {served.door.token}\r\n"

    def drip(first: bytes, rest: bytes, every_s: float) -> tuple[float, bytes]:
        """Sends a byte now and then until the server has had enough."""
        started = time.monotonic()
        with socket.create_connection(("127.0.0.1", served.port), timeout=0.01) as link:
            link.sendall(first)
            for byte in rest:
                try:
                    answer = link.recv(1000)
                    return time.monotonic() - started, answer
                except TimeoutError:
                    pass
                except OSError:
                    return time.monotonic() - started, b""
                time.sleep(every_s)
                link.sendall(bytes([byte]))
        raise AssertionError("it waited for ever")

    seconds, answer = drip(b"", head.encode() + b"X: " + b"a" * 300, 0.1)
    assert (seconds < 5, answer) == (True, b"")
    seconds, answer = drip(f"{head}Content-Type: image/jpeg\r\nContent-Length: 5000\r\n\r\n".encode(), b"a" * 300, 0.1)
    assert seconds < 6
    assert b" 408 " in answer


def test_a_connection_that_says_nothing_does_not_stay(served: Served) -> None:
    with socket.create_connection(("127.0.0.1", served.port), timeout=10) as link:
        assert link.recv(10) == b""


def test_of_many_at_once_each_gets_its_answer_or_is_told_to_come_again(served: Served) -> None:
    data = served.pictures[0].read_bytes()
    with ThreadPoolExecutor(24) as pool:
        answers = list(pool.map(lambda _index: served.ask("POST", "/predict", data), range(60)))
    statuses = {status for status, _, _ in answers}
    assert statuses <= {200, 503}
    good = [document for status, document, _ in answers if status == 200]
    assert len(good) >= 5
    assert all(same(document["predictions"][0], served.expected[0]) for document in good)
    assert all(answer.headers["Retry-After"] for status, _, answer in answers if status == 503)
    assert served.ask("POST", "/predict", data)[0] == 200
