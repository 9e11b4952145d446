"""The hyperplane of a perceptron among its examples, and its mistakes beside Novikoff's bound."""

import torch

from neurarium.data.dataset import Dataset
from neurarium.nets.expect import expect
from neurarium.nets.interfaces import Hyperplane
from neurarium.report.drawn_types import Figure
from neurarium.report.figures.run_figure import RunFigure, declared
from neurarium.report.perceptron_figure import hyperplane_figure
from neurarium.tasks.scores import Scores
from neurarium.training.run import Run

_NAME = "hyperplane"
_MOST_NUMBERS = 2**25  # in the examples, up to which a linear program tells whether a hyperplane separates them


def _applies(run: Run, data: Dataset, scores: Scores | None) -> bool:
    if not declared(run, _NAME) or not data.train.random_access:
        return False
    return len(data.train) * data.schema.input.size <= _MOST_NUMBERS


def _draw(run: Run, data: Dataset, split: str, scores: Scores | None) -> Figure:
    net = expect(run.net, Hyperplane, f"the figure {_NAME}")
    batch = data.train.gather(torch.arange(len(data.train), device=data.train.device)).to("cpu")
    mistakes = [round(entry["train"]["error"] * len(batch)) for entry in run.history]
    return hyperplane_figure(
        net.weight,
        net.bias.item(),
        mistakes,
        batch.x.flatten(1),
        batch.labels,
        "The perceptron's training examples",
        run.classes,
        data.schema.input.names if data.schema.input.size == 2 else (),
    )


FIGURE = RunFigure(
    name=_NAME,
    title="Hyperplane and mistakes",
    caption="Each mistake moves the hyperplane. Where one separates the classes, the number of mistakes has a bound.",
    applies=_applies,
    draw=_draw,
)
