"""`neurarium translate RUN "text"`: what a run writes for texts."""

from collections.abc import Sequence
from pathlib import Path

import tyro

from neurarium.cli.parse import parse


def run(arguments: Sequence[str]) -> int:
    """Translate and print."""
    return parse(translate, "translate", arguments)


def translate(
    folder: tyro.conf.Positional[Path],
    texts: tyro.conf.Positional[tuple[str, ...]] = (),
    /,
    file: Path | None = None,
    beams: int = 5,
    length_penalty: float = 1.0,
    longest: int = 200,
    alignment: Path | None = None,
    device: str | None = None,
) -> int:
    """Write an answer for each text, a line each.

    Args:
        folder: the run folder of a net that writes tokens, as of `neurarium train pronounce`.
        texts: what to translate.
        file: a .txt file with more of them, a line each.
        beams: beginnings that are kept at a time; 1: the likeliest token again and again.
        length_penalty: how strongly long answers are favored, at least 0.
        longest: tokens of an answer at most.
        alignment: a .png that shows what was looked at for each token written, for a net with attention.
        device: where to compute.
    """
    from rich.console import Console

    from neurarium import api
    from neurarium.checks import ConfigError
    from neurarium.data.text_lines import read_lines, tokens_of
    from neurarium.record.schema import Schema
    from neurarium.report.curves import save_figure
    from neurarium.report.figures.alignment import aligned, alignment_figure
    from neurarium.tasks.translation import Translation

    if alignment is not None and alignment.suffix != ".png":
        raise ConfigError("alignment", expected="a .png file", got=str(alignment))
    if not texts and file is None:
        raise ConfigError("texts", expected="at least one text, or --file FILE", got="none")
    trained = api.load(folder, device=device)
    task = trained.task(None)
    if not isinstance(task, Translation):
        expected = "a run of a net that writes tokens"
        remedy = f"neurarium predict {folder} FILE"
        raise ConfigError("run", expected=expected, got=f"one of the task {task.name}", remedy=remedy)
    schema = Schema(trained.schema.inputs)
    examples = [tokens_of(texts, [f"text {k + 1}" for k in range(len(texts))], schema)] if texts else []
    if file is not None:
        examples.append(read_lines([file], schema)[1])
    screen = Console(highlight=False, soft_wrap=True, markup=False)
    options = {"beams": beams, "length_penalty": length_penalty, "longest": longest}
    for some in examples:
        for answer in trained.predict(some, **options).labels:
            screen.print(answer)
    if alignment is not None:
        import torch

        first = examples[0].gather(torch.arange(min(4, len(examples[0]))))
        save_figure(alignment_figure(*aligned(trained, task, first, **options)), alignment)
        Console(stderr=True, highlight=False, soft_wrap=True).print(f"alignment written to {alignment}", markup=False)
    return 0
