"""Which device is chosen, and what happens when it has too little memory or fails: tried with stand-ins."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from engine.backbones import spec
from engine.errors import BackboneError
from engine.nn import device, forward
from engine.nn.device import CPU, Device, DeviceKind, choose_device, is_out_of_memory
from engine.nn.forward import Floats, Forward, GpuFailedError
from engine.settings import Settings, save_settings

GPU = Device(DeviceKind.CUDA, "Pretend GPU", "cuda:0", has_half=True)
STARTER = spec("starter")
NOWHERE = Path("/nowhere")


class PretendEngine:
    """Gives each view's mean as its embedding; fails as it is told."""

    def __init__(self, room_for: int = 10_000, error: Exception | None = None, fails_when_asked: bool = False) -> None:
        self.room_for, self.error, self.fails_when_asked = room_for, error, fails_when_asked
        self.sizes: list[int] = []

    def start(self, views: Floats) -> Callable[[], Floats]:
        self.sizes.append(len(views))
        if len(views) > self.room_for:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        if self.error is not None and not self.fails_when_asked:
            raise self.error

        def finish() -> Floats:
            if self.error is not None:
                raise self.error
            return views.mean(axis=(2, 3))

        return finish

    def close(self) -> None:
        return


@pytest.fixture
def on_gpu(monkeypatch: pytest.MonkeyPatch) -> Callable[[PretendEngine], Forward]:
    """Makes a forward pass on a pretended GPU, with a pretended processor to fall back on."""

    def make(engine: PretendEngine) -> Forward:
        monkeypatch.setattr(forward, "_GpuEngine", lambda *_: engine)
        monkeypatch.setattr(Forward, "_processor", lambda self: PretendEngine())
        monkeypatch.setattr(forward, "free_memory_bytes", lambda _: 1 << 34)
        monkeypatch.setattr(forward, "forget_cached_memory", lambda _: None)
        return Forward(STARTER, NOWHERE, 1, GPU)

    return make


def some_views(count: int) -> Floats:
    return np.random.default_rng(0).standard_normal((count, 3, 4, 4)).astype(np.float32)


# ----------------------------------------------------------------------------------------------------- out of memory


def test_automatic_means_what_the_preferences_say(monkeypatch: pytest.MonkeyPatch) -> None:
    other = Device(DeviceKind.CUDA, "Other GPU", "cuda:1")
    monkeypatch.setattr(device, "gpus", lambda: [GPU, other])
    monkeypatch.delenv("GRAFT_DEVICE", raising=False)
    assert choose_device() is GPU
    save_settings(Settings(device="cuda:1"))
    assert choose_device() is other
    assert choose_device("cuda:0") is GPU
    save_settings(Settings(device="cpu"))
    assert choose_device() is CPU
    monkeypatch.setenv("GRAFT_DEVICE", "cuda:1")
    assert choose_device() is other


def test_too_little_memory_halves_the_batch_and_goes_on(on_gpu: Callable[[PretendEngine], Forward]) -> None:
    engine = PretendEngine(room_for=5)
    forward_pass, views = on_gpu(engine), some_views(40)
    np.testing.assert_allclose(forward_pass(views), views.mean(axis=(2, 3)))
    assert engine.sizes == [40, 40, 20, 10, *[5] * 8]
    assert forward_pass.device == GPU
    assert forward_pass.notes == []


def test_the_smaller_batch_is_kept_for_what_follows(on_gpu: Callable[[PretendEngine], Forward]) -> None:
    engine = PretendEngine(room_for=5)
    forward_pass = on_gpu(engine)
    forward_pass(some_views(40))
    engine.sizes.clear()
    forward_pass(some_views(10))
    assert engine.sizes == [5, 5]


def test_a_gpu_without_room_for_a_single_image_hands_over(on_gpu: Callable[[PretendEngine], Forward]) -> None:
    forward_pass, views = on_gpu(PretendEngine(room_for=0)), some_views(7)
    np.testing.assert_allclose(forward_pass(views), views.mean(axis=(2, 3)))
    assert forward_pass.device == CPU
    assert "Pretend GPU failed" in forward_pass.notes[0]


def test_a_processor_without_room_for_a_single_image_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Forward, "_processor", lambda self: PretendEngine(room_for=0))
    with pytest.raises(BackboneError, match="too little memory"):
        Forward(STARTER, NOWHERE, 1)(some_views(3))


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        torch.OutOfMemoryError("CUDA out of memory."),
        RuntimeError("MPS backend out of memory (MPS allocated: 17 GB)"),
        RuntimeError("[enforce fail at alloc_cpu.cpp:117] DefaultCPUAllocator: can't allocate memory: you tried"),
        RuntimeError("std::bad_alloc"),
        RuntimeError("[ONNXRuntimeError] : 6 : Failed to allocate memory for requested buffer of size 9"),
    ],
)
def test_every_librarys_word_for_too_little_memory_is_known(error: Exception) -> None:
    assert is_out_of_memory(error)
    assert not is_out_of_memory(RuntimeError("CUDA error: device-side assert triggered"))


def test_the_first_batch_fits_into_the_memory_that_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    record = spec("mobilenet_v2")
    monkeypatch.setattr(forward, "free_memory_bytes", lambda _: 1 << 40)
    assert forward.largest_batch(record, GPU) == 512
    assert forward.largest_batch(record, CPU) == 32
    monkeypatch.setattr(forward, "free_memory_bytes", lambda _: 800_000_000)
    assert forward.largest_batch(record, GPU) == 7
    monkeypatch.setattr(forward, "free_memory_bytes", lambda _: 0)
    assert forward.largest_batch(record, CPU) == 1
    monkeypatch.setattr(forward, "free_memory_bytes", lambda _: None)
    assert forward.largest_batch(record, CPU) == 16


def test_free_main_memory_is_found_out_here() -> None:
    free = device.free_memory_bytes(CPU)
    assert free is None or 1 << 20 < free < 1 << 45
    if sys.platform == "linux":
        assert free is not None


# --------------------------------------------------------------------------------------------------- a GPU that fails


@pytest.mark.parametrize("when_asked", [False, True])
def test_a_gpu_that_fails_hands_over_to_the_processor_and_no_image_is_lost(
    when_asked: bool, on_gpu: Callable[[PretendEngine], Forward]
) -> None:
    broken = PretendEngine(error=RuntimeError("CUDA error: unspecified launch failure"), fails_when_asked=when_asked)
    forward_pass, views = on_gpu(broken), some_views(9)
    np.testing.assert_allclose(forward_pass(views), views.mean(axis=(2, 3)))
    assert forward_pass.device == CPU
    assert forward_pass.notes == [
        "Pretend GPU failed (CUDA error: unspecified launch failure); the processor does its work from here on."
    ]


def test_a_batch_on_its_way_is_computed_again_after_the_gpu_failed(on_gpu: Callable[[PretendEngine], Forward]) -> None:
    engine = PretendEngine()
    forward_pass = on_gpu(engine)
    first, second = some_views(4), some_views(6)
    collect_first = forward_pass.start(first)
    engine.error = RuntimeError("CUDA error")
    collect_second = forward_pass.start(second)
    np.testing.assert_allclose(collect_first(), first.mean(axis=(2, 3)))
    np.testing.assert_allclose(collect_second(), second.mean(axis=(2, 3)))


def test_a_network_that_does_not_get_onto_the_gpu_runs_on_the_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> PretendEngine:
        raise GpuFailedError("no kernel image is available for execution on the device")

    monkeypatch.setattr(forward, "_GpuEngine", refuse)
    monkeypatch.setattr(Forward, "_processor", lambda self: PretendEngine())
    forward_pass = Forward(STARTER, NOWHERE, 1, GPU)
    assert forward_pass.device == CPU
    assert "no kernel image" in forward_pass.notes[0]


def test_any_other_error_on_the_processor_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Forward, "_processor", lambda self: PretendEngine(error=ValueError("a bug")))
    with pytest.raises(ValueError, match="a bug"):
        Forward(STARTER, NOWHERE, 1)(some_views(3))


# ----------------------------------------------------------------------------------- what a GPU computes, tried on CPU


@pytest.fixture
def half_engine(monkeypatch: pytest.MonkeyPatch) -> Callable[[torch.nn.Module], forward._GpuEngine]:
    """The GPU's code with the processor in its place, which knows float16 and channels last as well."""

    def make(network: torch.nn.Module) -> forward._GpuEngine:
        import copy

        monkeypatch.setattr("engine.nn.networks.load_backbone", lambda *_: copy.deepcopy(network))
        return forward._GpuEngine(STARTER, NOWHERE, Device(DeviceKind.MPS, "Pretend", "cpu", has_half=True))

    return make


def test_half_precision_channels_last_gives_the_same_embeddings(half_engine: Callable) -> None:
    torch.manual_seed(0)
    layers = torch.nn.Sequential(torch.nn.Conv2d(3, 16, 3, bias=False), torch.nn.ReLU(), torch.nn.AdaptiveAvgPool2d(1))
    network = torch.nn.Sequential(layers, torch.nn.Flatten()).eval().requires_grad_(False)
    views = some_views(8)
    engine = half_engine(network)
    assert engine._network[0][0].weight.dtype == torch.float16
    found = engine.start(views)()
    assert found.dtype == np.float32
    expected = network(torch.from_numpy(views)).numpy()
    assert np.abs(found - expected).max() < 2e-3 * np.abs(expected).max()


def test_what_is_too_large_for_half_precision_is_computed_again_exactly(half_engine: Callable) -> None:
    class Loud(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.gain = torch.nn.Parameter(torch.tensor(1e4))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return (x.mean(dim=(2, 3)) * self.gain * 100).abs() / 100

    views = some_views(3) + 5
    found = half_engine(Loud().eval().requires_grad_(False)).start(views)()
    np.testing.assert_allclose(found, views.mean(axis=(2, 3)) * 1e4, rtol=1e-5)


# ---------------------------------------------------------------------------------------------------------- the choice


def pretend_torch(monkeypatch: pytest.MonkeyPatch, num_cuda: int = 0, has_mps: bool = False) -> None:
    cuda = SimpleNamespace(
        is_available=lambda: num_cuda > 0,
        device_count=lambda: num_cuda,
        get_device_capability=lambda index: (8, 0) if index == 0 else (6, 1),
        get_device_name=lambda index: f"Pretend {index}",
    )
    backends = SimpleNamespace(mps=SimpleNamespace(is_available=lambda: has_mps))
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(cuda=cuda, backends=backends))
    monkeypatch.setattr(device, "may_have_gpu", lambda: True)


def test_the_first_gpu_is_chosen_and_an_old_one_keeps_to_single_precision(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend_torch(monkeypatch, num_cuda=2)
    assert choose_device() == Device(DeviceKind.CUDA, "Pretend 0", "cuda:0", has_half=True)
    assert choose_device("cuda:1") == Device(DeviceKind.CUDA, "Pretend 1", "cuda:1", has_half=False)
    assert choose_device("cpu") == CPU
    monkeypatch.setenv("GRAFT_DEVICE", "cpu")
    assert choose_device() == CPU


def test_apples_gpu_is_chosen_where_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend_torch(monkeypatch, has_mps=True)
    assert choose_device().kind == DeviceKind.MPS
    assert choose_device("mps").torch_name == "mps"


def test_a_device_that_is_not_there_means_the_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend_torch(monkeypatch)
    assert choose_device("cuda") == CPU
    assert choose_device() == CPU


def test_whether_a_gpu_is_possible_is_known_without_torch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "torch"
    package.mkdir()
    monkeypatch.setattr(
        device.importlib.util, "find_spec", lambda _: SimpleNamespace(origin=str(package / "__init__.py"))
    )
    monkeypatch.setattr(device.platform, "system", lambda: "Linux")
    for line, is_possible in (
        ("cuda: Optional[str] = None\nhip: Optional[str] = None\n", False),
        ("cuda: Optional[str] = '12.8'\n", True),
        ("cuda = '13.0'\n", True),
        ("cuda = None\nhip = '6.4'\n", True),
    ):
        (package / "version.py").write_text(f"__version__ = '2.13.0'\n{line}")
        assert device.may_have_gpu() is is_possible
    monkeypatch.setattr(device.platform, "system", lambda: "Darwin")
    assert device.may_have_gpu()


# ------------------------------------------------------------------------------------- torch until the graph is ready


def test_torch_computes_until_the_graph_is_ready_and_both_give_the_same(
    shared_weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a small network and its exporter in this process: the real one takes most of a minute."""
    from engine.nn import onnx_graph
    from engine.weights import find_weights

    record = spec("squeezenet1_1")
    weights = find_weights(record)
    maker = SimpleNamespace(is_done=False, poll=lambda: 0 if maker.is_done else None)
    maker.terminate = maker.wait = lambda: None
    monkeypatch.setattr(forward, "quick_graph", lambda *_: None)
    monkeypatch.setattr(forward, "_start_making_graph", lambda *_: maker)
    views = np.random.default_rng(1).standard_normal((2, 3, 224, 224)).astype(np.float32)

    forward_pass = Forward(record, weights, 1)
    by_torch = forward_pass(views)
    assert isinstance(forward_pass._engine, forward._TorchThenGraph)
    assert forward_pass._engine._graph_engine is None
    onnx_graph.backbone_graph(record, weights)
    maker.is_done = True
    by_graph = forward_pass(views)
    assert forward_pass._engine._graph_engine is not None
    assert np.abs(by_torch - by_graph).max() <= 1e-3 * np.abs(by_torch).max()
    forward_pass.close()


def test_a_graph_is_made_in_a_process_of_its_own(shared_weights: Path) -> None:
    from engine.nn.onnx_graph import cached_graph
    from engine.weights import find_weights

    record = spec("squeezenet1_1")
    weights = find_weights(record)
    assert cached_graph(record, weights) is None
    maker = forward._start_making_graph(record, weights)
    assert maker.wait(timeout=120) == 0
    assert cached_graph(record, weights) is not None
