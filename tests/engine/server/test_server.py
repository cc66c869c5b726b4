"""The local server answers what the program answers, to those who may ask, and starts and stops well."""

from __future__ import annotations

import base64
import json
import shutil
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from engine.errors import ServerError
from engine.server.places import place_document, place_from
from engine.server.serving import ServerDoor, new_token, serve
from tests.engine.server.served import CLASSES, LIMITS, Running, Served, form, same

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
    # All of 127.0.0.0/8 is this computer; a server that listened everywhere would answer here too.
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.2", served.port), timeout=2)


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
