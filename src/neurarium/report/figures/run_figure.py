"""One figure of what a run has learned: when there is something to see, and how it is drawn."""

from collections.abc import Callable
from dataclasses import dataclass

from neurarium.data.dataset import Dataset
from neurarium.report.drawn_types import Figure
from neurarium.report.render import slug
from neurarium.tasks.scores import Scores
from neurarium.training.run import Run


@dataclass(frozen=True)
class RunFigure:
    """A figure in a run's report.

    Attributes:
        name: unique; a spec asks for the figure by it (`NetSpec.figures`), and the file is called after it.
        caption: what there is to see, a sentence or two.
        applies: whether there is something to draw, of a run, its data as the net knows them, and its scores, which are
            missing where no example of the split was there to be measured.
        draw: of the same, and the name of the split.
        alone: whether it has a section of its own; others stand beside the numbers that they belong to.
    """

    name: str
    title: str
    caption: str
    applies: Callable[[Run, Dataset, Scores | None], bool]
    draw: Callable[[Run, Dataset, str, Scores | None], Figure]
    alone: bool = True

    @property
    def file(self) -> str:
        """Name of its file, without ending."""
        return slug(self.name)


def declared(run: Run, name: str) -> bool:
    """Whether the spec of the run's net asks for a figure."""
    return name in run.recipe.net.figures
