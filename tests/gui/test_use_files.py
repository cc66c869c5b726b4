"""The files of Use as arrays: what the model said, lists and orders, for one file and for a hundred thousand."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.domain import ImageClass, LabelMode
from engine.errors import ImageError
from engine.events import FilePrediction
from gui.use_files import Kind, State, UseFiles, UseOrder
from gui.use_model import UsedModel

CLASSES = (
    ImageClass(7, "ok", "#fff", "1", 0),
    ImageClass(3, "rust", "#f00", "2", 1),
    ImageClass(9, "dent", "#00f", "3", 2),
)


def model(mode: LabelMode = LabelMode.ONE) -> UsedModel:
    thresholds = (0.5, 0.5, 0.5) if mode is LabelMode.SEVERAL else ()
    return UsedModel(None, None, "m", "", "", "", Path("m"), CLASSES, (7, 3, 9), mode, thresholds, 0.95, True)  # type: ignore[arg-type]


def said(path: str, shares: tuple[float, ...], unknown: float = 0.1, reason: str = "") -> FilePrediction:
    return FilePrediction(Path(path), path, (), max(shares, default=0), False, unknown, shares, reason)


@pytest.fixture
def files() -> UseFiles:
    made = UseFiles()
    made.set_model(model())
    made.add([Path(f"/p/{name}.jpg") for name in "abcde"])
    made.take(
        [
            said("/p/a.jpg", (0.9, 0.05, 0.05)),
            said("/p/b.jpg", (0.3, 0.6, 0.1)),
            said("/p/c.jpg", (0.1, 0.1, 0.8), unknown=0.99),
            said("/p/d.jpg", (), reason="The file is damaged."),
        ]
    )
    return made


def names(files: UseFiles, kind: Kind = Kind.ALL, class_id: int = 0, order: UseOrder = UseOrder.ADDED) -> str:
    return "".join(files.paths[row].stem for row in files.listed(kind, class_id, order))


def test_each_list_holds_what_its_name_says(files: UseFiles) -> None:
    files.correct(np.array([1]), 7)
    assert {kind: names(files, kind) for kind in Kind} == {
        Kind.ALL: "abcde",
        Kind.UNSURE: "b",
        Kind.UNKNOWN: "c",
        Kind.NONE: "",
        Kind.FAILED: "d",
        Kind.CORRECTED: "b",
    }
    assert [names(files, class_id=item.id) for item in CLASSES] == ["a", "b", ""]
    counts = files.counts()
    assert [counts[item.id] for item in CLASSES] == [1, 1, 0]
    assert counts[Kind.ALL] == 5


def test_orders_put_what_waits_last(files: UseFiles) -> None:
    assert names(files, order=UseOrder.LEAST_SURE) == "bcade"
    assert names(files, order=UseOrder.MOST_SURE) == "acbde"
    assert names(files, order=UseOrder.STRANGEST)[0] == "c"
    assert names(files, order=UseOrder.CLASS)[:2] == "ab"
    assert names(files, order=UseOrder.NAME) == "abcde"


def test_a_file_is_in_the_list_once(files: UseFiles) -> None:
    assert len(files.add([Path("/p/a.jpg"), Path("/p/b.jpg"), Path("/p/new.jpg")])) == 1
    assert files.paths[-1].name == "new.jpg"
    assert names(files)[:5] == "abcde"


def test_another_model_forgets_what_was_said_and_keeps_what_was_corrected(files: UseFiles) -> None:
    files.correct(np.array([0]), 3)
    files.set_model(model())
    assert (files.states == State.WAITING).all()
    assert np.isnan(files.columns.confidences).all()
    assert files.columns.class_ids[0] == 3
    assert files.num_classified == 0


def test_a_file_that_could_not_be_read_may_be_tried_again(files: UseFiles) -> None:
    assert files.reasons[3] == "The file is damaged."
    files.wait_again(np.array([3]))
    files.take([said("/p/d.jpg", (0.2, 0.7, 0.1))])
    assert 3 not in files.reasons
    assert files.columns.predicted_ids[3] == 3


def test_where_images_have_several_classes_those_over_their_threshold_count() -> None:
    files = UseFiles()
    files.set_model(model(LabelMode.SEVERAL))
    files.take([said("/p/a.jpg", (0.9, 0.6, 0.1)), said("/p/b.jpg", (0.2, 0.3, 0.1))])
    assert [[CLASSES[at].name for at in files.class_rows(row)] for row in (0, 1)] == [["ok", "rust"], []]
    assert names(files, Kind.NONE) == "b"
    assert files.columns.confidences[0] == pytest.approx(0.9 * 0.6 * 0.9, abs=1e-5)


def test_an_answer_of_another_model_is_a_failure_and_no_crash(files: UseFiles) -> None:
    files.take([said("/p/e.jpg", (0.5, 0.5))])
    assert files.states[4] == State.FAILED


def test_a_list_that_was_emptied_has_no_files_for_the_loader() -> None:
    with pytest.raises(ImageError):
        UseFiles().record(1)


@given(
    st.lists(
        st.tuples(
            st.integers(0, 30), st.tuples(*[st.floats(0, 1, width=32)] * 3), st.floats(0, 1, width=32), st.booleans()
        ),
        max_size=60,
    )
)
def test_every_answered_file_is_in_exactly_one_list(answers: list[tuple[int, tuple[float, ...], float, bool]]) -> None:
    files = UseFiles()
    files.set_model(model())
    for number, shares, unknown, has_failed in answers:
        files.take([said(f"/p/{number}.jpg", () if has_failed else shares, unknown, "gone" if has_failed else "")])
    parts = [files.mask(Kind.UNKNOWN), files.mask(Kind.FAILED)]
    parts += [files.mask(Kind.ALL, item.id) for item in CLASSES]
    assert (np.sum(parts, axis=0) == 1).all() if len(files) else True
    assert files.num_classified == int((files.states == State.DONE).sum()) or any(each[3] for each in answers)
    for order in UseOrder:
        assert sorted(files.listed(Kind.ALL, 0, order).tolist()) == list(range(len(files)))


def test_a_hundred_thousand_files_are_listed_in_a_moment() -> None:
    """Each within a frame or two even on a busy machine; a loop over the files would take a hundred times as long."""
    files = UseFiles()
    files.set_model(model())
    files.add([Path(f"/p/{number}.jpg") for number in range(100_000)])
    rng = np.random.default_rng(0)
    files.states[:] = State.DONE
    files.columns.confidences[:] = rng.random(100_000, np.float32)
    files.columns.unknown_scores[:] = rng.random(100_000, np.float32)
    files.columns.predicted_ids[:] = rng.choice([7, 3, 9], 100_000)
    block = [said(f"/p/{number}.jpg", (0.1, 0.2, 0.7)) for number in range(64)]
    taken = {}
    for name, act in {
        "counts": files.counts,
        "take": lambda: files.take(block),
        "least sure": lambda: files.listed(Kind.ALL, 0, UseOrder.LEAST_SURE),
        "unknown": lambda: files.listed(Kind.UNKNOWN, 0, UseOrder.STRANGEST),
    }.items():
        times = []
        for _ in range(5):
            began = time.perf_counter()
            act()
            times.append(time.perf_counter() - began)
        taken[name] = min(times)
    assert max(taken.values()) < 0.1, taken
