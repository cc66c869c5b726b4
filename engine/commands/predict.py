"""`graft predict PROJECT|MODEL PATH...`: classifies image files, streamed, whatever their number."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from engine.commands.arguments import add_json_argument, add_model_argument
from engine.commands.console import Console, json_text, percent, plural
from engine.commands.projects import failed_images, open_project_or_model
from engine.domain import LabelMode
from engine.errors import ImageError, UsageError

if TYPE_CHECKING:
    from engine.events import Event, FilePrediction
    from engine.tasks.classify_files import ClassifiedFiles

_SPOOLED_BYTES: Final = 4_000_000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_model_argument(parser)
    parser.add_argument(
        "paths",
        nargs="+",
        metavar="PATH",
        help="images, folders of images, or patterns such as 'photos/**/*.jpg' (in quotes)",
    )
    parser.add_argument(
        "--recursive",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="images in sub-folders count too (default), or do not",
    )
    parser.add_argument(
        "--csv",
        type=Path,
        metavar="FILE",
        help="write image, class, confidence, unknown score, all probabilities and the version of the model; "
        "FILE.part until it is complete",
    )
    parser.add_argument(
        "--resume", action="store_true", help="go on with a table that was cut off, or to which images have been added"
    )
    parser.add_argument("--sorted-copies", type=Path, metavar="DIR", help="copy each image into DIR/<its class>/")
    parser.add_argument("--links", action="store_true", help="with --sorted-copies: links in place of copies")
    parser.add_argument(
        "--unsure-below",
        type=_share,
        default=0.0,
        metavar="P",
        help="with --sorted-copies: images with a lower confidence (0 to 1) go into DIR/unsure/",
    )
    add_json_argument(parser)


def run(arguments: argparse.Namespace, console: Console) -> None:
    from engine.exporters.sorted_files import Placing, SortPlan
    from engine.tasks.classify_files import ClassifyFiles

    if arguments.resume and arguments.csv is None:
        raise UsageError("--resume goes on with a table.", "Name it as well: --csv FILE.")
    if arguments.sorted_copies is None and (arguments.links or arguments.unsure_below):
        raise UsageError("--links and --unsure-below say how images are sorted.", "Name a folder: --sorted-copies DIR.")
    sorting = None
    if arguments.sorted_copies is not None:
        how = Placing.SYMBOLIC_LINK if arguments.links else Placing.COPY
        sorting = SortPlan(arguments.sorted_copies, how, arguments.unsure_below)
    with open_project_or_model(arguments.model) as model, _Speaker(console) as speaker:
        job = ClassifyFiles(
            model,
            arguments.paths,
            is_recursive=arguments.recursive,
            table=arguments.csv,
            is_resumed=arguments.resume,
            sorting=sorting,
        )
        result = console.run(job, speaker.on_event)
        speaker.end(result, arguments.resume)
    if result.num_done_before:
        console.say(f"{plural(result.num_done_before, 'image')} had a row in the table already.")
    if arguments.csv:
        console.say(f"{plural(result.num_classified, 'prediction')} written to {arguments.csv}.")
    if sorting is not None:
        what = "linked" if arguments.links else "copied"
        console.say(f"{plural(result.num_classified, 'image')} {what} into {sorting.folder}.")
    if result.failed and not result.num_classified and not result.num_done_before:
        name, reason = result.failed[0]
        raise ImageError(f"None of the images could be classified; the first is {name}: {reason}")


class _Speaker:
    """Tells what comes in, as it comes in. A JSON document is kept aside until it is whole, so half of one is never
    printed, however the work ends.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._document = tempfile.SpooledTemporaryFile(_SPOOLED_BYTES, "w+", encoding="utf-8")  # noqa: SIM115 (__exit__)
        self._has_entries = False

    def __enter__(self) -> _Speaker:
        return self

    def __exit__(self, *_: object) -> None:
        self._document.close()

    def on_event(self, event: Event) -> None:
        from engine.events import FilesClassified

        if isinstance(event, FilesClassified):
            for prediction in event.predictions:
                self._tell(prediction, event.class_names, event.mode)

    def end(self, result: ClassifiedFiles, is_resumed: bool) -> None:
        """Tells of the failures, and prints the document."""
        for name, reason in result.failed:
            self._console.say(f"cannot be read: {name}: {reason}")
        if not self._console.is_json:
            return
        rest = {"failed": failed_images(result.failed)}
        more = {"done_before": result.num_done_before} if is_resumed else {}
        start = "" if self._has_entries else '{"predictions": ['
        self._document.write(f"{start}], {json_text(rest | more)[1:]}\n")
        self._console.copy(self._document)

    def _tell(self, prediction: FilePrediction, class_names: tuple[str, ...], mode: LabelMode) -> None:
        from engine.tasks.classify_files import prediction_document
        from engine.tasks.prediction_table import classes_text

        if prediction.reason:
            return
        if self._console.is_json:
            before = ", " if self._has_entries else '{"predictions": ['
            self._document.write(before + json_text(prediction_document(prediction, class_names, mode)))
            self._has_entries = True
            return
        what = "unknown" if prediction.is_unknown else classes_text(prediction.classes, mode)
        self._console.say(f"{prediction.name}\t{what}\t{percent(prediction.confidence)}")


def _share(text: str) -> float:
    value = float(text)
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError("it is a share between 0 and 1")
    return value
