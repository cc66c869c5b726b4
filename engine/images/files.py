"""Opens image files safely: the one place that decides which files and formats we touch, and up to which size.

Everything else in this package goes through `read_bytes` and `open_image`, so a FIFO named .jpg cannot hang us, a
decompression bomb is refused before it is decoded, and no decoder outside the allow-list ever sees a user's file.
"""

from __future__ import annotations

import io
import os
import stat
import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from PIL import Image, UnidentifiedImageError

from engine.errors import ImageError
from engine.images.containers import ends_too_early, is_heic
from engine.language import tr

FORMATS: Final = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "DIB", "TIFF", "AVIF", "JPEG2000")
"""Pillow decoders that we let near a file. Recent security holes were in formats that nobody labels."""

SUFFIXES: Final = frozenset(
    f".{suffix}"
    for suffix in (
        *("jpg", "jpeg", "jpe", "jfif", "mpo", "png", "apng", "webp", "gif", "bmp", "dib", "tif", "tiff"),
        *("avif", "jp2", "j2k", "jpx", "heic", "heif"),
    )
)
"""File names that a scan looks at. HEIC is here although we cannot read it, so that the user is told and not left to
wonder where the pictures are."""

MAX_PIXELS: Final = 1 << 28
"""268 megapixels: the largest phone cameras (200 MP) pass, a bomb does not (as RGB this is 0.8 GB)."""

MAX_FILE_BYTES: Final = 1 << 30

DECODER_FAULTS: Final = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    ArithmeticError,
    EOFError,
    MemoryError,
    RuntimeError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
    Image.DecompressionBombWarning,
)
"""What decoders raise on damaged files, found by feeding them damaged files. Catch it around decoder calls only."""

# Our own limit in place of Pillow's, for every thread: at the limit a warning turned into an error, above twice the
# limit Pillow's own error. `open_image` checks again, because a test runner may reset the warning filters.
Image.MAX_IMAGE_PIXELS = MAX_PIXELS
warnings.filterwarnings("error", category=Image.DecompressionBombWarning)
# Odd metadata makes Pillow warn on stderr once per file; the pixels are what counts.
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")


def is_image_name(name: str) -> bool:
    """Tells whether a file of this name is looked at by a scan. Content decides later whether it is an image."""
    return os.path.splitext(name)[1].lower() in SUFFIXES


def read_bytes(path: Path) -> bytes:
    """Returns the content of a regular file.

    Raises:
        ImageError: the file is missing, not readable, not a regular file, empty, or larger than MAX_FILE_BYTES.
    """
    try:
        # O_NONBLOCK: opening a FIFO without a writer would wait for ever. It changes nothing for regular files.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except (OSError, ValueError) as err:
        raise _cannot_open(err) from err
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise ImageError(
                tr("This is not a regular file."), tr("Pipes, devices and folders cannot be shown as images.")
            )
        if status.st_size == 0:
            raise ImageError(tr("The file is empty."), tr("Copy it again from where it came from."))
        if status.st_size > MAX_FILE_BYTES:
            raise ImageError(
                tr("The file is too large ({size:,.0f} MB).", size=status.st_size / 2**20),
                tr("Files up to {size:,} MB can be read; make a smaller copy.", size=MAX_FILE_BYTES // 2**20),
            )
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            return file.read()
    except (OSError, MemoryError) as err:
        raise _cannot_open(err) from err
    finally:
        os.close(descriptor)


def open_image(data: bytes) -> Image.Image:
    """Returns the image in `data`, header read and pixels not yet decoded. The content decides the format.

    Raises:
        ImageError: not one of FORMATS, damaged in the header, shorter than it says, or more than MAX_PIXELS.
    """
    if is_heic(data):
        raise ImageError(tr("HEIC pictures cannot be read yet."), tr("Convert it to JPEG or PNG."))
    if ends_too_early(data):
        raise truncated()
    with decoder_faults_as_image_errors():
        image = Image.open(io.BytesIO(data), formats=FORMATS)
        width, height = image.size
    if width * height > MAX_PIXELS:
        raise _too_many_pixels()
    if width < 1 or height < 1:
        raise ImageError(tr("The image has no pixels."), tr("Export it again from the program that made it."))
    return image


@contextmanager
def decoder_faults_as_image_errors() -> Iterator[None]:
    """Translates whatever a decoder raises inside the block to an ImageError with a sentence for the user."""
    try:
        yield
    except ImageError:
        raise
    except UnidentifiedImageError as err:
        raise ImageError(
            tr("The content is not an image in a format that can be read."),
            tr("JPEG, PNG, TIFF, WebP, GIF, BMP, AVIF and JPEG 2000 can be read; convert it to one of them."),
        ) from err
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as err:
        raise _too_many_pixels() from err
    except MemoryError as err:
        raise ImageError(
            tr("There is not enough memory to decode the image."), tr("Make a smaller copy of it.")
        ) from err
    except DECODER_FAULTS as err:
        if "truncated" in str(err).lower():
            raise truncated() from err
        raise damaged(str(err)) from err


def truncated() -> ImageError:
    """The error for a file that ends too early."""
    return ImageError(tr("The file is truncated: its end is missing."), tr("Copy it again from where it came from."))


def damaged(details: str) -> ImageError:
    """The error for a file whose image data is broken; `details` is what the decoder said."""
    return ImageError(
        tr("The image data is damaged ({reason}).", reason=details or tr("no details")),
        tr("Copy it again from its source."),
    )


def _too_many_pixels() -> ImageError:
    return ImageError(
        tr("The image has more than {limit} million pixels.", limit=MAX_PIXELS // 1_000_000),
        tr("Make a smaller copy of it, or cut it into tiles."),
    )


def _cannot_open(err: OSError | ValueError | MemoryError) -> ImageError:
    if isinstance(err, FileNotFoundError):
        return ImageError(tr("The file is not there any more."), tr("Put it back, or rescan the folder."))
    if isinstance(err, PermissionError):
        return ImageError(tr("The file may not be read."), tr("Give yourself permission to read it and rescan."))
    reason = err.strerror if isinstance(err, OSError) and err.strerror else str(err) or type(err).__name__
    return ImageError(tr("The file cannot be read ({reason}).", reason=reason), tr("Check the drive that it lies on."))
