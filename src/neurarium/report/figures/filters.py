"""Filters of the first convolution of a classifier of images."""

from torch import nn

from neurarium.data.dataset import Dataset
from neurarium.report.drawn_types import Figure
from neurarium.report.figures.images import are_images
from neurarium.report.figures.run_figure import RunFigure
from neurarium.report.filters import filters_figure
from neurarium.tasks.scores import Scores
from neurarium.training.run import Run


def tells_images_apart(run: Run, data: Dataset, scores: Scores | None) -> bool:
    """Whether a net with filters gives each image one class."""
    if scores is None or "confusion" not in scores.details or not are_images(data.schema):
        return False
    return not data.schema.target.shape and has_filters(run.net)


def has_filters(net: nn.Module) -> bool:
    """Whether some weights are (filters, channels, height, width)."""
    tensors = (*net.named_parameters(), *net.named_buffers())
    return any(name.endswith(".weight") and tensor.ndim == 4 for name, tensor in tensors)


def _draw(run: Run, data: Dataset, split: str, scores: Scores | None) -> Figure:
    return filters_figure(run.net)


FIGURE = RunFigure(
    name="filters",
    title="Filters",
    caption="The first layer's filters: blue speaks for a unit, orange against it.",
    applies=tells_images_apart,
    draw=_draw,
)
