"""What leaves is what you saw: the exported model, loaded from disk again, against the program on real images."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.errors import ExportError, ImageError
from engine.exporters.predict_script import PredictScript
from engine.exporters.protocol import Limits
from engine.images.decode import decode_rgb
from engine.job import JobContext
from engine.language import decimal, tr

MAX_PARITY_IMAGES = 200

Predictor = Callable[[NDArray[np.uint8]], tuple[NDArray[np.float32], float]]
"""Pixels (H, W, 3) to probabilities (K,) and unknown score (NaN where there is none)."""


SHOWN_MARGIN = 0.02
"""What the window shows comes from cached features, perhaps of another runtime: closer classes may change places."""


@dataclass(frozen=True, slots=True)
class ParityImage:
    """An image to compare on. `shown` (K,) is what the window shows for it, None where it shows nothing.

    Size and time are those of the file that `shown` belongs to.
    """

    path: Path
    size_bytes: int
    mtime_ns: int
    shown: NDArray[np.floating[Any]] | None = None


@dataclass(frozen=True, slots=True)
class Parity:
    """How far an exported model is from the program's own predictions on `num_images` of the user's images.

    Fractions in 0..1, differences in probability; `top1_agreement` is the share of images that get the same class, or
    where images may have several, the same classes, of which `least_agreement` is asked for. `limit` is how far a
    probability may be from the program's own; None where the classes alone decide. `max_unknown_diff` is the largest
    difference of unknown scores, None where the model has none. `num_read_alike` counts the images that predict.py
    reads to the very same pixels as the program; the others have 16-bit values or a colour profile, which predict.py
    does not treat. `num_shown` images had a prediction in the window, of which `num_shown_otherwise` was clearly
    another class.

    Where the model cannot be run on this computer, `unchecked_because` is a sentence that says why, and nothing else is
    known.
    """

    runtime: str
    num_images: int
    top1_agreement: float | None
    max_abs_diff: float | None
    limit: float | None
    num_read_alike: int
    num_shown: int
    num_shown_otherwise: int
    max_unknown_diff: float | None = None
    least_agreement: float = 1.0
    unchecked_because: str = ""

    @staticmethod
    def unchecked(runtime: str, reason: str) -> Parity:
        """Returns what is known of a model that cannot be run here."""
        return Parity(runtime, 0, None, None, None, 0, 0, 0, unchecked_because=reason)

    def document(self) -> dict[str, Any]:
        """Returns what parity.json says."""
        return asdict(self)


def measure_parity(
    script: PredictScript,
    program: Predictor,
    images: Sequence[ParityImage],
    runtime: str,
    limits: Limits,
    context: JobContext,
    thresholds: NDArray[np.float32] | None = None,
) -> Parity:
    """Returns how the exported model compares with the program. Images that cannot be read are left out.

    Args:
        thresholds: from which probability on an image has each class (K,), where it may have several; else None.

    Raises:
        ExportError: none of the images can be read.
    """
    num_alike = num_same_class = num_compared = num_shown = num_otherwise = 0
    max_abs_diff = max_unknown_diff = 0.0
    has_unknown = False
    for index, image in enumerate(images):
        context.checkpoint()
        note = tr("checking {index} of {total} images", index=index + 1, total=len(images))
        context.progress(index, len(images), note)
        try:
            pixels = decode_rgb(image.path)
        except ImageError:
            continue
        num_compared += 1
        (expected, expected_score), (exported, exported_score) = program(pixels), script.predict(pixels)
        if exported.shape != expected.shape:
            raise ExportError(
                tr(
                    "The exported model knows {num_classes} classes instead of {num_expected}.",
                    num_classes=exported.size,
                    num_expected=expected.size,
                ),
                tr("Nothing was kept. Please report this with the name of the backbone."),
            )
        # np.fmax would hide a NaN; a NaN must stay and fail the check.
        max_abs_diff = float(np.maximum(max_abs_diff, np.abs(expected - exported).max()))
        if not math.isnan(expected_score):
            has_unknown = True
            max_unknown_diff = float(np.maximum(max_unknown_diff, abs(expected_score - exported_score)))
        num_same_class += int(_same_classes(expected, exported, thresholds, limits.difference or 0.0))
        num_alike += int(_reads_alike(script, image.path, pixels))
        if image.shown is not None and _is_unchanged(image):
            num_shown += 1
            num_otherwise += int(not _same_classes(image.shown, exported, thresholds, SHOWN_MARGIN, has_margin=True))
    if not num_compared:
        raise ExportError(
            tr("None of the project's images can be read, so the exported model cannot be checked."),
            tr("Connect the drive that holds the images, or rescan the folder, then export again."),
        )
    return Parity(
        runtime,
        num_compared,
        num_same_class / num_compared,
        max_abs_diff,
        limits.difference,
        num_alike,
        num_shown,
        num_otherwise,
        max_unknown_diff if has_unknown else None,
        limits.agreement,
    )


def refuse_without_parity(parity: Parity, limits: Limits) -> None:
    """Raises ExportError unless the model decides as the program does, within the limits of its format."""
    assert parity.top1_agreement is not None
    assert parity.max_abs_diff is not None
    if limits.agreement < 1.0 and not parity.top1_agreement >= limits.agreement:
        raise ExportError(
            tr(
                "With numbers of this precision {agreement:.1f} % of {num_images} of your images get the same class as "
                "in the program; {least:.1f} % are needed.",
                agreement=100 * parity.top1_agreement,
                num_images=parity.num_images,
                least=100 * limits.agreement,
            ),
            tr("Nothing was kept. Take a format of full precision for this network: ONNX, for example."),
        )
    if parity.num_shown_otherwise > (1 - limits.agreement) * parity.num_shown:
        raise ExportError(
            tr(
                "For {num_otherwise} of {num_shown} images the window shows another class than this version of the "
                "model predicts.",
                num_otherwise=parity.num_shown_otherwise,
                num_shown=parity.num_shown,
            ),
            tr("Retrain, so that all predictions come from the same model, then export again."),
        )
    # All asked so that a NaN fails, too.
    is_alike = limits.difference is None or parity.max_abs_diff <= limits.difference
    if not (parity.top1_agreement >= limits.agreement and is_alike and np.isfinite(parity.max_abs_diff)):
        difference = decimal(parity.max_abs_diff, ".2g")
        if limits.difference is not None:
            difference = tr("{difference} ({limit:.2g} is allowed)", difference=difference, limit=limits.difference)
        raise ExportError(
            tr(
                "The exported model does not predict what the program predicts: on {num_images} of your images "
                "{agreement:.1f} % get the same class, and probabilities differ by up to {difference}.",
                num_images=parity.num_images,
                agreement=100 * parity.top1_agreement,
                difference=difference,
            ),
            tr("Nothing was kept. Retrain and export again, or choose another format; please report this."),
        )
    limit = limits.unknown_difference
    if parity.max_unknown_diff is None or limit is None or parity.max_unknown_diff <= limit:
        return
    raise ExportError(
        tr(
            "The exported model's unknown scores differ by up to {difference:.2g} from the program's ({limit:.2g} is "
            "allowed), on {num_images} of your images.",
            difference=parity.max_unknown_diff,
            limit=limit,
            num_images=parity.num_images,
        ),
        tr("Nothing was kept. Retrain and export again, or choose another format; please report this."),
    )


def _same_classes(
    expected: NDArray[np.floating[Any]],
    exported: NDArray[np.floating[Any]],
    thresholds: NDArray[np.float32] | None,
    margin: float,
    has_margin: bool = False,
) -> bool:
    """Tells whether both say the same class or classes.

    Several are compared threshold by threshold, those that lie within the margin of theirs left out; one class is
    compared exactly, or with `has_margin` so that another one may be best that was `margin` less likely at most.
    """
    if thresholds is None:
        best = int(exported.argmax())
        return bool(expected.max() - expected[best] <= margin) if has_margin else best == int(expected.argmax())
    is_other = (expected >= thresholds) != (exported >= thresholds)
    return not bool((is_other & (np.abs(expected - thresholds) > margin)).any())


def _is_unchanged(image: ParityImage) -> bool:
    """A picture edited after its prediction was made may rightly be another class now."""
    state = image.path.stat()
    return (state.st_size, state.st_mtime_ns) == (image.size_bytes, image.mtime_ns)


def _reads_alike(script: PredictScript, file: Path, pixels: NDArray[np.uint8]) -> bool:
    try:
        read = script.read_picture(file)
    except (OSError, ValueError, SyntaxError):  # what Pillow raises for what only our own decoder can read
        return False
    return bool(np.array_equal(read, pixels))
