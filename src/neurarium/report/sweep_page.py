"""One self-contained HTML page about a sweep."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from string import Template
from typing import Any

from neurarium.record.files import write_atomic
from neurarium.report.markup import commands, facts, paragraph, photograph, section, table, text
from neurarium.report.plotting import png
from neurarium.report.stylesheet import STYLE
from neurarium.report.sweep import COLUMNS, row_of, sweep_figure
from neurarium.report.sweep_scores import SweptCell, tell_best

_PAGE = Template("""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<title>$name: report of a sweep</title>
<style>$style</style>
</head>
<body>
<header>
<p class="over">neurarium, report of a sweep</p>
<h1>$name</h1>
<p class="lead">$lead</p>
</header>
<main>
$sections
</main>
<footer>Made by neurarium from the records of the runs. Everything on this page is inside this one file.</footer>
</body>
</html>
""")
_SCORES = (
    "Mean ± standard deviation over the seeds, on the validation data. The best epoch is each run's own. Choosing "
    "the best epoch and the best cell by these numbers makes them look better than new data will: the test split, "
    "which a sweep does not touch, is for that."
)


def write_sweep_page(folder: Path, cells: Sequence[SweptCell], request: Mapping[str, Any], title: str) -> Path:
    """Write `report.html` into the folder of a sweep.

    Args:
        folder: of the sweep.
        cells: what came out.
        request: what `sweep.toml` holds.
        title: over the picture.

    Raises:
        StorageError: the page cannot be written.
    """
    path = folder / "report.html"
    write_atomic(path, sweep_page(folder, cells, request, title))
    return path


def sweep_page(folder: Path, cells: Sequence[SweptCell], request: Mapping[str, Any], title: str) -> str:
    """Return the page about a sweep as HTML."""
    recipe, seeds = request["recipe"], request["seeds"]
    picture = png(sweep_figure(cells, seeds, title))
    first = recipe["seed"]
    asked = {"recipe": recipe["name"], "data": recipe["data"], "seeds": f"{first} to {first + seeds - 1}"}
    # a field of the grid stands in place of the recipe's
    asked |= {axis["field"]: ", ".join(map(str, axis["values"])) for axis in request["grid"]}
    again = [("Go on with it, if runs are missing", f"neurarium sweep {folder}")]
    parts = [
        section("curves", "Curves", [photograph(picture, f"Curves of {len(cells)} cells. {tell_best(cells)}")]),
        section("cells", "Cells", [table("Validation scores", COLUMNS, map(row_of, cells)), paragraph(_SCORES)]),
        section("asked", "What was asked for", [facts(asked.items())]),
        section("use", "Use it", [commands(again)]),
    ]
    return _PAGE.substitute(
        name=text(folder.resolve().name), style=STYLE, lead=text(tell_best(cells)), sections="\n".join(parts)
    )
