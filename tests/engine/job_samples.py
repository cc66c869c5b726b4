"""Small jobs for the tests of the engine. A module of its own, since the worker process must import them."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any, ClassVar

from engine.errors import ExportError, TrainingError
from engine.events import ImagesAdded
from engine.job import Job, JobContext, Priority


class Sample(Job[Any, Any, Any]):
    """Hands `value` through its three parts and notes in `diary` which of them were called."""

    title: ClassVar[str] = "Sample"

    def __init__(self, value: Any = None, diary: list[str] | None = None, priority: Priority = Priority.NORMAL) -> None:
        self.value = value
        self.diary = diary if diary is not None else []
        self.priority = priority

    def prepare(self) -> Any:
        self.diary.append(f"prepare {self.value}")
        return self.value

    @staticmethod
    def work(snapshot: Any, context: JobContext) -> Any:
        return snapshot

    def finish(self, result: Any) -> Any:
        self.diary.append(f"finish {self.value}")
        return result

    def clean_up(self) -> None:
        self.diary.append(f"clean up {self.value}")


class Steps(Sample):
    """Takes `value` steps of 5 ms, each with a checkpoint and a progress."""

    title = "Steps"

    @staticmethod
    def work(snapshot: int, context: JobContext) -> int:
        for step in range(snapshot):
            context.checkpoint()
            context.progress(step, snapshot, f"{step} of {snapshot}")
            time.sleep(0.005)
        return snapshot


class StepsInWorker(Steps):
    in_worker = True


class ResumableInWorker(StepsInWorker):
    is_resumable = True


class SampleInWorker(Sample):
    in_worker = True


class ProcessId(Sample):
    in_worker = True

    @staticmethod
    def work(snapshot: Any, context: JobContext) -> int:
        return os.getpid()


class Deaf(Sample):
    """Never looks at the cancel flag, for `value` seconds."""

    title = "Deaf"

    @staticmethod
    def work(snapshot: float, context: JobContext) -> None:
        context.progress(0, 1)
        time.sleep(snapshot)


class DeafInWorker(Deaf):
    in_worker = True


class LeavesAFile(DeafInWorker):
    """Writes a temporary file, then hangs; `clean_up` removes the file."""

    @staticmethod
    def work(snapshot: str, context: JobContext) -> None:
        Path(snapshot).write_bytes(b"half")
        context.emit(ImagesAdded(1))
        time.sleep(60)

    def clean_up(self) -> None:
        Path(self.value).unlink(missing_ok=True)


class Raises(Sample):
    """Raises in the part named by `value`."""

    title = "Raises"

    def prepare(self) -> Any:
        if self.value == "prepare":
            raise TrainingError("There is nothing to train on.", "Label two images first.")
        return self.value

    @staticmethod
    def work(snapshot: str, context: JobContext) -> Any:
        if snapshot == "work":
            raise ExportError("The copy differs from the original.", "Report this.")
        if snapshot == "bug":
            raise ValueError("a bug of ours")
        if snapshot == "exit":
            raise SystemExit(3)
        if snapshot == "disk":
            raise OSError(28, "No space left on device", "/somewhere/file")
        return snapshot

    def finish(self, result: Any) -> Any:
        if self.value == "finish":
            raise TrainingError("The run cannot be recorded.")
        return result


class RaisesInWorker(Raises):
    in_worker = True


class Reverses(Job[bytes, bytes, bytes]):
    """Sends `data` to the worker, which sends it back."""

    title = "Reverse"
    in_worker = True

    def __init__(self, data: bytes) -> None:
        self.data = data

    def prepare(self) -> bytes:
        return self.data

    @staticmethod
    def work(snapshot: bytes, context: JobContext) -> bytes:
        return snapshot[::-1]

    def finish(self, result: bytes) -> bytes:
        return result


class KilledInWorker(Sample):
    """Ends its own process, as the system does when memory is short."""

    in_worker = True

    @staticmethod
    def work(snapshot: Any, context: JobContext) -> Any:
        os.kill(os.getpid(), signal.SIGKILL if snapshot == "kill" else signal.SIGSEGV)


class EmitsInWorker(Sample):
    in_worker = True

    @staticmethod
    def work(snapshot: int, context: JobContext) -> None:
        for _ in range(snapshot):
            context.emit(ImagesAdded(7))
        for step in range(20_000):
            context.progress(step + 1, 20_000)


class UnpicklableResult(Sample):
    in_worker = True

    @staticmethod
    def work(snapshot: Any, context: JobContext) -> Any:
        return lambda: None


class Environment(Sample):
    """Returns thread variables and niceness of the worker process."""

    in_worker = True

    @staticmethod
    def work(snapshot: Any, context: JobContext) -> dict[str, Any]:
        import torch

        return {
            "policy": os.environ.get("OMP_WAIT_POLICY"),
            "torch_threads": torch.get_num_threads(),
            "niceness": os.nice(0),
        }
