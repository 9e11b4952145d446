"""Patterns of a memory, damaged and recalled."""

import math
from collections.abc import Sequence

import torch

from neurarium.checks import ConfigError
from neurarium.data.dataset import Dataset
from neurarium.nets.connectionist.patterns import flip as turn
from neurarium.nets.expect import expect
from neurarium.nets.interfaces import Memory
from neurarium.report.drawn_types import Figure
from neurarium.report.figures.run_figure import RunFigure, declared
from neurarium.report.recall import recall_figure
from neurarium.tasks.recall import Recall
from neurarium.tasks.scores import Scores
from neurarium.training.run import Run

_NAME = "recall"


def memory_figure(net: Memory, rows: int = 5, flip: float = 0.25, seed: int = 0, names: Sequence[str] = ()) -> Figure:
    """Draw recalls of stored patterns: damaged image, steps, what was recalled, what was stored, energy.

    The channels of an image stand one below the other; a vector is an image of one row.

    Args:
        net: with patterns stored.
        rows: how many of them to draw, evenly spread over the memory; all where it holds fewer.
        flip: fraction of the units flipped before.
        seed: decides which units, and the order of updates.
        names: of all stored patterns, beside the rows; none: their numbers, from 1.
    Raises ConfigError: no row, `flip` outside [0, 1], or another count of names; DataError: nothing is stored.
    """
    kept = net.kept
    if rows < 1:
        raise ConfigError("rows", expected="an integer >= 1", got=str(rows))
    if names and len(names) != len(kept):
        raise ConfigError("names", expected=f"{len(kept)}, one a stored pattern", got=str(len(names)))
    chosen = torch.linspace(0, len(kept) - 1, min(rows, len(kept))).round().long().tolist()
    targets = kept[chosen]
    damaged = turn(targets, flip, torch.Generator().manual_seed(seed))
    found = net.recall(damaged, seed=seed, trace=True)
    size = math.prod(net.shape[:-1]), net.shape[-1]
    noun = "pattern" if len(kept) == 1 else "patterns"
    title = f"{len(kept):,} {noun} stored ({net.storage}), {100 * flip:g} % of the units flipped"
    beside = [names[row] if names else f"{row + 1:,}" for row in chosen]
    return recall_figure(found, targets, net.energy(targets), size, title, beside)


def _applies(run: Run, data: Dataset, scores: Scores | None) -> bool:
    return declared(run, _NAME)


def _draw(run: Run, data: Dataset, split: str, scores: Scores | None) -> Figure:
    net, task = expect(run.net, Memory, f"the figure {_NAME}"), run.task(data)
    return memory_figure(net, flip=task.flip if isinstance(task, Recall) else Recall().flip)


FIGURE = RunFigure(
    name=_NAME,
    title="Recall",
    caption="Some of the stored patterns, damaged and recalled: no state that is passed has more energy than before.",
    applies=_applies,
    draw=_draw,
)
