"""The Review workspace on a real project with a trained model, driven by mouse and keys."""

from __future__ import annotations

import dataclasses
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication, QWidget

from engine.commands.console import Console
from engine.commands.new import new
from engine.domain import NO_CLASS, LabelMode, Mark, Source
from engine.jobs import Engine
from engine.project import Project
from gui import review_picks
from gui.models.image_filter import ImageFilter, Order, Show

CLASSES = ("crazing", "inclusion", "patches", "scratches")
PER_CLASS, NUM_LABELLED = 16, 12
PLANTED = (("crazing", 0, "patches"), ("patches", 1, "scratches"), ("scratches", 2, "crazing"))
"""Images that are given a wrong class: their class, which of its images, and what it is called."""
Key = Qt.Key
CTRL, ALT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.AltModifier
LEFT = Qt.MouseButton.LeftButton


@pytest.fixture(scope="module")
def trained(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project of four kinds of steel with a model; twelve images of each are labelled, three of them wrongly."""
    from engine.tasks.train import TrainSettings, retrain_jobs

    images, folder = tmp_path_factory.mktemp("steel"), tmp_path_factory.mktemp("trained") / "project"
    for name in CLASSES:
        for index, file in enumerate(sorted((shared_data / "steel_neu" / name).iterdir())[:PER_CLASS]):
            shutil.copy(file, images / f"{name}_{index:02}{file.suffix}")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRAFT_DATA", str(tmp_path_factory.mktemp("user")))
        new(folder, images, False, Console(is_json=True))
        with Project.open(folder) as project:
            ids = {name: project.add_class(name).result().id for name in CLASSES}
            columns = project.columns()
            of_name = dict(zip((Path(name).stem for name in columns.names), columns.image_ids.tolist(), strict=True))
            wrong = {f"{name}_{index:02}": said for name, index, said in PLANTED}
            for name in CLASSES:
                for index in range(NUM_LABELLED):
                    stem = f"{name}_{index:02}"
                    project.label([of_name[stem]], ids[wrong.get(stem, name)]).result()
            engine = Engine()
            engine.start()
            handle = engine.submit_chain(retrain_jobs(project, TrainSettings(), embed_all=True))
            assert handle.wait(120)
            engine.shutdown(5.0)
            assert project.active_run() is not None
    return folder


@pytest.fixture
def reviewed(room: Any, trained: Path, tmp_path: Path) -> Any:
    """A window on a copy of that project, with Review in front and its figures there."""
    shutil.copytree(trained, tmp_path / "project")
    room.window.resize(1400, 900)
    room.open(tmp_path / "project")
    room.wait_for(lambda: len(room.session.columns) == PER_CLASS * len(CLASSES))
    room.press(Key.Key_2, ALT)
    room.wait_for(lambda: room.window.review.state.review is not None)
    room.qtbot.wait(30)
    return room


def settle(room: Any) -> None:
    room.wait_for(lambda: room.session.num_unsaved == 0)
    room.qtbot.wait(20)


def click_cell(room: Any, matrix: Any, true: int, said: int) -> None:
    where = matrix.picture().cell_rect((true, said)).center().toPoint()
    QTest.mouseClick(matrix.viewport(), LEFT, Qt.KeyboardModifier.NoModifier, where)
    room.qtbot.wait(20)


def worst_mistake(review: Any) -> tuple[int, int]:
    """Returns a cell with images off the diagonal."""
    off = review.metrics.confusion.copy()
    np.fill_diagonal(off, 0)
    true, said = np.unravel_index(off.argmax(), off.shape)
    assert off.any(), "the planted labels are mistakes"
    return int(true), int(said)


def label_place(room: Any) -> tuple[Any, ...]:
    """Returns everything that Label must remember."""
    workspace, session = room.window.workspace, room.session
    return (
        workspace.images.filter,
        workspace.images.order,
        workspace.images.rows.tolist(),
        workspace.grid.current_position(),
        workspace.grid.selected_positions().tolist(),
        workspace.grid.verticalScrollBar().value(),
        session.current_image_id,
        session.selected_ids.tolist(),
    )


def test_label_is_as_it_was_after_relabelling_in_review(reviewed: Any) -> None:
    room = reviewed
    workspace = room.window.workspace
    room.press(Key.Key_1, ALT)
    workspace.set_filter(ImageFilter(Show.LABELLED))
    workspace.set_order(Order.LEAST_CONFIDENT)
    workspace.grid.go_to(7)
    room.qtbot.wait(30)
    before = label_place(room)
    room.press(Key.Key_2, ALT)
    review = room.window.review
    click_cell(room, review.overview.matrix, *worst_mistake(review.state.review))
    room.press(Key.Key_1)
    settle(room)
    room.press(Key.Key_Z, CTRL)
    settle(room)
    room.press(Key.Key_1, ALT)
    room.qtbot.wait(30)
    assert workspace.isVisible()
    assert label_place(room) == before
    assert workspace.grid.hasFocus()


def test_the_figures_are_those_of_the_images_that_were_held_out(reviewed: Any) -> None:
    overview, review = reviewed.window.review.overview, reviewed.window.review.state.review
    assert review.metrics.num_images == NUM_LABELLED * len(CLASSES)
    unlabelled = (PER_CLASS - NUM_LABELLED) * len(CLASSES)
    assert f" of the {unlabelled} open images" in overview.headline.title.text()
    assert "measured on images the model had not seen" in overview.headline.below.text()
    table = overview.per_class.table.model()
    names = [table.index(row, 0).data() for row in range(table.rowCount())]
    assert sorted(names) == sorted(CLASSES)
    true, said = worst_mistake(review)
    number = int(review.metrics.confusion[true, said])
    assert overview.matrix.sentence(true, said).startswith(f"{number} image")
    assert "Weakest" in overview.per_class.weakest.text()


def test_a_cell_opens_its_images_worst_first_and_a_class_key_relabels_them_with_undo(reviewed: Any) -> None:
    room, review = reviewed, reviewed.window.review
    true, said = worst_mistake(review.state.review)
    click_cell(room, review.overview.matrix, true, said)
    wanted = review_picks.of_cell(review.state.review, true, said)
    assert review.images.isVisible()
    assert review.images.images.image_ids().tolist() == wanted.tolist()
    rows = [int(np.flatnonzero(review.state.review.image_ids == each)[0]) for each in wanted]
    sureness = review.state.review.confidences[rows]
    assert (np.diff(sureness) <= 0).all(), "the surest mistake first"
    assert review.images.grid.hasFocus()

    session = room.session
    given = int(session.columns.class_ids[session.row_of(int(wanted[0]))])
    other = session.classes[said]
    assert not review.stale_chip.isVisible()
    QTest.keyClicks(review.images.grid, other.key)
    settle(room)
    assert int(session.columns.class_ids[session.row_of(int(wanted[0]))]) == other.id
    room.wait_for(lambda: review.stale_chip.isVisible() and "1 label changed since" in review.stale_chip.text())
    room.press(Key.Key_Z, CTRL)
    settle(room)
    assert int(session.columns.class_ids[session.row_of(int(wanted[0]))]) == given
    room.wait_for(lambda: not review.stale_chip.isVisible())


def test_a_cell_can_be_opened_relabelled_and_left_by_keys_alone(reviewed: Any) -> None:
    room, review = reviewed, reviewed.window.review
    matrix = review.overview.matrix
    room.wait_for(matrix.hasFocus)
    true, said = matrix.current
    assert true != said, "the first cell is a mistake"
    step = Key.Key_Left if said else Key.Key_Right
    room.press(step)
    assert matrix.current == (true, said + (-1 if step == Key.Key_Left else 1))
    room.press(Key.Key_Right if step == Key.Key_Left else Key.Key_Left)
    room.press(Key.Key_Return)
    room.wait_for(review.images.grid.hasFocus)
    room.press(Key.Key_Escape)
    room.qtbot.wait(20)
    assert not review.images.isVisible()
    assert matrix.hasFocus()


def test_class_rows_and_points_of_confidence_open_their_images_mistakes_first(reviewed: Any) -> None:
    room, review = reviewed, reviewed.window.review
    table = review.overview.per_class.table
    QTest.mouseClick(table.viewport(), LEFT, Qt.KeyboardModifier.NoModifier, table.row_rect(2).center())
    found = review.state.review
    assert review.images.images.image_ids().tolist() == review_picks.of_class(found, 2).tolist()
    first = int(np.flatnonzero(found.image_ids == review.images.images.image_id(0))[0])
    assert found.probabilities[first].argmax() != found.targets[first]

    plot = review.overview.reliability.plot
    last = len(found.reliability) - 1
    review.overview.ensureWidgetVisible(plot)
    QTest.mouseClick(plot, LEFT, Qt.KeyboardModifier.NoModifier, plot.place_of(last).toPoint())
    assert sorted(review.images.images.image_ids()) == sorted(found.image_ids[found.reliability[last].rows])
    room.press(Key.Key_Escape)


def test_take_me_to_the_rest_shows_exactly_those_images_in_label_least_sure_first(reviewed: Any) -> None:
    room, headline = reviewed, reviewed.window.review.overview.headline
    headline.slider.setFocus()
    room.press(Key.Key_End)
    room.wait_for(lambda: "99.9 %" in headline.title.text() and headline.rest_button.isVisible())
    room.wait_for(lambda: not headline._count_timer.isActive())
    unlabelled = (PER_CLASS - NUM_LABELLED) * len(CLASSES)
    assert headline.rest_button.text() == f"Take me to the {unlabelled}", "so few labels cannot promise 99.9 %"
    assert not headline.accept_button.isVisible()
    room.click(headline.rest_button)
    workspace, columns = room.window.workspace, room.session.columns
    assert workspace.isVisible()
    shown = workspace.images.rows
    assert len(shown) == unlabelled
    assert (columns.class_ids[shown] == NO_CLASS).all()
    assert (np.diff(columns.confidences[shown]) >= 0).all()


def test_accepting_the_others_is_one_step_of_accepted_suggestions(reviewed: Any) -> None:
    room, headline = reviewed, reviewed.window.review.overview.headline
    headline.slider.setFocus()
    room.press(Key.Key_Home)
    room.wait_for(lambda: headline.accept_button.isVisible() and not headline._count_timer.isActive())
    session = room.session
    before = session.columns.class_ids.copy()
    told: list[str] = []
    room.window.review.notice_wanted.connect(lambda text, _small: told.append(text))
    number = len(headline._accepted_ids)
    assert number > 0
    assert "wrong" in headline.accept_button.toolTip()
    room.click(headline.accept_button)
    settle(room)
    changed = np.flatnonzero(session.columns.class_ids != before)
    assert len(changed) == number
    assert (session.columns.class_ids[changed] == session.columns.predicted_ids[changed]).all()
    sources = session.project.label_sources()
    assert {sources[int(each)] for each in session.columns.image_ids[changed]} == {Source.UNSEEN}
    assert told
    assert "wrong" in told[0]
    room.wait_for(lambda: not headline.accept_button.isVisible())
    room.press(Key.Key_Z, CTRL)
    settle(room)
    assert (session.columns.class_ids == before).all()


def test_at_every_precision_each_image_without_a_class_is_either_accepted_or_left_to_look_at(reviewed: Any) -> None:
    room, headline = reviewed, reviewed.window.review.overview.headline
    columns = room.session.columns
    unlabelled = set(columns.image_ids[columns.class_ids == NO_CLASS].tolist())
    for key in ("together", "each"):
        headline.scope.set_current(key)
        accepted_before = None
        for place in range(headline.slider.maximum() + 1):
            headline.slider.setValue(place)
            accepted, rest = set(headline._accepted_ids.tolist()), set(headline._rest_ids.tolist())
            assert accepted | rest == unlabelled
            said = headline.title.text()
            if accepted:
                share = re.search(r">([\d.]+) %</span> of the (\d+) open images", said)
                assert share is not None
                assert abs(float(share[1]) - 100 * len(accepted) / len(unlabelled)) <= 1
                assert int(share[2]) == len(unlabelled)
                assert headline.below.text().startswith(f"{len(accepted)} of {len(unlabelled)}: ")
                assert headline.accept_button.text().endswith(f" {len(accepted)}")
            else:
                assert said.startswith(("Nothing can be", "None of the"))
            number = "one" if len(rest) == 1 else len(rest)
            assert headline.rest_button.text() == f"Take me to the {number}"
            assert not accepted & rest
            assert accepted_before is None or accepted <= accepted_before, "more precision accepts no more images"
            accepted_before = accepted


def test_mistakes_shows_the_worst_cell_and_arrows_bring_the_images_of_others(reviewed: Any) -> None:
    room, review = reviewed, reviewed.window.review
    room.press(Key.Key_PageDown, CTRL)
    assert review.current_page == "mistakes"
    matrix = review.mistakes.matrix
    room.wait_for(matrix.hasFocus)
    assert review.images.isVisible()
    assert (
        review.images.images.image_ids().tolist() == review_picks.of_cell(review.state.review, *matrix.current).tolist()
    )
    room.press(Key.Key_Home)
    first = review_picks.of_cell(review.state.review, 0, 0).tolist()
    room.wait_for(lambda: review.images.images.image_ids().tolist() == first)
    assert matrix.hasFocus(), "the keyboard stays with the matrix"
    for at in range(review.mistakes.order.count()):
        review.mistakes.order.setCurrentIndex(at)
        review.mistakes.order.activated.emit(at)
        room.qtbot.wait(60)
        click_cell(room, matrix, 2, 2)
        assert review.images.images.image_ids().tolist() == review_picks.of_cell(review.state.review, 2, 2).tolist()


def test_enter_on_an_image_looks_at_it_closely_in_label(reviewed: Any) -> None:
    room, review = reviewed, reviewed.window.review
    review.open_class(0)
    room.press(Key.Key_Right)
    wanted = review.images.images.image_id(1)
    room.press(Key.Key_Return)
    room.wait_for(lambda: room.window.workspace.is_viewing)
    room.qtbot.wait(20)
    assert room.session.current_image_id == wanted


def planted_ids(session: Any) -> set[int]:
    stems = {f"{name}_{index:02}" for name, index, _ in PLANTED}
    return {
        int(image_id)
        for image_id, name in zip(session.columns.image_ids, session.columns.names, strict=True)
        if Path(name).stem in stems
    }


def test_suspects_are_accepted_and_dismissed_by_key_with_undo_and_stay_dismissed(reviewed: Any) -> None:
    room, review = reviewed, reviewed.window.review
    session, suspects = room.session, review.suspects
    assert planted_ids(session) & {each.image_id for each in suspects.faces}, "a planted mistake is suspected"
    review.show_page("suspects")
    room.wait_for(suspects.list.hasFocus)
    first = suspects._open[0]
    num = len(suspects.faces)
    room.press(Key.Key_A)
    settle(room)
    assert int(session.columns.class_ids[session.row_of(first.image_id)]) == first.suggested_id
    assert len(suspects.faces) == num - 1
    room.press(Key.Key_Z, CTRL)
    settle(room)
    assert [each.image_id for each in suspects.faces].count(first.image_id) == 1
    assert suspects._current().image_id == first.image_id

    room.press(Key.Key_D)
    room.wait_for(lambda: first.image_id in session.project.dismissed_suspects())
    assert first.image_id not in [each.image_id for each in suspects.faces]
    room.press(Key.Key_Z, CTRL)
    room.wait_for(lambda: first.image_id not in session.project.dismissed_suspects())
    assert suspects._current().image_id == first.image_id
    room.press(Key.Key_D)
    room.wait_for(lambda: first.image_id in session.project.dismissed_suspects())
    before = review.state.review
    review.state.refresh()
    room.wait_for(lambda: review.state.review is not before)
    assert first.image_id not in [each.image_id for each in suspects.faces]


def with_suspects(review: Any, suspects: list[Any]) -> Any:
    return dataclasses.replace(review, suspects=suspects)


def test_a_review_that_comes_while_suspects_are_decided_leaves_the_one_that_is_looked_at_in_front(
    reviewed: Any,
) -> None:
    room, review = reviewed, reviewed.window.review
    session, suspects = room.session, review.suspects
    review.show_page("suspects")
    room.wait_for(suspects.list.hasFocus)
    found = review.state.review
    likely = [dataclasses.replace(each, is_likely=True) for each in found.suspects]
    assert len(likely) >= 3
    newcomer, rest = likely[-1], likely[:-1]
    review.state.review = with_suspects(found, rest)
    review.state.changed.emit()
    room.press(Key.Key_Down)
    looked_at = suspects._current()
    assert looked_at.image_id == rest[1].image_id
    # A refit after an A: another suspect comes, before the one that is looked at; then that one is none any more.
    for newer in ([newcomer, *rest], [newcomer, rest[0], *rest[2:]]):
        review.state.review = with_suspects(found, newer)
        review.state.changed.emit()
        assert suspects._current().image_id == looked_at.image_id
        assert f"It is {session.class_by_id(looked_at.given_id).name}" == suspects.dismiss_button.text()
    room.press(Key.Key_D)
    room.wait_for(lambda: looked_at.image_id in session.project.dismissed_suspects())
    assert session.project.dismissed_suspects() == {looked_at.image_id}
    assert looked_at.image_id not in [each.image_id for each in suspects.faces]
    assert newcomer.image_id in [each.image_id for each in suspects.faces]


def test_what_was_dismissed_can_be_taken_back_after_new_suggestions_came(reviewed: Any) -> None:
    room, review = reviewed, reviewed.window.review
    session, suspects = room.session, review.suspects
    review.show_page("suspects")
    room.wait_for(suspects.list.hasFocus)
    first = suspects._current()
    room.press(Key.Key_D)
    room.wait_for(lambda: first.image_id in session.project.dismissed_suspects())
    session.rows_changed.emit(np.arange(3))  # as a refit says it
    before = session.columns.class_ids.copy()
    room.press(Key.Key_Z, CTRL)
    room.wait_for(lambda: first.image_id not in session.project.dismissed_suspects())
    settle(room)
    assert (session.columns.class_ids == before).all(), "no label was taken back instead"
    assert suspects._current().image_id == first.image_id


def test_neither_answer_to_a_suspect_is_the_default_and_a_correction_counts_as_made_by_hand(reviewed: Any) -> None:
    room, review = reviewed, reviewed.window.review
    suspects = review.suspects
    review.show_page("suspects")
    room.wait_for(suspects.list.hasFocus)
    assert suspects.accept_button.property("role") == suspects.dismiss_button.property("role")
    first = suspects._current()
    room.click(suspects.accept_button)
    settle(room)
    entry = room.session.project.history(first.image_id)[-1]
    assert entry.source is Source.HUMAN
    row = room.session.row_of(first.image_id)
    assert int(room.session.columns.class_ids[row]) == first.suggested_id


def test_a_new_model_brings_new_figures_and_the_place_stays(reviewed: Any) -> None:
    room, review = reviewed, reviewed.window.review
    session = room.session
    true, said = worst_mistake(review.state.review)
    click_cell(room, review.overview.matrix, true, said)
    wanted = session.columns.image_ids[session.columns.class_ids == NO_CLASS][:4]
    session.label(wanted, session.classes[0].id)
    settle(room)
    old, old_accuracy = review.state.review.run.id, review.state.review.metrics.accuracy
    with room.qtbot.waitSignal(session.run_changed, timeout=90_000):
        room.press(Key.Key_R, CTRL)
    room.wait_for(lambda: review.state.review is not None and review.state.review.run.id != old)
    assert review.state.review.metrics.num_images == NUM_LABELLED * len(CLASSES) + 4
    news = review.overview.honest.facts.text()
    assert news.startswith("Measured again (4 labels more): ")
    assert f"{100 * old_accuracy:.1f} % before" in news
    assert review.overview.matrix.current == (true, said)
    assert not review.stale_chip.isVisible()


@pytest.mark.parametrize("page", ["overview", "mistakes", "suspects"])
def test_every_control_of_a_page_has_a_name_and_every_button_says_what_it_does(reviewed: Any, page: str) -> None:
    review = reviewed.window.review
    review.show_page(page)
    review.open_class(0)
    reviewed.qtbot.wait(30)
    seen = [each for each in review.findChildren(QWidget) if each.isVisible()]
    nameless = [
        type(each).__name__
        for each in seen
        if each.focusPolicy() & Qt.FocusPolicy.TabFocus
        and not each.accessibleName()
        and not getattr(each, "text", str)()
    ]
    assert not nameless
    assert not [each.text() for each in seen if isinstance(each, QAbstractButton) and not each.toolTip()]


def test_the_actions_of_label_rest_while_review_is_in_front(reviewed: Any) -> None:
    actions = reviewed.window.action_set
    assert not actions["note"].isEnabled()
    assert actions["review"].isChecked()
    reviewed.press(Key.Key_1, ALT)
    assert actions["note"].isEnabled()
    assert actions["label"].isChecked()


def test_without_a_model_review_says_what_to_do(room: Any, tiny_images: Path, tmp_path: Path) -> None:
    room.create(tmp_path / "project")
    room.import_folder(tiny_images)
    room.press(Key.Key_2, ALT)
    review = room.window.review
    assert review._empty.isVisible()
    assert "Label some images" in review._empty._text.text()
    room.click(review._empty.button)
    assert room.window.workspace.isVisible()
    assert room.session.label_mode is LabelMode.ONE


def test_no_text_of_review_is_cut_off_in_the_smallest_window(reviewed: Any) -> None:
    room, review = reviewed, reviewed.window.review
    room.window.resize(1024, 700)
    room.qtbot.wait(50)
    overview = review.overview
    assert overview.horizontalScrollBar().maximum() == 0
    cards = (overview.headline, overview.honest, overview.per_class, overview.reliability, overview.learning)
    for card in cards:
        right = card.mapTo(overview.viewport(), QPoint(card.width(), 0)).x()
        assert right <= overview.viewport().width()
        assert card.height() >= card.minimumSizeHint().height()
    for button in (overview.headline.rest_button, overview.headline.accept_button):
        if button.isVisible():
            assert button.width() >= button.sizeHint().width()
    assert QApplication.focusWidget() is not None


@pytest.fixture(scope="module")
def trained_several(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Steel that has a kind and may be bright as well; most of it is labelled and confirmed, and a model is trained."""
    from engine.images.decode import decode_rgb
    from engine.tasks.train import TrainSettings, retrain_jobs

    images, folder = tmp_path_factory.mktemp("several"), tmp_path_factory.mktemp("trained") / "project"
    for name in ("crazing", "patches"):
        for index, file in enumerate(sorted((shared_data / "steel_neu" / name).iterdir())[:20]):
            shutil.copy(file, images / f"{name}_{index:02}{file.suffix}")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRAFT_DATA", str(tmp_path_factory.mktemp("user")))
        new(folder, images, False, Console(is_json=True), None, None, LabelMode.SEVERAL)
        with Project.open(folder) as project:
            ids = {name: project.add_class(name).result().id for name in ("crazing", "patches", "bright")}
            brightness = {image.id: float(decode_rgb(image.path).mean()) for image in project.images()}
            middle = float(np.median(list(brightness.values())))
            for image in project.images():
                if int(Path(image.name).stem[-2:]) < 17:
                    project.label([image.id], ids[Path(image.name).stem[:-3]]).result()
                    if brightness[image.id] > middle:
                        project.label([image.id], ids["bright"]).result()
                    project.mark([image.id], Mark.CONFIRMED, True).result()
            engine = Engine()
            engine.start()
            assert engine.submit_chain(retrain_jobs(project, TrainSettings(), embed_all=True)).wait(120)
            engine.shutdown(5.0)
            assert project.active_run() is not None
    return folder


def test_several_classes_have_average_precision_and_a_threshold_each_instead_of_a_matrix(
    room: Any, trained_several: Path, tmp_path: Path
) -> None:
    shutil.copytree(trained_several, tmp_path / "project")
    room.window.resize(1400, 900)
    room.open(tmp_path / "project")
    room.wait_for(lambda: len(room.session.columns) == 40)
    room.press(Key.Key_2, ALT)
    review = room.window.review
    room.wait_for(lambda: review.state.review is not None)
    found = review.state.review
    assert found.metrics is None
    assert not review.overview.confusion.isVisible()
    assert review.tabs.available_keys == ["overview", "mistakes", "map", "versions"]
    table = review.overview.per_class.table.model()
    titles = [table.headerData(at, Qt.Orientation.Horizontal) for at in range(table.columnCount())]
    assert titles == ["class", "average precision", "precision", "recall (95 %)", "from", "images"]
    index = next(at for at, name in enumerate(found.run.class_names) if name == "bright")
    review.open_class(index)
    shown = review.images.images.image_ids()
    rows = [int(np.flatnonzero(found.image_ids == each)[0]) for each in shown]
    is_wrong = found.present[rows, index] != found.suggested[rows, index]
    assert not is_wrong[int(is_wrong.sum()) :].any(), "mistakes first"
    before = int(np.bitwise_count(room.session.columns.class_bits).sum())
    assert review.images.grid.hasFocus()
    key = next(item.key for item in room.session.classes if item.name == "bright")
    QTest.keyClicks(review.images.grid, key)
    settle(room)
    assert abs(int(np.bitwise_count(room.session.columns.class_bits).sum()) - before) == 1


def test_mistakes_of_several_classes_are_counted_per_class_and_a_click_on_a_number_shows_just_those_images(
    room: Any, trained_several: Path, tmp_path: Path
) -> None:
    shutil.copytree(trained_several, tmp_path / "project")
    room.window.resize(1400, 900)
    room.open(tmp_path / "project")
    room.wait_for(lambda: len(room.session.columns) == 40)
    room.press(Key.Key_2, ALT)
    review = room.window.review
    room.wait_for(lambda: review.state.review is not None)
    room.press(Key.Key_PageDown, CTRL)
    assert review.current_page == "mistakes"
    found, page, view = review.state.review, review.mistakes.answers, review.mistakes.answers.table
    room.wait_for(lambda: view.model().rowCount() == 3)
    assert QApplication.focusWidget() is view
    assert review.images.title.endswith(", mistakes first")
    present, suggested = found.present, found.suggested
    model = view.model()
    titles = [model.headerData(at, Qt.Orientation.Horizontal) for at in range(model.columnCount())]
    assert titles == ["class", "found", "missed", "wrongly said", "precision", "recall (95 %)", "no is right"]
    picks = {"found": present & suggested, "missed": present & ~suggested, "wrongly said": ~present & suggested}
    for row, name in enumerate(found.run.class_names):
        for title, is_there in picks.items():
            cell = model.index(row, titles.index(title))
            assert cell.data() == str(is_there[:, row].sum())
            QTest.mouseClick(view.viewport(), LEFT, pos=view.visualRect(cell).center())
            assert review.images.title == f"{name}: {title}"
            assert sorted(review.images.images.image_ids()) == sorted(found.image_ids[is_there[:, row]])
        said_no = ~suggested[:, row]
        assert model.index(row, 6).data() == f"{100 * (~present[said_no, row]).mean():.1f}"
    view.setFocus()
    view.setCurrentIndex(model.index(0, 1))
    QTest.keyClick(view, Key.Key_Return)
    assert review.images.title == f"{found.run.class_names[0]}: found"
    together = page.together
    texts = [together.item(at).text() for at in range(together.count())]
    first = next(at for at, text in enumerate(texts) if text.startswith("crazing + bright"))
    both = present[:, 0] & present[:, 2]
    assert texts[first] == f"crazing + bright · {both.sum()}"
    QTest.mouseClick(together.viewport(), LEFT, pos=together.visualItemRect(together.item(first)).center())
    assert sorted(review.images.images.image_ids()) == sorted(found.image_ids[both])
