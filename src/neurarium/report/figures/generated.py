"""What a net makes of noise: images in a grid, points of the plane beside those of the data."""

from neurarium.data.dataset import Dataset
from neurarium.nets.expect import expect
from neurarium.nets.interfaces import Generative
from neurarium.record.schema import Schema
from neurarium.report.drawn_types import Figure
from neurarium.report.figures.images import are_drawable, ends_of, raw, spread
from neurarium.report.figures.run_figure import RunFigure, declared
from neurarium.report.format import percent
from neurarium.report.samples import points_figure, samples_figure
from neurarium.tasks.scores import Metric, Scores
from neurarium.training.run import Run

_NAME = "samples"
_IMAGES, _POINTS = 100, 2000


def _in_the_plane(schema: Schema) -> bool:
    return len(schema.inputs) == 1 and schema.input.shape == (2,)


def _applies(run: Run, data: Dataset, scores: Scores | None) -> bool:
    return declared(run, _NAME) and (are_drawable(data.schema) or _in_the_plane(data.schema))


def _draw(run: Run, data: Dataset, split: str, scores: Scores | None) -> Figure:
    net, field = expect(run.net, Generative, f"the figure {_NAME}"), data.schema.input
    if are_drawable(data.schema):
        made = raw(net.sample(_IMAGES), field)
        return samples_figure(made, f"{_IMAGES} examples made of noise", ends_of(made, field))
    made, real = raw(net.sample(_POINTS), field), raw(spread(data.train, _POINTS).x, field)
    note = "" if scores is None else ", ".join(f"{metric.name} {_short(metric)}" for metric in scores.metrics)
    return points_figure(real, made, "Data and generated points", note)


def _short(metric: Metric) -> str:
    return percent(metric.value, 1) if metric.unit == "%" else f"{metric.value:.3g}"


FIGURE = RunFigure(
    name=_NAME,
    title="Samples",
    caption="Made from noise alone. Where the same example comes again and again, the generator has collapsed.",
    applies=_applies,
    draw=_draw,
)
