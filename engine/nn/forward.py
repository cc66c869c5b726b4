"""A backbone's forward pass on whatever this machine has: ONNX Runtime or torch on the processor, torch on a GPU.

One object, one thread. Views (n, 3, S, S) float32 go in, embeddings of views (n, D) float32 come out. Batches shrink
when memory runs out and the work goes on; a GPU that fails hands over to the processor, and `notes` says so.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from engine.backbones import BackboneSpec
from engine.errors import BackboneError
from engine.helper_process import MAKE_GRAPH, start_helper
from engine.language import tr
from engine.nn.classifier import GRAPH_ERRORS
from engine.nn.device import CPU, Device, DeviceKind, forget_cached_memory, free_memory_bytes, is_out_of_memory
from engine.nn.onnx_graph import (
    BACKBONE_INPUT,
    BACKBONE_OUTPUT,
    cached_graph,
    make_session,
    quick_graph,
)

Floats = NDArray[np.float32]

_MEMORY_PER_INPUT_VALUE: Final = 180
"""Bytes of activations for each number of a view: VGG-16, the most wasteful of the catalogue, holds two maps of 64
channels in the picture's full size at once (2 * 64 / 3 * 4 bytes = 171)."""
_SHARE_OF_FREE_MEMORY: Final = 0.25
_VIEWS_AT_A_TIME: Final = 4
_LARGEST_BATCH: Final = {DeviceKind.CPU: 32, DeviceKind.MPS: 128, DeviceKind.CUDA: 512}
"""More views at once are no faster: they only wait longer for their first result."""


class GpuFailedError(Exception):
    """A GPU gave an error that is not about memory, or cannot do a single view. Caught by `Forward`."""


class _Engine(Protocol):
    """Computes embeddings of views on one device."""

    def start(self, views: Floats) -> Callable[[], Floats]:
        """Starts a batch and returns what waits for its result; errors may come from either."""

    def close(self) -> None:
        """Ends threads and processes. Safe to call twice."""


class Forward:
    """The forward pass of one backbone. `device` is where it runs now; `notes` are sentences for the user."""

    def __init__(self, spec: BackboneSpec, weights: Path, num_threads: int, device: Device = CPU) -> None:
        """Loads the network onto the device.

        Raises:
            BackboneError: the weights cannot be used.
        """
        self._spec, self._weights, self._num_threads = spec, weights, num_threads
        self.device, self.notes = device, list[str]()
        self._engine: _Engine
        try:
            self._engine = _GpuEngine(spec, weights, device) if device.is_gpu else self._processor()
        except GpuFailedError as err:
            self._fall_back(err)
        self.max_views = largest_batch(spec, self.device)

    def start(self, views: Floats) -> Callable[[], Floats]:
        """Starts one batch of any size and returns what gives its embeddings (n, D), in order.

        On a GPU the work goes on while the caller prepares the next batch; on the processor it is done at the asking.
        """
        if not self.device.is_gpu or len(views) > self.max_views:
            return lambda: self._run(views)
        try:
            collect = self._engine.start(views)
        except (RuntimeError, MemoryError):
            return lambda: self._run(views)  # The same again, in smaller parts or elsewhere.

        def finish() -> Floats:
            try:
                return collect()
            except (RuntimeError, MemoryError):
                return self._run(views)

        return finish

    def __call__(self, views: Floats) -> Floats:
        """Returns the embeddings (n, D) of views (n, 3, S, S)."""
        return self.start(views)()

    def close(self) -> None:
        """Ends its threads and what is still being made. Safe to call twice."""
        self._engine.close()

    def _run(self, views: Floats) -> Floats:
        """As many views at a time as memory has room for."""
        rows: list[Floats] = []
        done = 0
        while done < len(views):
            part = views[done : done + self.max_views]
            try:
                rows.append(self._engine.start(part)())
            except (*GRAPH_ERRORS, MemoryError) as err:
                self._make_room(err, len(part))
                continue
            done += len(part)
        return np.concatenate(rows)

    def _make_room(self, err: BaseException, num_views: int) -> None:
        """Halves the batch, or hands over to the processor; raises what neither can mend."""
        if is_out_of_memory(err) and num_views > 1:
            self.max_views = max(1, num_views // 2)
            forget_cached_memory(self.device)
        elif self.device.is_gpu:
            self._fall_back(err)
            self.max_views = largest_batch(self._spec, self.device)
        elif is_out_of_memory(err):
            raise BackboneError(
                tr(
                    "There is too little memory for {backbone}, even for one image at a time.",
                    backbone=self._spec.display_name,
                ),
                tr("Close other programs, or choose a smaller backbone."),
            ) from err
        else:
            raise err

    def _fall_back(self, err: BaseException) -> None:
        reason = " ".join(str(err).split())[:200] or type(err).__name__
        self.notes.append(
            tr(
                "{device} failed ({reason}); the processor does its work from here on.",
                device=self.device.name,
                reason=reason,
            )
        )
        self.device = CPU
        self._engine = self._processor()

    def _processor(self) -> _Engine:
        graph = cached_graph(self._spec, self._weights) or quick_graph(self._spec, self._weights)
        if graph is not None:
            return _GraphEngine(graph, self._num_threads)
        return _TorchThenGraph(self._spec, self._weights, self._num_threads)


def largest_batch(spec: BackboneSpec, device: Device) -> int:
    """Returns how many views fit into the memory that is free now, at least one."""
    free = free_memory_bytes(device)
    if free is None:
        return _LARGEST_BATCH[device.kind] // 2
    view_bytes = 3 * spec.input_size_px**2 * _MEMORY_PER_INPUT_VALUE
    return int(max(1, min(_LARGEST_BATCH[device.kind], _SHARE_OF_FREE_MEMORY * free // view_bytes)))


class _GraphEngine:
    """ONNX Runtime on the processor: five times as fast as torch here.

    A few views at a time in each of several threads, and not all views in one: threads that share a layer wait for each
    other after each, which on a busy machine doubles the time, and a few views fit into the processor's cache.
    """

    def __init__(self, graph: Path, num_threads: int) -> None:
        self._session = make_session(graph, num_threads=1)
        self._num_threads = num_threads
        self._pool = ThreadPoolExecutor(num_threads, thread_name_prefix="forward")

    def start(self, views: Floats) -> Callable[[], Floats]:
        size = max(1, min(_VIEWS_AT_A_TIME, -(-len(views) // self._num_threads)))
        parts = [views[start : start + size] for start in range(0, len(views), size)]
        running = [self._pool.submit(self._compute, part) for part in parts]
        return lambda: np.concatenate([part.result() for part in running])

    def close(self) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _compute(self, views: Floats) -> Floats:
        rows: Floats = self._session.run([BACKBONE_OUTPUT], {BACKBONE_INPUT: views})[0]
        return rows


class _TorchThenGraph:
    """torch on the processor until another process has made the graph, which takes torch's exporter 4-60 seconds."""

    def __init__(self, spec: BackboneSpec, weights: Path, num_threads: int) -> None:
        import torch

        from engine.nn.networks import load_backbone

        torch.set_num_threads(num_threads)
        self._spec, self._weights, self._num_threads = spec, weights, num_threads
        self._network: Any = load_backbone(spec, weights).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._graph_engine: _GraphEngine | None = None
        self._maker = _start_making_graph(spec, weights)

    def start(self, views: Floats) -> Callable[[], Floats]:
        if self._graph_engine is None and self._maker.poll() is not None:
            graph = cached_graph(self._spec, self._weights)
            if graph is not None:
                self._graph_engine = _GraphEngine(graph, self._num_threads)
                self._network = None
        return self._graph_engine.start(views) if self._graph_engine is not None else lambda: self._torch(views)

    def _torch(self, views: Floats) -> Floats:
        import torch

        with torch.inference_mode():
            pictures = torch.from_numpy(views).contiguous(memory_format=torch.channels_last)
            rows: Floats = self._network(pictures).numpy()
        return rows

    def close(self) -> None:
        if self._graph_engine is not None:
            self._graph_engine.close()
        if self._maker.poll() is None:
            self._maker.terminate()
            self._maker.wait()


def _start_making_graph(spec: BackboneSpec, weights: Path) -> subprocess.Popen[bytes]:
    """Another process, since the exporter holds the interpreter and changes torch's global state while it works."""
    from engine.nn.make_graph import arguments_for

    return start_helper(MAKE_GRAPH, arguments_for(spec, weights))


class _GpuEngine:
    """torch on a GPU: float16 where it is faster, channels last, transfers from pinned memory while it computes."""

    def __init__(self, spec: BackboneSpec, weights: Path, device: Device) -> None:
        import torch

        from engine.nn.networks import load_backbone

        self._torch, self._device = torch, device
        self._dtype = torch.float16 if device.has_half else torch.float32
        self._spec, self._weights = spec, weights
        self._exact: Any = None
        try:
            self._network: Any = load_backbone(spec, weights).to(  # type: ignore[call-overload]
                device.torch_name, self._dtype, memory_format=torch.channels_last
            )
        except RuntimeError as err:
            raise GpuFailedError(str(err)) from err

    def start(self, views: Floats) -> Callable[[], Floats]:
        torch = self._torch
        with torch.inference_mode():
            pictures = self._send(views)
            rows = self._network(pictures.to(self._dtype)).float()
            is_finite = torch.isfinite(rows).all()

        def finish() -> Floats:
            with torch.inference_mode():
                if self._dtype != torch.float32 and not bool(is_finite):
                    return self._compute_exactly(views)
                result: Floats = rows.cpu().numpy()
            return result

        return finish

    def close(self) -> None:
        return

    def _send(self, views: Floats) -> Any:
        torch = self._torch
        host = torch.from_numpy(views)
        if self._device.kind == DeviceKind.CUDA:
            host = host.pin_memory()  # torch keeps pinned blocks and takes them again once the copy is through
        sent = host.to(self._device.torch_name, non_blocking=self._device.kind == DeviceKind.CUDA)
        return sent.contiguous(memory_format=torch.channels_last)

    def _compute_exactly(self, views: Floats) -> Floats:
        """Some activation was too large for float16: the same batch in float32."""
        torch = self._torch
        if self._exact is None:
            from engine.nn.networks import load_backbone

            network = load_backbone(self._spec, self._weights)
            self._exact = network.to(self._device.torch_name, memory_format=torch.channels_last)  # type: ignore[call-overload]
        result: Floats = self._exact(self._send(views)).cpu().numpy()
        return result
