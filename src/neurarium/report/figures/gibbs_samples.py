"""What a net of visible and hidden units holds for likely."""

from neurarium.data.dataset import Dataset
from neurarium.report.drawn_types import Figure
from neurarium.report.figures.run_figure import RunFigure, declared
from neurarium.report.figures.unit_filters import are_gray, size_of
from neurarium.report.rbm_figures import samples_figure
from neurarium.tasks.scores import Scores
from neurarium.training.run import Run

_NAME = "gibbs samples"


def _applies(run: Run, data: Dataset, scores: Scores | None) -> bool:
    return declared(run, _NAME) and are_gray(data.schema)


def _draw(run: Run, data: Dataset, split: str, scores: Scores | None) -> Figure:
    return samples_figure(run.net, size_of(data.schema))


FIGURE = RunFigure(
    name=_NAME,
    title="Samples",
    caption="Chains of Gibbs sampling begun at coin tosses: what the machine itself holds for likely.",
    applies=_applies,
    draw=_draw,
)
