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
    split: Literal["test", "validation", "train"] | None = None,
    device: str | None = None,
) -> int:
    """Measure a run by what its net is for: accuracy, precision and recall of classes, errors of numbers, perplexity.

    Args:
        folder: the run folder.
        data: another data set of the same fields and classes; none: the run's own. A file or folder is scored whole,
            but for those that have a test part of their own.
        split: which part of the data; a file is then divided as for training. None: test, or the whole file.
        device: where to compute.
    """
    from rich.console import Console

    from neurarium import api
    from neurarium.report.tables import scores_table
    from neurarium.report.tasks.table import report_of

    trained = api.load(folder, device=device)
    scores = trained.evaluate(data or data_for(trained), split)
    tell((*trained.notices, *scores.notices))
    console = Console()
    measured = report_of(scores.task).measured_on(scores.to_plain())
    console.print(f"Scored on {measured} of {scores.data}", markup=False, highlight=False)
    console.print(scores_table(scores))
    tell(scores.warnings, "warning")
    return 0
