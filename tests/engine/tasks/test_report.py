"""The report on a real run of a real project, written to a file and by the command line."""

from __future__ import annotations

import base64
import io
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from engine.commands import cli
from engine.errors import AppError, ExportError, TrainingError
from engine.project import Project
from engine.tasks.report import WriteReport
from engine.tasks.train import TrainSettings, retrain_jobs

MakeProject = Callable[..., Project]
Run = Callable[..., object]
HOSTILE = "<script>alert('x')</script>"


@pytest.fixture
def trained(make_project: MakeProject, steel: Path, run_job: Run) -> Project:
    project = make_project(steel)
    by_name = {each.name: each.id for each in project.classes()}
    project.rename_class(by_name["patches"], HOSTILE).result()
    # One wrong label, so that there is a worst image.
    wrong = next(image for image in project.images() if image.name.startswith("crazing"))
    project.label([wrong.id], by_name["scratches"]).result()
    for job in retrain_jobs(project, TrainSettings("squeezenet1_1")):
        run_job(job)
    return project


def without_date(page: str) -> list[str]:
    return [line for line in page.splitlines() if 'class="date"' not in line]


def test_it_says_what_the_run_says(trained: Project, tmp_path: Path, run_job: Run) -> None:
    written = run_job(WriteReport(trained, tmp_path / "out" / "report.html"))
    page = written.file.read_text(encoding="utf-8")
    run = trained.active_run()
    assert written.size_bytes == len(page.encode())
    assert f"{100 * run.validation.accuracy:.1f} %" in page
    assert run.validation.method in page
    assert run.weights_hash in page
    assert run.labels_hash in page
    assert HOSTILE not in page
    assert "&lt;script&gt;" in page
    pictures = re.findall(r"data:image/jpeg;base64,([^\"]+)", page)
    assert pictures
    for each in pictures:
        assert max(Image.open(io.BytesIO(base64.b64decode(each))).size) <= 240


def test_the_same_run_and_labels_give_the_same_page_but_for_the_date(
    trained: Project, tmp_path: Path, run_job: Run
) -> None:
    first = run_job(WriteReport(trained, tmp_path / "a.html")).file.read_text(encoding="utf-8")
    second = run_job(WriteReport(trained, tmp_path / "b.html")).file.read_text(encoding="utf-8")
    assert without_date(first) == without_date(second)


def test_what_cannot_be_written_is_a_sentence(make_project: MakeProject, steel: Path, trained: Project, tmp_path: Path,
                                              run_job: Run) -> None:  # fmt: skip
    with pytest.raises(ExportError, match="not the name of a page"):
        run_job(WriteReport(trained, tmp_path / "report.pdf"))
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    with pytest.raises(AppError):
        run_job(WriteReport(trained, blocked / "report.html"))
    assert blocked.read_text() == "in the way"


def test_without_a_model_it_says_so(make_project: MakeProject, steel: Path, tmp_path: Path, run_job: Run) -> None:
    with pytest.raises(TrainingError, match="no trained model"):
        run_job(WriteReport(make_project(steel), tmp_path / "report.html"))


def test_the_command_writes_it(trained: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = trained.folder
    trained.close()
    assert cli.run(["report", str(folder), "--to", str(tmp_path / "r.html"), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert Path(document["file"]).stat().st_size == document["size_bytes"]
    assert cli.run(["report", str(folder), "--to", str(tmp_path / "r.txt")]) == 1
    assert "ends in .html" in capsys.readouterr().err


def test_images_with_several_classes_have_a_report_too(
    make_project: MakeProject, steel: Path, tmp_path: Path, run_job: Run
) -> None:
    from engine.domain import LabelMode, Mark

    project = make_project(steel)
    project.set_label_mode(LabelMode.SEVERAL).result()
    ids = [image.id for image in project.images()]
    dark = project.add_class("dark & <b>deep</b>").result()
    project.label(ids[::3], dark.id).result()
    project.mark(ids, Mark.CONFIRMED, True).result()
    for job in retrain_jobs(project, TrainSettings("squeezenet1_1")):
        run_job(job)
    page = run_job(WriteReport(project, tmp_path / "report.html")).file.read_text(encoding="utf-8")
    assert "Mean average precision" in page
    assert "<b>deep</b>" not in page
    assert re.search(r"<b>crazing, dark &amp; &lt;b&gt;deep|was called <b>", page)
    assert 'class="matrix"' not in page
