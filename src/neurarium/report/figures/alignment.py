"""What a decoder looked at in its source while it wrote each token."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from jaxtyping import Float

from neurarium.data.batch import Batch
from neurarium.data.dataset import Dataset
from neurarium.nets.decoding import Aligning
from neurarium.nets.evaluating import evaluating
from neurarium.nets.expect import expect
from neurarium.report.figures.run_figure import RunFigure, declared
from neurarium.tasks.scores import Scores
from neurarium.tasks.translation import END, START, Translation
from neurarium.training.run import Run

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_NAME, _SHOWN, _LOOKED_AT, _LONGEST = "alignment", 4, 200, 20


def alignment_figure(
    alignments: Sequence[Float[np.ndarray, "_ _"]],
    sources: Sequence[Sequence[str]],
    written: Sequence[Sequence[str]],
) -> "Figure":
    """Draw some alignments side by side: a column a token that was read, a row a token that was written.

    The darker a cell, the more was looked at; each row sums to 1.
    """
    from neurarium.report import plotting

    sides = [(len(tokens), len(answer)) for tokens, answer in zip(sources, written, strict=True)]
    cell, columns = 0.27, min(2, len(sides))
    lines = -(-len(sides) // columns)
    width, height = max(w for w, _ in sides), max(h for _, h in sides)
    figure = plotting.new_figure(columns * (width * cell + 1.2), lines * (height * cell + 1.2) + 0.3)
    for k, (weights, tokens, answer) in enumerate(zip(alignments, sources, written, strict=True)):
        axes = figure.add_subplot(lines, columns, k + 1)
        axes.imshow(weights, cmap=plotting.SIGNED, vmin=-1, vmax=1, aspect="equal", interpolation="nearest")
        plotting.style_axes(axes, "", "read", "written")
        axes.grid(visible=False)
        axes.spines[:].set_visible(False)
        turned = 90 if max(map(len, tokens)) > 2 else 0
        axes.set_xticks(range(len(tokens)), tokens, fontsize=9, rotation=turned, parse_math=False)
        axes.set_yticks(range(len(answer)), answer, fontsize=9, parse_math=False)
    return figure


def aligned(
    run: Run, task: Translation, batch: Batch, **options: Any
) -> tuple[list[np.ndarray], list[list[str]], list[list[str]]]:
    """Alignments of the answers to a few sources, the tokens read, and those written with their end.

    Options are those of `Translation.decode`.
    """
    net = expect(run.net, Aligning, "alignments")
    answers = task.decode(run.model, batch, **options)
    start, end = task.vocabulary.index(START), task.vocabulary.index(END)
    longest = max(map(len, answers)) + 1
    given = torch.tensor([[start, *answer, *[end] * (longest - 1 - len(answer))] for answer in answers])
    there = batch.to(run.device_config.device)
    with evaluating(run.net), torch.inference_mode():
        weights = net.alignments(there.x, given.to(there.x.device), there.inputs[1]).float().cpu()
    words, lengths = run.schema.input.categories, batch.inputs[1].tolist()
    read = [[words[k] for k in row[:n]] for row, n in zip(batch.x.tolist(), lengths, strict=True)]
    written = [[*(task.vocabulary[k] for k in answer), "end"] for answer in answers]
    cut = [w[: len(a) + 1, :n].numpy() for w, a, n in zip(weights, answers, lengths, strict=True)]
    return cut, read, written


def _applies(run: Run, data: Dataset, scores: Scores | None) -> bool:
    return declared(run, _NAME) and isinstance(run.net, Aligning) and run.net.has_attention


def _draw(run: Run, data: Dataset, split: str, scores: Scores | None) -> "Figure":
    task, examples = run.task(data), getattr(data, split)
    assert isinstance(task, Translation)
    some = examples.gather(torch.arange(min(len(examples), _LOOKED_AT)))
    lengths = some.inputs[1]
    fitting = torch.where(lengths <= _LONGEST, lengths, 0)
    longest = fitting.argsort(descending=True, stable=True)[:_SHOWN].sort().values
    return alignment_figure(*aligned(run, task, examples.gather(longest)))


FIGURE = RunFigure(
    name=_NAME,
    title="Alignment",
    caption="What was looked at in the source (columns) while each token was written (rows): the darker, the more.",
    applies=_applies,
    draw=_draw,
)
