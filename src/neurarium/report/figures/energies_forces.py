"""Predicted energies and forces of molecules against the true ones."""

import torch
from torch import Tensor

from neurarium.data.dataset import Dataset
from neurarium.data.scaling import unscaled
from neurarium.report.drawn_types import Figure
from neurarium.report.figures.predictions import compared
from neurarium.report.figures.run_figure import RunFigure
from neurarium.tasks.energy_forces import EnergyForces
from neurarium.tasks.scores import Scores
from neurarium.training.run import Run

_MOST = 500  # molecules


def _applies(run: Run, data: Dataset, scores: Scores | None) -> bool:
    return scores is not None and scores.task == EnergyForces.name


def _draw(run: Run, data: Dataset, split: str, scores: Scores | None) -> Figure:
    from neurarium.report import plotting

    task, examples = run.task(data), getattr(data, split)
    assert isinstance(task, EnergyForces)
    index = torch.linspace(0, len(examples) - 1, min(_MOST, len(examples))).round().long().to(examples.device)
    pairs = list(run.model.answers(task, examples.select(index)))
    figure = plotting.new_figure(8.6, 4.4)
    plotting.suptitle(figure, "Predictions on molecules that it has not learned from")
    for k, (axes, name, field) in enumerate(
        zip(figure.subplots(1, 2), ("energy", "force, a component a point"), (task.energy, task.forces), strict=True)
    ):
        said, true = (
            unscaled(_column([part[k] for part in parts]), field).flatten().numpy()
            for parts in ([outputs for _, outputs in pairs], [batch.targets for batch, _ in pairs])
        )
        compared(axes, name, said, true, size=4.0 if k else 14.0)
    return figure


def _column(parts: list[Tensor]) -> Tensor:
    whole = torch.cat([part.cpu() for part in parts]).double()
    return whole if whole.ndim > 1 else whole[:, None]


FIGURE = RunFigure(
    name="energies and forces",
    title="Energies and forces",
    caption="Each point is a molecule, or a component of the force on an atom; on the line the prediction is right.",
    applies=_applies,
    draw=_draw,
)
