"""How a net goes on with clips: the frames that were given, those that it foresees, and those that followed."""

from typing import TYPE_CHECKING

import torch
from jaxtyping import Float
from torch import Tensor

from neurarium.data.dataset import Dataset
from neurarium.report.figures.images import ends_of, raw, spread
from neurarium.report.figures.run_figure import RunFigure, declared
from neurarium.report.samples import reconstructions_figure
from neurarium.tasks.scores import Scores
from neurarium.tasks.task import Trainable, tensor_of
from neurarium.training.run import Run

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_NAME, _CLIPS, _MEASURED = "continuations", 3, 200

Given = Float[Tensor, "clips time channels height width"]
Following = Float[Tensor, "clips ahead channels height width"]


def copied(given: Given, ahead: int) -> Following:
    """The last frame, again and again."""
    return given[:, -1:].expand(-1, ahead, -1, -1, -1)


def straight_on(given: Given, ahead: int) -> Following:
    """Every pixel on the straight line through its last two values, x_T + k (x_T - x_(T-1))."""
    steps = torch.arange(1, ahead + 1, dtype=given.dtype).view(-1, 1, 1, 1)
    return given[:, -1:] + steps * (given[:, -1:] - given[:, -2:-1])


def _applies(run: Run, data: Dataset, scores: Scores | None) -> bool:
    if not declared(run, _NAME) or scores is None:
        return False
    seen, following = data.schema.input.shape, data.schema.target.shape
    return len(seen) == len(following) == 4 and seen[1:] == following[1:] and seen[1] in (1, 3) and (seen[0] or 0) > 1


def _draw(run: Run, data: Dataset, split: str, scores: Scores | None) -> "Figure":
    task, field, target = run.task(data), data.schema.input, data.schema.target
    assert isinstance(task, Trainable)
    batch = spread(getattr(data, split), _MEASURED)
    given, following = raw(batch.x, field), raw(batch.labels, target)
    said = raw(tensor_of(run.model.run(task, batch), task.name), target)
    plain = [f(given, following.shape[1]) for f in (copied, straight_on)]
    own, copy, line = (float((x - following).square().mean().sqrt()) for x in (said, *plain))
    ends, rows = ends_of(given, field), {}
    shown = torch.linspace(0, len(given) - 1, min(_CLIPS, len(given))).round().long()
    for number, k in enumerate(shown.tolist(), 1):
        rows[f"clip {number}, true"] = torch.cat([given[k], following[k]])
        rows[f"clip {number}, continued"] = torch.cat([torch.full_like(given[k], ends[1]), said[k]])
    title = f"RMSE {own:.3g}; of copying the last frame {copy:.3g}, of going straight on {line:.3g}"
    return reconstructions_figure(rows, title, ends)


FIGURE = RunFigure(
    name=_NAME,
    title="How clips go on",
    caption="Clips that it has not learned from. Below each, what the net foresees from the frames above the gap.",
    applies=_applies,
    draw=_draw,
)
