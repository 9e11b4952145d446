"""What a net that writes down what is said holds for likely at every step, and what it writes."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from jaxtyping import Float

from neurarium.data.dataset import Dataset
from neurarium.record.schema import BLANK
from neurarium.report.figures.run_figure import RunFigure
from neurarium.tasks.scores import Scores
from neurarium.tasks.task import tensor_of
from neurarium.tasks.transcription import Transcription
from neurarium.training.run import Run

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_SHOWN, _LOOKED_AT, _LOWEST = 3, 100, -8.0


def transcripts_figure(
    log_p: Sequence[Float[np.ndarray, "_ _"]],
    vocabulary: Sequence[str],
    answers: Sequence[str],
    truths: Sequence[str],
) -> "Figure":
    """Draw log-probabilities, a row a token and a column a step, one series under the other.

    Only tokens that are the likeliest at some step have a row. The darker, the likelier; a letter over a column marks
    the step at which it is written.
    """
    from neurarium.report import plotting

    kept = sorted({int(k) for one in log_p for k in one.argmax(1)})
    figure = plotting.new_figure(8.0, len(log_p) * (0.17 * len(kept) + 1.0) + 0.2)
    blank = vocabulary.index(BLANK)
    for n, (one, answer, truth) in enumerate(zip(log_p, answers, truths, strict=True)):
        axes = figure.add_subplot(len(log_p), 1, n + 1)
        shown = np.clip(one[:, kept].T / -_LOWEST + 1, 0, 1)
        axes.imshow(shown, cmap=plotting.SIGNED, vmin=-1, vmax=1, aspect="auto", interpolation="nearest")
        title = f"{answer or '(nothing)'}" + ("" if answer == truth else f"   (said: {truth})")
        plotting.style_axes(axes, "", "step", "")
        axes.set_title(title, loc="left", color=plotting.INK, fontsize=10, pad=14, parse_math=False)
        axes.grid(visible=False)
        axes.spines[:].set_visible(False)
        names = ["–" if k == blank else vocabulary[k].replace(" ", "␣") for k in kept]
        axes.set_yticks(range(len(kept)), names, fontsize=7, parse_math=False)
        path = one.argmax(1)
        for t, k in enumerate(path):
            if k != blank and (t == 0 or path[t - 1] != k):
                words = axes.text(t, -0.6, vocabulary[k], ha="center", va="bottom", fontsize=8, color=plotting.INK)
                words.set_parse_math(False)
    return figure


def _applies(run: Run, data: Dataset, scores: Scores | None) -> bool:
    return data.schema.targets != {} and data.schema.target.is_transcript


def _draw(run: Run, data: Dataset, split: str, scores: Scores | None) -> "Figure":
    task, examples = run.task(data), getattr(data, split)
    assert isinstance(task, Transcription)
    some = examples.gather(torch.arange(min(len(examples), _LOOKED_AT)))
    # neither the shortest, of which little is seen, nor the longest, in which nothing can be read
    middle = some.inputs[1].argsort(stable=True)[len(some) // 2 :][:_SHOWN].sort().values
    batch = examples.gather(middle)
    logits, lengths = tensor_of(run.model.run(task, batch), task.name), batch.inputs[1]
    rows = zip(logits.log_softmax(-1).cpu(), lengths.tolist(), strict=True)
    truths = [task.text([k for k in row if k >= 0]) for row in batch.labels.tolist()]
    answers = [task.text(row) for row in task.decode(logits, lengths)]
    return transcripts_figure([row[:n].numpy() for row, n in rows], task.vocabulary, answers, truths)


FIGURE = RunFigure(
    name="transcripts",
    title="What is heard when",
    caption=(
        "Log-probabilities of the tokens (rows) at each step (columns): the darker, the likelier; – is the "
        "blank. Letters stand where they are written."
    ),
    applies=_applies,
    draw=_draw,
)
