"""FindDevices: what networks could run on here, asked where torch may be loaded."""

from __future__ import annotations

from typing import ClassVar

from engine.job import Job, JobContext, Priority
from engine.language import tr


class FindDevices(Job[None, dict[str, str], dict[str, str]]):
    """Returns the names of the GPUs by what they are asked for by; needs no project."""

    title: ClassVar[str] = tr("Looking for graphics processors")
    in_worker: ClassVar[bool] = True
    priority = Priority.INTERACTIVE

    def prepare(self) -> None:
        return None

    @staticmethod
    def work(snapshot: None, context: JobContext) -> dict[str, str]:
        # It brings torch, which only the worker needs.
        from engine.nn.device import gpus

        return {device.torch_name: device.name for device in gpus()}

    def finish(self, result: dict[str, str]) -> dict[str, str]:
        return result
