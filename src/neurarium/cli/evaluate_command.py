"""`neurarium evaluate RUN`: scores of a trained net."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import tyro

from neurarium.cli.parse import parse


def run(arguments: Sequence[str]) -> int:
    """Evaluate and print the scores."""
    return parse(evaluate, "evaluate", arguments)


def evaluate(
    folder: tyro.conf.Positional[Path],
    /,
    data: str | None = None,
    split: Literal["test", "development", "train"] = "test",
    device: str | None = None,
) -> int:
    """Measure a run: objective, accuracy, and precision, recall and F1 for each class.

    Args:
        folder: the run folder.
        data: another data set of the same shape and classes; none: the run's own.
        split: which part of the data.
        device: where to compute.
    """
    from rich.console import Console

    from neurarium import api
    from neurarium.report.tables import scores_table

    trained = api.load(folder, device=device)
    evaluation = trained.evaluate(api.load_data(data) if data else api.data_of(trained.recipe), split)
    console = Console()
    for notice in trained.notices:
        console.print(notice, style="yellow")
    console.print(scores_table(evaluation))
    return 0
