"""Steps that were made in one go of the hand are one thing to undo, and what else keys need of a project."""

from __future__ import annotations

from typing import Any

from engine.project import Project


def test_labels_of_one_stroke_are_undone_and_redone_together_also_after_opening_again(
    project: Project, file_images: Any
) -> None:
    ids = file_images(project, 5)
    rust, crack = project.add_class("rust").result(), project.add_class("crack").result()
    project.label(ids[:1], crack.id).result()
    for image_id in ids[1:4]:
        project.label([image_id], rust.id, stroke="a").result()
    project.label(ids[4:], rust.id, stroke="b").result()
    project.undo().result()
    assert project.can_undo() == "label 000003.jpg as rust and 2 more"
    project.close()
    with Project.open(project.folder) as project:
        change = project.undo().result()
        assert change is not None
        assert sorted(change.image_ids.tolist()) == ids[1:4]
        assert project.columns().class_ids.tolist() == [crack.id, 0, 0, 0, 0]
        assert [(step.text, step.is_undone) for step in project.steps(3)] == [
            ("label 000004.jpg as rust", True),
            ("label 000003.jpg as rust and 2 more", True),
            ("label 000000.jpg as crack", False),
        ]
        project.redo().result()
        assert project.columns().class_ids.tolist() == [crack.id, rust.id, rust.id, rust.id, 0]
        assert project.can_redo() == "label 000004.jpg as rust"


def test_two_classes_can_swap_their_keys_in_one_step(project: Project) -> None:
    one, two = project.add_class("one").result(), project.add_class("two").result()
    project.set_class_key(one.id, "2", swaps=True).result()
    assert [each.key for each in project.classes()] == ["2", "1"]
    project.undo().result()
    assert [each.key for each in project.classes()] == ["1", "2"]
    project.set_class_key(two.id, "1").result()
    assert [each.key for each in project.classes()] == [None, "1"]
