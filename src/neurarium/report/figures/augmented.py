"""Training images as the net has seen them."""

from neurarium.data.dataset import Dataset
from neurarium.report.augmented import augmented_figure
from neurarium.report.drawn_types import Figure
from neurarium.report.figures.images import are_images
from neurarium.report.figures.run_figure import RunFigure
from neurarium.tasks.scores import Scores
from neurarium.training.run import Run


def _applies(run: Run, data: Dataset, scores: Scores | None) -> bool:
    return run.recipe.augmentation.active and are_images(data.schema) and data.train.random_access


def _draw(run: Run, data: Dataset, split: str, scores: Scores | None) -> Figure:
    return augmented_figure(run.recipe.augmentation, data, seed=run.recipe.seed)


FIGURE = RunFigure(
    name="augmented",
    title="Augmented examples",
    caption="It hardly saw the same example twice: on the left as they are, beside them some versions it learned from.",
    applies=_applies,
    draw=_draw,
)
