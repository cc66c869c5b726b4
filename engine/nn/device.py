"""The one place that knows what a network can run on: which devices there are, their number format, their memory.

Written from PyTorch's documentation (`torch.cuda`, `torch.mps`, "CUDA semantics", "Channels Last Memory Format"); on a
machine without a GPU tests try it with stand-ins. torch is imported only where a GPU is possible, so that a processor
that has a graph for ONNX Runtime never waits for it.

Half precision is float16 and not bfloat16: eleven significant bits against eight keep embeddings within about 1e-3 of
the exact ones. What does not fit float16's range comes out not finite and is computed again exactly
(`engine.nn.forward`).
"""

from __future__ import annotations

import ctypes
import importlib.util
import os
import platform
import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

DEVICE_VARIABLE: Final = "GRAFT_DEVICE"
_OLDEST_WITH_TENSOR_CORES: Final = (7, 0)
_OUT_OF_MEMORY: Final = re.compile(
    r"out of memory|bad allocation|bad_alloc|failed to allocate|can't allocate memory|not enough memory", re.IGNORECASE
)


class DeviceKind(StrEnum):
    """What kind of processor a network runs on."""

    CPU = "cpu"
    CUDA = "cuda"
    MPS = "mps"


@dataclass(frozen=True, slots=True)
class Device:
    """One device. `name` is for people, `torch_name` for torch; `has_half` says that float16 is the faster format."""

    kind: DeviceKind
    name: str
    torch_name: str
    has_half: bool = False

    @property
    def is_gpu(self) -> bool:
        return self.kind != DeviceKind.CPU


CPU: Final = Device(DeviceKind.CPU, "the processor", "cpu")


def choose_device(wanted: str = "auto") -> Device:
    """Returns the device to use: the best one, or the one asked for where it is there.

    Args:
        wanted: "auto", "cpu", "cuda", "cuda:1" or "mps". GRAFT_DEVICE takes the place of "auto". One that is not there
            means the processor: a project moved to another machine must go on.
    """
    if wanted == "auto":
        wanted = os.environ.get(DEVICE_VARIABLE, "") or "auto"
    if wanted == "cpu":
        return CPU
    devices = gpus()
    if wanted == "auto":
        return devices[0] if devices else CPU
    return next((each for each in devices if wanted in (each.torch_name, each.kind)), CPU)


def gpus() -> list[Device]:
    """Returns the GPUs that torch can use, the first one first."""
    if not may_have_gpu():
        return []
    import torch

    found = []
    if torch.cuda.is_available():
        for index in range(torch.cuda.device_count()):
            has_half = torch.cuda.get_device_capability(index) >= _OLDEST_WITH_TENSOR_CORES
            name = torch.cuda.get_device_name(index)
            found.append(Device(DeviceKind.CUDA, name, f"cuda:{index}", has_half))
    if torch.backends.mps.is_available():
        found.append(Device(DeviceKind.MPS, "the Apple GPU", "mps", has_half=True))
    return found


def may_have_gpu() -> bool:
    """Tells, without importing torch, whether this copy of it could use a GPU at all."""
    if platform.system() == "Darwin":
        return True
    package = importlib.util.find_spec("torch")
    if package is None or package.origin is None:
        return False
    try:
        version = (Path(package.origin).parent / "version.py").read_text(encoding="utf-8")
    except OSError:
        return True
    return re.search(r"^(cuda|hip)\b[^=]*=\s*'", version, re.MULTILINE) is not None


def is_out_of_memory(error: BaseException) -> bool:
    """Tells whether an error of torch, CUDA, Metal or ONNX Runtime means that there was too little memory."""
    names = {kind.__name__ for kind in type(error).__mro__}
    return "OutOfMemoryError" in names or isinstance(error, MemoryError) or bool(_OUT_OF_MEMORY.search(str(error)))


def free_memory_bytes(device: Device) -> int | None:
    """Returns how much memory a device has left, None where that cannot be found out."""
    if device.kind == DeviceKind.CUDA:
        import torch

        return int(torch.cuda.mem_get_info(device.torch_name)[0])
    if device.kind == DeviceKind.MPS:
        import torch

        return max(0, int(torch.mps.recommended_max_memory()) - int(torch.mps.current_allocated_memory()))
    return _free_main_memory_bytes()


def forget_cached_memory(device: Device) -> None:
    """Gives memory back that torch keeps for later, so that a smaller batch finds room."""
    if device.is_gpu:
        import torch

        (torch.cuda if device.kind == DeviceKind.CUDA else torch.mps).empty_cache()


def _free_main_memory_bytes() -> int | None:
    system = platform.system()
    if system == "Linux":
        try:
            with open("/proc/meminfo", encoding="ascii") as lines:
                return _available_of(lines)
        except OSError:
            return None
    return _free_on_windows() if system == "Windows" else None


def _available_of(lines: Iterable[str]) -> int | None:
    for line in lines:
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return None


class _MemoryStatus(ctypes.Structure):
    """MEMORYSTATUSEX of the Windows API."""

    _fields_ = [
        ("length", ctypes.c_ulong),
        ("load_percent", ctypes.c_ulong),
        *((name, ctypes.c_ulonglong) for name in ("total", "available", "c", "d", "e", "f", "g")),
    ]


def _free_on_windows() -> int | None:
    status = _MemoryStatus()
    status.length = ctypes.sizeof(status)
    kernel = getattr(ctypes, "windll").kernel32  # noqa: B009 - mypy knows the name on Windows only
    return int(status.available) if kernel.GlobalMemoryStatusEx(ctypes.byref(status)) else None
