"""How fast this machine trains networks, and what that allows: `python tests/bench/bench_depth.py [BACKBONE ...]`.

For each depth: images a second of a training step, memory, and how long the most thorough training of 800 images takes.
Needs the shared weights (GRAFT_SHARED, GRAFT_WEIGHTS). How much the depths gain on the shared image sets is what
`../shared/checks/loop.py --depth auto --time-budget 600 --per-class 0` prints.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT))
SHARED = Path(os.environ.get("GRAFT_SHARED") or ROOT.parent / "shared")
os.environ.setdefault("GRAFT_WEIGHTS", str(SHARED / "weights"))

from engine.backbones import spec  # noqa: E402
from engine.nn.network_depths import NetworkDepths  # noqa: E402
from engine.nn.training_plan import FULL, PARTIAL, choose_plan, duration_words, least_seconds  # noqa: E402
from engine.weights import find_weights  # noqa: E402

NUM_IMAGES, NUM_VIEWS, NUM_LOOKS = 800, 4, 2


def main() -> None:
    print(f"load {os.getloadavg()[0]:.1f}")
    for key in sys.argv[1:] or ["mobilenet_v2", "starter"]:
        network = NetworkDepths(spec(key), find_weights(spec(key)))
        for depth in (PARTIAL, FULL):
            pace = network.pace(depth, lambda: None)
            amounts = (NUM_IMAGES, NUM_VIEWS if depth == PARTIAL else NUM_LOOKS, NUM_IMAGES, NUM_LOOKS)
            plan = choose_plan(pace, *amounts, None)
            assert plan is not None
            print(
                f"{key:16s} {depth:8s} {1 / pace.step_s:7.0f} images/s trained, {pace.memory_bytes / 1e6:6.0f} MB; "
                f"{NUM_IMAGES} images: {duration_words(least_seconds(pace, *amounts))} at least, "
                f"{duration_words(plan.seconds)} at most",
                flush=True,
            )


if __name__ == "__main__":
    main()
