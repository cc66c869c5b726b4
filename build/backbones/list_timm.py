"""Writes what timm knows of its pretrained networks into `resources/backbones/timm.json`.

Run it after a change of timm's version (about twenty minutes, no network, no weights). It goes on where it stopped:
what was found so far lies in `--work FOLDER`. The program searches and describes any timm network from this table
without importing torch. Embedding size, arithmetic and blocks with spreads come from the architecture itself, made on
the meta device.
"""

from __future__ import annotations

import argparse
import json
import sys
import warnings
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
sys.path.insert(0, str(Path(__file__).resolve().parent))

import torch
from spread_blocks import spread_blocks
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from engine.nn.torchvision_shim import import_torchvision

import_torchvision()
import timm

TABLE = ROOT / "resources" / "backbones" / "timm.json"
HUB = "https://huggingface.co/{}/resolve/main/model.safetensors"
BYTES_PER_WEIGHT = 4


def main() -> None:
    """Measures what is not measured yet and writes the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, default=Path("/tmp/graft-timm"))
    work: Path = parser.parse_args().work
    work.mkdir(parents=True, exist_ok=True)
    warnings.filterwarnings("ignore")
    rows = {}
    for name in timm.list_pretrained():
        row = row_of(name, work)
        if row is not None:
            rows[name] = row
    lines = ",\n".join(f"{json.dumps(name)}: {json.dumps(row)}" for name, row in rows.items())
    TABLE.parent.mkdir(parents=True, exist_ok=True)
    TABLE.write_text(f'{{"timm": "{timm.__version__}", "models": {{\n{lines}\n}}}}\n', encoding="utf-8")
    print(f"{len(rows)} networks in {TABLE}")


def row_of(name: str, work: Path, side_px: int = 0) -> list[Any] | None:
    """Returns what the table says of one network, None for what takes no square RGB picture or has no download."""
    cfg = timm.get_pretrained_cfg(name)
    url = HUB.format(cfg.hf_hub_id) if cfg.hf_hub_id and not cfg.hf_hub_filename else cfg.url or ""
    if not url or cfg.input_size[0] != 3 or cfg.input_size[1] != cfg.input_size[2]:
        return None
    side = side_px or cfg.input_size[1]
    facts = _facts(cfg.architecture, side, work)
    if facts is None:
        return None
    num_weights = facts["num_weights"] + (cfg.num_classes or 0) * (facts["embedding_size"] + 1)
    return [
        cfg.license or "unknown",
        facts["embedding_size"],
        side,
        [round(value, 6) for value in cfg.mean],
        [round(value, 6) for value in cfg.std],
        cfg.interpolation,
        num_weights * BYTES_PER_WEIGHT,
        facts["gmacs"],
        url,
        *([facts["spreads"]] if facts["spreads"] else []),
    ]


def _facts(architecture: str, side: int, work: Path) -> dict[str, Any] | None:
    file = work / f"{architecture}@{side}.json"
    if file.is_file():
        found: dict[str, Any] | None = json.loads(file.read_text(encoding="utf-8"))
        return found
    try:
        found = _measure(architecture, side)
    except Exception as error:  # noqa: BLE001 - one odd network of 1,800 must not end the list; it is named and left out
        print(f"left out {architecture} at {side}: {type(error).__name__} {str(error)[:90]}", flush=True)
        found = None
    file.write_text(json.dumps(found), encoding="utf-8")
    return found


def _measure(architecture: str, side: int) -> dict[str, Any]:
    default = timm.get_pretrained_cfg(architecture)
    extra = {"img_size": side} if default.fixed_input_size and default.input_size[1] != side else {}
    network: nn.Module = _made(architecture, extra).eval().requires_grad_(False)
    num_weights = sum(value.numel() for value in network.state_dict().values())
    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        output = network(torch.empty(1, 3, side, side, device="meta"))
    if output.ndim != 2:
        raise ValueError(f"gives no vector but {tuple(output.shape)}")
    return {
        "spreads": spread_blocks(network, side),
        "embedding_size": output.shape[1],
        "num_weights": num_weights,
        "gmacs": round(counter.get_total_flops() / 2e9, 2),
    }


def _made(architecture: str, extra: dict[str, int]) -> nn.Module:
    try:
        with torch.device("meta"):
            network: nn.Module = timm.create_model(architecture, pretrained=False, num_classes=0, **extra)
    except (RuntimeError, NotImplementedError):  # it computes with tensors while it is made
        network = timm.create_model(architecture, pretrained=False, num_classes=0, **extra).to("meta")
    return network


if __name__ == "__main__":
    main()
