from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

from engine.images.decode import decode_rgb, read_info
from engine.images.hashing import content_hash

CLASSES = {"intact", "missing_hole", "scratched"}


@pytest.fixture(scope="module")
def files(repository: Path) -> list[Path]:
    return sorted((repository / "resources" / "sample").rglob("*.jpg"))


def test_sample_has_forty_different_pictures_of_each_class_and_is_small(files: list[Path]):
    assert {file.parent.name for file in files} == CLASSES
    assert all(sum(file.parent.name == name for file in files) == 40 for name in CLASSES)
    assert len({content_hash(file) for file in files}) == 120
    assert sum(file.stat().st_size for file in files) < 3_000_000
    assert {(read_info(file).width_px, read_info(file).height_px) for file in files} == {(384, 384)}


def test_colour_does_not_give_the_class_away(files: list[Path]):
    """Leave-one-out nearest class mean of colour histograms: near guessing, so the shapes have to be looked at."""
    histograms = []
    for file in files:
        bins = (decode_rgb(file, 96) // 64).reshape(-1, 3) @ np.array([16, 4, 1])
        histograms.append(np.sqrt(np.bincount(bins, minlength=64) / len(bins)))
    features, names = np.array(histograms), np.array([file.parent.name for file in files])
    hits = 0
    for row in range(len(files)):
        others = np.arange(len(files)) != row
        means = {name: features[others & (names == name)].mean(axis=0) for name in CLASSES}
        hits += min(means, key=lambda name: float(np.linalg.norm(features[row] - means[name]))) == names[row]
    assert hits / len(files) < 0.6


@pytest.mark.slow
def test_script_makes_the_same_pictures_again(repository: Path, tmp_path: Path):
    import subprocess
    import sys

    script = repository / "build" / "sample" / "make_sample.py"
    subprocess.run([sys.executable, script, "--to", tmp_path, "--per-class", "1"], check=True, capture_output=True)
    for name in CLASSES:
        made, shipped = tmp_path / name / "part_001.jpg", repository / "resources" / "sample" / name / "part_001.jpg"
        # Another processor may round the last bit of a sine differently; to the eye the pictures must be the same.
        assert hashlib.sha256(made.read_bytes()).digest() == hashlib.sha256(shipped.read_bytes()).digest() or (
            np.abs(decode_rgb(made).astype(int) - decode_rgb(shipped)).mean() < 2
        )
