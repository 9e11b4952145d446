"""`neurarium compare RUN RUN...`: runs side by side."""

from collections.abc import Sequence
from pathlib import Path

import tyro

from neurarium.cli.parse import parse


def run(arguments: Sequence[str]) -> int:
    """Print the comparison and draw the curves."""
    return parse(compare, "compare", arguments)


def compare(folders: tyro.conf.Positional[tuple[Path, ...]], /, out: Path = Path("compare.png")) -> int:
    """Compare runs: what differs, scores, and overlaid learning curves.

    Args:
        folders: run folders, two or more.
        out: PNG file for the curves.
    """
    from rich.console import Console

    from neurarium import api
    from neurarium.checks import ConfigError
    from neurarium.record.run_record import read_record
    from neurarium.record.sealed import read_json
    from neurarium.report.curves import save_figure
    from neurarium.report.tables import comparison_table
    from neurarium.training.recipe import recipe_to_plain
    from neurarium.training.session import read_recipe

    if len(folders) < 2:
        raise ConfigError("runs", expected="two run folders or more", got=str(len(folders)))
    rows = []
    for folder in folders:
        scores = folder / "scores.json"
        rows.append(
            (
                str(folder),
                recipe_to_plain(read_recipe(folder)),
                read_record(folder / "record.jsonl"),
                read_json(scores, "the scores of a run", "remove it and evaluate anew") if scores.exists() else None,
            )
        )
    console = Console(highlight=False)
    console.print(comparison_table(rows))
    save_figure(api.compare(*folders), out)
    console.print(f"Curves: {out}")
    return 0
