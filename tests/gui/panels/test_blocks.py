"""Block verification by `session.blocks`: pages of the surest suggestions, taking out, accepting, going on, undo."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import Qt

from engine.domain import NO_CLASS, Mark, Source, class_ids_of
from engine.evaluation.acceptance import BorneOut
from engine.evaluation.intervals import grouped
from gui.columns import has_open_suggestion

OK, RUST = 1, 2
NUM_OK, NUM_RUST = 10, 6


@pytest.fixture
def desk(open_desk: Any, make_images: Any) -> Any:
    """Sixteen images: ten suggested as ok, ever less sure; then six as rust. Pages of four."""
    made = open_desk(make_images(NUM_OK + NUM_RUST))
    made.add_classes("ok", "rust")
    made.session.run = SimpleNamespace(
        settings={}, id=1, unknown=None, validation=None, class_ids=[OK, RUST], mode="one", depth="full"
    )
    made.suggest(np.repeat([OK, RUST], [NUM_OK, NUM_RUST]), np.r_[np.linspace(0.99, 0.90, NUM_OK), np.full(6, 0.8)])
    made.session.blocks.set_page_size(4)
    return made


def positions(desk: Any, ids: np.ndarray) -> list[int]:
    return desk.session.rows_of(ids).tolist()


def class_ids(desk: Any) -> list[int]:
    return desk.session.columns.class_ids.tolist()


def test_a_page_holds_the_surest_of_one_class_and_acceptance_is_one_step_from_a_suggestion(desk: Any) -> None:
    blocks = desk.session.blocks
    blocks.start()
    assert (blocks.class_id, positions(desk, blocks.page_ids)) == (OK, [0, 1, 2, 3])
    assert [(item.name, count) for item, count in blocks.open_classes()] == [("ok", NUM_OK), ("rust", NUM_RUST)]
    blocks.accept()
    desk.wait_saved()
    assert class_ids(desk) == [OK] * 4 + [NO_CLASS] * 12
    assert desk.session.columns.accepted.tolist() == [True] * 4 + [False] * 12
    history = desk.session.project.history(int(blocks.page_ids[0]))
    assert history[-1].source is Source.SUGGESTION
    desk.session.undo()
    desk.wait_saved()
    assert class_ids(desk) == [NO_CLASS] * 16


def test_what_was_taken_out_stays_unlabelled_and_does_not_come_back_in_this_pass(desk: Any) -> None:
    blocks = desk.session.blocks
    blocks.start()
    taken_out = int(blocks.page_ids[1])
    blocks.toggle([taken_out])
    seen: list[int] = []
    while not blocks.is_over:
        seen += blocks.page_ids.tolist()
        blocks.accept()
        blocks.next_page()
    desk.wait_saved()
    assert len(seen) == len(set(seen)) == NUM_OK + NUM_RUST
    assert class_ids(desk) == [OK, NO_CLASS] + [OK] * 8 + [RUST] * 6
    assert blocks.set_aside().tolist() == [taken_out]
    assert (blocks.tally.num_accepted, blocks.tally.num_out) == (15, 1)
    assert blocks.num_refused() == 1
    blocks.start()
    assert blocks.why_not, "what was refused is not offered again in a later pass"


def refusals(desk: Any) -> list[list[int]]:
    return [class_ids_of(words) for words in desk.session.columns.refused_bits.tolist()]


def test_what_was_taken_out_is_refused_with_the_page_and_undone_and_done_again_with_it(desk: Any) -> None:
    blocks, session = desk.session.blocks, desk.session
    blocks.start()
    blocks.toggle(blocks.page_ids[1:3])
    first = int(blocks.page_ids[1])
    blocks.accept()
    assert refusals(desk)[:4] == [[], [OK], [OK], []]
    desk.wait_saved()
    assert refusals(desk)[:4] == [[], [OK], [OK], []]
    assert session.project.can_undo() == "accept 2 as ok, refuse 2"
    assert [entry.text for entry in session.project.history(first)] == ["not ok (refused)"]
    session.undo()
    desk.wait_saved()
    assert class_ids(desk) == [NO_CLASS] * 16
    assert not session.columns.refused_bits.any()
    session.redo()
    desk.wait_saved()
    assert class_ids(desk)[:4] == [OK, NO_CLASS, NO_CLASS, OK]
    assert refusals(desk)[:4] == [[], [OK], [OK], []]


def test_a_page_that_is_wrong_as_a_whole_is_refused_and_undo_brings_it_back(desk: Any) -> None:
    blocks = desk.session.blocks
    blocks.start(RUST)
    page = blocks.page_ids.tolist()
    blocks.toggle(page)
    blocks.accept()
    blocks.next_page()
    desk.wait_saved()
    assert refusals(desk)[10:] == [[RUST]] * 4 + [[]] * 2
    assert blocks.page_ids.tolist() != page
    desk.session.label(page[:1], OK)
    desk.wait_saved()
    assert refusals(desk)[10:] == [[]] + [[RUST]] * 3 + [[]] * 2
    desk.session.undo()
    desk.session.undo()
    desk.wait_saved()
    assert (blocks.page_ids.tolist(), blocks.page.out) == (page, set(page))
    assert not desk.session.columns.refused_bits.any()


def test_going_to_another_class_refuses_what_was_taken_out_and_leaving_the_pass_does_not(desk: Any) -> None:
    blocks = desk.session.blocks
    blocks.start()
    blocks.toggle(blocks.page_ids[:1])
    blocks.go_to_class(RUST)
    blocks.toggle(blocks.page_ids[:1])
    blocks.end()
    desk.wait_saved()
    assert [row for row, found in enumerate(refusals(desk)) if found] == [0]
    assert desk.session.project.can_undo() == "refuse 1 as ok"


def test_what_was_skipped_on_a_page_or_got_another_class_is_not_refused(desk: Any) -> None:
    blocks, session = desk.session.blocks, desk.session
    blocks.start()
    blocks.toggle(blocks.page_ids[:1])
    session.mark(blocks.page_ids[:1], Mark.SKIPPED, True)
    blocks.give(blocks.page_ids[1:2], RUST)
    blocks.accept()
    desk.wait_saved()
    assert class_ids(desk)[:4] == [NO_CLASS, RUST, OK, OK]
    assert not session.columns.refused_bits.any()


def test_a_refused_image_is_offered_for_another_class_and_not_for_the_refused_one(desk: Any) -> None:
    blocks = desk.session.blocks
    blocks.start()
    taken_out = int(blocks.page_ids[0])
    blocks.toggle([taken_out])
    blocks.accept()
    desk.wait_saved()
    columns = desk.session.columns
    row = desk.session.rows_of(np.array([taken_out]))
    assert not has_open_suggestion(columns, row)[0]
    desk.suggest(np.full(16, RUST), np.full(16, 0.7))
    assert has_open_suggestion(columns, row)[0]
    blocks.start()
    seen = []
    while not blocks.is_over:
        seen += blocks.page_ids.tolist()
        blocks.accept()
        blocks.next_page()
    assert taken_out in seen
    desk.wait_saved()
    assert not columns.refused_bits.any(), "it has a class now: nothing is refused of it any more"


def test_the_page_and_what_it_accepts_stay_when_the_suggestions_change_and_show_brings_the_new_ones(desk: Any) -> None:
    blocks = desk.session.blocks
    blocks.start(OK)
    page = blocks.page_ids.tolist()
    desk.session.run = SimpleNamespace(
        settings={}, id=2, unknown=None, validation=None, class_ids=[OK, RUST], mode="one", depth="full"
    )
    desk.suggest(np.r_[np.full(2, RUST), np.full(NUM_OK + NUM_RUST - 2, OK)], np.linspace(0.5, 0.99, 16))
    assert blocks.page_ids.tolist() == page
    assert blocks.is_model_newer
    blocks.accept()
    desk.wait_saved()
    assert class_ids(desk)[:4] == [OK] * 4
    blocks.next_page()
    assert positions(desk, blocks.page_ids) == [15, 14, 13, 12]
    assert not blocks.is_model_newer


def test_undo_brings_back_the_page_with_what_was_taken_out(desk: Any) -> None:
    blocks = desk.session.blocks
    blocks.start()
    page, taken_out = blocks.page_ids.tolist(), int(blocks.page_ids[3])
    blocks.toggle([taken_out])
    blocks.accept()
    blocks.next_page()
    desk.wait_saved()
    assert blocks.page_ids.tolist() != page
    desk.session.undo()
    desk.wait_saved()
    assert (blocks.page_ids.tolist(), blocks.page.out) == (page, {taken_out})
    assert blocks.tally.num_accepted == blocks.tally.num_out == 0


def test_another_class_is_given_at_once_by_hand_and_is_not_accepted_over(desk: Any) -> None:
    blocks = desk.session.blocks
    blocks.start()
    blocks.give(blocks.page_ids[:1], RUST)
    blocks.accept()
    desk.wait_saved()
    assert class_ids(desk)[:4] == [RUST, OK, OK, OK]
    assert desk.session.columns.accepted[:4].tolist() == [False, True, True, True]


def test_skipped_and_unknown_images_are_on_no_page(desk: Any) -> None:
    columns = desk.session.columns
    columns.marks[0] = Mark.SKIPPED
    columns.unknown_scores[1] = 0.999
    desk.session.blocks.start()
    assert positions(desk, desk.session.blocks.page_ids) == [2, 3, 4, 5]
    assert desk.session.blocks.num_left() == NUM_OK - 2


def test_all_above_a_confidence_are_one_step_without_those_taken_out(desk: Any) -> None:
    blocks = desk.session.blocks
    blocks.start()
    blocks.toggle(blocks.page_ids[:1])
    assert blocks.expected_above(0.945) == (4, None)
    assert blocks.accept_above(0.945) == 4
    desk.wait_saved()
    assert class_ids(desk)[:NUM_OK] == [0, OK, OK, OK, OK, 0, 0, 0, 0, 0]
    assert blocks.tally.num_unseen == 4
    desk.session.undo()
    desk.wait_saved()
    assert not any(class_ids(desk))


def test_expected_mistakes_are_those_borne_out_on_as_sure_predictions_and_unknown_with_few(desk: Any) -> None:
    blocks = desk.session.blocks
    blocks.start()
    is_right = np.arange(100) % 10 != 0
    measured = BorneOut(np.full(100, 0.97), np.full(100, OK), is_right, grouped(is_right))
    blocks._take_borne_out(measured)
    found = blocks.expected_mistakes()
    assert found.expected == pytest.approx(0.4)
    assert 1 <= found.at_most <= 3
    blocks._take_borne_out(
        BorneOut(measured.confidences[:9], measured.predicted[:9], is_right[:9], grouped(is_right[:9]))
    )
    assert blocks.expected_mistakes() is None


def test_nothing_is_offered_without_a_model_or_an_open_suggestion(desk: Any) -> None:
    blocks = desk.session.blocks
    desk.session.label(desk.session.columns.image_ids, OK)
    blocks.start()
    assert blocks.why_not
    assert not len(blocks.page_ids)
    desk.session.run = None
    blocks.start()
    assert "no model" in blocks.why_not
    desk.wait_saved()


def test_what_was_taken_out_of_a_page_counts_for_the_next_and_undo_takes_it_back(desk: Any) -> None:
    blocks = desk.session.blocks
    blocks.start()
    is_right = np.ones(100, np.bool_)
    blocks._take_borne_out(BorneOut(np.full(100, 0.97), np.full(100, OK), is_right, grouped(is_right)))
    before = blocks.expected_above(0.5)[1]
    blocks.toggle(blocks.page_ids[:3])
    blocks.accept()
    blocks.next_page()
    after = blocks.expected_mistakes()
    assert after.at_most / len(blocks.page_ids) > before.at_most / 10
    desk.wait_saved()
    desk.session.undo()
    desk.wait_saved()
    blocks.toggle(blocks.page_ids[:3])
    assert blocks.expected_above(0.5)[1] == before


def test_what_was_accepted_beyond_the_screen_counts_as_not_looked_at(
    desk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    session, grid = desk.session, desk.workspace.grid
    monkeypatch.setattr(grid, "visible_positions", lambda: range(4))
    grid.setFocus()
    grid.select_positions(np.arange(4), 0)
    desk.settle()
    desk.press(Qt.Key.Key_Space)
    grid.selectAll()
    desk.settle()
    desk.press(Qt.Key.Key_Space)
    desk.wait_saved()
    sources = session.project.label_sources()
    found = [sources[image_id] for image_id in session.columns.image_ids.tolist()]
    assert found == [Source.SUGGESTION] * 4 + [Source.UNSEEN] * 12
    assert session.columns.accepted.all()


def test_classes_with_a_single_suggestion_come_last(desk: Any) -> None:
    desk.add_classes("dent")
    desk.suggest(np.array([OK] * 4 + [RUST] + [3] * 11), np.full(16, 0.9))
    blocks, seen = desk.session.blocks, []
    blocks.start()
    while not blocks.is_over:
        seen.append(blocks.class_id)
        blocks.accept()
        blocks.next_page()
    desk.wait_saved()
    assert seen == [OK, 3, 3, 3, RUST]
