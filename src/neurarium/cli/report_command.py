"""`neurarium report RUN`: scores, figures and report of a run, made anew."""

from collections.abc import Sequence
from pathlib import Path

import tyro

from neurarium.cli.notices import tell
from neurarium.cli.parse import parse


def run(arguments: Sequence[str]) -> int:
    """Make the report and say where it lies."""
    return parse(report, "report", arguments)


def report(folder: tyro.conf.Positional[Path], /, device: str | None = None) -> int:
    """Measure a run on its own data and write scores, figures and report anew; of a run under way its curves.

    Args:
        folder: the run folder.
        device: where to compute.
    """
    from neurarium import api
    from neurarium.cli.outcome import tell_outcome

    remade = api.remake_report(folder, device=device)
    tell(remade.notices)
    return tell_outcome(remade)
