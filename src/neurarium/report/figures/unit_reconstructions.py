"""What comes back from the hidden units of a net of visible and hidden ones."""

from neurarium.data.dataset import Dataset
from neurarium.nets.expect import expect
from neurarium.nets.interfaces import DensityModel
from neurarium.report.drawn_types import Figure
from neurarium.report.figures.images import ROW, spread
from neurarium.report.figures.run_figure import RunFigure, declared
from neurarium.report.figures.unit_filters import are_gray, size_of
from neurarium.report.rbm_figures import reconstructions_figure
from neurarium.tasks.scores import Scores
from neurarium.training.run import Run

_NAME = "unit reconstructions"


def _applies(run: Run, data: Dataset, scores: Scores | None) -> bool:
    return declared(run, _NAME) and scores is not None and are_gray(data.schema)


def _draw(run: Run, data: Dataset, split: str, scores: Scores | None) -> Figure:
    net = expect(run.net, DensityModel, f"the figure {_NAME}")
    x = spread(getattr(data, split), ROW).x.to(run.device_config.device)
    return reconstructions_figure(net, x, size_of(data.schema))


FIGURE = RunFigure(
    name=_NAME,
    title="Reconstructions",
    caption="Examples that it has not learned from, and what comes back from its hidden units.",
    applies=_applies,
    draw=_draw,
)
