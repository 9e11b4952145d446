"""What the last layer that makes maps makes of one image."""

from neurarium.data.dataset import Dataset
from neurarium.report.drawn_types import Figure
from neurarium.report.feature_maps import feature_maps_figure
from neurarium.report.figures.run_figure import RunFigure
from neurarium.report.figures.shown import makes_maps, shown
from neurarium.tasks.scores import Scores
from neurarium.training.run import Run


def _draw(run: Run, data: Dataset, split: str, scores: Scores | None) -> Figure:
    assert scores is not None
    some = shown(run, data, split, scores)
    return feature_maps_figure(run.net, some.x[-1], some.images[-1], ends=some.ends)


FIGURE = RunFigure(
    name="feature maps",
    title="Feature maps",
    caption="What the last convolutional layer makes of one example, channel by channel.",
    applies=makes_maps,
    draw=_draw,
)
