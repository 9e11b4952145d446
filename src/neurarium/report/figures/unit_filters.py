"""What hidden units look for in gray images, of a net of visible and hidden units."""

from neurarium.data.dataset import Dataset
from neurarium.nets.expect import expect
from neurarium.nets.interfaces import DensityModel
from neurarium.record.schema import Schema
from neurarium.report.drawn_types import Figure
from neurarium.report.figures.images import are_images
from neurarium.report.figures.run_figure import RunFigure, declared
from neurarium.report.rbm_figures import filters_figure
from neurarium.tasks.scores import Scores
from neurarium.training.run import Run

_NAME = "filters of units"


def are_gray(schema: Schema) -> bool:
    """Whether an example is one gray image, so that a visible unit is a pixel."""
    return are_images(schema) and schema.input.shape[0] == 1


def size_of(schema: Schema) -> tuple[int, int]:
    """Height and width of an image."""
    _, height, width = schema.input.fixed_shape
    return height, width


def _applies(run: Run, data: Dataset, scores: Scores | None) -> bool:
    return declared(run, _NAME) and are_gray(data.schema)


def _draw(run: Run, data: Dataset, split: str, scores: Scores | None) -> Figure:
    return filters_figure(expect(run.net, DensityModel, f"the figure {_NAME}"), size_of(data.schema))


FIGURE = RunFigure(
    name=_NAME,
    title="What hidden units look for",
    caption="The weights of hidden units as images: where a unit is on, it asks for what is blue and against what is "
    "orange.",
    applies=_applies,
    draw=_draw,
)
