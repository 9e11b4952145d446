"""What an auto-encoder makes of examples."""

from torch import Tensor

from neurarium.data.batch import Batch
from neurarium.data.dataset import Dataset
from neurarium.nets.expect import expect
from neurarium.nets.interfaces import Reconstructing
from neurarium.report.drawn_types import Figure
from neurarium.report.figures.images import ROW, are_drawable, ends_of, raw, spread
from neurarium.report.figures.run_figure import RunFigure, declared
from neurarium.report.samples import reconstructions_figure
from neurarium.tasks.reconstruction import Reconstruction
from neurarium.tasks.scores import Scores
from neurarium.tasks.task import tensor_of
from neurarium.training.run import Run

_NAME = "reconstructions"


def _applies(run: Run, data: Dataset, scores: Scores | None) -> bool:
    return declared(run, _NAME) and scores is not None and are_drawable(data.schema)


def _draw(run: Run, data: Dataset, split: str, scores: Scores | None) -> Figure:
    net, field = expect(run.net, Reconstructing, f"the figure {_NAME}"), data.schema.input
    x = spread(getattr(data, split), ROW).x
    rows = {"given": raw(x, field)}
    if net.corruption is not None:
        x = net.damaged(x.to(run.device_config.device))
        rows["damaged"] = raw(x, field)
    rows["reconstructed"] = raw(_through(run, x, data), field)
    title = f"Through a code of {net.code_size} numbers"
    return reconstructions_figure(rows, title, ends_of(rows["given"], field))


def _through(run: Run, x: Tensor, data: Dataset) -> Tensor:
    task = Reconstruction(data.schema.input)
    return tensor_of(run.model.run(task, Batch((x,), (), len(x))), task.name)


FIGURE = RunFigure(
    name=_NAME,
    title="Reconstructions",
    caption="Examples that it has not learned from, and what it makes of them: what is lost, it holds for unimportant.",
    applies=_applies,
    draw=_draw,
)
