"""One self-contained HTML page about a sweep."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from neurarium.record.files import write_atomic
from neurarium.report.plotting import png
from neurarium.report.render import Section, render
from neurarium.report.sweep import COLUMNS, row_of, sweep_figure
from neurarium.report.sweep_scores import SweptCell, tell_best

_SCORES = (
    "Mean ± standard deviation over the seeds, on the validation data. The best epoch is each run's own. Choosing "
    "the best epoch and the best cell by these numbers makes them look better than new data will: the test split, "
    "which a sweep does not touch, is for that."
)


def write_sweep_page(folder: Path, cells: Sequence[SweptCell], request: Mapping[str, Any], title: str) -> Path:
    """Write `report.html` into the folder of a sweep.

    Raises StorageError: the page cannot be written.
    """
    path = folder / "report.html"
    write_atomic(path, sweep_page(folder, cells, request, title))
    return path


def sweep_page(folder: Path, cells: Sequence[SweptCell], request: Mapping[str, Any], title: str) -> str:
    """Return the page about a sweep as HTML."""
    recipe, seeds, best = request["recipe"], request["seeds"], tell_best(cells)
    figure = png(sweep_figure(cells, seeds, title))
    first = recipe["seed"]
    asked = {"recipe": recipe["name"], "data": recipe["data"], "seeds": f"{first} to {first + seeds - 1}"}
    # a field of the grid stands in place of the recipe's
    asked |= {axis["field"]: ", ".join(map(str, axis["values"])) for axis in request["grid"]}
    again = [("Go on with it, if runs are missing", f"neurarium sweep {folder}")]
    curves = render("figure.html", words="", png=figure, about=f"Curves of {len(cells)} cells. {best}")
    rows = list(map(row_of, cells))
    scores = render("table.html", caption="Validation scores", columns=COLUMNS, rows=rows, below=_SCORES)
    return render(
        "page.html",
        kind="sweep",
        name=folder.resolve().name,
        lead=best,
        top="",
        sections=[
            Section("curves", "Curves", "Curves", curves),
            Section("cells", "Cells", "Cells", scores),
            Section("asked", "Settings", "What was asked for", render("facts.html", facts=asked.items())),
            Section("use", "Use it", "Use it", render("commands.html", lines=again)),
        ],
        source="the records of the runs",
    )
