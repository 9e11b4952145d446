import dataclasses

import numpy as np
import torch

from neurarium.data.dataset import Dataset
from neurarium.nets.recurrent.recurrent_spec import RecurrentSpec
from neurarium.report.figures.transcripts import FIGURE, transcripts_figure
from neurarium.report.plotting import png

from ...tasks.small import SAID, spoken
from .conftest import MakeRun

WORDS = ("<blank>", "a", "$", " ")


def test_letters_stand_where_they_are_written() -> None:
    log_p = np.log(np.full((6, 4), 0.1))
    for t, k in enumerate((0, 1, 1, 0, 1, 2)):
        log_p[t, k] = np.log(0.7)
    figure = transcripts_figure([log_p], WORDS, ["aa$"], ["a$"])
    (axes,) = figure.axes
    assert [(text.get_position()[0], text.get_text()) for text in axes.texts] == [(1, "a"), (4, "a"), (5, "$")]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["–", "a", "$"]
    assert axes.get_title(loc="left") == "aa$   (said: a$)"
    assert png(figure).startswith(b"\x89PNG")


def test_of_a_run(fresh: MakeRun) -> None:
    examples = spoken(9, 1)
    data = Dataset("said", examples, examples, examples, SAID)
    run = fresh(RecurrentSpec(hidden=4), data)
    assert FIGURE.applies(run, data, None)
    figure = FIGURE.draw(run, data, "test", None)
    assert len(figure.axes) == 3
    steps = examples.lengths["time"]
    assert {int(axes.images[0].get_array().shape[1]) for axes in figure.axes} <= set(steps.tolist())
    assert int(figure.axes[0].images[0].get_array().shape[1]) >= int(torch.median(steps))
    assert dataclasses.asdict(run.recipe)["net"] == dataclasses.asdict(RecurrentSpec(hidden=4))
