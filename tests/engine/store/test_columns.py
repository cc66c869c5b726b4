"""The columns at the size of a large project."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np

from engine.domain import NewImage, Source
from engine.project import Project
from engine.store.columns import look_up

NUM_IMAGES = 100_000


def test_columns_of_a_hundred_thousand_images_are_there_in_half_a_second(project: Project) -> None:
    root_id = project.add_root(Path("/nowhere"))
    new = [
        NewImage(f"{i:06d}.jpg".encode(), f"{i:032x}", i, i, 640, 480, 1, None if i % 2 else float(i))
        for i in range(NUM_IMAGES)
    ]
    ids = np.array(project.add_images(root_id, new))
    ok, rust = project.add_class("ok").result(), project.add_class("rust").result()
    pairs = [(int(image_id), rust.id if image_id % 3 else ok.id) for image_id in ids[::2]]
    project.label_many(pairs, Source.IMPORT, "import labels").result()
    seconds = []
    for _ in range(3):
        started = time.process_time()
        columns = project.columns()
        seconds.append(time.process_time() - started)
    assert min(seconds) < 0.5
    assert columns.image_ids.tolist() == ids.tolist()
    assert columns.names[-1] == "099999.jpg"
    expected = np.where(np.arange(NUM_IMAGES) % 2 == 0, np.where(ids % 3, rust.id, ok.id), 0)
    np.testing.assert_array_equal(columns.class_ids, expected)
    assert np.isnan(columns.taken_at[1::2]).all()
    np.testing.assert_array_equal(columns.taken_at[::2], np.arange(0, NUM_IMAGES, 2))


def test_columns_follow_the_filing_order_and_not_the_ids(project: Project) -> None:
    root_id = project.add_root(Path("/nowhere"))
    ids = project.add_images(root_id, [NewImage(f"{i}.jpg".encode(), f"{i}", i, i) for i in range(4)])
    project.store.call(lambda db: db.execute("UPDATE images SET position = 10 - position"))
    columns = project.columns()
    assert columns.image_ids.tolist() == ids[::-1]
    assert columns.names == ["3.jpg", "2.jpg", "1.jpg", "0.jpg"]
    assert [record.id for record in project.images()] == ids[::-1]


def test_an_empty_project_has_empty_columns(project: Project) -> None:
    columns = project.columns()
    assert len(columns) == 0
    assert columns.predicted_ids.dtype == np.int32
    assert project.snapshot().targets.shape == (0,)


def test_looking_up_takes_ids_in_any_order() -> None:
    found = look_up(np.array([5, 1, 9]), np.array([9, 5]), np.array([90, 50], np.int32), 0)
    assert found.tolist() == [50, 0, 90]
    assert found.dtype == np.int32
