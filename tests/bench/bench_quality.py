"""What the quality flags find: real pictures made blurry, dark and over-exposed by known amounts.

usage: python tests/bench/bench_quality.py [NUM_IMAGES]

One picture in twenty of each set is made worse, the limits are those that follow from the whole mixture, as in a
project. Printed are the share of the spoilt ones that get the flag and the share of the untouched ones that get it too
(those may deserve it: the sets have soft and dark pictures of their own), and what measuring one picture costs.
Needs the shared image sets (GRAFT_SHARED).
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT))
SHARED = Path(os.environ.get("GRAFT_SHARED") or ROOT.parent / "shared")

from engine.images.decode import decode_bytes, decode_rgb  # noqa: E402
from engine.images.quality import QUALITY_SIDE_PX, measure_quality  # noqa: E402
from engine.suggestions.flaws import Flaw, find_flaws  # noqa: E402

Pixels = NDArray[np.uint8]
SETS = ("blood_cells", "caltech59", "clothing10", "coffee_leaf", "steel_neu")
SPOILT_SHARE = 0.05


def blurred(share: float) -> Callable[[Image.Image], Image.Image]:
    """Returns what blurs a picture by a Gauss curve whose deviation is a share of the longer side."""
    return lambda image: image.filter(ImageFilter.GaussianBlur(share * max(image.size)))


def exposed(stops: float) -> Callable[[Image.Image], Image.Image]:
    """Returns what exposes a picture by so many stops more (each twice the light), as a camera: what is too much is
    white."""

    def expose(image: Image.Image) -> Image.Image:
        values = np.arange(256) / 255
        light = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4) * 2.0**stops
        shown = np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)
        table = np.round(255 * np.clip(shown, 0, 1)).astype(np.uint8)
        return Image.fromarray(table[np.asarray(image)])

    return expose


SPOILT: dict[str, tuple[Flaw, Callable[[Image.Image], Image.Image]]] = {
    "blur 0.5 %": (Flaw.BLURRY, blurred(0.005)),
    "blur 1 %": (Flaw.BLURRY, blurred(0.01)),
    "blur 2 %": (Flaw.BLURRY, blurred(0.02)),
    "-2 stops": (Flaw.DARK, exposed(-2)),
    "-3 stops": (Flaw.DARK, exposed(-3)),
    "-4 stops": (Flaw.DARK, exposed(-4)),
    "+1.5 stops": (Flaw.OVER_EXPOSED, exposed(1.5)),
    "+2 stops": (Flaw.OVER_EXPOSED, exposed(2)),
    "+3 stops": (Flaw.OVER_EXPOSED, exposed(3)),
}


def measured(image: Image.Image) -> NDArray[np.float32]:
    """Returns the measures of a picture as it would lie in a file."""
    image = image.copy()
    image.thumbnail((QUALITY_SIDE_PX, QUALITY_SIDE_PX), Image.Resampling.BILINEAR, reducing_gap=3.0)
    return measure_quality(np.asarray(image))


def main() -> None:
    """Prints the table."""
    most = int(sys.argv[1]) if len(sys.argv) > 1 else 400
    print(
        f"{'':14s}"
        + "".join(f"{name:>12s}" for name in SPOILT)
        + "   untouched: blurry  dark  over-exp.  contrast  size"
    )
    for name in SETS:
        paths = sorted((SHARED / "data" / name).rglob("*.jpg"))
        paths = [paths[at] for at in np.random.default_rng(0).permutation(len(paths))[:most]]
        images = [Image.fromarray(decode_rgb(path)) for path in paths]
        plain = np.stack([measured(image) for image in images])
        sizes = np.array([image.size for image in images], np.int32)
        num_spoilt = round(SPOILT_SHARE * len(paths))
        shares, others = [], []
        for flaw, spoil in SPOILT.values():
            found = []
            for part in range(3):  # three times other pictures
                rows = slice(part * num_spoilt, (part + 1) * num_spoilt)
                values = plain.copy()
                values[rows] = [measured(spoil(image)) for image in images[rows]]
                flaws = find_flaws(values, sizes[:, 0], sizes[:, 1])
                found.append((flaws[rows] & flaw != 0).mean())
            shares.append(np.mean(found))
        flaws = find_flaws(plain, sizes[:, 0], sizes[:, 1])
        others = [(flaws & flaw != 0).mean() for flaw in Flaw]
        print(
            f"{name:12s}"
            + "".join(f"{100 * share:10.0f} %" for share in shares)
            + " " * 13
            + "".join(f"{100 * share:12.1f} %" for share in others),
            flush=True,
        )
    times = []
    for path in paths[:100]:
        data = path.read_bytes()
        began = time.perf_counter()
        measure_quality(decode_bytes(data, QUALITY_SIDE_PX))
        times.append(time.perf_counter() - began)
    print(f"decoding and measuring one picture: {1000 * np.median(times):.1f} ms, load {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
