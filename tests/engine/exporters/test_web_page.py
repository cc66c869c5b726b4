"""What an exported web page holds; what it does in a real browser is tested in tests/e2e/test_web_page.py."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
from pathlib import Path

import numpy as np
import pytest

from engine.exporters.web_page import RESOURCES, check_picture
from engine.importers.model import find_model, load_classifier
from engine.jobs import run_in_foreground
from engine.project import Project
from engine.tasks.export import ExportModel


@pytest.fixture(scope="module")
def page(trained_project: Project, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("web") / "page"
    run_in_foreground(ExportModel(trained_project, "web", folder))
    return folder


def data_of(page: Path) -> dict:
    text = (page / "page" / "data.js").read_text(encoding="utf-8")
    found: dict = json.loads(text.partition("graft.data = ")[2].rstrip(";\n"))
    return found


def whole(page: Path, name: str) -> bytes:
    """Returns what the page puts together from its scripts."""
    addresses = [each for each in data_of(page)["parts"] if Path(each).name.startswith(f"{name}-")]
    texts = [(page / each).read_text(encoding="ascii") for each in addresses]
    patterns = [re.fullmatch(rf'graft\.part\("{name}", {index}, "(.*)"\);\n', text) for index, text in enumerate(texts)]
    return gzip.decompress(b"".join(base64.b64decode(each[1]) for each in patterns if each))


def test_the_page_carries_the_very_model_that_was_checked(page: Path) -> None:
    model = (page / "model.onnx").read_bytes()
    assert whole(page, "model") == model
    assert data_of(page)["model_sha256"] == hashlib.sha256(model).hexdigest()
    assert json.loads((page / "parity.json").read_text())["top1_agreement"] == 1.0


def test_the_test_picture_has_the_programs_answer(page: Path) -> None:
    data, model = data_of(page), find_model(page)
    assert model is not None, "a page is loaded back as the ONNX export that it holds"
    probabilities, _score = load_classifier(model).ask(check_picture())
    assert np.abs(np.array(data["check"]["probabilities"]) - probabilities).max() <= 1e-6
    assert data["classes"] == ["crazing", "patches", "rolled-in scale | Füße"]


def test_the_page_names_no_address_outside_its_folder(page: Path) -> None:
    html = (page / "index.html").read_text(encoding="utf-8")
    for name in re.findall(r'(?:src|href)="([^"#]+)"', html):
        assert (page / name).is_file(), name
    for file in (page / "index.html", *(page / "page").glob("[!mswL]*.js"), page / "page" / "style.css"):
        assert not re.search(r"(https?:)?//[a-z0-9-]+\.[a-z]", file.read_text(encoding="utf-8")), file
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', html)
    assert policy is not None
    assert "default-src 'none'" in policy[1]
    assert "connect-src 'none'" in policy[1]
    assert not re.search(r"https?:|unsafe-inline|'unsafe-eval'|\*", policy[1])
    assert not re.search(r"<script(?![^>]*src=)|\son[a-z]+=|style=", html), "no script or style inside the page"


def test_the_runtime_is_the_one_of_the_pinned_package(page: Path) -> None:
    pinned = json.loads((RESOURCES / "runtime" / "pinned.json").read_text())
    assert hashlib.sha256(whole(page, "wasm")).hexdigest() == pinned["wasm_sha256"]
    assert hashlib.sha256(whole(page, "script")).hexdigest() == pinned["script_sha256"]
    assert "MIT" in (page / "page" / "LICENSE.txt").read_text()
