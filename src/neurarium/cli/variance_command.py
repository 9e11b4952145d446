"""`neurarium variance NAME|RUN`: the size of the signal in every layer, against theory."""

from collections.abc import Sequence
from pathlib import Path

import tyro

from neurarium.checks import ConfigError
from neurarium.cli.parse import parse
from neurarium.cli.subject import find_subject, seen_by_net


def run(arguments: Sequence[str]) -> int:
    """Print the table and draw the picture."""
    return parse(variance, "variance", arguments)


def variance(name: tyro.conf.Positional[str], /, examples: int = 256, out: Path = Path("variance.png")) -> int:
    """Push a batch through a net: mean square and variance of every layer, forwards and backwards, against theory.

    Args:
        name: a recipe (its first weights) or a run folder (its last).
        examples: number of training examples to push through.
        out: PNG file for the picture.
    """
    if examples < 1:
        raise ConfigError("examples", expected="an integer >= 1", got=str(examples))

    import torch
    from rich.console import Console

    from neurarium.learning.variance import variances
    from neurarium.report.curves import save_figure
    from neurarium.report.variance import variance_figure, variance_table

    subject = find_subject(name)
    chosen = torch.randperm(len(subject.dataset.train), generator=torch.Generator().manual_seed(0))[:examples]
    rows = variances(subject.net, seen_by_net(subject.task(), subject.batch(chosen.tolist())))
    console = Console(highlight=False)
    console.print(variance_table(rows))
    save_figure(variance_figure(rows, f"Size of the signal in {Path(name).name}"), out)
    console.print(f"Picture: {out}")
    return 0
