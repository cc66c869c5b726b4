"""The one family of errors that a user may see. Anything else is a bug and is logged with its traceback."""


class AppError(Exception):
    """A failure that the user can act on.

    Attributes:
        message: what happened, one sentence in the user's words, ending in a full stop.
        hint: what to do next, one sentence; empty when there is nothing to do.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message, hint)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class ProjectError(AppError):
    """The project folder cannot be made, opened or used."""


class StoreError(AppError):
    """The project's database cannot be read or written (disk full, locked, damaged, newer than the program)."""


class ProjectInUseError(StoreError):
    """Another Graft window holds the project; a read-only copy can be opened instead."""


class ProjectDamagedError(StoreError):
    """The project's database is damaged or gone; `Project.restore` brings it back from backup and journal."""


class ImageError(AppError):
    """One image file cannot be read."""


class BackboneError(AppError):
    """A backbone is not known, or its weights are missing, damaged or wrong."""


class TrainingError(AppError):
    """Training is not possible with these labels, or went wrong."""


class ImportFormatError(AppError):
    """A file to import from (labels, model) is not what it should be."""


class ExportError(AppError):
    """An export could not be written, or did not pass its parity check."""


class ExtraError(AppError):
    """A library that an export needs is missing or could not be installed."""


class ServerError(AppError):
    """The local prediction server cannot be started."""


class UsageError(AppError):
    """The command line was called with arguments that do not fit (exit status 2)."""


class DiskError(AppError):
    """A file or folder cannot be written (disk full, read-only, no permission)."""


class WorkerError(AppError):
    """The worker process stopped by itself while it was working (killed, crashed, out of memory)."""


class InternalError(AppError):
    """A bug of ours, told to the user as one sentence; the traceback goes to the log and behind *Copy details*."""
