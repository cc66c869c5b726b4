"""The one place that knows what a network can run on: which devices there are, their number format, their memory.

Written from PyTorch's documentation (`torch.cuda`, `torch.mps`, "CUDA semantics", "Channels Last Memory Format"); on a
machine without a GPU tests try it with stand-ins. torch is imported only where a GPU is possible, so that a processor
that has a graph for ONNX Runtime never waits for it.

For embeddings half precision is float16 and not bfloat16: eleven significant bits against eight keep them within about
1e-3 of the exact ones. What does not fit float16's range comes out not finite and is computed again exactly
(`engine.nn.forward`). Training takes bfloat16 where the device computes with it, which needs no scaling of the loss.
"""

from __future__ import annotations

import ctypes
import importlib.util
import platform
import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Final

from engine.language import tr
from engine.settings import AUTO_DEVICE, wanted_device
from engine.settings import DEVICE_VARIABLE as DEVICE_VARIABLE

if TYPE_CHECKING:
    import torch

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


CPU: Final = Device(DeviceKind.CPU, tr("the processor"), "cpu")


def choose_device(wanted: str = "auto") -> Device:
    """Returns the device to use: the best one, or the one asked for where it is there.

    Args:
        wanted: "auto", "cpu", "cuda", "cuda:1" or "mps". GRAFT_DEVICE, else the user's setting, takes the place of
            "auto". One that is not there means the processor: a project moved to another machine must go on.
    """
    if wanted == AUTO_DEVICE:
        wanted = wanted_device()
    if wanted == "cpu":
        return CPU
    devices = gpus()
    if wanted == AUTO_DEVICE:
        return devices[0] if devices else CPU
    return next((each for each in devices if wanted in (each.torch_name, each.kind)), CPU)


def choose_devices(wanted: str, count: int) -> list[Device]:
    """Returns the device asked for and, where there are more of its kind, others, `count` in all at most.

    The processor may be given to any number of processes.
    """
    first = choose_device(wanted)
    if not first.is_gpu:
        return [CPU] * count
    return [first, *(each for each in gpus() if each.kind == first.kind and each != first)][:count]


def is_here(wanted: str) -> bool:
    """Tells whether the device that is asked for can be used on this machine."""
    return wanted in ("auto", CPU.torch_name) or choose_device(wanted).is_gpu


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
        found.append(Device(DeviceKind.MPS, tr("the Apple GPU"), "mps", has_half=True))
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


# ---- training


def training_precision(device: Device) -> torch.dtype:
    """Returns bfloat16 where the device computes with it (three times as fast on the processor here), else float32."""
    import torch

    if device.kind == DeviceKind.CUDA:
        with torch.cuda.device(device.torch_name):
            has_bfloat16 = torch.cuda.is_bf16_supported(including_emulation=False)
    elif device.kind == DeviceKind.CPU:
        probe = getattr(torch.cpu, "_is_avx512_bf16_supported", None)
        has_bfloat16 = probe is not None and probe()
    else:
        has_bfloat16 = False  # Metal's autocast differs from one macOS to the next
    return torch.bfloat16 if has_bfloat16 else torch.float32


def autocast(device: Device, precision: torch.dtype) -> torch.autocast:
    """Returns the context in which a network computes at a precision."""
    import torch

    return torch.autocast(device.kind.value, precision, enabled=precision != torch.float32)


def ready_to_send(tensor: torch.Tensor, device: Device) -> torch.Tensor:
    """Returns the same in memory from which a device takes it by itself: pinned for CUDA."""
    return tensor.pin_memory() if device.kind == DeviceKind.CUDA else tensor


def send(tensor: torch.Tensor, device: Device) -> torch.Tensor:
    """Returns a tensor of main memory on a device; the caller need not wait for CUDA."""
    is_cuda = device.kind == DeviceKind.CUDA
    return ready_to_send(tensor, device).to(device.torch_name, non_blocking=is_cuda)


def wait_for(device: Device) -> None:
    """Waits until a device has done what was asked of it."""
    if device.is_gpu:
        import torch

        (torch.cuda if device.kind == DeviceKind.CUDA else torch.mps).synchronize()


def peak_memory_bytes(device: Device) -> int:
    """Returns the most memory that this process has used on a device, 0 where the system does not tell."""
    if device.kind == DeviceKind.CUDA:
        import torch

        return int(torch.cuda.max_memory_allocated(device.torch_name))
    if sys.platform == "win32":
        return 0
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(peak if sys.platform == "darwin" else peak * 1024)


class DeviceFailedError(Exception):
    """A GPU can do no more, and what it had may be lost: go on from what lies in main memory, on the processor."""


class Place:
    """Where a network is trained, at which precision, and how many images at a time.

    `notes` are sentences about what did not go as planned.
    """

    def __init__(self, device: Device = CPU, precision: torch.dtype | None = None) -> None:
        """`precision` None = the fastest that can be trained with."""
        self.device = device
        self.precision = training_precision(device) if precision is None else precision
        self.portion = 1 << 20
        self.notes: list[str] = []

    def make_room(self, err: BaseException, num_images: int) -> None:
        """Takes half as many images at a time from now on, when the error was about memory.

        Raises:
            DeviceFailedError: a GPU failed otherwise, or has no room for one image. The processor is the place now.
            BaseException: `err`, when nothing helps.
        """
        if is_out_of_memory(err) and num_images > 1:
            self.portion = max(1, num_images // 2)
            forget_cached_memory(self.device)
        elif self.device.is_gpu:
            reason = " ".join(str(err).split())[:200] or type(err).__name__
            self.notes.append(
                tr(
                    "{device} failed ({reason}); the processor went on with the training.",
                    device=self.device.name,
                    reason=reason,
                )
            )
            self.device, self.portion = CPU, 1 << 20
            self.precision = training_precision(CPU)
            raise DeviceFailedError(reason) from err
        else:
            raise err


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
