"""`neurarium evaluate RUN`: scores of a trained net."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import tyro

from neurarium.cli.notices import tell
from neurarium.cli.parse import parse
from neurarium.cli.subject import data_for


def run(arguments: Sequence[str]) -> int:
    """Evaluate and print the scores."""
    return parse(evaluate, "evaluate", arguments)


def evaluate(
    folder: tyro.conf.Positional[Path],
    /,
    data: str | None = None,
    split: Literal["test", "validation", "train"] = "test",
    device: str | None = None,
) -> int:
    """Measure a run by what its net is for: accuracy, precision and recall of classes, errors of numbers, perplexity.

    Args:
        folder: the run folder.
        data: another data set of the same fields and classes; none: the run's own.
        split: which part of the data.
        device: where to compute.
    """
    from rich.console import Console

    from neurarium import api
    from neurarium.report.tables import scores_table

    trained = api.load(folder, device=device)
    scores = trained.evaluate(data_for(trained, data), split)
    tell(trained.notices)
    Console().print(scores_table(scores))
    return 0
