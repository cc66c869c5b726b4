"""Runs whose features are the plain means go on predicting with those, while new trainings use more."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from engine.backbones import catalogue
from engine.nn.run_model import load_run_model
from engine.tasks.embed import ComputeEmbeddings, EmbedForActiveRun, open_source, source_of_run
from engine.tasks.train import retrain_jobs
from engine.tasks.train_snapshot import TrainSettings

KEY = "squeezenet1_1"


def test_an_older_run_predicts_as_before_until_the_next_training(
    make_project: Callable, steel: Path, run_job: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = make_project(steel)
    now = catalogue.CATALOGUE[KEY]
    with monkeypatch.context() as before:
        before.setitem(catalogue.CATALOGUE, KEY, now.without_spreads())
        for job in retrain_jobs(project, TrainSettings(KEY), embed_all=True):
            run_job(job)
    run = project.active_run()
    first = project.predictions(run)

    source, own = open_source(project, KEY), source_of_run(project, run)
    assert load_run_model(project.run_dir(run), project.folder).head.weight.shape[1] == 512
    assert (source.spec, own.spec) == (now, now.without_spreads())
    assert source.kind.key != own.kind.key

    run_job(ComputeEmbeddings(project, KEY))  # of the next training: not what the run's head takes
    run_job(EmbedForActiveRun(project, KEY))
    np.testing.assert_array_equal(project.predictions(run).probabilities, first.probabilities)

    for job in retrain_jobs(project, TrainSettings(KEY), embed_all=True):
        outcome = run_job(job)
    model = load_run_model(project.run_dir(outcome), project.folder)
    assert model.spec == now
    assert model.head.weight.shape == (3, now.embedding_size)
