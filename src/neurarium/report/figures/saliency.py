"""Which pixels the answers of a classifier of images hang on."""

from neurarium.data.dataset import Dataset
from neurarium.report.drawn_types import Figure
from neurarium.report.figures.run_figure import RunFigure
from neurarium.report.figures.shown import makes_maps, shown
from neurarium.report.saliency import saliency_figure
from neurarium.tasks.scores import Scores
from neurarium.training.run import Run


def _draw(run: Run, data: Dataset, split: str, scores: Scores | None) -> Figure:
    assert scores is not None
    some = shown(run, data, split, scores)
    return saliency_figure(run.net, some.x, some.images, some.said, some.labels, ends=some.ends)


FIGURE = RunFigure(
    name="saliency",
    title="What speaks for the answer",
    caption="Which pixels the answer hangs on, by three methods, the most confident mistakes first. Such figures show "
    "what the net is sensitive to, not why.",
    applies=makes_maps,
    draw=_draw,
)
