"""The local server answers what the program answers, and holds against callers that are wrong, rude, slow or many."""

from __future__ import annotations

import base64
import http.client
import io
import json
import shutil
import socket
import struct
import subprocess
import sys
import threading
import time
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from engine.errors import ServerError
from engine.jobs import run_in_foreground
from engine.project import Project
from engine.server.limits import ServerLimits
from engine.server.places import place_document, place_from
from engine.server.serving import ServerDoor, new_token, serve
from engine.tasks.predict import PredictImages, RunPlace, place_of
from engine.tasks.scan import ScanFolder
from engine.tasks.train import retrain_jobs
from engine.tasks.train_snapshot import TrainSettings

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


@pytest.fixture(scope="module")
def served(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("served")
    for name in CLASSES:
        files = sorted((shared / "data" / "steel_neu" / name).iterdir())
        for part, chosen in (("train", files[:6]), ("test", files[60:62])):
            (folder / part / name).mkdir(parents=True)
            for file in chosen:
                shutil.copy2(file, folder / part / name)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRAFT_DATA", str(folder / "data"))
        patch.setenv("GRAFT_WEIGHTS", str(shared / "weights"))
        with Project.create(folder / "project") as project:
            run_in_foreground(ScanFolder(project, folder / "train", True))
            for job in retrain_jobs(project, TrainSettings(backbone="squeezenet1_1")):
                run_in_foreground(job)
            expected = run_in_foreground(PredictImages(project, folder / "test"))
            place = place_of(project)
        assert isinstance(place, RunPlace)
        with Running(place, LIMITS) as door:
            yield Served(door, place, expected.paths, expected.document()["predictions"])


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


@pytest.fixture(autouse=True)
def _same_folders(served: Served, shared_weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRAFT_DATA", str(served.place.project_folder.parent / "data"))


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


# --------------------------------------------------------------------------------------------------- what it answers


def test_a_picture_as_body_a_form_and_json_get_the_programs_answers(served: Served) -> None:
    data = [file.read_bytes() for file in served.pictures]
    status, document, _ = served.ask("POST", "/predict", data[0])
    assert status == 200
    assert same(document["predictions"][0], served.expected[0])

    body, kind = form(*((f"{index}.jpg", each) for index, each in enumerate(data[:4])))
    status, document, _ = served.ask("POST", "/predict", body, kind)
    assert (status, document["failed"]) == (200, [])
    assert [each["image"] for each in document["predictions"]] == ["0.jpg", "1.jpg", "2.jpg", "3.jpg"]
    assert all(map(same, document["predictions"], served.expected))

    images = [{"id": "é/../x", "data": base64.b64encode(data[1]).decode()}, {"data": base64.b64encode(b"no").decode()}]
    status, document, _ = served.ask("POST", "/predict", json.dumps({"images": images}).encode(), "application/json")
    assert status == 200
    assert document["predictions"][0]["image"] == "é/../x"
    assert same(document["predictions"][0], served.expected[1])
    assert document["failed"][0]["image"] == "2"


def test_it_describes_itself_and_says_what_the_model_knows(served: Served) -> None:
    status, document, answer = served.ask("GET", "/openapi.json", Authorization="")
    assert status == 200
    assert document["openapi"].startswith("3.1")
    assert set(document["paths"]) == {"/health", "/model", "/predict"}
    names = set(document["components"]["schemas"])
    assert {part.split('"')[0] for part in json.dumps(document).split("#/components/schemas/")[1:]} <= names
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    _, facts, _ = served.ask("GET", "/model")
    assert facts["classes"] == list(CLASSES)
    assert served.ask("GET", "/health", Authorization="")[1] == {"status": "ready"}


def test_curl_can_use_it(served: Served) -> None:
    if shutil.which("curl") is None:
        pytest.skip("needs curl")
    done = subprocess.run(
        ["curl", "-s", "-H", f"Authorization: Bearer {served.door.token}", "-F", f"image=@{served.pictures[0]}",
         f"{served.door.address}/predict"],
        capture_output=True, check=True, timeout=30,
    )  # fmt: skip
    assert same(json.loads(done.stdout)["predictions"][0], served.expected[0])


# ------------------------------------------------------------------------------------------------ who may not ask it


@pytest.mark.parametrize("given", ["", "Bearer", "Bearer wrong", "Basic {}", "bearer {}x", "Bearer é"])
def test_without_the_token_nothing_is_told(served: Served, given: str) -> None:
    text = given.format(served.door.token).encode("utf-8").decode("latin-1")
    for method, path in (("GET", "/model"), ("POST", "/predict"), ("GET", "/nowhere")):
        served.refused(401, "wrong_token", method, path, b"x", Authorization=text)


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:{}", "127.0.0.1:1", "127.0.0.1.evil.example:{}", "127.0.0.1"]
)
def test_another_host_name_is_refused_even_with_the_token(served: Served, host: str) -> None:
    for path in ("/health", "/model", "/openapi.json"):
        served.refused(421, "wrong_host", "GET", path, Host=host.format(served.port))


def test_no_host_or_two_are_refused(served: Served) -> None:
    own = f"Host: 127.0.0.1:{served.port}\r\n".encode()
    assert b" 421 " in served.raw(b"GET /health HTTP/1.0\r\n\r\n")
    for hosts in (b"", own + b"Host: evil.example\r\n"):
        assert served.raw(b"GET /health HTTP/1.1\r\n" + hosts + b"\r\n").split(b" ")[1] in (b"400", b"421")
    assert b"ready" in served.raw(b"GET /health HTTP/1.1\r\nConnection: close\r\n" + own + b"\r\n")


def test_pages_in_a_browser_may_not_use_it(served: Served) -> None:
    served.refused(403, "from_a_page", "POST", "/predict", b"x", Origin="https://evil.example")
    served.refused(403, "from_a_page", "GET", "/model", Origin="null")
    served.refused(403, "from_a_page", "GET", "/model", Sec_Fetch_Site="cross-site")
    status, _, answer = served.ask("OPTIONS", "/predict", Origin="https://evil.example", Authorization="")
    assert status == 403
    assert not [name for name in answer.headers if name.lower().startswith("access-control")]


def test_it_listens_on_this_computer_only(served: Served) -> None:
    outside = socket.gethostbyname(socket.gethostname())
    if outside.startswith("127."):
        pytest.skip("this computer has no other address")
    with pytest.raises(OSError):
        socket.create_connection((outside, served.port), timeout=2)


# ------------------------------------------------------------------------------------------------ what it is sent


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


# ---------------------------------------------------------------------------------------------- starting and stopping


def test_what_is_being_worked_on_is_answered_before_it_stops(served: Served) -> None:
    data = [file.read_bytes() for file in served.pictures[:4]]
    body, kind = form(*((str(index), each) for index, each in enumerate(data)))
    server = Running(served.place, LIMITS, token="t" * 20)
    with server as door, ThreadPoolExecutor(1) as pool:
        other = Served(door, served.place, [], [])
        asked = pool.submit(other.ask, "POST", "/predict", body, kind)
        time.sleep(0.05)
        server._stop.set()
        assert asked.result(30)[0] == 200
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.1", other.port), timeout=2)


def test_a_port_that_is_taken_and_a_short_token_are_sentences(served: Served) -> None:
    with pytest.raises(ServerError, match="cannot be used"):
        serve(served.place, lambda _door: None, served.port)
    with pytest.raises(ServerError, match="shorter than"):
        serve(served.place, lambda _door: None, token="short")


def test_tokens_differ_and_are_long() -> None:
    tokens = {new_token() for _ in range(100)}
    assert len(tokens) == 100
    assert min(map(len, tokens)) >= 32


def test_a_place_goes_through_json(served: Served) -> None:
    assert place_from(json.loads(json.dumps(place_document(served.place)))) == served.place


def test_the_command_and_the_windows_helper_serve_and_end(
    served: Served, repository: Path, shared_weights: Path
) -> None:
    project = served.place.project_folder
    program = [sys.executable, str(repository / "main.py")]
    command = subprocess.Popen([*program, "serve", str(project), "--json"], stdout=subprocess.PIPE, text=True)
    argument = json.dumps({"model": place_document(served.place)})
    helper = subprocess.Popen(
        [*program, "--helper", "serve-model", argument], stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True
    )
    for process, end in ((command, command.terminate), (helper, lambda: helper.stdin and helper.stdin.close())):
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        other = Served(ServerDoor(told["address"], told["token"]), served.place, [], [])
        status, document, _ = other.ask("POST", "/predict", served.pictures[0].read_bytes())
        assert status == 200
        assert same(document["predictions"][0], served.expected[0])
        end()
        assert process.wait(20) == 0
        assert process.stdout.read() == ""
